"""Weights in proportion to market capitalisation."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.family import Family
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import Strategy
from waardhaven.domain.index.windows import normalised
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketCapParams:
    """Market cap has no parameters."""


def weigh(_: MarketCapParams, signals: Signals) -> Floats:
    """Return cap / total cap of the eligible names with a known cap, (r, k); none known: a zero row."""
    known = signals.eligible & np.isfinite(signals.market_cap)
    return normalised(np.where(known, signals.market_cap, 0.0))


STRATEGY = Strategy(
    name="market_cap",
    title="Market capitalisation",
    description=(
        "Weights in proportion to shares outstanding times price on the selection day. A name whose "
        "market cap is unknown is left out and flagged."
    ),
    params=MarketCapParams,
    lookback=lambda _: 0,
    weigh=weigh,
    figures=lambda _, signals: {"market_cap": signals.market_cap},
    uses_market_cap=lambda _: True,
    family=Family.CAP_WEIGHTED,
)
