"""What must hold for every market and every limit."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from waardhaven.domain.errors import Invalid
from waardhaven.domain.quant.markowitz.black_litterman import black_litterman, equilibrium
from waardhaven.domain.quant.markowitz.constraints import Constraints, Group
from waardhaven.domain.quant.markowitz.efficient_frontier import efficient_frontier
from waardhaven.domain.quant.markowitz.expected_shortfall import conditional_value_at_risk
from waardhaven.domain.quant.markowitz.moments import Moments, Returns
from waardhaven.domain.quant.markowitz.objectives import OBJECTIVES, optimise
from waardhaven.domain.quant.markowitz.portfolio import Portfolio
from waardhaven.domain.quant.markowitz.problem import Problem
from waardhaven.domain.quant.quadratic_programme import Infeasible

MEAN_VARIANCE = [
    "minimum_variance",
    "target_return",
    "target_risk",
    "maximum_sharpe",
    "risk_aversion",
    "maximum_diversification",
]
QUICK = settings(max_examples=40, deadline=None)


@st.composite
def markets(draw: st.DrawFn, *, least: int = 2, most: int = 8) -> Moments:
    """Return moments of a market with factors; expected returns may be equal."""
    count = draw(st.integers(least, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    factors = rng.normal(size=(count, count + 2)) * rng.uniform(0.05, 0.3, (count, 1))
    covariance = factors @ factors.T / (count + 2) + 1e-4 * np.eye(count)
    expected = np.round(rng.normal(0.08, 0.06, count), draw(st.sampled_from([1, 2, 8])))
    names = tuple(f"N{at}" for at in range(count))
    return Moments.given(expected=expected, covariance=(covariance + covariance.T) / 2.0, names=names)


@st.composite
def limits(draw: st.DrawFn, count: int) -> Constraints:
    """Return limits that some weights keep: bounds, a group, turnover or none of them."""
    short = draw(st.sampled_from([0.0, -0.1, -0.3]))
    most = draw(st.sampled_from([1.0, 0.8])) if count < 3 else draw(st.sampled_from([1.0, 0.6, 0.45]))
    groups: tuple[Group, ...] = ()
    if count > 3 and draw(st.booleans()):
        groups = (Group(name="half", member=np.arange(count) % 2 == 0, least=0.2, most=0.7),)
    current = None
    turnover = draw(st.sampled_from([None, 0.4, 1.2]))
    if turnover is not None:
        current = np.full(count, 1.0 / count)
    return Constraints(
        lower=np.full(count, short),
        upper=np.full(count, most),
        groups=groups,
        current=current,
        turnover=turnover,
    )


def problem_of(market: Moments, kept: Constraints, **given_too: object) -> Problem:
    """Return a problem whose targets lie on the frontier."""
    ends = efficient_frontier(Problem(moments=market, limits=kept), 3)
    assume(ends.expected_returns[-1] - ends.expected_returns[0] > 1e-4)
    figures = {
        "target_return": float(ends.expected_returns[1]),
        "target_risk": float(ends.volatilities[1]),
        "risk_aversion": 4.0,
        "risk_free": float(ends.expected_returns[0]) - 0.01,
    }
    return Problem(moments=market, limits=kept, **(figures | given_too))  # type: ignore[arg-type]


@pytest.mark.parametrize("objective", MEAN_VARIANCE)
@QUICK
@given(data=st.data())
def test_conditions_of_the_optimum_hold_and_no_limit_is_broken(objective: str, data: st.DataObject) -> None:
    market = data.draw(markets())
    kept = data.draw(limits(len(market.names)))
    found = optimise(objective, problem_of(market, kept))
    assert found.residual is not None
    assert found.residual <= 1e-10
    assert kept.broken_by(found.weights) is None
    assert found.risk_contributions.sum() == pytest.approx(found.volatility, rel=1e-12)


@QUICK
@given(data=st.data())
def test_the_gradient_is_balanced_by_the_dual_values_with_their_signs(data: st.DataObject) -> None:
    """Stationarity written out in weights: Sw - lambda m = sum of dual values times limits."""
    market = data.draw(markets())
    kept = data.draw(limits(len(market.names)))
    assume(kept.turnover is None)
    found = optimise("risk_aversion", problem_of(market, kept))
    duals = found.duals
    assert duals is not None
    slope = market.covariance @ found.weights - market.expected / 4.0
    balance = duals.budget + duals.lower + duals.upper
    for group, (_, _, value) in zip([g for g in kept.groups for _ in range(2)], duals.rows, strict=True):
        balance = balance + value * group.member
    np.testing.assert_allclose(slope, balance, atol=1e-9 * np.abs(slope).max())
    assert (duals.lower >= 0.0).all()
    assert (duals.upper <= 0.0).all()
    assert all(value * side <= 0.0 for _, side, value in duals.rows)


@QUICK
@given(market=markets(), step=st.sampled_from([1e-5, -1e-5]))
def test_dual_values_are_what_the_optimum_changes_by(market: Moments, step: float) -> None:
    """Limits that bind: a budget, an upper bound of each name, the least of a group."""
    count = len(market.names)
    group = Group(name="first", member=np.arange(count) == 0, least=0.4)
    base = Constraints(lower=np.zeros(count), upper=np.full(count, 0.55), groups=(group,))

    def solve(limits_now: Constraints) -> Portfolio:
        return optimise("minimum_variance", Problem(moments=market, limits=limits_now))

    def worth(found: Portfolio) -> float:
        return found.volatility**2 / 2.0

    before = solve(base)
    duals = before.duals
    assert duals is not None
    room = 100.0 * step**2 * float(market.covariance.diagonal().max()) + 1e-15
    changes = [(replace(base, budget=1.0 + step), duals.budget)]
    changes += [
        (replace(base, upper=base.upper + step * (np.arange(count) == at)), float(duals.upper[at]))
        for at in range(count)
    ]
    changes += [(replace(base, groups=(replace(group, least=0.4 + step),)), duals.rows[0][2])]
    for moved, dual in changes:
        assert worth(solve(moved)) - worth(before) == pytest.approx(dual * step, abs=room)


@QUICK
@given(data=st.data())
def test_the_frontier_is_convex_and_rises(data: st.DataObject) -> None:
    market = data.draw(markets())
    kept = data.draw(limits(len(market.names)))
    found = efficient_frontier(Problem(moments=market, limits=kept), 25)
    assert found.residual <= 1e-10
    returns, variances = found.expected_returns, found.volatilities**2
    scale = float(variances.max())
    assert (np.diff(returns) >= -1e-13).all()
    assert (np.diff(variances) >= -1e-11 * scale).all()
    assert (variances[:-2] + variances[2:] - 2.0 * variances[1:-1] >= -1e-10 * scale).all()


@QUICK
@given(data=st.data())
def test_target_return_and_target_risk_are_dual_of_each_other(data: st.DataObject) -> None:
    market = data.draw(markets())
    kept = data.draw(limits(len(market.names)))
    problem = problem_of(market, kept)
    by_return = optimise("target_return", problem)
    again = problem_of(market, kept, target_risk=by_return.volatility)
    by_risk = optimise("target_risk", again)
    assert by_risk.expected_return == pytest.approx(by_return.expected_return, abs=1e-8)
    assert by_risk.volatility == pytest.approx(by_return.volatility, rel=1e-9)


@QUICK
@given(data=st.data())
def test_the_highest_ratio_is_not_passed_anywhere_on_the_frontier(data: st.DataObject) -> None:
    market = data.draw(markets())
    kept = data.draw(limits(len(market.names)))
    problem = problem_of(market, kept)
    found = optimise("maximum_sharpe", problem)
    line = efficient_frontier(problem, 60)
    assert found.sharpe is not None
    assert found.sharpe >= ((line.expected_returns - problem.risk_free) / line.volatilities).max() - 1e-10


@pytest.mark.parametrize("objective", sorted(set(OBJECTIVES) - {"hierarchical_risk_parity", "minimum_cvar"}))
@QUICK
@given(market=markets(), seed=st.integers(0, 2**32 - 1))
def test_the_order_of_names_does_not_matter(objective: str, market: Moments, seed: int) -> None:
    count = len(market.names)
    order = np.random.default_rng(seed).permutation(count)
    kept = Constraints.long_only(count)
    budgets = np.arange(1.0, count + 1.0) / (count * (count + 1) / 2)
    problem = problem_of(market, kept, budgets=budgets)
    moved = Moments.given(
        expected=market.expected[order],
        covariance=market.covariance[np.ix_(order, order)],
        names=tuple(market.names[at] for at in order),
    )
    first = optimise(objective, problem)
    second = optimise(objective, problem_of(moved, kept, budgets=budgets[order]))
    np.testing.assert_allclose(second.weights, first.weights[order], atol=1e-7)


@pytest.mark.parametrize("factor", [1e-6, 250.0])
@QUICK
@given(market=markets())
def test_the_scale_of_the_covariance_does_not_matter(factor: float, market: Moments) -> None:
    kept = Constraints.long_only(len(market.names))
    problem = problem_of(market, kept)
    scaled = Moments.given(
        expected=market.expected, covariance=market.covariance * factor, names=market.names
    )
    for objective in ("minimum_variance", "target_return", "maximum_sharpe", "maximum_diversification"):
        first = optimise(objective, problem)
        second = optimise(objective, problem_of(scaled, kept, risk_free=problem.risk_free))
        np.testing.assert_allclose(second.weights, first.weights, atol=1e-8)


@QUICK
@given(market=markets())
def test_a_name_that_may_not_be_held_or_is_dominated_changes_nothing(market: Moments) -> None:
    """The dominated name earns less than any other and moves like the portfolio that is held, and more."""
    count = len(market.names)
    kept = Constraints.long_only(count)
    problem = problem_of(market, kept)
    for objective in ("minimum_variance", "maximum_sharpe", "target_risk"):
        first = optimise(objective, problem)
        shared = market.covariance @ first.weights
        for closed in (True, False):
            extra = 2.0 * shared if closed else 1.5 * shared
            own = 9.0 * first.volatility**2 + 1e-3
            wider = Moments.given(
                expected=np.append(market.expected, market.expected.min() - 0.01),
                covariance=np.block(
                    [[market.covariance, extra[:, None]], [extra[None, :], np.array([[own]])]]
                ),
                names=(*market.names, "extra"),
            )
            upper = np.append(np.ones(count), 0.0 if closed else 1.0)
            again = Problem(
                moments=wider,
                limits=Constraints(lower=np.zeros(count + 1), upper=upper),
                risk_free=problem.risk_free,
                target_risk=problem.target_risk,
            )
            second = optimise(objective, again)
            np.testing.assert_allclose(second.weights, np.append(first.weights, 0.0), atol=1e-9)


@QUICK
@given(market=markets(), tau=st.floats(0.01, 1.0), delta=st.floats(0.5, 10.0))
def test_black_litterman_without_views_is_equilibrium(market: Moments, tau: float, delta: float) -> None:
    weights = np.full(len(market.names), 1.0 / len(market.names))
    found = black_litterman(market, [], market=weights, tau=tau, risk_aversion=delta)
    np.testing.assert_array_equal(found.expected, equilibrium(market.covariance, weights, delta))
    np.testing.assert_allclose(found.covariance, (1.0 + tau) * market.covariance, rtol=1e-12)
    asked = Problem(
        moments=found, limits=Constraints.long_only(len(weights)), risk_aversion=delta / (1.0 + tau)
    )
    best = optimise("risk_aversion", asked)
    np.testing.assert_allclose(best.weights, weights, atol=1e-9)


@QUICK
@given(market=markets(), seed=st.integers(0, 2**32 - 1), confidence=st.sampled_from([0.5, 0.9, 0.95]))
def test_no_random_portfolio_has_less_shortfall(market: Moments, seed: int, confidence: float) -> None:
    rng = np.random.default_rng(seed)
    count = len(market.names)
    values = np.clip(rng.multivariate_normal(market.expected / 12, market.covariance / 12, 60), -0.9, 0.9)
    given_returns = Returns(values=values, names=market.names, periods_per_year=12.0)
    kept = Constraints.long_only(count)
    problem = Problem(moments=market, limits=kept, returns=given_returns, confidence=confidence)
    found = optimise("minimum_cvar", problem)
    assert found.residual is not None
    assert found.residual <= 1e-9
    for weights in rng.dirichlet(np.ones(count), 50):
        least = conditional_value_at_risk(values, weights, confidence)[0]
        assert found.figures["cvar"] <= least + 1e-10


@pytest.mark.parametrize("objective", ["minimum_variance", "risk_aversion", "maximum_diversification"])
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_the_best_few_names_are_those_of_trying_every_choice(objective: str, data: st.DataObject) -> None:
    market = data.draw(markets(least=3, most=8))
    count = len(market.names)
    most = data.draw(st.integers(1, count - 1))
    lower = np.full(count, data.draw(st.sampled_from([0.0, -0.2])))
    kept = Constraints(lower=lower, upper=np.ones(count), most_names=most)
    score = OBJECTIVES[objective].score
    assert score is not None
    found = optimise(objective, Problem(moments=market, limits=kept, risk_aversion=4.0))
    assert (np.abs(found.weights) > 1e-12).sum() <= most
    scores = []
    for chosen in combinations(range(count), most):
        closed = kept.without(np.setdiff1d(np.arange(count), chosen))
        try:
            one = optimise(objective, Problem(moments=market, limits=closed, risk_aversion=4.0))
        except Invalid:
            continue
        scores.append(score(one))
    assert score(found) == pytest.approx(min(scores), rel=1e-9)


@QUICK
@given(data=st.data())
def test_limits_that_nothing_keeps_are_told_with_a_relaxation_that_helps(data: st.DataObject) -> None:
    market = data.draw(markets(least=4))
    count = len(market.names)
    member = np.arange(count) < count - 1
    short = data.draw(st.floats(0.01, 0.5))
    groups = (Group(name="most", member=member, most=1.0 - 0.2 - short),)
    kept = Constraints(lower=np.zeros(count), upper=np.append(np.ones(count - 1), 0.2), groups=groups)
    with pytest.raises(Infeasible, match=f"raise the most of group most by {short:.6g}"):
        optimise("minimum_variance", Problem(moments=market, limits=kept))
    helped = (Group(name="most", member=member, most=0.8),)
    eased = Constraints(lower=kept.lower, upper=kept.upper, groups=helped)
    found = optimise("minimum_variance", Problem(moments=market, limits=eased))
    assert found.weights.sum() == pytest.approx(1.0, abs=1e-12)
