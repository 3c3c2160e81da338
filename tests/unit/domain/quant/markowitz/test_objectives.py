from dataclasses import replace

import numpy as np
import pytest

from waardhaven.domain.quant.markowitz import critical_line, objectives
from waardhaven.domain.quant.markowitz.constraints import Constraints, Group
from waardhaven.domain.quant.markowitz.frontier import OutOfReach
from waardhaven.domain.quant.markowitz.moments import Moments, Returns
from waardhaven.domain.quant.markowitz.objectives import OBJECTIVES, optimise
from waardhaven.domain.quant.markowitz.portfolio import Portfolio
from waardhaven.domain.quant.markowitz.problem import BadProblem, Problem
from waardhaven.domain.quant.optimal_weights import NothingGained
from waardhaven.domain.quant.quadratic_programme import Infeasible

NAMES = ("A", "B", "C", "D")
EXPECTED = np.array([0.04, 0.07, 0.10, 0.06])
ROOT = np.array(
    [[0.10, 0.0, 0.0, 0.0], [0.05, 0.15, 0.0, 0.0], [0.06, 0.05, 0.25, 0.0], [0.03, 0.09, 0.02, 0.12]]
)
MARKET = Moments.given(expected=EXPECTED, covariance=ROOT @ ROOT.T, names=NAMES)
HALVES = (
    Group(name="first", member=np.array([True, True, False, False]), most=0.5),
    Group(name="rest", member=np.array([False, False, True, True]), most=0.5),
)
"""Caps that add up to 1, so that both are tight with the budget: their multipliers are not unique."""


def problem(moments: Moments = MARKET, limits: Constraints | None = None, **given: object) -> Problem:
    kept = limits or Constraints.long_only(len(moments.names))
    return Problem(moments=moments, limits=kept, **given)  # type: ignore[arg-type]


def bounded(lower: float = 0.0, upper: float = 1.0, **given: object) -> Constraints:
    return Constraints(lower=np.full(4, lower), upper=np.full(4, upper), **given)  # type: ignore[arg-type]


def everything() -> dict[str, object]:
    values = np.random.default_rng(3).normal(0.005, 0.03, (80, 4))
    return {
        "target_return": 0.065,
        "target_risk": 0.13,
        "risk_aversion": 3.0,
        "budgets": np.array([0.4, 0.3, 0.2, 0.1]),
        "returns": Returns(values=values, names=NAMES, periods_per_year=52.0),
    }


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_answers_with_weights_risk_and_its_name(objective: str) -> None:
    found = optimise(objective, problem(**everything()))
    assert found.objective == objective
    assert found.weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert found.volatility == pytest.approx(np.sqrt(found.weights @ MARKET.covariance @ found.weights))
    assert found.sharpe == pytest.approx(found.expected_return / found.volatility)
    assert found.risk_contributions.sum() == pytest.approx(found.volatility)
    assert found.residual is None if objective == "hierarchical_risk_parity" else found.residual <= 1e-10
    assert OBJECTIVES[objective].name == objective
    assert OBJECTIVES[objective].source


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_one_name_holds_all(objective: str) -> None:
    one = Moments.given(expected=np.array([0.05]), covariance=np.array([[0.04]]), names=("A",))
    values = np.array([[0.01], [-0.02], [0.03]])
    asked = problem(
        one,
        target_return=0.05,
        target_risk=0.2,
        risk_aversion=2.0,
        budgets=np.ones(1),
        returns=Returns(values=values, names=("A",), periods_per_year=12.0),
    )
    found = optimise(objective, asked)
    assert found.weights.tolist() == [1.0]
    assert found.volatility == pytest.approx(0.2)


def test_equal_expected_returns_leave_the_portfolio_of_least_variance() -> None:
    same = Moments.given(expected=np.full(4, 0.05), covariance=MARKET.covariance, names=NAMES)
    least = optimise("minimum_variance", problem(same))
    for objective in ("maximum_sharpe", "target_return", "risk_aversion"):
        found = optimise(objective, problem(same, target_return=0.05, risk_aversion=2.0))
        np.testing.assert_allclose(found.weights, least.weights, atol=1e-12)
    risky = optimise("target_risk", problem(same, target_risk=least.volatility))
    np.testing.assert_allclose(risky.weights, least.weights, atol=1e-12)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"risk_free": np.nan}, "risk_free"),
        ({"target_return": np.inf}, "target_return"),
        ({"target_risk": np.nan}, "target_risk"),
        ({"risk_aversion": np.nan}, "risk_aversion"),
        ({"risk_aversion": 0.0}, "risk_aversion"),
        ({"confidence": 1.0}, "confidence"),
        ({"confidence": 0.0}, "confidence"),
        ({"budgets": np.ones(3) / 3}, "budgets"),
        ({"budgets": np.array([0.5, 0.5, 0.0, 0.0])}, "budgets"),
        ({"budgets": np.array([0.5, 0.5, np.nan, 0.1])}, "budgets"),
        ({"budgets": np.ones(4)}, "budgets"),
        ({"limits": Constraints.long_only(3)}, "bounds"),
        (
            {"returns": Returns(values=np.zeros((3, 2)), names=("A", "B"), periods_per_year=12.0)},
            "returns",
        ),
    ],
)
def test_parameters_that_can_not_be_are_refused_with_their_field(
    given: dict[str, object], field: str
) -> None:
    with pytest.raises(BadProblem) as error:
        problem(**given)  # type: ignore[arg-type]
    assert error.value.errors[0].field == field


@pytest.mark.parametrize(
    ("objective", "field"),
    [
        ("target_return", "target_return"),
        ("target_risk", "target_risk"),
        ("risk_aversion", "risk_aversion"),
        ("risk_budgets", "budgets"),
        ("minimum_cvar", "returns"),
        ("highest_hope", "objective"),
    ],
)
def test_what_an_objective_lacks_is_named(objective: str, field: str) -> None:
    with pytest.raises(BadProblem) as error:
        optimise(objective, problem())
    assert error.value.errors[0].field == field


@pytest.mark.parametrize(
    "objective", ["maximum_diversification", "risk_parity", "risk_budgets", "hierarchical_risk_parity"]
)
def test_a_name_without_volatility_is_refused_where_risk_is_shared(objective: str) -> None:
    covariance = MARKET.covariance.copy()
    covariance[1] = covariance[:, 1] = 0.0
    still = Moments.given(expected=EXPECTED, covariance=covariance, names=NAMES)
    with pytest.raises(BadProblem, match="B has none"):
        optimise(objective, problem(still, budgets=np.full(4, 0.25)))


@pytest.mark.parametrize(
    ("objective", "given", "told"),
    [
        ("target_return", {"target_return": 0.11}, r"between 0\.04 and 0\.1, .* got 0\.11"),
        ("target_return", {"target_return": 0.01}, r"between 0\.04 and 0\.1, .* got 0\.01"),
        ("target_risk", {"target_risk": 0.05}, r"between 0\.09.* and 0\.26.*, .* got 0\.05"),
        ("target_risk", {"target_risk": 0.40}, r"between 0\.09.* and 0\.26.*, .* got 0\.4"),
    ],
)
@pytest.mark.parametrize("limits", [None, bounded(upper=0.99999999999999)])
def test_a_target_out_of_reach_names_the_range(
    objective: str, given: dict[str, float], told: str, limits: Constraints | None
) -> None:
    with pytest.raises(OutOfReach, match=told) as error:
        optimise(objective, problem(limits=limits, **given))
    assert error.value.errors[0].field == objective


def with_copy() -> Moments:
    """Return the market with a fifth name that is the first one."""
    wide = np.vstack([ROOT, ROOT[:1]])
    return Moments.given(
        expected=np.append(EXPECTED, EXPECTED[0]), covariance=wide @ wide.T, names=(*NAMES, "copy")
    )


def test_a_copy_of_a_name_changes_no_risk_and_no_return() -> None:
    least = optimise("minimum_variance", problem()).volatility * (1.0 + 1e-14)
    for target in (least, 0.12, 0.2):
        alone = optimise("target_risk", problem(target_risk=target))
        found = optimise("target_risk", problem(with_copy(), target_risk=target))
        assert found.expected_return == pytest.approx(alone.expected_return, abs=1e-9)
    wide = Constraints(lower=np.zeros(5), upper=np.full(5, 0.9))
    found = optimise("maximum_sharpe", problem(with_copy(), wide))
    assert found.sharpe == pytest.approx(optimise("maximum_sharpe", problem()).sharpe, rel=1e-9)


@pytest.fixture
def no_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no critical line be walked, so that every portfolio is searched for by programmes."""
    monkeypatch.setattr(critical_line, "STEPS_FOR_EACH", 0)


@pytest.mark.parametrize("target", [0.05, 0.40])
def test_a_risk_out_of_reach_is_told_by_the_search_too(no_walk: None, target: float) -> None:
    with pytest.raises(OutOfReach, match=r"target_risk: between 0\.09.* and 0\.26"):
        optimise("target_risk", problem(target_risk=target))


def test_the_search_finds_what_the_walk_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    capped = bounded(upper=0.6)
    least = optimise("minimum_variance", problem(limits=capped)).volatility
    asked = [
        ("target_risk", problem(limits=capped, target_risk=0.12)),
        ("target_risk", problem(limits=capped, target_risk=least * (1.0 - 1e-13))),
        ("maximum_sharpe", problem(limits=capped, risk_free=0.01)),
        ("maximum_diversification", problem(limits=capped)),
    ]
    walked = [optimise(*one) for one in asked]
    monkeypatch.setattr(critical_line, "STEPS_FOR_EACH", 0)
    for one, before in zip(asked, walked, strict=True):
        found = optimise(*one)
        np.testing.assert_allclose(found.weights, before.weights, atol=1e-8)
        assert found.method != "critical_line"


def test_nothing_above_the_riskless_rate_is_told_by_the_search_too(no_walk: None) -> None:
    with pytest.raises(NothingGained, match=r"above 0\.2"):
        optimise("maximum_sharpe", problem(limits=bounded(upper=0.6), risk_free=0.2))


def test_the_ends_of_the_frontier_can_be_asked_for() -> None:
    least = optimise("minimum_variance", problem())
    for limits in (None, bounded(groups=HALVES)):
        least = optimise("minimum_variance", problem(limits=limits))
        low = optimise("target_risk", problem(limits=limits, target_risk=least.volatility))
        np.testing.assert_allclose(low.weights, least.weights, atol=1e-7)
    top = optimise("target_return", problem(target_return=0.10))
    np.testing.assert_allclose(top.weights, [0.0, 0.0, 1.0, 0.0], atol=1e-9)
    high = optimise("target_risk", problem(target_risk=float(MARKET.volatilities[2])))
    np.testing.assert_allclose(high.weights, [0.0, 0.0, 1.0, 0.0], atol=1e-9)
    halved = optimise(
        "target_risk",
        problem(
            limits=bounded(groups=HALVES),
            target_risk=float(
                np.sqrt(np.array([0, 0.5, 0.5, 0]) @ MARKET.covariance @ np.array([0, 0.5, 0.5, 0]))
            ),
        ),
    )
    np.testing.assert_allclose(halved.weights, [0.0, 0.5, 0.5, 0.0], atol=1e-6)


def test_a_return_below_that_of_least_variance_is_answered_with_a_warning() -> None:
    found = optimise("target_return", problem(target_return=0.041))
    assert found.expected_return == pytest.approx(0.041)
    assert found.figures["lambda"] < 0.0
    assert "no portfolio of this return is efficient" in found.warnings[0]
    assert not optimise("target_return", problem(target_return=0.08)).warnings


def test_dual_values_have_names_and_signs() -> None:
    limits = bounded(
        lower=-0.05,
        upper=0.6,
        groups=(
            Group(name="dear", member=np.array([False, False, True, True]), most=0.3),
            Group(name="cheap", member=np.array([False, True, False, False]), least=0.35),
        ),
    )
    found = optimise("risk_aversion", problem(limits=limits, risk_aversion=20.0))
    assert found.duals is not None
    rows = {name: value for name, _, value in found.duals.rows}
    assert rows["cheap"] > 0.0
    assert "group cheap at its least" in found.active
    steep = optimise("risk_aversion", problem(limits=limits, risk_aversion=0.5))
    assert steep.duals is not None
    assert {name: value for name, _, value in steep.duals.rows}["dear"] < 0.0
    assert "group dear at its most" in steep.active
    capped = optimise("target_return", problem(limits=bounded(upper=0.4), target_return=0.078))
    assert capped.duals is not None
    assert capped.duals.target is not None
    assert capped.duals.target > 0.0
    assert "B at its upper bound" in capped.active
    assert capped.duals.upper[1] < 0.0
    assert not optimise("risk_parity", problem()).active


def test_turnover_keeps_near_the_present_weights_and_has_its_own_dual_value() -> None:
    limits = bounded(current=np.full(4, 0.25), turnover=0.2)
    found = optimise("minimum_variance", problem(limits=limits))
    assert np.abs(found.weights - 0.25).sum() == pytest.approx(0.2, abs=1e-12)
    assert found.duals is not None
    assert found.duals.rows[-1][0] == "turnover"
    assert found.duals.rows[-1][2] < 0.0
    assert "turnover" in found.active
    step = 1e-5
    wider = optimise("minimum_variance", problem(limits=replace(limits, turnover=0.2 + step)))
    change = (wider.volatility**2 - found.volatility**2) / 2.0
    assert change == pytest.approx(found.duals.rows[-1][2] * step, rel=1e-3)


def test_bounds_have_their_dual_values_where_present_weights_lie_outside_them() -> None:
    limits = Constraints(
        lower=np.array([0.0, 0.3, 0.0, 0.0]),
        upper=np.array([0.4, 1.0, 1.0, 1.0]),
        current=np.array([0.6, 0.1, 0.2, 0.1]),
        turnover=1.5,
    )
    found = optimise("minimum_variance", problem(limits=limits))
    plain = optimise("minimum_variance", problem(limits=replace(limits, turnover=None)))
    np.testing.assert_allclose(found.weights, plain.weights, atol=1e-9)
    assert found.duals is not None
    assert plain.duals is not None
    np.testing.assert_allclose(found.duals.upper, plain.duals.upper, atol=1e-9)
    np.testing.assert_allclose(found.duals.lower, plain.duals.lower, atol=1e-9)
    assert found.duals.upper[0] < 0.0


def test_nothing_above_the_riskless_rate_has_no_highest_ratio() -> None:
    for limits in (None, bounded(upper=0.5), bounded(groups=HALVES)):
        with pytest.raises(NothingGained, match=r"above 0\.2"):
            optimise("maximum_sharpe", problem(limits=limits, risk_free=0.2))


def test_the_highest_ratio_is_the_same_whatever_finds_it() -> None:
    plain = optimise("maximum_sharpe", problem(risk_free=0.01))
    walked = optimise("maximum_sharpe", problem(limits=bounded(lower=-1e-30), risk_free=0.01))
    assert (plain.method, walked.method) == ("active_set", "critical_line")
    np.testing.assert_allclose(walked.weights, plain.weights, atol=1e-12)
    halves = optimise("maximum_sharpe", problem(limits=bounded(groups=HALVES), risk_free=0.01))
    loose = (HALVES[0], replace(HALVES[1], most=0.5 + 1e-9))
    near = optimise("maximum_sharpe", problem(limits=bounded(groups=loose), risk_free=0.01))
    np.testing.assert_allclose(halves.weights, near.weights, atol=1e-7)


def with_cash(rate: float) -> Moments:
    covariance = np.zeros((5, 5))
    covariance[:4, :4] = MARKET.covariance
    return Moments.given(expected=np.append(EXPECTED, rate), covariance=covariance, names=(*NAMES, "cash"))


def test_cash_at_the_riskless_rate_leaves_the_tangent_portfolio() -> None:
    plain = optimise("maximum_sharpe", problem(risk_free=0.02))
    limits = Constraints(lower=np.zeros(5), upper=np.ones(5))
    found = optimise("maximum_sharpe", problem(with_cash(0.02), limits, risk_free=0.02))
    assert found.sharpe == pytest.approx(plain.sharpe, rel=1e-10)
    walked = replace(limits, lower=np.append(np.zeros(4), -0.1))
    found = optimise("maximum_sharpe", problem(with_cash(0.02), walked, risk_free=0.02))
    assert found.sharpe == pytest.approx(plain.sharpe, rel=1e-10)


def test_cash_above_the_riskless_rate_has_no_highest_ratio() -> None:
    limits = Constraints(lower=np.zeros(5), upper=np.append(np.full(4, 0.9), 1.0))
    with pytest.raises(NothingGained, match="without risk returns more than risk_free"):
        optimise("maximum_sharpe", problem(with_cash(0.02), limits, risk_free=0.01))


def test_all_in_cash_has_no_ratio_and_no_contributions() -> None:
    found = optimise("minimum_variance", problem(with_cash(0.02)))
    np.testing.assert_allclose(found.weights, [0.0, 0.0, 0.0, 0.0, 1.0], atol=1e-12)
    assert found.volatility == 0.0
    assert found.sharpe is None
    assert not found.risk_contributions.any()


@pytest.mark.parametrize("objective", ["risk_parity", "risk_budgets", "hierarchical_risk_parity"])
def test_a_rule_with_one_portfolio_refuses_limits_that_it_breaks(objective: str) -> None:
    asked = problem(limits=bounded(upper=0.3), budgets=np.full(4, 0.25))
    with pytest.raises(Infeasible, match="it breaks an upper bound by"):
        optimise(objective, asked)


def test_limits_that_nothing_keeps_are_explained_for_every_kind_of_programme() -> None:
    tight = bounded(upper=0.2)
    for objective in ("minimum_variance", "target_return", "target_risk", "maximum_sharpe", "minimum_cvar"):
        with pytest.raises(Infeasible, match=r"raise them by 0\.2 in total"):
            optimise(objective, problem(limits=tight, **everything()))


def test_a_repaired_covariance_is_told_in_the_answer() -> None:
    broken = MARKET.covariance.copy()
    broken[0, 1] = broken[1, 0] = 0.05
    repaired = Moments.given(expected=EXPECTED, covariance=broken, names=NAMES, repair=True)
    found = optimise("minimum_variance", problem(repaired))
    assert "repaired by clip_eigenvalues: its smallest eigenvalue was -0.0" in found.warnings[0]


@pytest.mark.parametrize("objective", ["target_risk", "risk_parity", "hierarchical_risk_parity"])
def test_a_number_of_names_has_no_meaning_for_some_objectives(objective: str) -> None:
    with pytest.raises(BadProblem, match="most_names: no limit"):
        optimise(objective, problem(limits=bounded(most_names=2), target_risk=0.15))


def test_an_answer_that_is_infeasible_for_another_reason_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def solve(asked: Problem) -> Portfolio:
        raise Infeasible("A reason of its own.")

    chosen = replace(OBJECTIVES["minimum_variance"], solve=solve)
    monkeypatch.setattr(objectives, "OBJECTIVES", {"minimum_variance": chosen})
    with pytest.raises(Infeasible, match="A reason of its own"):
        optimise("minimum_variance", problem())


@pytest.mark.parametrize("objective", ["maximum_sharpe", "maximum_diversification"])
@pytest.mark.parametrize("first", [0.0031, 0.01, 0.013])
def test_a_mix_without_risk_that_has_a_gain_leaves_no_highest_ratio(objective: str, first: float) -> None:
    moves = np.array([first, -0.0017])  # two names that are one bet and its opposite, within rounding
    opposite = Moments.given(
        expected=np.array([0.05, 0.04]), covariance=np.multiply.outer(moves, moves), names=("A", "B")
    )
    with pytest.raises(NothingGained, match="without risk"):
        optimise(objective, problem(opposite, Constraints.long_only(2)))
