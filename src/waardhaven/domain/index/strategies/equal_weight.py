"""Every eligible name the same weight."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import Strategy
from waardhaven.domain.index.windows import normalised
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualWeightParams:
    """Equal weight has no parameters."""


def weigh(_: EqualWeightParams, signals: Signals) -> Floats:
    """Return 1 / (number of eligible names) for each of them, (r, k)."""
    return normalised(signals.eligible.astype(np.float64))


STRATEGY = Strategy(
    name="equal_weight",
    title="Equal weight",
    description="Every eligible name gets the same weight. Needs no price history.",
    params=EqualWeightParams,
    lookback=lambda _: 0,
    weigh=weigh,
)
