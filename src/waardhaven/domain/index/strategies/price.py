"""Weights in proportion to price: one unit of every name."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.family import Family
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import Strategy
from waardhaven.domain.index.windows import normalised
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceParams:
    """Price weighting has no parameters."""


def weigh(_: PriceParams, signals: Signals) -> Floats:
    """Return price / sum of prices of the eligible names, in index currency, (r, k).

    Equal units of every name (S&P DJI, *Index Mathematics Methodology*, "Price Weighted Indices").
    """
    return normalised(np.where(signals.eligible, signals.price, 0.0))


STRATEGY = Strategy(
    name="price",
    title="Price weight",
    description=(
        "One unit of every eligible name: weights in proportion to price in index currency on the "
        "selection day."
    ),
    params=PriceParams,
    lookback=lambda _: 0,
    weigh=weigh,
    figures=lambda _, signals: {"price": signals.price},
    family=Family.PRICE_WEIGHTED,
)
