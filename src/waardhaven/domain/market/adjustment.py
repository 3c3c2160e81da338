"""Prices adjusted for corporate actions: computed from raw prices and dated facts, never stored.

The return over an ex-date with ``ratio`` new shares for an old one and ``cash`` paid on each new share is
``ratio * (close + cash) / close_before - 1``: CRSP's holding-period return (CRSP US Stock & Indexes
Databases, "Returns": ``r(t) = [p(t) f(t) + d(t)] / p(t') - 1``), which reinvests at the close of the
ex-date. An adjusted series is the raw one times factors that make its plain returns those returns; the
newest price is itself.
"""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.types import Days, Floats, Ids, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionColumns:
    """Confirmed splits and cash distributions of many series, in any order: parallel arrays.

    ``ratio``: new shares for an old one, 1.0 where there is no split. ``cash``: paid on one share as it is
    on the ex-date, in the quote unit of the series, 0.0 where nothing is paid.
    """

    series: Ids
    ex_date: Days
    ratio: Floats
    cash: Floats

    def __len__(self) -> int:
        """Return the number of actions."""
        return len(self.ex_date)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """What a raw price of each row is multiplied by, (n,): for later splits, for later distributions.

    ``waiting``: positions of actions without effect, as there is no close on or after the ex-date yet, or
    none before it.
    """

    split: Floats
    cash: Floats
    waiting: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Events:
    """What happens on rows, by series, then row: ``begin`` is the first row of the series."""

    begin: Rows
    row: Rows
    ratio: Floats
    kept: Floats


def factors(*, series: Ids, day: Days, close: Floats, actions: ActionColumns) -> Factors:
    """Return the factors of rows (n,) ordered by series, then day; every ``close`` is a raw price.

    An action takes effect on the first row at or after its ex-date; what happens on one row happens at once.
    """
    begin, row, end = _places(series, day, actions)
    effective = (begin < row) & (row < end)
    events = _together(begin[effective], row[effective], close, actions, effective)
    return Factors(
        split=1.0 / _later(len(day), events, events.ratio),
        cash=_later(len(day), events, events.kept),
        waiting=np.flatnonzero(~effective),
    )


def move_factors(*, series: Ids, day: Days, close: Floats, actions: ActionColumns) -> Floats:
    """Return what the raw move into each row is multiplied by to be net of actions, (n,); mostly 1.0."""
    begin, row, end = _places(series, day, actions)
    effective = (begin < row) & (row < end)
    events = _together(begin[effective], row[effective], close, actions, effective)
    net = np.ones(len(day))
    net[events.row] = events.ratio / events.kept
    return net


def _places(series: Ids, day: Days, actions: ActionColumns) -> tuple[Rows, Rows, Rows]:
    """Return for each action the first row of its series, its first row at or after, and the row past it."""
    begin = np.searchsorted(series, actions.series, side="left")
    end = np.searchsorted(series, actions.series, side="right")
    # One increasing key for (series, day); 2**32 days apart, no day reaches the next series.
    rank = np.cumsum(np.diff(series, prepend=series[:1]) != 0).astype(np.int64) << 32
    at = rank[np.minimum(begin, len(series) - 1)] if len(series) else np.zeros(len(actions), np.int64)
    row = np.searchsorted(rank + day.astype(np.int64), at + actions.ex_date.astype(np.int64), side="left")
    return begin, np.clip(row, begin, end), end


def _together(
    begin: Rows, row: Rows, close: Floats, actions: ActionColumns, effective: np.ndarray
) -> _Events:
    """Join what happens on one row: cash adds up, ratios multiply."""
    rows, first, place = np.unique(row, return_index=True, return_inverse=True)
    cash, ratio = np.zeros(len(rows)), np.ones(len(rows))
    np.add.at(cash, place, actions.cash[effective])
    np.multiply.at(ratio, place, actions.ratio[effective])
    return _Events(begin=begin[first], row=rows, ratio=ratio, kept=close[rows] / (close[rows] + cash))


def _later(n: int, events: _Events, factor: Floats) -> Floats:
    """Return for each row the product of the factors of its series' events after it, (n,)."""
    product = np.ones(n)
    if not len(factor):
        return product
    _, group, sizes = np.unique(events.begin, return_inverse=True, return_counts=True)
    place = np.arange(len(group)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    # A row of the table for each series: products never meet another series and are never divided out.
    table = np.ones((len(sizes), int(sizes.max())))
    table[group, place] = factor
    later = np.multiply.accumulate(table[:, ::-1], axis=1)[:, ::-1][group, place]
    starts = np.where(place == 0, events.begin, np.r_[0, events.row[:-1]])
    lengths = events.row - starts
    rows = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths) + np.arange(int(lengths.sum()))
    product[rows] = np.repeat(later, lengths)
    return product
