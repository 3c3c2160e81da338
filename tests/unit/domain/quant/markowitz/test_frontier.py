import numpy as np
import pytest

from waardhaven.domain.errors import Invalid
from waardhaven.domain.quant.markowitz import critical_line, efficient_frontier, frontier, searched
from waardhaven.domain.quant.markowitz.constraints import Constraints, Group
from waardhaven.domain.quant.markowitz.frontier import Frontier, OutOfReach
from waardhaven.domain.quant.markowitz.moments import Moments
from waardhaven.domain.quant.markowitz.problem import BadProblem, Problem
from waardhaven.domain.quant.markowitz.searched import Searched
from waardhaven.domain.quant.quadratic_programme import Infeasible, NotSolved


def market(names: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(names, names + 4)) * 0.2
    return factors @ factors.T / (names + 4), rng.normal(0.08, 0.05, names)


def problem(covariance: np.ndarray, expected: np.ndarray, limits: Constraints | None = None) -> Problem:
    names = tuple(f"N{at}" for at in range(len(expected)))
    moments = Moments.given(expected=expected, covariance=covariance, names=names)
    return Problem(moments=moments, limits=limits or Constraints.long_only(len(names)))


LIMITS = {
    "free": Constraints.long_only(12),
    "capped": Constraints(lower=np.zeros(12), upper=np.full(12, 0.2)),
    "short": Constraints(lower=np.full(12, -0.2), upper=np.full(12, 0.5)),
    "groups": Constraints(
        lower=np.zeros(12),
        upper=np.full(12, 0.5),
        groups=(
            Group(name="even", member=np.arange(12) % 2 == 0, least=0.2, most=0.6),
            Group(name="first", member=np.arange(12) < 4, most=0.3),
        ),
    ),
    "turnover": Constraints(lower=np.zeros(12), upper=np.ones(12), current=np.full(12, 1 / 12), turnover=0.8),
    "leverage": Constraints(lower=np.full(12, -0.1), upper=np.full(12, 0.9), budget=1.3),
}


@pytest.mark.parametrize("name", LIMITS)
def test_corners_equal_programmes_solved_one_by_one(name: str) -> None:
    covariance, expected = market(12)
    walked = Frontier.of(covariance, expected, LIMITS[name])
    each = Searched(covariance=covariance, expected=expected, form=walked.form)
    assert walked.residuals().max() <= 1e-12
    np.testing.assert_allclose(walked.points(15), each.points(15)[0], atol=1e-9)
    middle = float(np.sqrt(walked.variances[[0, -1]].mean()))
    assert walked.price_of_risk(middle) == pytest.approx(each.price_of_risk(middle), rel=1e-9)
    assert walked.price_of_highest_ratio(0.01) == pytest.approx(each.price_of_highest_ratio(0.01), rel=1e-9)
    target = float(walked.returns[[0, -1]].mean())
    at = walked.at(walked.price_of_return(target))
    np.testing.assert_allclose(
        walked.form.weights(at.x), walked.form.weights(each.of_return(target)[1].x), atol=1e-10
    )


def test_between_corners_weights_are_their_mix() -> None:
    covariance, expected = market(12)
    walked = Frontier.of(covariance, expected, LIMITS["free"])
    price = float(walked.prices[2] * 0.25 + walked.prices[3] * 0.75)
    mixed = 0.25 * walked.corners[2] + 0.75 * walked.corners[3]
    np.testing.assert_allclose(walked.at(price).x, mixed, atol=1e-15)
    beyond = walked.at(2.0 * float(walked.prices[-1]))
    np.testing.assert_array_equal(beyond.x, walked.corners[-1])


@pytest.mark.parametrize("target", [-1.0, 9.0])
def test_targets_beyond_the_ends_are_out_of_reach(target: float) -> None:
    walked = Frontier.of(*market(12), LIMITS["free"])
    with pytest.raises(OutOfReach, match="target_return"):
        walked.price_of_return(target)
    with pytest.raises(OutOfReach, match="target_risk"):
        walked.price_of_risk(target)
    assert walked.price_of_return(float(walked.returns[0])) == 0.0
    assert walked.price_of_risk(float(np.sqrt(walked.variances[0]))) == 0.0


def test_one_portfolio_alone_is_a_frontier_of_one_corner() -> None:
    covariance, expected = market(5)
    only = Constraints(lower=np.zeros(5), upper=np.full(5, 0.2))
    walked = Frontier.of(covariance, expected, only)
    np.testing.assert_allclose(walked.corners, [[0.2] * 5])
    np.testing.assert_allclose(walked.points(3), np.full((3, 5), 0.2))
    fixed = Constraints(lower=np.full(5, 0.2), upper=np.full(5, 0.2))
    found = efficient_frontier.efficient_frontier(problem(covariance, expected, fixed), 2)
    np.testing.assert_allclose(found.weights, np.full((2, 5), 0.2))


def test_equal_names_are_shared_equally_all_along() -> None:
    covariance = 0.04 * (np.full((6, 6), 0.3) + 0.7 * np.eye(6))
    expected = np.repeat([0.05, 0.08, 0.11], 2)
    walked = Frontier.of(covariance, expected, Constraints.long_only(6))
    np.testing.assert_allclose(walked.corners[:, ::2], walked.corners[:, 1::2], atol=1e-14)
    np.testing.assert_allclose(walked.corners[-1], [0, 0, 0, 0, 0.5, 0.5], atol=1e-14)


def test_a_drifted_inverse_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    covariance, expected = market(12)
    before = Frontier.of(covariance, expected, LIMITS["groups"]).corners
    monkeypatch.setattr(critical_line, "DRIFTED", -1.0)
    again = Frontier.of(covariance, expected, LIMITS["groups"]).corners
    np.testing.assert_allclose(again, before, atol=1e-13)


@pytest.mark.parametrize(("name", "value"), [("STEPS_FOR_EACH", 0), ("STANDING", -1)])
def test_a_walk_that_does_not_end_is_given_up(name: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(critical_line, name, value)
    with pytest.raises(NotSolved, match="does not end"):
        Frontier.of(*market(12), LIMITS["free"])


@pytest.mark.parametrize("name", LIMITS)
def test_a_basis_made_anew_at_every_corner_gives_the_same_corners(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    covariance, expected = market(12)
    before = Frontier.of(covariance, expected, LIMITS[name]).corners
    monkeypatch.setattr(critical_line, "PIVOT", 1e9)
    again = Frontier.of(covariance, expected, LIMITS[name]).corners
    np.testing.assert_allclose(again, before, atol=1e-13)


def test_an_inverse_that_is_none_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(critical_line, "SINGULAR", -1.0)
    with pytest.raises(NotSolved, match="depend on each other"):
        Frontier.of(*market(12), LIMITS["free"])


def test_a_line_that_has_drifted_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    walked = Frontier.of(*market(12), LIMITS["free"])
    monkeypatch.setattr(frontier, "MOST_RESIDUAL", -1.0)
    with pytest.raises(NotSolved, match="drifted"):
        walked.at(0.1)


HALVES = Constraints(
    lower=np.zeros(12),
    upper=np.ones(12),
    groups=(
        Group(name="first", member=np.arange(12) < 6, most=0.5),
        Group(name="rest", member=np.arange(12) >= 6, most=0.5),
    ),
)


def test_caps_that_add_up_to_the_budget_are_walked_as_caps_a_little_wider() -> None:
    covariance, expected = market(12)
    found = efficient_frontier.efficient_frontier(problem(covariance, expected, HALVES), 9)
    near = Constraints(
        lower=HALVES.lower,
        upper=HALVES.upper,
        groups=(HALVES.groups[0], Group(name="rest", member=HALVES.groups[1].member, most=0.5 + 1e-10)),
    )
    other = efficient_frontier.efficient_frontier(problem(covariance, expected, near), 9)
    assert found.method == other.method == "critical_line"
    np.testing.assert_allclose(found.weights, other.weights, atol=1e-7)


@pytest.mark.parametrize("better", [0.0, 0.02])
@pytest.mark.parametrize("short", [0.0, -0.2])
def test_a_copy_of_a_name_is_walked_past(better: float, short: float) -> None:
    """The copy moves as the first name does and earns as much, or more so that it comes before it."""
    covariance, expected = market(6)
    wide = np.append(np.arange(6), 0)
    limits = Constraints(lower=np.full(7, short), upper=np.full(7, 0.5))
    asked = problem(covariance[np.ix_(wide, wide)], np.append(expected, expected[0] + better), limits)
    found = efficient_frontier.efficient_frontier(asked, 9)
    assert found.method == "critical_line"
    assert found.residual <= 1e-10
    moments = asked.moments
    each = Searched(covariance=moments.covariance, expected=moments.expected, form=asked.form)
    for target, risk in zip(found.expected_returns[1:-1], found.volatilities[1:-1], strict=True):
        weights = each.of_return(float(target))[1].x
        assert risk == pytest.approx(np.sqrt(weights @ moments.covariance @ weights), rel=1e-8)


def test_a_walk_that_fails_is_replaced_by_programmes(monkeypatch: pytest.MonkeyPatch) -> None:
    covariance, expected = market(12)
    walked = efficient_frontier.efficient_frontier(problem(covariance, expected), 9)
    monkeypatch.setattr(critical_line, "STEPS_FOR_EACH", 0)
    found = efficient_frontier.efficient_frontier(problem(covariance, expected), 9)
    assert (found.corners, found.corner_prices, found.method) == (None, None, "quadratic_programmes")
    np.testing.assert_allclose(found.weights, walked.weights, atol=1e-9)


def test_a_walk_of_poor_accuracy_is_replaced_by_programmes(monkeypatch: pytest.MonkeyPatch) -> None:
    covariance, expected = market(12)
    monkeypatch.setattr(frontier, "MOST_RESIDUAL", -1.0)
    found = efficient_frontier.efficient_frontier(problem(covariance, expected), 3)
    assert found.method == "quadratic_programmes"


@pytest.mark.parametrize("count", [1, 10_001])
def test_a_number_of_points_out_of_range_is_refused(count: int) -> None:
    with pytest.raises(BadProblem, match="points: between 2 and 10000"):
        efficient_frontier.efficient_frontier(problem(*market(3)), count)


def test_a_limit_on_names_has_no_frontier() -> None:
    limits = Constraints(lower=np.zeros(3), upper=np.ones(3), most_names=2)
    with pytest.raises(BadProblem, match="most_names"):
        efficient_frontier.efficient_frontier(problem(*market(3), limits), 5)


def test_a_frontier_of_nothing_is_explained() -> None:
    limits = Constraints(lower=np.zeros(3), upper=np.full(3, 0.3))
    with pytest.raises(Infeasible, match=r"raise them by 0\.1 in total"):
        efficient_frontier.efficient_frontier(problem(*market(3), limits), 5)


def test_infeasibility_of_another_kind_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(asked: Problem, points: int) -> None:
        raise Infeasible("A reason of its own.")

    monkeypatch.setattr(efficient_frontier, "_walked", nothing)
    with pytest.raises(Infeasible, match="A reason of its own"):
        efficient_frontier.efficient_frontier(problem(*market(3)), 5)


def test_a_programme_that_fails_within_the_range_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    covariance, expected = market(3)
    walked = Frontier.of(covariance, expected, Constraints.long_only(3))
    each = Searched(covariance=covariance, expected=expected, form=walked.form)

    def fails(programme: object) -> None:
        raise NotSolved("No luck.")

    monkeypatch.setattr(searched, "solved", fails)
    with pytest.raises(NotSolved, match="No luck"):
        each.of_return(float(expected.mean()))
    with pytest.raises(Invalid, match="target_return"):
        each.of_return(9.0)


def test_a_search_that_finds_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    covariance, expected = market(3)
    form = Frontier.of(covariance, expected, Constraints.long_only(3)).form
    monkeypatch.setattr(searched, "DOUBLINGS", 0)
    with pytest.raises(NotSolved, match="was not found"):
        Searched(covariance=covariance, expected=expected, form=form).price_of_highest_ratio(0.0)
