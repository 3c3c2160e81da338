"""How fresh prices are, by the sessions of their exchange and never by the wall clock alone."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from waardhaven.domain.types import Days, as_date


class Freshness(StrEnum):
    """``fresh``: the last session that is over is there. ``stale``: it is not. ``empty``: nothing is.

    ``unknown``: the exchange has no calendar, so nothing can be said.
    """

    FRESH = "fresh"
    STALE = "stale"
    EMPTY = "empty"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """``behind``: sessions that are over and have no bar yet, None when that can not be told.

    ``expected``: the last session that is over.
    """

    state: Freshness
    expected: date | None
    behind: int | None


def age(last: date | None, *, day: Days, close_at: Days, now: np.datetime64) -> Age:
    """Judge the newest bar by the sessions ``day`` (increasing) that closed at ``close_at`` (UTC).

    ``now`` is UTC. A bar of a session that is not over counts as fresh.
    """
    over = int(np.searchsorted(close_at, now, side="right"))
    if not over:
        return Age(state=Freshness.UNKNOWN, expected=None, behind=None)
    expected = as_date(day[over - 1])
    if last is None:
        return Age(state=Freshness.EMPTY, expected=expected, behind=None)
    known = int(np.searchsorted(day[:over], np.datetime64(last), side="right"))
    behind = over - known
    return Age(state=Freshness.STALE if behind else Freshness.FRESH, expected=expected, behind=behind)


def last_over(*, day: Days, close_at: Days, now: np.datetime64) -> date | None:
    """Return the last session that is over, None before the first."""
    return age(None, day=day, close_at=close_at, now=now).expected
