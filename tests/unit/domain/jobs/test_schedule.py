"""Rules of recurring jobs, and the next instant of each."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waardhaven.domain.jobs.schedule import AfterClose, At, Every, InvalidSchedule, next_run, parse_rule

NOON = datetime(2024, 6, 3, 12, 0, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "after", "expected"),
    [
        ("every 15m", "2024-06-03T12:00:00", "2024-06-03T12:15:00"),
        ("every 15m", "2024-06-03T12:14:59", "2024-06-03T12:15:00"),
        ("every 10s", "2024-06-03T12:00:01", "2024-06-03T12:00:10"),
        ("every 1d", "2024-06-03T00:00:01", "2024-06-04T00:00:00"),
        ("daily 03:00", "2024-06-03T02:59:59", "2024-06-03T03:00:00"),
        ("daily 03:00", "2024-06-03T03:00:00", "2024-06-04T03:00:00"),
        ("weekly sun 03:00", "2024-06-03T12:00:00", "2024-06-09T03:00:00"),
        ("weekly sun 03:00", "2024-06-09T03:00:00", "2024-06-16T03:00:00"),
        ("weekly mon 13:00", "2024-06-03T12:00:00", "2024-06-03T13:00:00"),
        # Summer and winter time: 18:30 in New York is 22:30, then 23:30 UTC.
        ("daily 18:30 America/New_York", "2024-11-02T23:00:00", "2024-11-03T23:30:00"),
        ("daily 18:30 America/New_York", "2024-10-30T00:00:00", "2024-10-30T22:30:00"),
        # 02:30 does not exist in Paris on 2024-03-31: it is done at the instant the clock would show.
        ("daily 02:30 Europe/Paris", "2024-03-30T12:00:00", "2024-03-31T01:30:00"),
    ],
)
def test_next_run_is_the_first_instant_later_than_now(rule: str, after: str, expected: str):
    assert next_run(parse_rule(rule), at(after)) == at(expected)


def test_run_after_the_close_follows_the_exchange_through_half_days_and_holidays():
    # XNYS around Thanksgiving 2024: closed on the 28th, a half day on the 29th.
    closes = [at("2024-11-27T21:00:00"), at("2024-11-29T18:00:00"), at("2024-12-02T21:00:00")]
    rule = parse_rule("XNYS close + 45m")
    assert next_run(rule, at("2024-11-27T21:44:59"), closes) == at("2024-11-27T21:45:00")
    assert next_run(rule, at("2024-11-27T21:45:00"), closes) == at("2024-11-29T18:45:00")
    assert next_run(rule, at("2024-11-29T18:45:00"), closes) == at("2024-12-02T21:45:00")
    assert next_run(rule, at("2024-12-02T21:45:00"), closes) is None
    assert next_run(rule, at("2024-12-02T21:45:00")) is None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("every 90s", Every(timedelta(seconds=90))),
        ("XNYS close", AfterClose("XNYS", timedelta(0))),
        ("XPAR close + 2h", AfterClose("XPAR", timedelta(hours=2))),
        ("daily 00:00", At(at("2024-01-01T00:00:00").time(), None, "UTC")),
    ],
)
def test_rules_are_read_as_they_are_written(text: str, rule: object):
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must be `every 15m`"),
        ("every 5s", "from 10 seconds"),
        ("every 32d", "to 31 days"),
        ("every 999999d", "to 31 days"),
        ("every -1m", "must be `every 15m`"),
        ("daily 24:00", "from 00:00 to 23:59"),
        ("daily 03:60", "from 00:00 to 23:59"),
        ("weekly day 03:00", "day of the week"),
        ("daily 03:00 Mars/Phobos", "time zone"),
        ("daily 03:00 Europe/../../etc/passwd", "must be `every 15m`"),
        ("XNYS close + 25h", "less than a day"),
        ("xnys close", "must be `every 15m`"),
        ("every 15m\n", "must be `every 15m`"),
    ],
)
def test_rule_that_can_not_be_read_is_refused_with_what_to_write(text: str, says: str):
    with pytest.raises(InvalidSchedule) as refused:
        parse_rule(text)
    assert [one.field for one in refused.value.errors] == ["rule"]
    assert says in refused.value.errors[0].rule


@given(st.integers(10, 86_400), st.integers(0, 4_000_000_000))
def test_everybody_means_the_same_instants_however_often_they_ask(seconds: int, now: int):
    rule, after = parse_rule(f"every {seconds}s"), datetime.fromtimestamp(now, UTC)
    following = next_run(rule, after)
    assert following is not None
    assert timedelta(0) < following - after <= timedelta(seconds=seconds)
    assert following.timestamp() % seconds == 0
    assert next_run(rule, following - timedelta(microseconds=1)) == following


@given(st.integers(0, 6), st.integers(0, 23), st.integers(0, 59), st.integers(0, 400 * 86_400))
def test_weekly_rule_names_its_day_and_comes_within_a_week(day: int, hour: int, minute: int, offset: int):
    after = NOON + timedelta(seconds=offset)
    name = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[day]
    found = next_run(parse_rule(f"weekly {name} {hour:02}:{minute:02}"), after)
    assert found is not None
    assert (found.weekday(), found.hour, found.minute) == (day, hour, minute)
    assert after < found <= after + timedelta(days=7)
