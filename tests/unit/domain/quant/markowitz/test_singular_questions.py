"""Questions about singular markets that were not solved, crashed, or were refused for a wrong reason."""

import numpy as np
import pytest
from tests.unit.domain.quant.markowitz.singular_questions import answer_of, assert_answered, question

from waardhaven.domain.quant.markowitz.frontier import Frontier
from waardhaven.domain.quant.markowitz.searched import Searched
from waardhaven.domain.quant.quadratic_programme import NotSolved

NOT_SOLVED = [
    419,
    420,
    427,
    477,
    492,
    514,
    576,
    595,
    644,
    647,
    777,
    829,
    875,
    958,
    1292,
    1318,
    1334,
    1520,
    1962,
]
NOT_SOLVED += [2472, 3180, 3274, 7302, 7449, 8282, 11807, 12164, 13962]


@pytest.mark.parametrize("seed", NOT_SOLVED)
def test_what_was_not_solved_is_answered(seed: int) -> None:
    assert_answered(seed)


@pytest.mark.parametrize("seed", [352, 703, 1570, 1790])
def test_a_portfolio_without_risk_that_earns_more_has_no_highest_ratio(seed: int) -> None:
    """The search for the price of risk began where its sign was that of rounding."""
    assert assert_answered(seed) == "NothingGained"


@pytest.mark.parametrize("seed", [368, 371, 505])
def test_rounding_below_zero_is_no_variance_and_no_root(seed: int) -> None:
    assert assert_answered(seed) in {"OutOfReach", "interior_point"}


@pytest.mark.parametrize("seed", [3401, 5682, 13995])
def test_the_range_of_risk_is_not_read_from_a_line_that_left_the_optimum(seed: int) -> None:
    asked = question(seed)
    line = Frontier.of(asked.problem.moments.covariance, asked.problem.moments.expected, asked.problem.limits)
    with pytest.raises(NotSolved, match="drifted"):
        line.checked()
    assert assert_answered(seed) == "OutOfReach"


def test_the_range_of_returns_tells_costs_apart_that_differ_by_little() -> None:
    """Its linear programme stopped where what is left to gain was below an absolute tolerance."""
    assert assert_answered(26744) == "OutOfReach"


def test_corners_that_break_the_budget_are_not_answered() -> None:
    assert assert_answered(587) == "quadratic_programmes"


def test_a_programme_that_another_solver_calls_contradictory_is_solved() -> None:
    """HiGHS finds no point at the upper end of the returns, where the limit on turnover leaves one."""
    assert assert_answered(12427) == "quadratic_programmes"


def test_equal_returns_have_one_point() -> None:
    """Expected returns that differ by rounding alone: a target among them has no meaning."""
    found = answer_of(question(970))
    np.testing.assert_array_equal(found.weights, np.tile(found.weights[0], (5, 1)))
    assert_answered(970)


def test_the_highest_return_of_a_search_is_that_of_a_portfolio() -> None:
    asked = question(12427).problem
    each = Searched(covariance=asked.moments.covariance, expected=asked.moments.expected, form=asked.form)
    low, high = each.ends()
    top = each.form.weights(each.of_return(high)[1].x)
    assert low < high
    assert float(asked.moments.expected @ top) == pytest.approx(high, rel=1e-12)
    assert asked.limits.broken_by(top) is None
