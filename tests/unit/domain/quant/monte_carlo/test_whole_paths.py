"""Whole paths and how the mean settled: the same paths that the answer is made of."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.domain.quant.monte_carlo.closed_forms import one_asset, problem

from waardhaven.domain.quant.monte_carlo import portfolio, portfolio_result, portfolio_run, pricing
from waardhaven.domain.quant.monte_carlo.convergence import convergence
from waardhaven.domain.quant.monte_carlo.flows import Flow
from waardhaven.domain.quant.monte_carlo.payoff import Kind
from waardhaven.domain.quant.monte_carlo.payoffs import European
from waardhaven.domain.quant.monte_carlo.refusals import UnusableSimulation
from waardhaven.domain.quant.monte_carlo.whole_paths import CELLS, price_paths, worth_paths


def pricing_plan(sampling: str, **changes: object) -> pricing.PricingPlan:
    asked = {"payoff": European(kind=Kind.CALL, strike=100.0), "market": one_asset(), "maturity": 1.0}
    settings = {"steps": 4, "paths": 20_000, "seed": 3, "sampling": sampling, "control": "none"}
    return pricing.plan(pricing.PricingProblem(**{**asked, **settings, **changes}))


def test_worth_at_every_step_is_that_of_the_dates_of_the_fan():
    asked = problem(paths=5_000, flows=(Flow(amount=10.0),), dates=5)
    plan = portfolio.plan(asked)
    whole = worth_paths(plan, 5_000)
    parts = [portfolio_run.run_chunk(plan, chunk) for chunk in range(plan.chunks)]
    fan = np.concatenate([one.fan for one in parts], axis=1)
    np.testing.assert_array_equal(whole[list(asked.fan_steps)], fan)
    np.testing.assert_array_equal(worth_paths(plan, 4_100), whole[:, :4_100])


@pytest.mark.parametrize("sampling", ["plain", "antithetic", "sobol"])
def test_prices_at_maturity_are_those_that_the_option_pays_on(sampling: str):
    plan = pricing_plan(sampling)
    whole = price_paths(plan, plan.paths)
    assert whole.shape == (1, 5, plan.paths)
    assert (whole[0, 0] == 100.0).all()
    price = np.maximum(whole[0, -1] - 100.0, 0.0).mean() * plan.setting.discount
    assert price == pytest.approx(pricing.simulated(plan.problem).price.value, rel=1e-12)
    np.testing.assert_array_equal(price_paths(plan, 300), whole[:, :, :300])


@pytest.mark.parametrize("paths", [0, 2_001])
def test_more_paths_than_the_run_has_are_refused(paths: int):
    with pytest.raises(UnusableSimulation):
        worth_paths(portfolio.plan(problem()), paths)


def test_more_numbers_than_may_be_kept_are_refused():
    plan = pricing_plan("plain", steps=1_000)
    with pytest.raises(UnusableSimulation) as refused:
        price_paths(plan, CELLS // 1_001 + 1)
    assert str(CELLS) in refused.value.errors[0].rule


def test_the_mean_settles_chunk_by_chunk_at_that_of_the_answer():
    asked = problem(paths=20_000)
    plan = portfolio.plan(asked)
    parts = [portfolio_run.run_chunk(plan, chunk) for chunk in range(plan.chunks)]
    table = convergence(plan, parts[::-1])
    assert [one.paths for one in table] == [4096, 8192, 16_384, 20_000]
    mean = portfolio_result.merge(plan, parts).worth.mean
    assert table[-1].estimate.value == pytest.approx(mean.value, rel=1e-13)
    assert table[-1].estimate.standard_error == pytest.approx(mean.standard_error, rel=1e-12)
    first = convergence(portfolio.plan(replace(asked, paths=4096)), parts[:1])
    assert table[0] == first[0]
    with pytest.raises(UnusableSimulation):
        convergence(plan, parts[1:])
