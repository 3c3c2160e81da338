"""Sessions, periods, and as-of alignment: which known row holds on each day."""

from enum import StrEnum

import numpy as np

from waardhaven.domain.errors import Invalid
from waardhaven.domain.types import Days, Flags, Ids, Rows

MONDAY = 3
"""Days from a Monday to 1970-01-01."""


class Frequency(StrEnum):
    """How long a period is; weeks are ISO weeks, from Monday to Sunday."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"


MONTHS = {Frequency.MONTHLY: 1, Frequency.QUARTERLY: 3, Frequency.YEARLY: 12}


class NotASession(Invalid):
    """A day on which the calendar has no session."""


def period(days: Days, frequency: Frequency) -> Ids:
    """Return a number for the period each day lies in."""
    if frequency is Frequency.DAILY:
        return days.astype(np.int64)
    if frequency is Frequency.WEEKLY:
        return (days.astype(np.int64) + MONDAY) // 7
    return days.astype("datetime64[M]").astype(np.int64) // MONTHS[frequency]


def session_row(days: Days, day: np.datetime64, *, field: str = "day") -> int:
    """Return the position of ``day`` in the increasing sessions ``days``, or raise NotASession."""
    row = int(np.searchsorted(days, day))
    if row == len(days) or days[row] != day:
        raise NotASession(f"{day} is not a session of the calendar ({field}).", context={field: str(day)})
    return row


def as_of(known: Days, at: Days, *, max_days: int | None = None) -> Rows:
    """Return for each of ``at`` (n,) the position in ``known`` of the last day at or before it.

    Both increase. -1 before the first known day, and where the known day lies more than ``max_days``
    calendar days back (0: the same day only).
    """
    rows = np.searchsorted(known, at, side="right") - 1
    if max_days is not None and len(known):
        age = (at - known[rows]).astype(np.int64)
        rows[(rows >= 0) & (age > max_days)] = -1
    return rows


def last_known(known: Flags) -> Rows:
    """Return for each cell of ``known`` (n, k) the last row at or before it that is True, else -1."""
    rows = np.where(known, np.arange(len(known))[:, None], -1)
    return np.maximum.accumulate(rows, axis=0)
