"""A weighted mix of other strategies."""

from dataclasses import dataclass, replace

import numpy as np

from waardhaven.domain.index.limits import Limits
from waardhaven.domain.index.strategies.parameters import parameter
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import BoundStrategy, Component, Strategy
from waardhaven.domain.index.windows import normalised
from waardhaven.domain.types import Floats

THREE_WAY = (
    {"strategy": "momentum", "weight": 0.4},
    {"strategy": "market_cap", "weight": 0.3},
    {"strategy": "inverse_volatility", "weight": 0.3},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleeve:
    """A share of the blend and the strategy that spends it; the registry binds the strategy."""

    weight: float
    strategy: BoundStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendParams:
    """The sleeves of a blend; their weights sum to 1 within 0.001."""

    sleeves: tuple[Sleeve, ...] = parameter(
        THREE_WAY,
        minimum=0.0,
        maximum=1.0,
        doc="List of {strategy, weight, params}; the weights sum to 1 (within 0.001).",
    )

    @property
    def active(self) -> tuple[Sleeve, ...]:
        """The sleeves with a weight above 0, the only ones computed."""
        return tuple(sleeve for sleeve in self.sleeves if sleeve.weight > 0.0)


def weigh(params: BlendParams, signals: Signals) -> Floats:
    """Return the sum of sleeve weight x sleeve's weights, scaled to 1, (r, k).

    A sleeve that can weigh nothing leaves its share to the others in proportion. Limits belong to the
    whole index, so no sleeve sees them: a sleeve of few names may exceed what the blend keeps.
    """
    total = np.zeros(signals.eligible.shape)
    free = replace(signals, limits=Limits.free(len(signals.assets)))
    for sleeve in params.active:
        total += sleeve.weight * sleeve.strategy.weigh(free)
    return normalised(total)


def components(params: BlendParams, signals: Signals) -> tuple[Component, ...]:
    """Return the sleeves that are computed, which see no limits."""
    free = replace(signals, limits=Limits.free(len(signals.assets)))
    return tuple(Component(share=one.weight, strategy=one.strategy, signals=free) for one in params.active)


STRATEGY = Strategy(
    name="blend",
    title="Blend",
    description=(
        "Mixes other strategies by fixed shares. A sleeve that can weigh nothing on a selection day "
        "leaves its share to the others in proportion."
    ),
    params=BlendParams,
    lookback=lambda params: max(sleeve.strategy.lookback for sleeve in params.active),
    weigh=weigh,
    components=components,
    uses_market_cap=lambda params: any(sleeve.strategy.uses_market_cap for sleeve in params.active),
)
