"""Rules of the day within a period and of drift bands."""

from collections.abc import Iterator

from waardhaven.domain.errors import FieldError
from waardhaven.domain.index.definition import NthWeekday, Schedule, Weekday
from waardhaven.domain.index.ranges import is_number, not_whole, out_of_range
from waardhaven.domain.market.calendar import MONTHS

SMALLEST_BAND = 1e-6
LAST = -1


def schedule_extra_errors(schedule: Schedule, path: str = "schedule") -> Iterator[FieldError]:
    """Yield every broken rule of the day within the period and of the drift band."""
    if schedule.drift_band is not None:
        yield from out_of_range(f"{path}.drift_band", schedule.drift_band, SMALLEST_BAND, 1.0)
    if schedule.on is None:
        return
    months = MONTHS.get(schedule.frequency)
    if months is None:
        kinds = ", ".join(MONTHS)
        rule = f"needs a frequency of {kinds}; the nearest legal value is null"
        yield FieldError(field=f"{path}.on", rule=rule)
    else:
        yield from _day_errors(schedule.on, months, f"{path}.on")


def _day_errors(on: NthWeekday, months: int, path: str) -> Iterator[FieldError]:
    if not isinstance(on.nth, int) or isinstance(on.nth, bool) or on.nth not in {1, 2, 3, 4, LAST}:
        yield FieldError(field=f"{path}.nth", rule=_nth_rule(on.nth))
    if not isinstance(on.weekday, Weekday):
        yield FieldError(field=f"{path}.weekday", rule=f"must be one of {', '.join(Weekday)}")
    yield from not_whole(f"{path}.month", on.month, 1, months)


def _nth_rule(nth: object) -> str:
    rule = "must be 1, 2, 3, 4 or -1 (the last one)"
    if not is_number(nth):
        return rule
    if nth > 4:
        return f"{rule}; {nth:g} does not occur in every month, the nearest legal value is -1"
    return f"{rule}; the nearest legal value is {max(round(nth), 1) if nth > -0.5 else LAST}"
