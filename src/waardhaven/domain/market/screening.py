"""Bars as a source states them, made such that a store can hold them; what was left out or unknown is told.

Only what can be no daily bar is touched: the rest passes bit for bit.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from waardhaven.domain.market.prices import MalformedPrices
from waardhaven.domain.market.quality import FindingKind
from waardhaven.domain.types import Days, Flags, Floats, Rows, as_date

Figures = dict[str, Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """What is odd about the bar of a day; one of a kind a day. ``detail`` holds the figures as they came."""

    day: date
    kind: FindingKind
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """Bars of one series: parallel arrays (n,), strictly increasing by day, that PriceColumns accepts.

    ``findings`` are ordered by day, then kind.
    """

    day: Days
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    findings: tuple[Oddity, ...]

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.day)


def screen(*, day: Days, open: Floats, high: Floats, low: Floats, close: Floats, volume: Floats) -> Screened:  # noqa: A002 (the name of the price)
    """Return bars in order, each day once, without what can be no bar; NaN is unknown.

    Left out: closes that are no positive finite number (``non_positive``), and every row of a day on which
    rows differ (``contradiction``); rows that are equal in all figures count once. Made unknown: an open,
    high or low that is no price, a low above or a high below the close, then an open outside what is left
    of them, and a negative or infinite volume (all ``ohlc_order``). Raises MalformedPrices for columns
    of unequal length and for days that are no dates.
    """
    figures = {"open": open, "high": high, "low": low, "close": close, "volume": volume}
    if len({len(day), *map(len, figures.values())}) > 1 or np.isnat(day).any():
        raise MalformedPrices("Price columns differ in length, or a day is no date.")
    if not (np.diff(day).astype(np.int64) > 0).all():
        order = np.argsort(day, kind="stable")
        day, figures = _taken(day, figures, order)
    found: list[Oddity] = []
    day, figures = _without_bad_closes(day, figures, found)
    day, figures = _without_contradictions(day, figures, found)
    figures = _with_possible_parts(day, figures, found)
    found.sort(key=lambda one: (one.day, one.kind))
    return Screened(day=day, **figures, findings=tuple(found))


def _taken(day: Days, figures: Figures, rows: Rows | Flags) -> tuple[Days, Figures]:
    return day[rows], {name: values[rows] for name, values in figures.items()}


def _without_bad_closes(day: Days, figures: Figures, found: list[Oddity]) -> tuple[Days, Figures]:
    close = figures["close"]
    bad = ~(np.isfinite(close) & (close > 0))
    if not bad.any():
        return day, figures
    details: dict[np.datetime64, dict[str, None]] = {}
    for row in np.flatnonzero(bad):
        details.setdefault(day[row], {})[_said("close", close[row])] = None
    for one, said in details.items():
        found.append(Oddity(day=as_date(one), kind=FindingKind.NON_POSITIVE, detail=", ".join(said)))
    return _taken(day, figures, ~bad)


def _without_contradictions(day: Days, figures: Figures, found: list[Oddity]) -> tuple[Days, Figures]:
    """Let equal rows of a day count once, and leave out days whose rows differ."""
    again = np.zeros(len(day), dtype=np.bool_)
    again[1:] = np.diff(day).astype(np.int64) == 0
    if not again.any():
        return day, figures
    first = np.maximum.accumulate(np.where(again, 0, np.arange(len(day))))
    differs = np.zeros(len(day), dtype=np.bool_)
    for values in figures.values():
        differs |= ~((values == values[first]) | (np.isnan(values) & np.isnan(values[first])))
    out = again.copy()
    for start in np.unique(first[differs]):
        rows = np.arange(*np.searchsorted(first, [start, start + 1]))
        out[rows] = True
        found.append(_contradiction(day[start], figures, rows))
    return _taken(day, figures, ~out)


def _contradiction(day: np.datetime64, figures: Figures, rows: Rows) -> Oddity:
    """Name the figures on which the rows of a day differ, each value once."""
    said = []
    for name, values in figures.items():
        distinct = dict.fromkeys(_number(value) for value in values[rows])
        if len(distinct) > 1:
            said.append(f"{name} {' or '.join(distinct)}")
    return Oddity(day=as_date(day), kind=FindingKind.CONTRADICTION, detail="; ".join(said))


def _with_possible_parts(day: Days, figures: Figures, found: list[Oddity]) -> Figures:
    """Make impossible parts unknown: the close is what the others are measured against."""
    close, volume = figures["close"], figures["volume"]
    high = _unless(_no_price(figures["high"]) | (figures["high"] < close), figures["high"])
    low = _unless(_no_price(figures["low"]) | (figures["low"] > close), figures["low"])
    open_ = figures["open"]
    open_ = _unless(_no_price(open_) | (open_ > high) | (open_ < low), open_)
    volume = _unless((volume < 0) | np.isinf(volume), volume)
    possible = {"open": open_, "high": high, "low": low, "close": close, "volume": volume}
    odd = np.zeros(len(day), dtype=np.bool_)
    for name, values in possible.items():
        odd |= np.isnan(values) & ~np.isnan(figures[name])
    for row in np.flatnonzero(odd):
        detail = ", ".join(_said(name, values[row]) for name, values in figures.items())
        found.append(Oddity(day=as_date(day[row]), kind=FindingKind.OHLC_ORDER, detail=detail))
    return possible


def _no_price(values: Floats) -> Flags:
    return (values <= 0) | np.isinf(values)


def _unless(bad: Flags, values: Floats) -> Floats:
    return np.where(bad, np.nan, values) if bad.any() else values


def _said(name: str, value: float) -> str:
    return f"{name} {_number(value)}"


def _number(value: float) -> str:
    short = f"{value:.12g}"
    if np.isnan(value):
        return "unknown"
    return short if float(short) == value else repr(float(value))
