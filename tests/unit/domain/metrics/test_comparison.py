"""Levels side by side: common days, rebasing, blends, ends of periods."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import days

from waardhaven.domain.market.calendar import Frequency, period
from waardhaven.domain.metrics.comparison import Levels, blended, common_levels, period_ends, rebased
from waardhaven.domain.metrics.periods import compounded_by
from waardhaven.domain.metrics.sample import from_levels

nan = np.nan


def levels(first: str, *values: float) -> Levels:
    start = np.datetime64(first, "D")
    return Levels(day=start + np.arange(len(values)), level=np.array(values))


def test_only_days_that_all_know_are_compared():
    one = levels("2024-01-01", 1.0, 2.0, nan, 4.0, 5.0)
    other = levels("2024-01-02", 20.0, 30.0, 0.0, 50.0, 60.0)
    found, values = common_levels([one, other])
    assert found.astype(str).tolist() == ["2024-01-02", "2024-01-05"]
    assert values.tolist() == [[2.0, 20.0], [5.0, 50.0]]


def test_levels_without_a_common_day_have_none():
    found, values = common_levels([levels("2024-01-01", 1.0), levels("2025-01-01", 1.0)])
    assert (len(found), values.shape) == (0, (0, 2))


def test_holidays_of_one_market_take_no_return_from_the_other():
    """The origin cut both to one length and compared different days (D-W12)."""
    axis = np.datetime64("2024-01-01", "D") + np.arange(8)
    close = np.array([1.0, 1.1, 1.3, 1.2, 1.25, 1.4, 1.5, 1.45])
    open_days = np.array([0, 1, 3, 4, 6, 7])
    found, values = common_levels(
        [Levels(day=axis, level=close), Levels(day=axis[open_days], level=7.0 * close[open_days])]
    )
    assert found.tolist() == axis[open_days].tolist()
    moves = from_levels(values)
    np.testing.assert_allclose(moves[:, 0], moves[:, 1], rtol=1e-14)


def test_rebased_levels_begin_at_a_hundred_and_keep_their_ratios():
    assert rebased(np.array([[2.0, 50.0], [3.0, 25.0]])).tolist() == [[100.0, 100.0], [150.0, 50.0]]


def test_a_blend_moves_by_the_weighted_mean_of_its_parts():
    found = blended(np.array([[1.0, 10.0], [1.1, 10.0], [1.1, 12.0]]), np.array([0.6, 0.4]))
    np.testing.assert_allclose(found, [100.0, 106.0, 106.0 * 1.08], rtol=1e-15)


def test_a_blend_of_one_thing_in_two_parts_is_that_thing():
    close = np.array([3.0, 4.0, 2.0, 5.0])
    found = blended(np.stack([close, 9.0 * close], axis=1), np.array([0.3, 0.7]))
    np.testing.assert_allclose(found, 100.0 * close / 3.0, rtol=1e-14)


@pytest.mark.parametrize(
    ("day", "most", "expected"),
    [
        ("2023-12-31", 9, nan),
        ("2024-01-01", 0, 1.0),
        ("2024-01-02", 0, nan),
        ("2024-01-02", 1, 1.0),
        ("2024-01-04", 9, 4.0),
        ("2024-02-01", 9, nan),
    ],
)
def test_a_level_stands_for_later_days_only_so_long(day: str, most: int, expected: float):
    one = levels("2024-01-01", 1.0, nan, -1.0, 4.0)
    assert one.at(np.array([day], "M8[D]"), max_days=most).tolist() == pytest.approx([expected], nan_ok=True)


def test_without_a_known_level_every_day_is_unknown():
    assert np.isnan(levels("2024-01-01", nan).at(days("2024-01-02"), max_days=9)).all()


@given(
    st.sampled_from([one for one in Frequency if one is not Frequency.DAILY]),
    st.lists(st.integers(1, 40), min_size=0, max_size=60),
)
def test_returns_between_ends_of_periods_are_those_compounded_over_them(
    frequency: Frequency, gaps: list[int]
):
    axis = np.datetime64("2023-11-27", "D") + np.cumsum([0, *gaps])
    close = np.random.default_rng(1).uniform(1.0, 2.0, len(axis))
    ends = period_ends(axis, frequency)
    assert ends[0] == axis[0]
    assert len(ends) == 1 + len(np.unique(period(axis[1:], frequency)))
    moves = from_levels(Levels(day=axis, level=close).at(ends)[:, None])
    expected = compounded_by(axis[1:], from_levels(close[:, None]), frequency)
    assert ends[1:].tolist() == expected.days.tolist()
    np.testing.assert_allclose(moves, expected.returns, rtol=1e-12, atol=1e-14)
