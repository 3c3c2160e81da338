"""Levels beside each other: on the days that all of them have, from one start, alone or blended."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from waardhaven.domain.market.calendar import Frequency, as_of, period
from waardhaven.domain.metrics.sample import align, from_levels
from waardhaven.domain.types import Days, Floats

REBASED = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """What something is worth by day: ``day`` (n,) increasing, ``level`` (n,), NaN unknown."""

    day: Days
    level: Floats

    def known(self) -> "Levels":
        """Return the days on which the level is known and above 0 alone."""
        kept = np.isfinite(self.level) & (self.level > 0.0)
        return self if kept.all() else Levels(day=self.day[kept], level=self.level[kept])

    def at(self, days: Days, *, max_days: int = 0) -> Floats:
        """Return the level of the last known day at or before each of ``days``, (d,).

        NaN before the first one and where it lies more than ``max_days`` calendar days back.
        """
        known = self.known()
        levels = np.append(known.level, np.nan)
        found: Floats = levels[as_of(known.day, days, max_days=max_days)]
        return found


def common_levels(series: Sequence[Levels]) -> tuple[Days, Floats]:
    """Return the days on which every one of ``series`` is known, and the levels (day, series) on them.

    The return over two such days is over the same time for all, whichever holidays each of them has.
    """
    known = [one.known() for one in series]
    days = known[0].day
    for one in known[1:]:
        days = np.intersect1d(days, one.day, assume_unique=True)
    columns = [align(days, one.day, one.level[:, None]) for one in known]
    return days, np.concatenate(columns, axis=1)


def rebased(levels: Floats) -> Floats:
    """Return levels (day, series) that begin at 100; at least one day."""
    scaled: Floats = levels / levels[0] * REBASED
    return scaled


def blended(levels: Floats, weights: Floats) -> Floats:
    """Return the level (day,), from 100, of parts with levels (day, part) held at ``weights`` (part,).

    Weights are restored at the close of every day: its return is the weighted mean of those of the parts.
    """
    moves = from_levels(levels) @ weights
    grown: Floats = REBASED * np.multiply.accumulate(np.append(1.0, 1.0 + moves))
    return grown


def period_ends(days: Days, frequency: Frequency) -> Days:
    """Return the first of the increasing ``days``, then the last one of each period of those after it."""
    number = period(days[1:], frequency)
    last = np.append(number[1:] != number[:-1], True)[: len(number)]
    return np.append(days[:1], days[1:][last])
