"""Weights in proportion to positive momentum."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.strategies.parameters import parameter
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import Strategy
from waardhaven.domain.index.windows import normalised
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentumParams:
    """Window and entry threshold of the momentum signal."""

    lookback: int = parameter(20, minimum=1, maximum=252, doc="Sessions over which the return is measured.")
    threshold: float = parameter(
        0.0, minimum=0.0, maximum=10.0, doc="Names with a return at or below it (a fraction) are left out."
    )


def weigh(params: MomentumParams, signals: Signals) -> Floats:
    """Return momentum / total momentum of the names above the threshold, (r, k).

    No name above it: equal weight over the eligible names with a full window. A name without a full
    window of returns is left out; nothing with one: a zero row.
    """
    momentum = signals.growth(params.lookback)
    known = signals.eligible & np.isfinite(momentum)
    kept = known & (momentum > params.threshold)
    none_kept = ~kept.any(axis=1)
    weights = np.where(kept, momentum, 0.0)
    weights[none_kept] = known[none_kept]
    return normalised(weights)


STRATEGY = Strategy(
    name="momentum",
    title="Momentum",
    description=(
        "Weights in proportion to the return over the lookback, for names whose return is above the "
        "threshold. If there is none, every name with a full window gets the same weight."
    ),
    params=MomentumParams,
    lookback=lambda params: params.lookback,
    weigh=weigh,
)
