"""When recurring jobs run: rules as text a person can write, and the next instant of each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from waardhaven.domain.errors import FieldError, Invalid

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SHORTEST = timedelta(seconds=10)
LONGEST = timedelta(days=31)
FORMS = "must be `every 15m`, `daily 03:00`, `weekly sun 03:00 Europe/Paris` or `XNYS close + 45m`"
_EVERY = re.compile(r"every (\d{1,6})([smhd])")
_AT = re.compile(r"(?:daily|weekly ([a-z]{3})) (\d{2}):(\d{2})(?: ([A-Za-z_]+(?:/[A-Za-z_+\-0-9]+)*))?")
_CLOSE = re.compile(r"([A-Z0-9]{4}) close(?: \+ (\d{1,6})([smhd]))?")


class InvalidSchedule(Invalid):
    """A rule of a schedule that can not be read."""


@dataclass(frozen=True, slots=True)
class Every:
    """At whole multiples of ``interval`` since 1970, so that everybody means the same instants."""

    interval: timedelta


@dataclass(frozen=True, slots=True)
class At:
    """At a time of day on every day, or on one day of the week (0 is Monday)."""

    time: time
    weekday: int | None
    zone: str


@dataclass(frozen=True, slots=True)
class AfterClose:
    """``delay`` after each close of an exchange: half days and holidays count as they are."""

    mic: str
    delay: timedelta


Rule = Every | At | AfterClose


def parse_rule(text: str) -> Rule:
    """Return the rule written in ``text``; raise InvalidSchedule with the forms there are."""
    if found := _EVERY.fullmatch(text):
        interval = _span(found[1], found[2])
        if not SHORTEST <= interval <= LONGEST:
            raise _unreadable("must be from 10 seconds to 31 days apart")
        return Every(interval)
    if found := _AT.fullmatch(text):
        return _at(found[1], int(found[2]), int(found[3]), found[4] or "UTC")
    if found := _CLOSE.fullmatch(text):
        delay = _span(found[2], found[3]) if found[2] else timedelta(0)
        if delay >= timedelta(days=1):
            raise _unreadable("must come less than a day after the close")
        return AfterClose(found[1], delay)
    raise _unreadable(FORMS)


def next_run(rule: Rule, after: datetime, closes: Sequence[datetime] = ()) -> datetime | None:
    """Return the first instant of ``rule`` later than ``after``, in UTC.

    ``closes``: the closes of the rule's exchange known from ``after`` less its delay on, increasing.
    None when no close is known that far ahead.
    """
    if isinstance(rule, Every):
        seconds = rule.interval.total_seconds()
        return datetime.fromtimestamp((after.timestamp() // seconds + 1) * seconds, UTC)
    if isinstance(rule, At):
        return _next_at(rule, after)
    return next((one + rule.delay for one in closes if one + rule.delay > after), None)


def _next_at(rule: At, after: datetime) -> datetime:
    zone = ZoneInfo(rule.zone)
    day = after.astimezone(zone).date()
    while True:
        at = datetime.combine(day, rule.time, zone).astimezone(UTC)
        if at > after and rule.weekday in {None, at.astimezone(zone).weekday()}:
            return at
        day += timedelta(days=1)


def _at(weekday: str | None, hour: int, minute: int, zone: str) -> At:
    if weekday is not None and weekday not in WEEKDAYS:
        raise _unreadable(f"must name a day of the week: {', '.join(WEEKDAYS)}")
    if hour > 23 or minute > 59:
        raise _unreadable("must be a time from 00:00 to 23:59")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _unreadable("must name a time zone such as Europe/Amsterdam") from None
    return At(time(hour, minute), None if weekday is None else WEEKDAYS.index(weekday), zone)


def _span(count: str, unit: str) -> timedelta:
    return timedelta(seconds=int(count) * UNITS[unit])


def _unreadable(rule: str) -> InvalidSchedule:
    return InvalidSchedule("The schedule can not be read.", errors=[FieldError(field="rule", rule=rule)])
