"""Portfolios: worked out by hand without risk, beside closed forms and other code with it."""

import pickle
import tracemalloc
from dataclasses import fields, is_dataclass, replace
from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from tests.unit.domain.quant.monte_carlo.closed_forms import constant, future, moments, problem

from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.cash_flows import CashFlows, money_weighted_returns
from waardhaven.domain.metrics.sample import Sample
from waardhaven.domain.quant.monte_carlo import portfolio, portfolio_result, portfolio_run
from waardhaven.domain.quant.monte_carlo.flows import Flow, Schedule, Timing, internal_rate
from waardhaven.domain.quant.monte_carlo.models import GeometricBrownian, StationaryBootstrap, StudentT
from waardhaven.domain.quant.monte_carlo.portfolio import KEPT
from waardhaven.domain.quant.monte_carlo.portfolio_run import PortfolioPart
from waardhaven.domain.quant.monte_carlo.refusals import PATHS, UnusableSimulation
from waardhaven.domain.quant.monte_carlo.returns_law import Convention

HISTORY = np.random.default_rng(2).normal([0.01, 0.004], [0.04, 0.02], (120, 2))
MODELS = [
    GeometricBrownian(moments=moments()),
    StudentT(moments=moments(), degrees=4.0),
    StationaryBootstrap(history=HISTORY, block=4.0),
]
ONE = GeometricBrownian(moments=moments(Convention.CONTINUOUS, mean=[0.07], covariance=[[0.04]]))


def refused(**changes: object) -> dict[str, str]:
    with pytest.raises(UnusableSimulation) as error:
        portfolio.plan(problem(**changes))
    return {one.field: one.rule for one in error.value.errors}


def parts_of(**changes: object) -> list[PortfolioPart]:
    plan = portfolio.plan(problem(**changes))
    return [portfolio_run.run_chunk(plan, chunk) for chunk in range(plan.chunks)]


def same(one: object, other: object) -> bool:
    """Tell whether two answers are equal, bit for bit."""
    if is_dataclass(one):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    return bool(np.array_equal(one, other)) if isinstance(one, np.ndarray) else one == other


def numbers(value: object) -> list[float]:
    if is_dataclass(value):
        return [one for field in fields(value) for one in numbers(getattr(value, field.name))]
    if isinstance(value, tuple):
        return [one for item in value for one in numbers(item)]
    if isinstance(value, np.ndarray):
        return value.ravel().tolist()
    return [value] if isinstance(value, float) else []


@pytest.mark.parametrize("model", MODELS)
def test_chunks_say_the_same_in_any_order_and_from_any_worker(model: object):
    asked = problem(model, paths=10_000, flows=(Flow(amount=-20.0),), goal=900.0)
    plan = portfolio.plan(asked)
    assert plan.chunks == 3
    whole = portfolio_result.merge(plan, [portfolio_run.run_chunk(plan, k) for k in range(3)])
    sent = pickle.loads(pickle.dumps(plan))
    backwards = [portfolio_run.run_chunk(sent, k) for k in (2, 0, 1)]
    assert same(portfolio_result.merge(portfolio.plan(asked), pickle.loads(pickle.dumps(backwards))), whole)
    assert not same(future(model, paths=10_000, flows=(Flow(amount=-20.0),), goal=900.0, seed=5), whole)
    assert (whole.paths, whole.seed, whole.model) == (10_000, 4, model.name)


def test_what_a_run_costs_is_the_numbers_it_draws():
    plan = portfolio.plan(problem(paths=5000))
    assert plan.numbers == 5000 * 24 * 2
    assert sum(plan.paths_of(chunk) for chunk in range(plan.chunks)) == 5000


def test_a_part_or_chunk_that_is_not_there_is_refused():
    plan = portfolio.plan(problem(paths=10_000))
    with pytest.raises(UnusableSimulation):
        portfolio_run.run_chunk(plan, 3)
    with pytest.raises(UnusableSimulation):
        portfolio_result.merge(plan, [portfolio_run.run_chunk(plan, 0)])


@pytest.mark.parametrize("rebalance_every", [None, 1, 5])
def test_without_risk_the_worth_is_compound_growth(rebalance_every: int | None):
    found = future(constant(0.12, 0.12), rebalance_every=rebalance_every, goal=1000.0, confidence=0.9)
    end = 1000.0 * 1.01**24
    assert found.worth.mean.value == pytest.approx(end, rel=1e-13)
    assert found.worth.mean.standard_error == 0.0
    assert found.worth.standard_deviation == 0.0
    assert {one.value for one in found.worth.quantiles} == {found.worth.mean.value}
    assert found.loss.value_at_risk.value == pytest.approx(1000.0 - end, rel=1e-12)
    assert found.loss.expected_shortfall.value == found.loss.value_at_risk.value
    assert (found.goal.value, found.ruin.value) == (1.0, 0.0)
    assert found.drawdown.minimum == 0.0
    assert found.returns.time_weighted == pytest.approx([1.01**12 - 1.0] * 9, rel=1e-12)
    assert found.returns.money_weighted == pytest.approx([1.01**12 - 1.0] * 9, rel=1e-10)
    np.testing.assert_array_equal(found.histogram.counts, [2000])
    np.testing.assert_array_equal(found.histogram.edges, [found.worth.minimum] * 2)


def test_weights_that_drift_and_weights_that_are_restored_by_hand():
    growth, model = (1.02, 0.99), constant(0.24, -0.12)
    asked = {"steps": 4, "weights": (0.5, 0.5), "paths": 200}
    never = future(model, rebalance_every=None, **asked).growth.mean.value
    assert never == pytest.approx(0.5 * growth[0] ** 4 + 0.5 * growth[1] ** 4 - 1.0, rel=1e-12)
    always = future(model, rebalance_every=1, **asked).growth.mean.value
    assert always == pytest.approx(1.005**4 - 1.0, rel=1e-12)
    second = future(model, rebalance_every=3, **asked).growth.mean.value
    assert second == pytest.approx((0.5 * growth[0] ** 3 + 0.5 * growth[1] ** 3) * 1.005 - 1.0, rel=1e-12)


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        (Timing.END, 1000.0 * 1.01**3 + 100.0 * (1.01**2 + 1.01 + 1.0)),
        (Timing.BEGIN, 1000.0 * 1.01**3 + 100.0 * (1.01**3 + 1.01**2 + 1.01)),
    ],
)
def test_payments_earn_from_when_they_are_made(timing: Timing, expected: float):
    flows = (Flow(amount=100.0, timing=timing),)
    found = future(constant(0.12, 0.12), steps=3, flows=flows, paths=200, dates=4)
    assert found.worth.mean.value == pytest.approx(expected, rel=1e-12)
    assert found.loss.invested == 1300.0
    assert found.growth.mean.value == pytest.approx(1.01**3 - 1.0, rel=1e-12)
    assert found.returns.money_weighted[4] == pytest.approx(1.01**12 - 1.0, rel=1e-10)
    np.testing.assert_allclose(found.fan.paid_in, [1000.0, 1100.0, 1200.0, 1300.0])


def test_payments_grow_pause_and_end():
    flow = Flow(amount=-10.0, every=6, first=7, last=30, growth=0.1)
    schedule = Schedule.of((flow, Flow(amount=1.0, first=36)), 36, 12.0)
    expected = np.zeros(36)
    expected[[6, 12, 18, 24]] = -10.0 * 1.1 ** np.array([0.0, 0.5, 1.0, 1.5])
    expected[35] = 1.0
    np.testing.assert_allclose(schedule.end, expected, rtol=1e-14)
    np.testing.assert_array_equal(schedule.begin, np.zeros(36))
    assert schedule.timed[36] == 1.0
    assert schedule.paid_in(5.0) == 6.0


def test_money_that_runs_out_is_paid_as_far_as_it_goes_and_nothing_comes_back():
    """1000 at 1 % a month less 400: 610, 216.1, then the 218.261 left are paid; nothing after that."""
    flows = (Flow(amount=-400.0, last=4), Flow(amount=500.0, first=6))
    found = future(constant(0.12, 0.12), steps=8, flows=flows, paths=200, dates=9, confidence=0.9)
    np.testing.assert_allclose(
        found.fan.mean, [1000.0, 610.0, 216.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], atol=1e-9
    )
    np.testing.assert_array_equal(found.fan.ruined, [0, 0, 0, 1, 1, 1, 1, 1, 1])
    assert (found.ruin.value, found.ruin.count) == (1.0, 200)
    assert found.loss.value_at_risk.value == pytest.approx(1000.0 - 800.0 - 218.261)
    assert found.returns.money_weighted == (None,) * 9
    assert found.returns.time_weighted[0] == pytest.approx(1.01**12 - 1.0)


def test_all_that_is_there_can_be_taken_out():
    found = future(constant(0.0, 0.0), steps=2, flows=(Flow(amount=-500.0),), paths=200)
    assert found.ruin.value == 1.0
    assert found.loss.value_at_risk.value == 0.0


def test_a_portfolio_that_loses_everything_stays_at_nothing():
    """Twice the first asset, less the second: when the first falls by half, nothing is left."""
    history = np.array([[-0.5, 0.0], [1.0, 0.0], [-0.5, 0.0], [1.0, 0.0]])
    model = StationaryBootstrap(history=history, block=1.0)
    asked = {"weights": (2.0, -1.0), "steps": 5, "paths": 4000, "dates": 6}
    found = future(model, flows=(Flow(amount=10.0),), rebalance_every=1, **asked)
    assert found.ruin.value == pytest.approx(1.0 - 0.5**5, abs=0.02)
    assert found.growth.minimum == -1.0
    assert found.drawdown.minimum == -1.0
    assert found.returns.time_weighted[0] == -1.0
    assert np.isfinite(numbers(replace(found, returns=None))).all()
    drifting = future(model, rebalance_every=None, **asked)
    assert drifting.ruin.value > 0.5
    assert (np.diff(drifting.fan.ruined) >= 0.0).all()


def test_a_log_normal_portfolio_has_the_quantiles_tail_and_probabilities_of_the_closed_form():
    """One asset, log worth normal: VaR = capital - quantile, ES by the partial expectation."""
    found = future(ONE, weights=(1.0,), paths=100_000, goal=1200.0, steps=12)
    mean, deviation, normal = 0.07 - 0.02, 0.2, NormalDist()
    for one in found.worth.quantiles:
        truth = 1000.0 * exp(mean + deviation * normal.inv_cdf(one.level))
        assert one.low - 0.5 * (one.high - one.low) < truth < one.high + 0.5 * (one.high - one.low)
    low = normal.inv_cdf(0.05)
    tail = 1000.0 * exp(0.07) * normal.cdf(low - deviation) / 0.05
    loss = found.loss
    assert loss.value_at_risk.value == pytest.approx(1000.0 - 1000.0 * exp(mean + deviation * low), abs=4.0)
    assert abs(loss.expected_shortfall.value - (1000.0 - tail)) < 4.0 * loss.expected_shortfall.standard_error
    assert loss.relative_value_at_risk == loss.value_at_risk.value / 1000.0
    assert loss.relative_expected_shortfall == loss.expected_shortfall.value / 1000.0
    reached = 1.0 - normal.cdf((log(1.2) - mean) / deviation)
    assert abs(found.goal.value - reached) < 2.0 * (found.goal.high - found.goal.low)
    assert abs(found.worth.mean.value - 1000.0 * exp(0.07)) < 4.0 * found.worth.mean.standard_error
    spread = 1000.0 * exp(0.07) * sqrt(exp(0.04) - 1.0)
    assert found.worth.standard_deviation == pytest.approx(spread, rel=0.02)


def test_the_error_of_expected_shortfall_is_its_spread_over_seeds():
    runs = [future(ONE, weights=(1.0,), paths=1000, steps=1, seed=seed).loss for seed in range(200)]
    spread = np.std([one.expected_shortfall.value for one in runs], ddof=1)
    told = np.mean([one.expected_shortfall.standard_error for one in runs])
    assert told == pytest.approx(spread, rel=0.15)


def test_intervals_of_quantiles_hold_as_often_as_promised():
    truth = 1000.0 * exp((0.07 - 0.02) / 12.0 + 0.2 / sqrt(12.0) * NormalDist().inv_cdf(0.05))
    runs = [
        future(ONE, weights=(1.0,), paths=500, steps=1, seed=seed).worth.quantiles[1] for seed in range(400)
    ]
    assert {one.level for one in runs} == {0.05}
    assert 0.92 <= np.mean([one.low <= truth <= one.high for one in runs]) <= 0.99


def test_numbers_are_those_of_the_paths_themselves():
    asked = {"paths": 5000, "flows": (Flow(amount=-30.0),), "confidence": 0.9, "bins": 12}
    found, parts = future(**asked), parts_of(**asked)
    worth = np.concatenate([one.worth for one in parts])
    loss = np.concatenate([one.paid for one in parts]) - worth
    levels = [one.level for one in found.worth.quantiles]
    np.testing.assert_allclose([one.value for one in found.worth.quantiles], np.quantile(worth, levels))
    np.testing.assert_allclose(found.fan.values[-1], np.quantile(worth, levels))
    assert found.worth.mean.value == pytest.approx(worth.mean(), rel=1e-12)
    assert found.worth.standard_deviation == pytest.approx(worth.std(ddof=1), rel=1e-12)
    at_risk = np.quantile(loss, 0.9)
    assert found.loss.value_at_risk.value == pytest.approx(at_risk, rel=1e-12)
    assert found.loss.expected_shortfall.value == pytest.approx(loss[loss >= at_risk].mean(), rel=1e-12)
    edges, counts = found.histogram.edges, found.histogram.counts
    assert (len(counts), counts.sum()) == (12, 5000)
    np.testing.assert_array_equal(counts, np.histogram(worth, edges)[0])
    assert (edges[0], edges[-1]) == (worth.min(), worth.max())


@pytest.mark.parametrize("bins", [1, 2, 3])
def test_a_histogram_of_few_bins_counts_every_path(bins: int):
    found = future(bins=bins).histogram
    assert found.counts.sum() == 2000
    assert len(found.edges) == len(found.counts) + 1


def test_the_drawdown_is_that_of_the_metrics_and_payments_do_not_change_it():
    steps = 40
    asked = {"steps": steps, "dates": steps + 1, "paths": 300, "periods_per_year": 12.0}
    (part,) = parts_of(**asked)
    returns = part.fan[1:] / part.fan[:-1] - 1.0
    expected = METRICS["max_drawdown"].compute(Sample(returns=returns, periods_per_year=12.0))
    np.testing.assert_allclose(part.drawdown, expected, rtol=1e-10)
    (paid,) = parts_of(**asked, flows=(Flow(amount=50.0), Flow(amount=-20.0, timing=Timing.BEGIN)))
    np.testing.assert_array_equal(paid.drawdown, part.drawdown)
    np.testing.assert_array_equal(paid.unit, part.unit)


def test_the_money_weighted_return_is_that_of_the_metrics():
    """Yearly payments, ten years: the same rate as of dated payments, but for days of leap years."""
    schedule = Schedule.of((Flow(amount=100.0), Flow(amount=-300.0, first=8)), 10, 1.0)
    found = internal_rate(1000.0, schedule, 1700.0, 1.0)
    amount = -schedule.timed
    amount[0] -= 1000.0
    amount[-1] += 1700.0
    day = np.datetime64("2001-01-01") + 365 * np.arange(11)
    (expected,) = money_weighted_returns(CashFlows.of([(day, amount)])).rate
    assert found == pytest.approx(expected, abs=1e-10)


def test_of_several_rates_the_one_nearest_zero_is_told_and_none_where_there_is_none():
    """-1000, 2210 … roots at 5 % and 60 % by construction: (1 - 1.05 v)(1 - 1.6 v)."""
    schedule = Schedule(begin=np.zeros(2), end=np.array([-2650.0, 0.0]))
    assert internal_rate(1000.0, schedule, -1680.0, 1.0) == pytest.approx(0.05, abs=1e-12)
    assert internal_rate(1000.0, Schedule(begin=np.zeros(1), end=np.array([500.0])), -1.0, 1.0) is None


def test_quantiles_of_the_money_weighted_return_are_those_of_the_paths():
    asked = {"paths": 400, "flows": (Flow(amount=40.0),), "steps": 12, "quantiles": (0.1, 0.5, 0.9)}
    found, (part,) = future(**asked), parts_of(**asked)
    schedule = Schedule.of(asked["flows"], 12, 12.0)
    rates = [internal_rate(1000.0, schedule, float(one), 12.0) for one in part.worth]
    np.testing.assert_allclose(found.returns.money_weighted, np.quantile(rates, (0.1, 0.5, 0.9)), atol=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_twice_the_money_is_twice_the_worth_to_the_bit(model: object):
    one = future(model, flows=(Flow(amount=8.0),), goal=1100.0)
    two = future(model, capital=2000.0, flows=(Flow(amount=16.0),), goal=2200.0)
    assert two.worth.mean.value == 2.0 * one.worth.mean.value
    np.testing.assert_array_equal(two.fan.values, 2.0 * one.fan.values)
    assert two.loss.relative_value_at_risk == one.loss.relative_value_at_risk
    assert (two.goal, two.drawdown, two.growth) == (one.goal, one.drawdown, one.growth)


def test_all_in_one_asset_is_that_asset_and_another_without_weight_changes_nothing_of_its_law():
    alone = future(ONE, weights=(1.0,), paths=20_000).worth
    beside = GeometricBrownian(
        moments=moments(Convention.CONTINUOUS, mean=[0.07, 0.3], covariance=[[0.04, 0.01], [0.01, 0.09]])
    )
    both = future(beside, weights=(1.0, 0.0), paths=20_000).worth
    error = sqrt(alone.mean.standard_error**2 + both.mean.standard_error**2)
    assert abs(both.mean.value - alone.mean.value) < 4.0 * error
    assert both.standard_deviation == pytest.approx(alone.standard_deviation, rel=0.05)


def test_the_fan_begins_with_the_capital_and_has_each_date_once():
    found = future(steps=3, dates=13, paths=200).fan
    assert found.steps == (0, 1, 2, 3)
    np.testing.assert_array_equal(found.values[0], np.full(9, 1000.0))


@pytest.mark.parametrize("model", MODELS)
def test_no_number_of_an_answer_is_missing_or_infinite(model: object):
    found = future(model, flows=(Flow(amount=-46.0),), goal=2000.0)
    assert 0.0 < found.ruin.value < 1.0
    assert np.isfinite([one for one in numbers(found) if one is not None]).all()


def test_the_largest_run_keeps_no_more_than_its_bound():
    most = KEPT // (64 + 4)
    assert portfolio.plan(problem(paths=most, steps=100, dates=64)).chunks > 100
    assert str(most) in refused(paths=most + 1, steps=100, dates=64)["paths"]
    assert str(PATHS) in refused(paths=10**9)["paths"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"weights": (0.6, 0.5)}, "weights"),
        ({"weights": (1.0,)}, "weights"),
        ({"weights": (float("nan"), 1.0)}, "weights"),
        ({"weights": (20.0, -19.0)}, "weights"),
        ({"capital": 0.0}, "capital"),
        ({"capital": float("inf")}, "capital"),
        ({"periods_per_year": 0.0}, "periods_per_year"),
        ({"rebalance_every": 0}, "rebalance_every"),
        ({"goal": -1.0}, "goal"),
        ({"confidence": 1.0}, "confidence"),
        ({"interval": 0.1}, "interval"),
        ({"quantiles": ()}, "quantiles"),
        ({"quantiles": (0.5, 0.5)}, "quantiles"),
        ({"quantiles": (0.5, 1.5)}, "quantiles"),
        ({"dates": 1}, "dates"),
        ({"dates": 65}, "dates"),
        ({"bins": 0}, "bins"),
        ({"steps": 0}, "steps"),
        ({"steps": -3}, "steps"),
        ({"paths": 10}, "paths"),
        ({"seed": -1}, "seed"),
        ({"flows": (Flow(amount=1.0),) * 33}, "flows"),
        ({"flows": (Flow(amount=1e9),)}, "flows"),
        ({"flows": (Flow(amount=-1000.0, timing=Timing.BEGIN),)}, "flows"),
        ({"flows": (Flow(amount=float("nan")),)}, "flows[0].amount"),
        ({"flows": (Flow(amount=1.0, every=0),)}, "flows[0].every"),
        ({"flows": (Flow(amount=1.0, first=0),)}, "flows[0].first"),
        ({"flows": (Flow(amount=1.0), Flow(amount=1.0, last=25))}, "flows[1].last"),
        ({"flows": (Flow(amount=1.0, growth=2.0),)}, "flows[0].growth"),
    ],
)
def test_what_can_not_be_simulated_is_refused_by_field(changes: dict[str, object], field: str):
    assert field in refused(**changes)


def test_numbers_beyond_double_precision_are_refused_and_not_told():
    model = GeometricBrownian(moments=moments(mean=[6.0, 0.0]))
    with pytest.raises(UnusableSimulation, match="can not") as error:
        future(model, weights=(10.0, -9.0), steps=240)
    assert error.value.errors[0].field == "model"


@pytest.mark.parametrize("model", [*MODELS[:2], StationaryBootstrap(history=HISTORY - 0.01, block=4.0)])
def test_memory_of_a_chunk_is_bounded_however_many_periods_there_are(model: object):
    plan = portfolio.plan(problem(model, steps=20_000, paths=128, periods_per_year=365.0))
    tracemalloc.start()
    portfolio_run.run_chunk(plan, 0)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 64 * 2**20


def test_what_is_paid_into_a_portfolio_that_lost_all_but_nothing_is_not_lost_in_numbers():
    """Every period loses all but 1e-6: below 1e-100 of the beginning that is all of it."""
    model = StationaryBootstrap(history=np.full((4, 1), -1.0 + 1e-6), block=1.0)
    found = future(model, weights=(1.0,), steps=40, paths=200, flows=(Flow(amount=100.0),))
    assert found.ruin.value == 1.0
    assert found.worth.maximum == 0.0


def test_payments_that_grow_beyond_all_numbers_are_refused_and_those_of_nothing_are_not():
    asked = {"model": constant(0.0, 0.0), "periods_per_year": 1.0, "steps": 2000, "paths": 200}
    assert "a million times" in refused(flows=(Flow(amount=1.0, growth=1.0),), **asked)["flows"]
    both = (Flow(amount=1.0, growth=1.0), Flow(amount=-1.0, growth=1.0))
    assert "a million times" in refused(flows=both, **asked)["flows"]
    found = future(flows=(Flow(amount=0.0, growth=1.0),), **asked)
    assert found.worth.maximum == found.worth.minimum == pytest.approx(1000.0)


def test_a_growth_that_no_year_can_be_told_of_has_no_annual_return():
    """One day at 1,000 % is 11^365 a year."""
    day = StationaryBootstrap(history=np.full((4, 1), 10.0), block=1.0)
    found = future(day, weights=(1.0,), steps=1, periods_per_year=365.0, paths=200).returns
    assert found.time_weighted == (None,) * 9
    half = future(day, weights=(1.0,), steps=3, periods_per_year=12.0, paths=200).returns
    assert half.time_weighted == pytest.approx([11.0**12 - 1.0] * 9)


@pytest.mark.parametrize(("steps", "is_told"), [(11, True), (12, False)])
def test_annual_returns_of_less_than_a_year_are_told_to_be(steps: int, is_told: bool):
    assert (portfolio_result.SHORT in future(steps=steps, paths=200).notes) is is_told


def test_a_rate_over_centuries_is_found_without_numbers_that_are_too_large():
    """At -98 % a year what is paid after 500 years would be worth more than any number today."""
    found = future(
        constant(0.02, 0.02),
        periods_per_year=1.0,
        steps=500,
        paths=200,
        flows=(Flow(amount=100.0, last=250), Flow(amount=-1.0, first=251, timing=Timing.BEGIN)),
    )
    assert found.returns.money_weighted == pytest.approx([0.02] * 9, rel=1e-9)
