from dataclasses import replace

import numpy as np
import pytest

from waardhaven.domain.quant.markowitz import expected_shortfall
from waardhaven.domain.quant.markowitz.constraints import Constraints
from waardhaven.domain.quant.markowitz.moments import Moments, Returns
from waardhaven.domain.quant.markowitz.objectives import optimise
from waardhaven.domain.quant.markowitz.problem import Problem
from waardhaven.domain.quant.quadratic_programme import NotSolved

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


@pytest.mark.parametrize("turnover", [None, 0.7])
def test_dual_values_of_shortfall_are_what_it_changes_by(turnover: float | None) -> None:
    limits = bounded(upper=0.28, current=np.full(4, 0.25), turnover=turnover)
    found = optimise("minimum_cvar", problem(limits=limits, returns=observed()))
    assert found.duals is not None
    at = int(found.duals.upper.argmin())
    assert found.duals.upper[at] < 0.0
    step = 1e-6
    for moved, dual in (
        (replace(limits, upper=limits.upper + step * (np.arange(4) == at)), found.duals.upper[at]),
        (replace(limits, budget=1.0 + step), found.duals.budget),
    ):
        again = optimise("minimum_cvar", problem(limits=moved, returns=observed()))
        assert again.figures["cvar"] - found.figures["cvar"] == pytest.approx(dual * step, abs=1e-12)


def test_shortfall_within_turnover_has_dual_values_of_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = bounded(upper=0.5, current=np.array([0.4, 0.4, 0.1, 0.1]), turnover=1.5)
    found = optimise("minimum_cvar", problem(limits=limits, returns=observed()))
    plain = optimise("minimum_cvar", problem(limits=bounded(upper=0.5), returns=observed()))
    assert found.figures["cvar"] == pytest.approx(plain.figures["cvar"], abs=1e-10)
    assert found.duals is not None
    assert found.duals.rows[-1][0] == "turnover"
    monkeypatch.setattr(expected_shortfall, "DUALITY_GAP", -1.0)
    with pytest.raises(NotSolved, match="duality gap"):
        optimise("minimum_cvar", problem(returns=observed()))
