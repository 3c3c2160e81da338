"""Sessions and as-of alignment: which known row holds on each day."""

import numpy as np

from waardhaven.domain.errors import Invalid
from waardhaven.domain.types import Days, Flags, Rows


class NotASession(Invalid):
    """A day on which the calendar has no session."""


def session_row(days: Days, day: np.datetime64, *, field: str = "day") -> int:
    """Return the position of ``day`` in the increasing sessions ``days``, or raise NotASession."""
    row = int(np.searchsorted(days, day))
    if row == len(days) or days[row] != day:
        raise NotASession(f"{day} is not a session of the calendar ({field}).", context={field: str(day)})
    return row


def as_of(known: Days, at: Days, *, max_age: int | None = None) -> Rows:
    """Return for each of ``at`` (n,) the position in ``known`` of the last day at or before it.

    Both increase. -1 before the first known day, and where more than ``max_age`` sessions of ``at``
    have passed since the known day (0: the same day only).
    """
    rows = np.searchsorted(known, at, side="right") - 1
    if max_age is not None:
        found = rows >= 0
        since = np.searchsorted(at, known[rows[found]], side="left")
        rows[np.flatnonzero(found)[np.flatnonzero(found) - since > max_age]] = -1
    return rows


def last_known(known: Flags) -> Rows:
    """Return for each cell of ``known`` (n, k) the last row at or before it that is True, else -1."""
    rows = np.where(known, np.arange(len(known))[:, None], -1)
    return np.maximum.accumulate(rows, axis=0)
