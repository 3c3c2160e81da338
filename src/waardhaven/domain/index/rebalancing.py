"""When weights are reviewed."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.composition import ReviewReason
from waardhaven.domain.index.definition import NthWeekday, Schedule, Weekday
from waardhaven.domain.market.calendar import MONDAY, MONTHS, Frequency, NotASession, period
from waardhaven.domain.types import Days, Flags, Ids, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPlan:
    """Reviews known beforehand: rows of the session axis where they take effect, and why (r,)."""

    effective: Rows
    reason: np.ndarray[tuple[int], np.dtype[np.int8]]

    def __len__(self) -> int:
        """Return the number of reviews."""
        return len(self.effective)


def period_starts(days: Days, frequency: Frequency) -> Flags:
    """Tell which sessions (n,) are the first of their period.

    The first row never is: whether it starts a period depends on a session that is not there.
    """
    starts = np.zeros(len(days), dtype=np.bool_)
    starts[1:] = np.diff(period(days, frequency)) != 0
    return starts


def due_rows(days: Days, frequency: Frequency, on: NthWeekday) -> Flags:
    """Tell which sessions (n,) are the first at or after the day a review is due in each period.

    As with period starts, the first row never is one.
    """
    months = np.unique(days.astype("datetime64[M]"))
    span = MONTHS[frequency]
    due = nth_weekdays(months[months.astype(np.int64) % span == on.month - 1], on)
    rows = np.searchsorted(days, due[due > days[0]])
    found = np.zeros(len(days), dtype=np.bool_)
    found[rows[rows < len(days)]] = True
    return found


def nth_weekdays(months: Days, on: NthWeekday) -> Days:
    """Return the day meant in each of ``months`` (m,), ``datetime64[M]``."""
    weekday = list(Weekday).index(on.weekday)
    if on.nth > 0:
        first = months.astype("datetime64[D]")
        ahead = (weekday - _weekday(first)) % 7 + 7 * (on.nth - 1)
        day: Days = first + ahead.astype("timedelta64[D]")
        return day
    last: Days = (months + 1).astype("datetime64[D]") - 1
    back = ((_weekday(last) - weekday) % 7).astype("timedelta64[D]")
    return last - back  # type: ignore[no-any-return]


def _weekday(days: Days) -> Ids:
    """Return the weekday of each day, Monday 0."""
    return (days.astype(np.int64) + MONDAY) % 7


def planned(days: Days, schedule: Schedule, start: int, *, base: bool, forced: Days) -> ReviewPlan:
    """Plan the scheduled and manually forced reviews after row ``start``, and the base review on it.

    ``forced``: days on which a review must take effect. Those up to row ``start`` are past and those
    after the last session not due yet; the others must be sessions, else NotASession. A forced day
    that is scheduled anyway counts as scheduled.
    """
    reason = np.full(len(days), -1, dtype=np.int8)
    reason[_rows(days, forced)] = ReviewReason.MANUAL
    reason[_scheduled(days, schedule)] = ReviewReason.SCHEDULED
    reason[: start + 1] = -1
    if base:
        reason[start] = ReviewReason.BASE
    effective = np.flatnonzero(reason >= 0)
    return ReviewPlan(effective=effective, reason=reason[effective])


def next_review(days: Days, schedule: Schedule, after: np.datetime64, *, forced: Days) -> int | None:
    """Return the row of the first review after ``after`` on the sessions ``days`` (n,), None beyond them.

    ``days`` begin before ``after``, and more than a month before where the schedule names a weekday.
    """
    start = int(np.searchsorted(days, after, side="right")) - 1
    plan = planned(days, schedule, start, base=False, forced=forced)
    return int(plan.effective[0]) if len(plan) else None


def _scheduled(days: Days, schedule: Schedule) -> Flags:
    if schedule.on is None:
        return period_starts(days, schedule.frequency)
    return due_rows(days, schedule.frequency, schedule.on)


def _rows(days: Days, forced: Days) -> Rows:
    due = np.unique(forced[(forced >= days[0]) & (forced <= days[-1])])
    rows = np.searchsorted(days, due)
    wrong = due[days[rows] != due]
    if len(wrong):
        raise NotASession(
            f"A forced review can only take effect on a session; {wrong[0]} is none.",
            context={"forced": [str(day) for day in wrong]},
        )
    return rows
