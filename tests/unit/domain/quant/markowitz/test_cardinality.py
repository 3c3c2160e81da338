from dataclasses import replace

import numpy as np
import pytest

from waardhaven.domain.quant.markowitz import cardinality
from waardhaven.domain.quant.markowitz.constraints import Constraints
from waardhaven.domain.quant.markowitz.moments import Moments, Returns
from waardhaven.domain.quant.markowitz.objectives import OBJECTIVES, examine, optimise
from waardhaven.domain.quant.markowitz.problem import BadProblem, Problem
from waardhaven.domain.quant.quadratic_programme import Infeasible, NotSolved

NAMES = ("A", "B", "C", "D")
EXPECTED = np.array([0.04, 0.07, 0.10, 0.06])
ROOT = np.array(
    [[0.10, 0.0, 0.0, 0.0], [0.05, 0.15, 0.0, 0.0], [0.06, 0.05, 0.25, 0.0], [0.03, 0.09, 0.02, 0.12]]
)
MARKET = Moments.given(expected=EXPECTED, covariance=ROOT @ ROOT.T, names=NAMES)


def problem(moments: Moments = MARKET, limits: Constraints | None = None, **given: object) -> Problem:
    kept = limits or Constraints.long_only(len(moments.names))
    return Problem(moments=moments, limits=kept, **given)  # type: ignore[arg-type]


def bounded(lower: float = 0.0, upper: float = 1.0, **given: object) -> Constraints:
    return Constraints(lower=np.full(4, lower), upper=np.full(4, upper), **given)  # type: ignore[arg-type]


def observed() -> Returns:
    values = np.random.default_rng(3).normal(0.005, 0.03, (80, 4))
    return Returns(values=values, names=NAMES, periods_per_year=52.0)


def test_more_names_than_are_exact_are_refused_unsolved_and_what_needs_no_choice_is_not() -> None:
    many = Moments.given(expected=np.zeros(21), covariance=np.eye(21), names=tuple(map(str, range(21))))
    for asked in (examine, optimise):
        limits = replace(Constraints.long_only(21), most_names=20)
        with pytest.raises(BadProblem, match="exact for at most 20 names, got 21"):
            asked("minimum_variance", problem(many, limits))
        with pytest.raises(BadProblem, match="no limit for risk_parity"):
            asked("risk_parity", problem(many, limits))
        with pytest.raises(BadProblem, match="one of minimum_variance"):
            asked("best", problem(many))
    examine("minimum_variance", problem(many, replace(Constraints.long_only(21), most_names=21)))


def test_few_names_are_chosen_exactly_and_the_gap_is_stated() -> None:
    for objective in ("minimum_variance", "maximum_sharpe", "target_return", "minimum_cvar"):
        found = optimise(
            objective, problem(limits=bounded(most_names=2), target_return=0.065, returns=observed())
        )
        assert (found.weights != 0.0).sum() == 2
        assert found.figures["gap"] == 0.0
        assert found.method.startswith("branch_and_bound over ")


def test_cash_alone_has_the_best_ratio_of_nothing() -> None:
    riskless = Moments.given(expected=np.ones(1), covariance=np.zeros((1, 1)), names=("cash",))
    score = OBJECTIVES["maximum_sharpe"].score
    assert score is not None
    assert score(optimise("minimum_variance", problem(riskless))) == -np.inf


def test_names_that_must_be_held_count() -> None:
    forced = Constraints(lower=np.array([0.1, 0.1, 0.1, 0.0]), upper=np.ones(4), most_names=2)
    with pytest.raises(Infeasible, match="Bounds force 3 names to be held"):
        optimise("minimum_variance", problem(limits=forced))
    kept = replace(forced, most_names=3)
    assert optimise("minimum_variance", problem(limits=kept)).weights[3] == 0.0


def test_too_few_names_for_their_bounds_are_told() -> None:
    with pytest.raises(Infeasible, match="No choice of 1 of 4 names keeps every limit"):
        optimise("minimum_variance", problem(limits=bounded(upper=0.6, most_names=1)))


def test_a_number_of_names_is_exact_for_twenty_names_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    many = Moments.given(expected=np.zeros(21), covariance=np.eye(21), names=tuple(map(str, range(21))))
    limits = Constraints(lower=np.zeros(21), upper=np.ones(21), most_names=5)
    with pytest.raises(BadProblem, match="exact for at most 20 names, got 21"):
        optimise("minimum_variance", problem(many, limits))
    every = replace(limits, most_names=21)
    assert optimise("minimum_variance", problem(many, every)).weights[0] == pytest.approx(1 / 21)
    monkeypatch.setattr(cardinality, "MOST_PROGRAMMES", 2)
    with pytest.raises(NotSolved, match="not found with 2 programmes"):
        optimise("minimum_variance", problem(limits=bounded(most_names=2)))
