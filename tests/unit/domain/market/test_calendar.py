import numpy as np
import pytest
from tests.factories import days

from waardhaven.domain.market.calendar import NotASession, as_of, last_known, session_row

AXIS = days("2024-01-02", "2024-01-03", "2024-01-05", "2024-01-08")
KNOWN = days("2024-01-03", "2024-01-04")


def test_each_day_gets_the_last_known_row_at_or_before_it() -> None:
    assert as_of(KNOWN, AXIS).tolist() == [-1, 0, 1, 1]


@pytest.mark.parametrize(
    ("max_days", "expected"),
    [(0, [-1, 0, -1, -1]), (1, [-1, 0, 1, -1]), (3, [-1, 0, 1, -1]), (4, [-1, 0, 1, 1])],
)
def test_a_row_more_calendar_days_old_than_the_limit_is_not_used(max_days: int, expected: list[int]) -> None:
    assert as_of(KNOWN, AXIS, max_days=max_days).tolist() == expected


def test_nothing_known_answers_minus_one() -> None:
    assert as_of(KNOWN[:0], AXIS).tolist() == [-1] * 4
    assert as_of(KNOWN[:0], AXIS, max_days=1).tolist() == [-1] * 4


def test_last_known_rows_are_carried_down_each_column() -> None:
    known = np.array([[False, True], [True, False], [False, False], [True, True]])
    assert last_known(known).tolist() == [[-1, 0], [1, 0], [1, 0], [3, 3]]


def test_a_session_is_found_by_its_day() -> None:
    assert session_row(AXIS, np.datetime64("2024-01-05")) == 2


@pytest.mark.parametrize("day", ["2024-01-04", "2023-01-01", "2025-01-01"])
def test_a_day_without_a_session_is_refused(day: str) -> None:
    with pytest.raises(NotASession, match=day) as caught:
        session_row(AXIS, np.datetime64(day), field="base_date")
    assert caught.value.context == {"base_date": day}
