"""What frequency and day within the period do to reviews, and so to levels."""

from dataclasses import replace

import numpy as np
import pytest
from tests.factories import WARM_UP, a_definition, days, sessions, some_inputs

from waardhaven.domain.index.build import IndexResult, build_index
from waardhaven.domain.index.definition import NthWeekday, Schedule, Weekday
from waardhaven.domain.index.rebalancing import due_rows, nth_weekdays
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.types import Days

AXIS = sessions(WARM_UP + 420)
BASE = AXIS[WARM_UP]  # Wednesday, 6 May 2020
THIRD_FRIDAY = NthWeekday(nth=3, weekday=Weekday.FRIDAY)


def reviewed(axis: Days, schedule: Schedule) -> list[str]:
    """Return the days after the base on which reviews take effect."""
    definition = replace(a_definition(base=BASE), schedule=schedule)
    result = build_index(definition, some_inputs(np.full((len(axis), 2), 10.0), axis=axis))
    return result.compositions.effective.astype(str).tolist()[1:]


def without(*missing: str) -> Days:
    return AXIS[~np.isin(AXIS, days(*missing))]


def monthly(nth: int, weekday: Weekday) -> Schedule:
    return Schedule(
        frequency=Frequency.MONTHLY, on=NthWeekday(nth=nth, weekday=weekday), daily_drop_threshold=None
    )


def doubled_until(day: str, frequency: Frequency) -> IndexResult:
    """Build A and B: A doubles on the day after the base and halves on ``day``, B stands still."""
    close = np.full((len(AXIS), 2), 10.0)
    first, last = np.searchsorted(AXIS, [BASE + 1, np.datetime64(day)])
    close[first:last, 0] = 20.0
    return build_index(a_definition(base=BASE, frequency=frequency), some_inputs(close, axis=AXIS))


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        (Frequency.DAILY, ["2020-05-07", "2020-05-08", "2020-05-11"]),
        (Frequency.WEEKLY, ["2020-05-11", "2020-05-18", "2020-05-25"]),
        (Frequency.MONTHLY, ["2020-06-01", "2020-07-01", "2020-08-03"]),
        (Frequency.QUARTERLY, ["2020-07-01", "2020-10-01", "2021-01-01"]),
        (Frequency.YEARLY, ["2021-01-01"]),
    ],
)
def test_reviews_take_effect_on_the_first_session_of_each_period(
    frequency: Frequency, expected: list[str]
) -> None:
    assert reviewed(AXIS, Schedule(frequency=frequency))[:3] == expected


@pytest.mark.parametrize(
    ("frequency", "review", "next_session"),
    [
        (Frequency.DAILY, "2020-05-07", "2020-05-08"),
        (Frequency.WEEKLY, "2020-05-11", "2020-05-12"),
        (Frequency.MONTHLY, "2020-06-01", "2020-06-02"),
        (Frequency.QUARTERLY, "2020-07-01", "2020-07-02"),
        (Frequency.YEARLY, "2021-01-01", "2021-01-04"),
    ],
)
def test_a_gain_is_shared_out_from_the_close_of_the_first_review_on(
    frequency: Frequency, review: str, next_session: str
) -> None:
    """100 becomes 5 x 20 + 50 = 150. Given back by the review's own close: 100 again.

    Given back after it: 75 in each name, A halves: 37.5 + 75 = 112.5.
    """
    assert doubled_until(review, frequency).levels.level[-1] == 100.0
    assert doubled_until(next_session, frequency).levels.level[-1] == 112.5


def test_a_third_friday_without_a_session_is_made_good_on_monday() -> None:
    """May 2020 begins on a Friday, so its third one is the 15th."""
    found = reviewed(without("2020-05-15"), monthly(3, Weekday.FRIDAY))
    assert found[:3] == ["2020-05-18", "2020-06-19", "2020-07-17"]
    assert reviewed(AXIS, monthly(3, Weekday.FRIDAY))[0] == "2020-05-15"


def test_the_selection_stays_the_lag_before_the_day_made_good() -> None:
    axis = without("2020-05-15")
    definition = replace(a_definition(base=BASE), schedule=replace(monthly(3, Weekday.FRIDAY), lag=2))
    result = build_index(definition, some_inputs(np.full((len(axis), 2), 10.0), axis=axis))
    assert str(result.compositions.selection[1]) == "2020-05-13"


def test_a_last_weekday_is_the_last_of_its_month_and_may_be_made_good_in_the_next() -> None:
    assert reviewed(AXIS, monthly(-1, Weekday.FRIDAY))[:3] == ["2020-05-29", "2020-06-26", "2020-07-31"]
    assert reviewed(AXIS, monthly(-1, Weekday.MONDAY))[:3] == ["2020-05-25", "2020-06-29", "2020-07-27"]
    assert reviewed(without("2020-07-31"), monthly(-1, Weekday.FRIDAY))[2] == "2020-08-03"


@pytest.mark.parametrize(
    ("frequency", "month", "expected"),
    [
        (Frequency.QUARTERLY, 1, ["2020-07-17", "2020-10-16", "2021-01-15"]),
        (Frequency.QUARTERLY, 3, ["2020-06-19", "2020-09-18", "2020-12-18"]),
        (Frequency.YEARLY, 5, ["2020-05-15", "2021-05-21"]),
        (Frequency.YEARLY, 12, ["2020-12-18"]),
    ],
)
def test_the_month_counts_within_the_quarter_or_year(
    frequency: Frequency, month: int, expected: list[str]
) -> None:
    schedule = Schedule(frequency=frequency, on=replace(THIRD_FRIDAY, month=month))
    assert reviewed(AXIS, schedule)[:3] == expected


@pytest.mark.parametrize(
    ("month", "nth", "weekday", "expected"),
    [
        ("2024-06", 3, Weekday.FRIDAY, "2024-06-21"),  # begins on a Saturday
        ("2024-02", 4, Weekday.MONDAY, "2024-02-26"),
        ("2024-02", -1, Weekday.THURSDAY, "2024-02-29"),
        ("2024-12", -1, Weekday.FRIDAY, "2024-12-27"),
        ("1969-12", 1, Weekday.MONDAY, "1969-12-01"),
        ("1969-12", -1, Weekday.WEDNESDAY, "1969-12-31"),
    ],
)
def test_weekdays_are_those_of_a_wall_calendar(month: str, nth: int, weekday: Weekday, expected: str) -> None:
    found = nth_weekdays(np.array([month], dtype="datetime64[M]"), NthWeekday(nth=nth, weekday=weekday))
    assert found.astype(str).tolist() == [expected]


def test_days_due_before_the_axis_or_after_it_are_left_out() -> None:
    """The third Friday of May 2020 is the first row, which never is due; that of June lies beyond."""
    axis = sessions(10, "2020-05-15")
    assert not due_rows(axis, Frequency.MONTHLY, THIRD_FRIDAY).any()
    assert np.flatnonzero(due_rows(sessions(10, "2020-05-14"), Frequency.MONTHLY, THIRD_FRIDAY)).tolist() == [
        1
    ]
