import numpy as np
import pytest

from waardhaven.domain.index.constraints.turnover import moved, turnover


def test_a_full_exchange_is_a_turnover_of_two() -> None:
    assert turnover(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 2.0


def test_a_goal_within_the_limit_is_reached() -> None:
    held, goal = np.array([0.5, 0.5]), np.array([0.6, 0.4])
    assert moved(held, held, goal, 0.2 + 1e-15) is goal


def test_a_goal_beyond_the_limit_is_approached_as_far_as_the_limit() -> None:
    held, goal = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    np.testing.assert_allclose(moved(held, held, goal, 0.4), [0.7, 0.3], rtol=1e-15)


def test_nothing_more_is_traded_where_the_least_exceeds_the_limit() -> None:
    held, start, goal = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.5, 0.5])
    assert moved(held, start, goal, 0.3) is start


def test_the_furthest_point_is_exact_where_a_weight_passes_the_one_held() -> None:
    """The first name goes from 0.4 past its 0.5 to 0.9: cheaper first, dearer after a fifth of the way."""
    held, start, goal = np.array([0.5, 0.5]), np.array([0.4, 0.6]), np.array([0.9, 0.1])
    found = moved(held, start, goal, 0.5)
    np.testing.assert_allclose(found, [0.75, 0.25], rtol=1e-14)
    assert turnover(held, found) == pytest.approx(0.5, abs=1e-14)
