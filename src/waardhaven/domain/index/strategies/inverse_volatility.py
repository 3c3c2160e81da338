"""Risk parity in its simple form: weights in proportion to 1 / volatility."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.strategies.parameters import parameter
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import Strategy
from waardhaven.domain.index.windows import normalised
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class InverseVolatilityParams:
    """Window of the volatility estimate."""

    lookback: int = parameter(
        60, minimum=2, maximum=756, doc="Sessions over which the sample deviation (ddof 1) is measured."
    )


def weigh(params: InverseVolatilityParams, signals: Signals) -> Floats:
    """Return (1 / volatility) / total over the eligible names with a full window, (r, k).

    A name without any movement is left out (a dead price is no sign of safety); if no name moved, all
    with a full window get the same weight; nothing with one: a zero row.
    """
    volatility = signals.volatility(params.lookback)
    known = signals.eligible & np.isfinite(volatility)
    moving = known & (volatility > 0.0)
    none_moving = ~moving.any(axis=1)
    weights = np.divide(1.0, volatility, out=np.zeros_like(volatility), where=moving)
    weights[none_moving] = known[none_moving]
    return normalised(weights)


STRATEGY = Strategy(
    name="inverse_volatility",
    title="Inverse volatility",
    description=(
        "Weights in proportion to 1 / volatility of session returns. A name whose price does not move "
        "is left out; if none moves, every name with a full window gets the same weight."
    ),
    params=InverseVolatilityParams,
    lookback=lambda params: params.lookback,
    weigh=weigh,
    figures=lambda params, signals: {"volatility": signals.volatility(params.lookback)},
)
