from datetime import date

import numpy as np
import pytest

from waardhaven.domain.market.freshness import Age, Freshness, age, last_over

DAY = np.array(["2026-11-19", "2026-11-20", "2026-11-23"], dtype="datetime64[D]")
CLOSE = DAY.astype("datetime64[s]") + np.timedelta64(21, "h")
FRIDAY = date(2026, 11, 20)


def at(last: date | None, now: str) -> Age:
    return age(last, day=DAY, close_at=CLOSE, now=np.datetime64(now))


@pytest.mark.parametrize("now", ["2026-11-20T21:00", "2026-11-22T12:00", "2026-11-23T20:59"])
def test_fridays_close_is_fresh_all_weekend_until_mondays_close(now: str):
    assert at(FRIDAY, now) == Age(state=Freshness.FRESH, expected=FRIDAY, behind=0)


def test_bar_of_a_session_under_way_is_fresh():
    assert at(FRIDAY, "2026-11-20T15:00").state is Freshness.FRESH


def test_sessions_that_are_over_without_a_bar_are_counted():
    assert at(date(2026, 11, 18), "2026-11-23T21:00") == Age(
        state=Freshness.STALE, expected=date(2026, 11, 23), behind=3
    )
    assert at(FRIDAY, "2026-11-23T21:00").behind == 1


def test_nothing_stored_is_empty_and_an_exchange_without_sessions_is_unknown():
    assert at(None, "2026-11-21T12:00") == Age(state=Freshness.EMPTY, expected=FRIDAY, behind=None)
    assert at(FRIDAY, "2026-11-01T12:00") == Age(state=Freshness.UNKNOWN, expected=None, behind=None)


def test_last_session_that_is_over_is_told():
    assert last_over(day=DAY, close_at=CLOSE, now=np.datetime64("2026-11-21T00:00")) == FRIDAY
    assert last_over(day=DAY[:0], close_at=CLOSE[:0], now=np.datetime64("2026-11-21T00:00")) is None
