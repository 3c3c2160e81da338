"""The registry of objectives, and the one function that solves a problem for any of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from waardhaven.domain.quant.hierarchy import hierarchical_risk_parity as hierarchical_weights
from waardhaven.domain.quant.markowitz.cardinality import held_exactly, require_choice
from waardhaven.domain.quant.markowitz.expected_shortfall import least_shortfall
from waardhaven.domain.quant.markowitz.mean_variance import (
    insist_on_return,
    maximum_diversification,
    maximum_sharpe,
    minimum_variance,
    repair_told,
    risk_aversion,
    target_return,
    target_risk,
)
from waardhaven.domain.quant.markowitz.portfolio import Portfolio
from waardhaven.domain.quant.markowitz.problem import Problem, refuse
from waardhaven.domain.quant.markowitz.standard_form import require_feasible
from waardhaven.domain.quant.quadratic_programme import Infeasible
from waardhaven.domain.quant.risk_budgeting import contributions
from waardhaven.domain.quant.risk_budgeting import risk_budgets as budgeted_weights
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What can be asked for.

    ``parameters``: fields of ``Problem`` it reads beyond moments and limits. ``formula``: its programme.
    ``source``: paper and page. ``solve``: the function. ``score``: a figure of its answer that is lower for a
    better one, None where a limit on the number of names has no meaning. ``insist``: raises what can be told
    of a problem without solving it.
    """

    name: str
    title: str
    parameters: tuple[str, ...]
    formula: str
    source: str
    solve: Callable[[Problem], Portfolio]
    score: Callable[[Portfolio], float] | None = None
    insist: Callable[[Problem], object] | None = None


def minimum_cvar(problem: Problem) -> Portfolio:
    """Return the portfolio of least conditional value at risk over the returns given; see ``figures``."""
    if problem.returns is None:
        raise refuse("returns", "required by minimum_cvar: it reads every period, not moments")
    found = least_shortfall(problem.returns.values, problem.limits, problem.confidence)
    return Portfolio.of(
        "minimum_cvar",
        problem.moments,
        found.weights,
        risk_free=problem.risk_free,
        method="simplex",
        residual=found.gap,
        duals=found.duals,
        figures={"cvar": found.cvar, "var": found.var},
        warnings=repair_told(problem),
    )


def risk_parity(problem: Problem) -> Portfolio:
    """Return the long-only portfolio whose names contribute the same to risk."""
    count = len(problem.moments.names)
    return _budgeted(problem, "risk_parity", np.full(count, 1.0 / count))


def risk_budgets(problem: Problem) -> Portfolio:
    """Return the long-only portfolio whose names contribute the given shares of risk."""
    if problem.budgets is None:
        raise refuse("budgets", "required by risk_budgets")
    return _budgeted(problem, "risk_budgets", problem.budgets)


def hierarchical_risk_parity(problem: Problem) -> Portfolio:
    """Return the long-only portfolio of hierarchical risk parity, which minimises nothing."""
    _require_moving(problem)
    return _closed(problem, "hierarchical_risk_parity", hierarchical_weights(problem.moments.covariance))


def _budgeted(problem: Problem, objective: str, shares: Floats) -> Portfolio:
    _require_moving(problem)
    weights = budgeted_weights(problem.moments.covariance, shares)
    answer = _closed(problem, objective, weights)
    off = float(np.abs(contributions(problem.moments.covariance, weights) / shares - 1.0).max())
    return replace(answer, residual=off)


def _require_moving(problem: Problem) -> None:
    still = np.flatnonzero(problem.moments.covariance.diagonal() == 0.0)
    if len(still):
        raise refuse("covariance", f"no name without volatility: {problem.moments.names[still[0]]} has none")


def _closed(problem: Problem, objective: str, weights: Floats) -> Portfolio:
    """Return the answer of a rule that has one solution, if that keeps the limits."""
    broken = problem.limits.broken_by(weights)
    if broken:
        told = f"{objective} has one portfolio, long-only and summing to 1, and it breaks {broken}."
        raise Infeasible(told, errors=refuse("limits", told).errors)
    return Portfolio.of(
        objective,
        problem.moments,
        weights,
        risk_free=problem.risk_free,
        method=objective,
        warnings=repair_told(problem),
    )


def _by_volatility(answer: Portfolio) -> float:
    return answer.volatility


MARKOWITZ = 'Markowitz (1952), "Portfolio selection", Journal of Finance 7; Portfolio Selection (1959)'
_EVERY = (
    Objective(
        name="minimum_variance",
        title="Least variance",
        parameters=(),
        formula="minimise w'Sw / 2",
        source=MARKOWITZ,
        solve=minimum_variance,
        score=_by_volatility,
    ),
    Objective(
        name="target_return",
        title="Least variance at an expected return",
        parameters=("target_return",),
        formula="minimise w'Sw / 2 with m'w = target_return",
        source=MARKOWITZ,
        solve=target_return,
        score=_by_volatility,
        insist=insist_on_return,
    ),
    Objective(
        name="target_risk",
        title="Highest expected return at a volatility",
        parameters=("target_risk",),
        formula="maximise m'w with w'Sw = target_risk^2, as minimise w'Sw / 2 - lambda m'w",
        source=MARKOWITZ,
        solve=target_risk,
    ),
    Objective(
        name="maximum_sharpe",
        title="Highest Sharpe ratio",
        parameters=("risk_free",),
        formula="maximise (m'w - risk_free) / sqrt(w'Sw)",
        source='Tobin (1958), Review of Economic Studies 25; Sharpe (1966), "Mutual fund performance"',
        solve=maximum_sharpe,
        score=lambda answer: -(answer.sharpe if answer.sharpe is not None else np.inf),
    ),
    Objective(
        name="risk_aversion",
        title="Highest quadratic utility",
        parameters=("risk_aversion",),
        formula="maximise m'w - risk_aversion w'Sw / 2",
        source="Markowitz (1959), chapter 13; Sharpe (1987), Asset allocation tools",
        solve=risk_aversion,
        score=lambda answer: -answer.figures["utility"],
    ),
    Objective(
        name="maximum_diversification",
        title="Most diversified",
        parameters=(),
        formula="maximise s'w / sqrt(w'Sw), s the volatilities",
        source='Choueifaty & Coignard (2008), "Toward maximum diversification", JPM 35(1)',
        solve=maximum_diversification,
        score=lambda answer: -answer.figures["diversification_ratio"],
    ),
    Objective(
        name="risk_parity",
        title="Equal contributions to risk",
        parameters=(),
        formula="w (Sw) / w'Sw = 1 / n for every name",
        source="Maillard, Roncalli & Teiletche (2010), JPM 36(4)",
        solve=risk_parity,
    ),
    Objective(
        name="risk_budgets",
        title="Given contributions to risk",
        parameters=("budgets",),
        formula="w (Sw) / w'Sw = budgets",
        source="Bruder & Roncalli (2012), Managing risk exposures using the risk budgeting approach",
        solve=risk_budgets,
    ),
    Objective(
        name="hierarchical_risk_parity",
        title="Hierarchical risk parity",
        parameters=(),
        formula="risk shared by halves along a tree of correlations",
        source="Lopez de Prado (2016), JPM 42(4)",
        solve=hierarchical_risk_parity,
    ),
    Objective(
        name="minimum_cvar",
        title="Least conditional value at risk",
        parameters=("confidence", "returns"),
        formula="minimise a + mean(max(-r'w - a, 0)) / (1 - confidence)",
        source="Rockafellar & Uryasev (2000), Journal of Risk 2(3)",
        solve=minimum_cvar,
        score=lambda answer: answer.figures["cvar"],
    ),
)
OBJECTIVES: Mapping[str, Objective] = MappingProxyType({one.name: one for one in _EVERY})


def optimise(objective: str, problem: Problem) -> Portfolio:
    """Return the optimal portfolio of ``problem`` for a key of ``OBJECTIVES``.

    Raises BadProblem for an unknown objective or what it lacks, Infeasible with the smallest relaxation,
    OutOfReach with the range of a target, NothingGained where a ratio has no meaning, NotSolved if no
    solution of the accuracy promised is found.
    """
    chosen = _chosen(objective, problem)
    try:
        if chosen.score is None or problem.limits.most_names is None:
            return chosen.solve(problem)
        return held_exactly(problem, chosen.solve, chosen.score)
    except Infeasible:
        require_feasible(problem.limits, problem.moments.names)
        raise


def examine(objective: str, problem: Problem) -> None:
    """Raise what ``optimise`` would for limits that nothing can keep, or a target return out of reach.

    A linear programme or two, however large the problem is to solve.
    """
    chosen = _chosen(objective, problem)
    require_feasible(problem.limits, problem.moments.names)
    require_choice(problem.limits)
    if chosen.insist is not None:
        chosen.insist(problem)


def _chosen(objective: str, problem: Problem) -> Objective:
    chosen = OBJECTIVES.get(objective)
    if chosen is None:
        raise refuse("objective", f"one of {', '.join(OBJECTIVES)}")
    if chosen.score is None and problem.limits.most_names is not None:
        raise refuse("most_names", f"no limit for {objective}")
    return chosen
