"""Random questions about markets that are nearly always singular, and a second opinion by linear programmes.

Few periods for many names, copies and near copies of names, names that do not move, variances that differ by
twelve powers of ten; bounds, groups that contradict or repeat each other, short positions, turnover. One seed
is one question, so that what once failed is kept by its number.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from waardhaven.domain.quant.markowitz.constraints import Constraints, Group
from waardhaven.domain.quant.markowitz.efficient_frontier import EfficientFrontier, efficient_frontier
from waardhaven.domain.quant.markowitz.frontier import OutOfReach
from waardhaven.domain.quant.markowitz.moments import Moments
from waardhaven.domain.quant.markowitz.objectives import optimise
from waardhaven.domain.quant.markowitz.portfolio import Portfolio
from waardhaven.domain.quant.markowitz.problem import BadProblem, Problem
from waardhaven.domain.quant.optimal_weights import NothingGained
from waardhaven.domain.quant.quadratic_programme import MOST_RESIDUAL, Infeasible
from waardhaven.domain.types import Flags, Floats

Rng = np.random.Generator
OBJECTIVES = (
    "minimum_variance",
    "target_return",
    "target_risk",
    "risk_aversion",
    "maximum_sharpe",
    "maximum_diversification",
    "frontier",
)
EDGES = np.array([-0.5, 0.0, 0.1, 0.3, 0.5, 0.7, 1.0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An objective, or "frontier", and the problem."""

    objective: str
    problem: Problem


def question(seed: int) -> Asked:
    """Return the question of a seed; its limits may contradict each other, its targets be out of reach."""
    rng = np.random.default_rng(seed)
    market = _market(rng)
    limits = _limits(rng, len(market.names))
    objective = OBJECTIVES[rng.integers(len(OBJECTIVES))]
    expected, volatility = market.expected, market.volatilities
    inner = rng.uniform(expected.min(), expected.max())
    target = rng.choice([expected.min(), expected.max(), expected.mean(), inner])
    risk = float(volatility.min() + rng.random() * (volatility.max() - volatility.min()))
    return Asked(
        objective=objective,
        problem=Problem(
            moments=market,
            limits=limits,
            target_return=float(target),
            target_risk=risk * float(rng.choice([0.5, 1.0])),
            risk_free=float(rng.choice([0.0, 0.02, -0.05])),
            risk_aversion=float(10.0 ** rng.uniform(-2, 5)),
        ),
    )


def _market(rng: Rng) -> Moments:
    count = int(rng.integers(2, 26))
    periods = int(rng.integers(2, max(3, count + 3))) if rng.random() < 0.8 else 60
    returns = _returns(rng, periods, count)
    year = float(rng.choice([1, 12, 252]))
    moves = returns - returns.mean(axis=0)
    expected = returns.mean(axis=0) * year
    told = rng.integers(5)
    if told == 0:
        expected = np.round(expected, 2)
    elif told in (1, 2):
        expected = np.full(count, 0.0 if told == 1 else 0.05)
    return Moments(
        expected=expected,
        covariance=moves.T @ moves / (periods - 1) * year,
        names=tuple(f"N{at}" for at in range(count)),
        periods_per_year=year,
        made="random",
    )


def _returns(rng: Rng, periods: int, count: int) -> Floats:
    deviation = np.full(count, 0.01)
    spread = rng.integers(4)
    if spread in (1, 2):
        low, high = ((-4, -1), (-6, 0))[spread - 1]
        deviation = 10.0 ** rng.uniform(low, high, count)
    returns = rng.normal(size=(periods, count))
    if rng.random() < 0.5:
        returns += rng.normal(size=(periods, 1))
    returns *= deviation
    if rng.random() < 0.3:
        returns = np.round(returns, 3)
    returns += rng.normal(0, 0.0005, count) if rng.random() < 0.7 else 0.0
    _repeat(rng, returns)
    return returns


def _repeat(rng: Rng, returns: Floats) -> None:
    """Make some names copies, near copies or multiples of others, or still, in place."""
    periods, count = returns.shape
    kind = rng.integers(6)
    noise = 10.0 ** rng.uniform(-13, -4) if kind == 2 else 0.0
    if kind == 4:
        still = rng.choice([0.0, 1e-4])
        returns[:, rng.integers(count)] = still
    elif kind in (1, 2, 3):
        for _ in range(int(rng.integers(1, count))):
            source = int(rng.integers(count))
            factor: Any = 1.0
            if kind == 2:
                factor = 1.0 + noise * rng.normal(size=periods)
            elif kind == 3:
                factor = rng.choice([-1.0, 0.5, 2.0, 3.0, 1e-3, 100.0])
            returns[:, rng.integers(count)] = returns[:, source] * factor


def _limits(rng: Rng, count: int) -> Constraints:
    budget = float(rng.choice([1.0, 1.0, 1.0, 1.0, 0.0, 2.5]))
    lower, upper = _bounds(rng, count)
    groups = _groups(rng, count, budget) if rng.random() < 0.5 else []
    current, turnover = None, None
    if rng.random() < 0.25:
        current = rng.dirichlet(np.ones(count)) if rng.random() < 0.6 else np.full(count, 1.0 / count)
        turnover = float(rng.choice([0.0, 0.1, 0.5, 1.0, 1.9]))
    return Constraints(
        lower=lower, upper=upper, groups=tuple(groups), budget=budget, current=current, turnover=turnover
    )


def _bounds(rng: Rng, count: int) -> tuple[Floats, Floats]:
    kind = rng.integers(6)
    lower, upper = np.zeros(count), np.ones(count)
    if kind == 1:
        upper = np.full(count, max(0.4, 1.0 / count))
    elif kind == 2:
        upper = np.full(count, 1.0 / count * rng.choice([1.0, 1.5]))
    elif kind == 3:
        lower = np.full(count, -float(rng.choice([0.1, 0.3, 1.0, 5.0])))
        upper = np.full(count, float(rng.choice([0.5, 1.0, 5.0])))
    elif kind == 4:
        lower, upper = rng.choice([-0.2, 0.0, 0.02], count), rng.choice([0.1, 0.5, 1.0], count)
    elif kind == 5:
        lower = rng.choice([-0.2, 0.0, 0.05], count)
        upper = np.maximum(lower, rng.choice([0.05, 0.5, 1.0], count))
    return lower, upper


def _groups(rng: Rng, count: int, budget: float) -> list[Group]:
    groups = [_group(rng, count, f"g{at}") for at in range(int(rng.integers(1, 5)))]
    if rng.random() < 0.2:  # caps that add up to the budget
        first = np.arange(count) < count // 2 + 1
        most = float(rng.choice([0.3, 0.5]))
        groups = [Group(name="a", member=first, most=most)]
        if not first.all():
            groups.append(Group(name="b", member=~first, most=budget - most))
    if rng.random() < 0.1:
        one = groups[0]
        groups.append(Group(name="copy", member=one.member, least=one.least, most=one.most))
    return groups


def _group(rng: Rng, count: int, name: str) -> Group:
    member: Flags = rng.random(count) < 0.5
    member[0] |= not member.any()
    least, most = sorted(rng.choice(EDGES, 2))
    kind = rng.integers(4)
    if kind == 0:
        least = -np.inf
    elif kind == 1:
        most = np.inf
    elif kind == 2:
        least = most
    return Group(name=name, member=member, least=float(least), most=float(most))


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """Limits as a linear programme of its own, over weights and, for turnover, their absolute changes."""

    limits: Constraints

    def least(self, cost: Floats) -> float | None:
        """Return the least cost'w of weights within the limits; None if there are none.

        Its tolerances are absolute, so costs are told in units of the largest.
        """
        from scipy.optimize import linprog

        count, extra = len(cost), self._extra
        unit = float(np.abs(cost).max()) or 1.0
        rows, ceilings = self._inequalities()
        found = linprog(
            np.append(cost / unit, np.zeros(extra)),
            A_ub=np.array(rows) if rows else None,
            b_ub=ceilings or None,
            A_eq=np.append(np.ones(count), np.zeros(extra))[None, :],
            b_eq=[self.limits.budget],
            bounds=[*zip(self.limits.lower, self.limits.upper, strict=True), *[(0.0, None)] * extra],
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        return float(found.fun) * unit if found.status == 0 else None

    @property
    def _extra(self) -> int:
        return 0 if self.limits.turnover is None else len(self.limits.lower)

    def _inequalities(self) -> tuple[list[Floats], list[float]]:
        limits, extra = self.limits, self._extra
        rows: list[Floats] = []
        ceilings: list[float] = []
        for group in limits.groups:
            row = np.append(group.member.astype(np.float64), np.zeros(extra))
            for sign, edge in ((1.0, group.most), (-1.0, group.least)):
                if np.isfinite(edge):
                    rows.append(sign * row)
                    ceilings.append(sign * edge)
        if extra and limits.current is not None and limits.turnover is not None:
            for sign in (1.0, -1.0):
                rows += list(np.hstack([sign * np.eye(extra), -np.eye(extra)]))
                ceilings += list(sign * limits.current)
            rows.append(np.append(np.zeros(extra), np.ones(extra)))
            ceilings.append(limits.turnover)
        return rows, ceilings


def answer_of(asked: Asked) -> Portfolio | EfficientFrontier:
    """Return the answer to a question; raises what the domain raises."""
    if asked.objective == "frontier":
        return efficient_frontier(asked.problem, 5)
    return optimise(asked.objective, asked.problem)


def assert_answered(seed: int) -> str:
    """Assert that a question has a sound answer or a refusal that is right; return the method or refusal.

    NotSolved is no refusal: it is raised on.
    """
    asked = question(seed)
    opinion = SecondOpinion(limits=asked.problem.limits)
    try:
        found = answer_of(asked)
    except Infeasible:
        assert opinion.least(np.zeros(len(asked.problem.moments.names))) is None
        return "Infeasible"
    except OutOfReach as error:
        _assert_out_of_reach(asked, opinion, str(error))
        return "OutOfReach"
    except (NothingGained, BadProblem) as error:
        assert asked.objective in {"maximum_sharpe", "maximum_diversification"}
        return type(error).__name__
    assert found.residual is not None
    assert found.residual <= MOST_RESIDUAL
    for weights in np.atleast_2d(found.weights):
        assert asked.problem.limits.broken_by(weights) is None
    if isinstance(found, Portfolio):
        _assert_none_is_better(asked, opinion, found)
    return found.method


def _assert_none_is_better(asked: Asked, opinion: SecondOpinion, found: Portfolio) -> None:
    """Assert that no legal direction goes down, where the objective is that of the weights alone."""
    problem, weights = asked.problem, found.weights
    slope = problem.moments.covariance @ weights
    size = float(problem.moments.covariance.diagonal().max() * max(1.0, np.abs(weights).max()))
    if asked.objective == "risk_aversion":
        price = 1.0 / problem.need("risk_aversion")
        slope = slope - price * problem.moments.expected
        size += price * float(np.abs(problem.moments.expected).max())
    elif asked.objective != "minimum_variance":
        return
    least = opinion.least(slope)
    assert least is not None
    assert float(slope @ weights) - least <= 1e-8 * size


def _assert_out_of_reach(asked: Asked, opinion: SecondOpinion, told: str) -> None:
    """Assert that the range told is the true one."""
    figures = re.search(r"between (\S+) and (\S+), .* got (\S+)$", told)
    assert figures is not None
    low, high, target = (float(one) for one in figures.groups())
    assert not low < target < high
    market = asked.problem.moments
    if asked.objective == "target_risk":
        least = optimise("minimum_variance", asked.problem)
        assert low**2 == pytest.approx(least.volatility**2, rel=1e-6, abs=1e-8 * market.covariance.max())
        return
    assert asked.objective == "target_return"
    ends = opinion.least(market.expected), opinion.least(-market.expected)
    assert None not in ends
    room = 1e-9 * float(np.abs(market.expected).max())
    assert ends == pytest.approx((low, -high), abs=room)
