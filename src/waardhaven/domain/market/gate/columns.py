"""Findings as columns, and windows over long rows of many series."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from waardhaven.domain.errors import Invalid
from waardhaven.domain.market.prices import PriceColumns, is_ordered
from waardhaven.domain.market.quality import Finding, FindingKind
from waardhaven.domain.types import Days, Flags, Floats, Ids, Rows, SeriesId, as_date

BLOCK = 1 << 13
"""Rows whose windows are in memory together."""


class UnorderedBars(Invalid):
    """Bars that are not ordered by series, then day, each day once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingColumns:
    """Findings of one kind: parallel ``series``, ``day`` and ``detail``, ordered by series, then day."""

    kind: FindingKind
    series: Ids
    day: Days
    detail: tuple[str, ...]

    @classmethod
    def at(cls, kind: FindingKind, series: Ids, day: Days, rows: Rows, detail: Callable[[int], str]) -> Self:
        """Make the findings of ``rows``, each with what ``detail`` says of its row."""
        said = tuple(detail(int(row)) for row in rows)
        return cls(kind=kind, series=series[rows], day=day[rows], detail=said)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.day)

    def findings(self) -> list[Finding]:
        """Return them one by one, as they are recorded."""
        return [
            Finding(series=SeriesId(series), day=as_date(day), kind=self.kind, detail=detail)
            for series, day, detail in zip(self.series.tolist(), self.day, self.detail, strict=True)
        ]


def first_rows(bars: PriceColumns) -> Rows:
    """Return for each bar (n,) the position of its series' first; raise UnorderedBars."""
    if not is_ordered(bars.series, bars.day):
        raise UnorderedBars("The bars are not ordered by series, then day, each day once.")
    new = np.diff(bars.series, prepend=-1) != 0
    if len(new):
        new[0] = True
    first: Rows = np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))
    return first


def before(values: Floats, first: Rows) -> Floats:
    """Return the value of the bar before each, of the same series; NaN for the first."""
    known = np.roll(values, 1)
    known[first == np.arange(len(first))] = np.nan
    return known


def count_before(flags: Flags, start: Rows) -> Rows:
    """Count the True ones of rows ``start`` (n,) to the one before each row."""
    total = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
    counts: Rows = total[:-1] - total[start]
    return counts


def sorted_windows(values: Floats, rows: Rows, start: Rows, window: int) -> Iterator[tuple[slice, Floats]]:
    """Yield, a block of ``rows`` (m,) at a time, its place and the sorted values (b, window) before each.

    A window of row r begins at ``start[r]`` at the earliest; what is not known, or not there, is NaN at
    the end.
    """
    back = np.arange(-window, 0)
    for place in range(0, len(rows), BLOCK):
        block = slice(place, place + BLOCK)
        at = rows[block, None] + back
        seen = values[np.maximum(at, 0)]
        seen[at < start[rows[block], None]] = np.nan
        seen.sort(axis=1)
        yield block, seen


def medians(ordered: Floats) -> tuple[Floats, Rows]:
    """Return the median of the known values of each row of ``ordered`` (b, w), and how many are known.

    NaN, which stands last, is not known; a row without known values has no median.
    """
    known = np.count_nonzero(~np.isnan(ordered), axis=1)
    row = np.arange(len(ordered))
    low, high = ordered[row, np.maximum(known - 1, 0) // 2], ordered[row, np.minimum(known // 2, known - 1)]
    return (low + high) / 2, known
