"""Bars against the sessions of their exchange, and closes that stand still."""

import numpy as np

from waardhaven.domain.market.gate.columns import FindingColumns, first_rows
from waardhaven.domain.market.panel import off_session
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.market.quality import FindingKind
from waardhaven.domain.types import Days

QUIET_SESSIONS = 5
LONG_SESSIONS = 10


def gaps(bars: PriceColumns, sessions: Days) -> FindingColumns:
    """Find sessions without a bar between the first and the last bar of each series, on the missing day.

    ``sessions`` increase and are those of one exchange, ``bars`` of series traded there.
    """
    first_rows(bars)
    since = np.searchsorted(sessions, bars.day, side="right")[:-1]
    until = np.searchsorted(sessions, bars.day)[1:]
    missing = np.where(np.diff(bars.series) == 0, until - since, 0)
    holes = np.flatnonzero(missing > 0)
    count = missing[holes]
    nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    last = np.repeat(bars.day[holes], count)
    return FindingColumns(
        kind=FindingKind.GAP,
        series=np.repeat(bars.series[holes], count),
        day=sessions[np.repeat(since[holes], count) + nth],
        detail=tuple(f"no bar on a session; the last was on {one}" for one in last),
    )


def off_sessions(bars: PriceColumns, sessions: Days) -> FindingColumns:
    """Find bars between the first and the last of ``sessions`` on days that are none."""
    first_rows(bars)
    rows = np.flatnonzero(off_session(bars.day, sessions))
    return FindingColumns.at(
        FindingKind.OFF_SESSION,
        bars.series,
        bars.day,
        rows,
        lambda row: f"close {bars.close[row]:.10g} on a day without a session",
    )


def stale(bars: PriceColumns, *, quiet: int = QUIET_SESSIONS, long: int = LONG_SESSIONS) -> FindingColumns:
    """Find closes that stand still: at the bar where a run gets long, and at its multiples.

    A bar of a run has the close of the bar before. ``quiet`` of them in a row without known trade (volume
    zero or unknown) are too many, and ``long`` of them whatever was traded: a close that stays while
    shares change hands is common for a few days in a thinly traded name.
    """
    first = first_rows(bars)
    row = np.arange(len(first))
    moved = np.diff(bars.close, prepend=np.nan) != 0
    start = np.maximum.accumulate(np.where(moved | (row == first), row, 0))
    traded = np.maximum.accumulate(np.where(bars.volume > 0, row, 0))
    still, unseen = row - start, row - np.maximum(start, traded)
    by_quiet = (unseen > 0) & (unseen % quiet == 0)
    by_length = (still > 0) & (still % long == 0)

    def said(at: int) -> str:
        without = f", the last {unseen[at]} without known trade" if by_quiet[at] else ""
        return f"close {bars.close[at]:.10g} did not move for {still[at]} bars{without}"

    rows = np.flatnonzero(by_quiet | by_length)
    return FindingColumns.at(FindingKind.STALE, bars.series, bars.day, rows, said)
