"""Prices as the engine uses them: in index currency, last known values carried, their age kept."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from waardhaven.domain.market.calendar import last_known
from waardhaven.domain.market.prices import PricePanel
from waardhaven.domain.types import Flags, Floats, Rows

NEVER = np.iinfo(np.int16).max
"""Age of a price that was never known (real ages stop one below)."""
CHUNK = 64
"""Columns filled at a time, to bound memory."""

Ages = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedPrices:
    """Last known prices (n, k) in index currency, C order.

    ``price``: last close at or before the day x that day's rate; 0 where none is known yet, so that
    holding nothing adds exactly nothing. ``age`` (n, k) int16: sessions since that close, NEVER where
    none is known; None when every bar exists.
    """

    price: Floats
    age: Ages | None

    @classmethod
    def of(cls, panel: PricePanel, fx: Floats) -> Self:
        """Carry closes and rates forward; ``fx`` (n, k) NaN where no rate is known."""
        gaps = np.isnan(panel.close).any(axis=0) | np.isnan(fx).any(axis=0)
        if not gaps.any():
            price = panel.close if (fx == 1.0).all() else panel.close * fx
            return cls(price=np.ascontiguousarray(price), age=None)
        price = panel.close * fx
        age = np.zeros(price.shape, dtype=np.int16)
        columns = np.flatnonzero(gaps)
        for some in np.array_split(columns, -(-len(columns) // CHUNK)):
            price[:, some], age[:, some] = _carried(panel.close[:, some], fx[:, some])
        return cls(price=price, age=age)

    def known(self, rows: Rows | slice, limit: int) -> Flags:
        """Tell where on ``rows`` a price is known and at most ``limit`` sessions old."""
        if self.age is None:
            return np.ones(self.price[rows].shape, dtype=np.bool_)
        return self.age[rows] <= limit

    def fresh(self, rows: Rows | slice, limit: int) -> Floats:
        """Return the prices on ``rows``, NaN where unknown or older than ``limit`` sessions."""
        if self.age is None:
            return self.price[rows]
        return np.where(self.age[rows] <= limit, self.price[rows], np.nan)


def _carried(close: Floats, fx: Floats) -> tuple[Floats, Ages]:
    row = last_known(~np.isnan(close))
    rate_row = last_known(~np.isnan(fx))
    known = (row >= 0) & (rate_row >= 0)
    price = np.take_along_axis(close, row, axis=0) * np.take_along_axis(fx, rate_row, axis=0)
    age = np.minimum(np.arange(len(close))[:, None] - row, NEVER - 1)
    return np.where(known, price, 0.0), np.where(known, age, NEVER).astype(np.int16)


def returns(prices: Floats) -> Floats:
    """Return session returns (n - 1, k) of ``prices`` (n, k) as fractions; NaN if either is NaN."""
    return prices[1:] / prices[:-1] - 1.0
