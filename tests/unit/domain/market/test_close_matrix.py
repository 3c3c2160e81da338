"""Closes of some series as one matrix."""

import numpy as np
import pytest
from tests.factories import days

from waardhaven.domain.market.close_matrix import CloseMatrix
from waardhaven.domain.market.panel import AmbiguousSeries
from waardhaven.domain.types import Days

NAN = np.nan
DAYS = days("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-08")
CLOSE = np.array([[1.0, NAN, NAN], [2.0, 5.0, NAN], [NAN, 6.0, NAN], [4.0, NAN, NAN]])
MATRIX = CloseMatrix(day=DAYS, close=CLOSE)


def test_rows_in_any_order_land_on_their_day_and_in_the_column_of_their_series() -> None:
    found = CloseMatrix.of(
        series=np.array([9, 4, 9, 4, 9]),
        day=DAYS[[3, 2, 0, 1, 1]],
        close=np.array([4.0, 6.0, 1.0, 5.0, 2.0]),
        columns=np.array([9, 4, 7]),
    )
    assert found.day.tolist() == DAYS.tolist()
    np.testing.assert_array_equal(found.close, CLOSE)
    assert len(found) == 4


def test_no_rows_are_a_matrix_without_days() -> None:
    none = np.empty(0, dtype=np.int64)
    found = CloseMatrix.of(series=none, day=DAYS[:0], close=np.empty(0), columns=np.array([9, 4]))
    assert (len(found), found.close.shape) == (0, (0, 2))


def test_row_of_a_series_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(AmbiguousSeries):
        CloseMatrix.of(series=np.array([1]), day=DAYS[:1], close=np.ones(1), columns=np.array([2]))


@pytest.mark.parametrize(
    ("sessions", "rows"),
    [
        (DAYS, [0, 1, 2, 3]),
        (DAYS[1:3], [1, 2]),
        (DAYS[::2], [0, 2]),
        (days("2024-01-01", "2024-01-03", "2024-01-05", "2024-01-08", "2024-01-09"), [-1, 1, -1, 3, -1]),
        (DAYS[:0], []),
    ],
)
def test_sessions_have_the_closes_of_their_day_and_no_others(sessions: Days, rows: list[int]) -> None:
    expected = np.vstack([CLOSE, np.full((1, 3), NAN)])[rows] if rows else np.empty((0, 3))
    np.testing.assert_array_equal(MATRIX.on(sessions), expected)


def test_sessions_that_are_rows_one_after_the_other_are_not_copied() -> None:
    assert np.shares_memory(MATRIX.on(DAYS[1:]), CLOSE)


def test_bars_left_out_take_their_day_along_where_it_has_no_other() -> None:
    out = days("2024-01-02", "2024-01-03", "2024-01-05", "2024-02-01")
    found = MATRIX.without(day=out, column=np.array([0, 1, 0, 2]))
    assert found.day.tolist() == DAYS[1:].tolist()
    np.testing.assert_array_equal(found.close, [[2, NAN, NAN], [NAN, 6, NAN], [4, NAN, NAN]])
    assert CLOSE[0, 0] == 1.0


def test_leaving_out_what_is_not_there_changes_nothing() -> None:
    assert MATRIX.without(day=days("2024-01-05"), column=np.array([0])) is MATRIX


@pytest.mark.parametrize(
    ("through", "expected"),
    [
        ("2024-01-01", ["NaT", "NaT", "NaT"]),
        ("2024-01-02", ["2024-01-02", "NaT", "NaT"]),
        ("2024-01-07", ["2024-01-03", "2024-01-04", "NaT"]),
        ("2030-01-01", ["2024-01-08", "2024-01-04", "NaT"]),
    ],
)
def test_last_day_of_each_series_up_to_a_day_is_told(through: str, expected: list[str]) -> None:
    assert MATRIX.last_days(np.datetime64(through)).astype(str).tolist() == expected
