"""Prices as columns (long) and as a panel (day x asset)."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.types import Days, Flags, Floats, Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceColumns:
    """Daily bars in long form: parallel 1-D arrays of equal length.

    ``series``: int64 series ids; ``day``: ``datetime64[D]``; the rest float64 in the quote unit of
    the series. Unknown open, high, low and volume are NaN; ``close`` is always finite and positive.
    """

    series: Ids
    day: Days
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.day)

    def checked(self) -> Self:
        """Return self, or raise Invalid naming each broken rule (vectorised; nothing is repaired)."""
        lengths = {len(getattr(self, name)) for name in self.__slots__}
        if len(lengths) > 1:
            raise MalformedPrices("Price columns differ in length.")
        rules = {
            "close": (
                ~(np.isfinite(self.close) & (self.close > 0)),
                "must be finite and above zero",
            ),
            "open": (_no_price(self.open), "must be finite and above zero, or unknown"),
            "high": (
                _no_price(self.high) | (self.high < np.fmax(self.low, self.close)),
                "must be finite and not below low or close, or unknown",
            ),
            "low": (
                _no_price(self.low) | (self.low > self.close),
                "must be above zero and not above close, or unknown",
            ),
            "volume": (
                (self.volume < 0) | np.isinf(self.volume),
                "must be finite and not negative, or unknown",
            ),
            "day": (np.isnat(self.day), "must be a date"),
            "series,day": (_repeated(self.series, self.day), "must be unique"),
        }
        errors = [
            FieldError(field=name, rule=f"{rule} ({int(bad.sum())} rows, first at {int(bad.argmax())})")
            for name, (bad, rule) in rules.items()
            if bad.any()
        ]
        if errors:
            raise MalformedPrices("The prices break the rules of a daily bar.", errors=errors)
        return self


class MalformedPrices(Invalid):
    """Price rows that can not be what a market printed."""


def _no_price(values: Floats) -> Flags:
    """Tell which known values can be no price."""
    return (values <= 0) | np.isinf(values)


def is_ordered(series: Ids, day: Days) -> bool:
    """Tell whether rows increase strictly by series, then day: ordered, and none repeated."""
    step, days = np.diff(series), np.diff(day).astype(np.int64)
    return bool(((step > 0) | ((step == 0) & (days > 0))).all())


def _repeated(series: Ids, day: Days) -> Flags:
    if is_ordered(series, day):
        return np.zeros(len(day), dtype=np.bool_)
    order = np.lexsort((day, series))
    same = (np.diff(series[order]) == 0) & (np.diff(day[order]).astype(np.int64) == 0)
    repeated = np.zeros(len(day), dtype=np.bool_)
    repeated[order[1:][same]] = True
    return repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePanel:
    """Closes of many assets on a common session axis.

    ``days`` (n,) strictly increasing sessions; ``assets`` (k,) int64 asset ids; ``close`` (n, k)
    float64, C order. A missing bar is NaN: never 0, never filled here.
    """

    days: Days
    assets: Ids
    close: Floats
