"""Drawdowns as events: where each begins, how deep it is, when it is made good."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from waardhaven.domain.types import Days, Floats, Ids

OPEN = -1
"""Row of the recovery of a drawdown that has none yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdowns:
    """Drawdowns as columns (event,), ordered by series, then time; rows are positions in the sample's days.

    ``depth`` is negative. ``peak`` is the last row at the former height, -1 where that is the base itself;
    ``valley`` the first deepest row; ``recovery`` the first row that reaches the former height again,
    ``OPEN`` while there is none; ``last`` the last row on which the series is known.
    """

    series: Ids
    depth: Floats
    peak: Ids
    valley: Ids
    recovery: Ids
    last: Ids

    def __len__(self) -> int:
        """How many there are."""
        return len(self.series)

    @property
    def length(self) -> Ids:
        """Rows from the peak to the recovery, to the last known row while open."""
        return np.where(self.recovery == OPEN, self.last, self.recovery) - self.peak

    @property
    def decline(self) -> Ids:
        """Rows from the peak to the valley."""
        return self.valley - self.peak

    @property
    def rebound(self) -> Ids:
        """Rows from the valley to the recovery; ``OPEN`` while there is none."""
        return np.where(self.recovery == OPEN, OPEN, self.recovery - self.valley)

    def deepest(self, count: int) -> "Drawdowns":
        """Return the ``count`` deepest of each series, deepest first, the earlier first among equals."""
        order = np.lexsort((self.peak, self.depth, self.series))
        series = self.series[order]
        place = np.arange(len(series)) - np.searchsorted(series, series)
        rows = order[place < count]
        return Drawdowns(
            series=self.series[rows],
            depth=self.depth[rows],
            peak=self.peak[rows],
            valley=self.valley[rows],
            recovery=self.recovery[rows],
            last=self.last[rows],
        )


def day_of(rows: Ids, days: Days, base: np.datetime64) -> Days:
    """Return the day of peaks and valleys (event,); ``base`` where the row is -1."""
    axis: Days = np.concatenate(([base], days)).astype("datetime64[D]")
    return axis[rows + 1]


def events_of(underwater: Floats, last: Ids) -> Drawdowns:
    """Return the drawdowns of ``underwater`` (series, day): wealth over its peak, less 1; NaN is none.

    ``last`` (series,) is the last row on which each series is known.
    """
    count, days = underwater.shape
    depths = np.zeros((count, days + 1))  # a last column of 0 ends every drawdown within its own row
    depths[:, :-1] = underwater
    flat = depths.ravel()
    below = flat < 0.0
    edges = np.diff(below.astype(np.int8), prepend=np.int8(0))
    first, end = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    depth = np.minimum.reduceat(flat, first) if len(first) else np.zeros(0)
    series = first // (days + 1)
    start = series * (days + 1)
    recovery = end - start
    return Drawdowns(
        series=series,
        depth=depth,
        peak=first - start - 1,
        valley=_valleys(flat, np.flatnonzero(below), depth, end - first) - start,
        recovery=np.where(recovery == days, OPEN, recovery),
        last=last[series],
    )


def joined(parts: Sequence[tuple[int, Drawdowns]]) -> Drawdowns:
    """Return the events of several blocks, each with the position of its first series."""
    empty = events_of(np.zeros((1, 0)), np.zeros(1, dtype=np.int64))
    every = [*parts, (0, empty)]
    return Drawdowns(
        series=np.concatenate([one.series + first for first, one in every]),
        depth=np.concatenate([one.depth for _, one in every]),
        peak=np.concatenate([one.peak for _, one in every]),
        valley=np.concatenate([one.valley for _, one in every]),
        recovery=np.concatenate([one.recovery for _, one in every]),
        last=np.concatenate([one.last for _, one in every]),
    )


def _valleys(flat: Floats, inside: Ids, depth: Floats, length: Ids) -> Ids:
    """Return the first place in ``flat`` at which each event is as deep as it gets."""
    event = np.repeat(np.arange(len(depth)), length)
    deepest = np.flatnonzero(flat[inside] == depth[event])
    _, places = np.unique(event[deepest], return_index=True)
    return inside[deepest[places]]
