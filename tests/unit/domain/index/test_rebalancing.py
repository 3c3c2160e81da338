import numpy as np
import pytest
from tests.factories import days, sessions

from waardhaven.domain.index.composition import ReviewReason
from waardhaven.domain.index.definition import Schedule
from waardhaven.domain.index.rebalancing import period_starts, planned
from waardhaven.domain.market.calendar import Frequency, NotASession

YEAR = sessions(600, "2019-12-02")
NONE = days()


def starts(frequency: Frequency, axis: np.ndarray = YEAR) -> list[str]:
    return axis[period_starts(axis, frequency)].astype(str).tolist()


def test_daily_reviews_are_every_session_after_the_first() -> None:
    assert starts(Frequency.DAILY, YEAR[:4]) == ["2019-12-03", "2019-12-04", "2019-12-05"]


def test_weekly_reviews_are_the_first_session_of_each_iso_week_across_the_new_year() -> None:
    axis = days("2020-12-24", "2020-12-28", "2020-12-31", "2021-01-04", "2021-01-05", "2021-01-12")
    assert starts(Frequency.WEEKLY, axis) == ["2020-12-28", "2021-01-04", "2021-01-12"]


def test_a_week_that_begins_with_a_holiday_is_reviewed_on_its_first_session() -> None:
    axis = days("2021-01-15", "2021-01-19", "2021-01-20")
    assert starts(Frequency.WEEKLY, axis) == ["2021-01-19"]


def test_monthly_quarterly_and_yearly_reviews_are_the_first_session_of_their_period() -> None:
    assert starts(Frequency.MONTHLY)[:3] == ["2020-01-01", "2020-02-03", "2020-03-02"]
    assert starts(Frequency.QUARTERLY)[:3] == ["2020-01-01", "2020-04-01", "2020-07-01"]
    assert (
        starts(Frequency.YEARLY)
        == ["2020-01-01", "2021-01-01", "2022-01-03"][: len(starts(Frequency.YEARLY))]
    )
    assert len(starts(Frequency.YEARLY)) >= 2


@pytest.mark.parametrize("frequency", list(Frequency))
def test_a_session_starts_a_period_whatever_the_axis_begins_with(frequency: Frequency) -> None:
    whole = period_starts(YEAR, frequency)
    for cut in (1, 17, 23, 300):
        assert np.array_equal(period_starts(YEAR[cut:], frequency)[1:], whole[cut + 1 :])
        assert not period_starts(YEAR[cut:], frequency)[0]


@pytest.mark.parametrize("frequency", list(Frequency))
def test_days_before_1970_have_the_same_calendar_rules(frequency: Frequency) -> None:
    old = sessions(600, "1967-12-04")
    found = old[period_starts(old, frequency)].tolist()
    if frequency is Frequency.WEEKLY:
        assert {day.weekday() for day in found} == {0}
    if frequency is Frequency.QUARTERLY:
        assert {day.month for day in found} == {1, 4, 7, 10}


def test_the_base_review_comes_first_and_nothing_before_it() -> None:
    plan = planned(YEAR, Schedule(frequency=Frequency.MONTHLY), 30, base=True, forced=NONE)
    assert plan.effective[0] == 30
    assert plan.reason[0] == ReviewReason.BASE
    assert (plan.effective[1:] > 30).all()
    assert len(plan) == len(plan.reason)


def test_a_continuation_plans_nothing_on_its_opening_day() -> None:
    row = int(np.searchsorted(YEAR, np.datetime64("2020-02-03")))
    plan = planned(YEAR, Schedule(frequency=Frequency.MONTHLY), row, base=False, forced=NONE)
    assert YEAR[plan.effective[0]] == np.datetime64("2020-03-02")


def test_forced_days_are_reviewed_unless_they_are_scheduled_or_past_or_not_due() -> None:
    forced = days("2019-12-05", "2020-02-04", "2020-03-02", "2020-02-04", "2055-01-04")
    plan = planned(YEAR, Schedule(frequency=Frequency.MONTHLY), 10, base=False, forced=forced)
    found = dict(zip(YEAR[plan.effective].astype(str).tolist(), plan.reason.tolist(), strict=True))
    assert found["2020-02-04"] == ReviewReason.MANUAL
    assert found["2020-03-02"] == ReviewReason.SCHEDULED
    assert "2019-12-05" not in found


def test_a_forced_day_without_a_session_is_refused() -> None:
    with pytest.raises(NotASession, match="2020-02-08"):
        planned(YEAR, Schedule(), 10, base=False, forced=days("2020-02-08"))
