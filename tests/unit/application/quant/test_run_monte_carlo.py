"""Simulations from question to answer: what they cost, and what is told."""

import pickle
from collections.abc import Iterator
from dataclasses import asdict
from math import ceil, isfinite, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from tests.unit.application.quant.simulations import (
    CALL,
    MIXED,
    PAID,
    PAST,
    SOURCES,
    STORED,
    answer,
    asking,
    broken,
    in_pieces,
)
from tests.unit.domain.quant.monte_carlo.closed_forms import black_scholes, geometric_asian

from waardhaven.application.quant.run_monte_carlo import (
    KINDS,
    chunks,
    cost,
    examine,
    finished,
    paths,
    run,
    seeded,
)
from waardhaven.application.questions.monte_carlo import (
    SEEDS,
    MonteCarloQuestion,
)
from waardhaven.application.questions.reading import as_json, read_question
from waardhaven.domain.quant.monte_carlo.models import MODELS
from waardhaven.domain.quant.monte_carlo.payoff import Kind
from waardhaven.domain.quant.monte_carlo.payoffs import PAYOFFS
from waardhaven.domain.quant.monte_carlo.pricing import PricingPlan
from waardhaven.domain.quant.monte_carlo.refusals import UnusableSimulation
from waardhaven.domain.quant.monte_carlo.sampling import SAMPLINGS


def numbers(value: object) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from numbers(one)
    if isinstance(value, float):
        yield value


@pytest.mark.parametrize("raw", [MIXED, CALL])
def test_a_question_is_kept_as_json_and_read_again(raw: dict[str, Any]):
    question = asking(raw, seed=SEEDS - 1)
    assert read_question(MonteCarloQuestion, as_json(question)) == question


@pytest.mark.parametrize(
    "question",
    [
        asking(horizon_years=2.0),
        asking(horizon_years=0.01),
        asking(time_steps=7, periods_per_year=None),
        asking(SOURCES["returns"], periods_per_year=4),
        asking(CALL),
        asking(CALL, sampling="antithetic", simulations=999, time_steps=3),
        asking(CALL, sampling="plain", simulations=999),
        asking(CALL, replicates=8, time_steps=12),
    ],
)
def test_the_cost_is_that_of_the_numbers_and_the_blocks_that_the_plan_draws(question: MonteCarloQuestion):
    plan = chunks(question, None)
    size = KINDS[question.kind].size(question)
    assert plan.numbers == size.paths * size.steps * size.assets
    found = finished(plan, [run(plan, chunk) for chunk in range(plan.chunks)])
    assert found.numbers == plan.numbers
    assert 1.0 < cost(question) / plan.numbers < 500.0


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("steps", [1, 400])
def test_blocks_are_as_many_as_the_cost_counts(sampling: str, steps: int):
    question = asking(CALL, sampling=sampling, time_steps=steps, simulations=40_000)
    plan, size = chunks(question, None).plan, KINDS["derivative"].size(question)
    assert isinstance(plan, PricingPlan)
    blocks = [one.width for chunk in range(plan.chunks) for one in plan.sampling.blocks(plan.draws, chunk)]
    assert max(blocks) == min(size.width, size.paths)
    assert len(blocks) == ceil(size.paths / size.width)


def test_a_cost_is_worked_out_by_hand():
    raw = {"symbols": ["A", "B"], "horizon_years": 2.0, "frequency": "weekly"}
    assert cost(asking(raw)) == 10_000 * 104 * 2 * 1.02 + 1_000 * 104 * 2 + 40 * 10_000
    assert cost(read_question(MonteCarloQuestion, {})) == 10_000 * 252 * 1.01 + 1_000 * 252 + 40 * 10_000
    past = {"symbols": ["A"], "model": "stationary_bootstrap", "time_steps": 1 << 16}
    assert cost(asking(past)) == 10_000 * 65_536 * 1.01 + 1_000 * 65_536 * 625 + 40 * 10_000
    assert cost(asking(CALL)) == 16_384 * 1.01 + 1_000


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("model", ["gbm", "student_t"])
def test_the_same_seed_gives_the_same_answer_in_any_order_of_chunks(source: str, model: str):
    degrees = 5.0 if model == "student_t" else None
    question = asking(SOURCES[source], model=model, degrees=degrees, simulations=9_000)
    assert in_pieces(question, [2, 0, 1]) == in_pieces(question, [0, 1, 2]) == answer(as_json(question))
    assert answer(SOURCES[source], seed=43) != answer(SOURCES[source])


def test_chunks_may_be_computed_in_other_processes():
    question = asking(
        CALL,
        payoff=PAID["american"] | {"type": "american", "strike_price": 100.0},
        time_steps=10,
        simulations=40_000,
    )
    plan = pickle.loads(pickle.dumps(chunks(question, None)))
    assert plan.chunks == 4
    parts = [pickle.loads(pickle.dumps(run(plan, chunk))) for chunk in (3, 1, 0, 2)]
    assert finished(plan, parts) == in_pieces(question, [0, 1, 2, 3])
    with pytest.raises(UnusableSimulation):
        finished(plan, parts[:3])
    with pytest.raises(UnusableSimulation):
        run(plan, 4)


def test_a_seed_is_drawn_where_none_is_given_and_must_be_before_a_run():
    one, other = (seeded(asking(seed=None)).seed for _ in range(2))
    assert one is not None
    assert other is not None
    assert 0 <= one < SEEDS
    assert one != other
    assert seeded(asking(seed=7)).seed == 7
    assert set(broken(MIXED, seed=None)) == {"seed"}


@pytest.mark.parametrize("source", SOURCES)
def test_the_same_moments_have_the_same_answer_however_they_are_sent(source: str):
    mean, spread = PAST.mean(axis=0) * 12, np.cov(PAST.T) * 12
    deviation = np.sqrt(spread.diagonal())
    stated = {
        "moments": {
            "volatilities": deviation.tolist(),
            "correlation": np.corrcoef(PAST.T).round(14).tolist(),
        },
        "covariance": {"covariance": spread.tolist()},
        "returns": {},
    }[source]
    plain = (
        SOURCES["returns"]
        if source == "returns"
        else {"periods_per_year": 12, "weights": [0.6, 0.4], "seed": 42}
    )
    plain = plain | stated | ({} if source == "returns" else {"expected_returns": mean.tolist()})
    stored = answer({"symbols": ["AAA", "BBB"], "weights": [0.6, 0.4], "seed": 42}, read=STORED)
    assert stored.portfolio is not None
    found = answer(plain).portfolio
    assert found is not None
    assert found.terminal.mean.estimate == pytest.approx(stored.portfolio.terminal.mean.estimate, rel=1e-9)
    assert found.loss.value_at_risk.value == pytest.approx(
        stored.portfolio.loss.value_at_risk.value, rel=1e-7
    )


def test_a_stored_past_is_told_with_the_answer():
    found = answer({"symbols": ["AAA", "BBB"], "seed": 1, "model": "stationary_bootstrap"}, read=STORED)
    assert found.portfolio is not None
    assert found.portfolio.past is not None
    assert (found.portfolio.past.first, found.portfolio.past.returns) == ("2014-01-31", 120)
    assert [(one.name, one.weight) for one in found.portfolio.assets] == [("AAA", 0.5), ("BBB", 0.5)]
    assert found.notes[-1] == "Each in its own currency."
    assert found.notes[0].startswith("blocks of ")
    assert found.time_steps == 12


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("extra", [{}, {"rebalance_every": 0, "flows": [{"amount": -3.0, "growth": 0.02}]}])
def test_a_portfolio_is_answered_with_numbers_alone(model: str, extra: dict[str, Any]):
    found = answer(
        SOURCES["returns"], model=model, goal=1.05, simulations=5_000, initial_value=100.0, **extra
    )
    assert all(isfinite(one) for one in numbers(asdict(found)))
    portfolio = found.portfolio
    assert portfolio is not None
    assert found.derivative is None
    assert (found.seed, found.simulations, found.time_steps) == (42, 5_000, 12)
    assert portfolio.goal is not None
    assert 0.0 <= portfolio.goal.low <= portfolio.goal.estimate <= 1.0
    assert portfolio.terminal.mean.low < portfolio.terminal.mean.estimate < portfolio.terminal.mean.high
    assert portfolio.loss.expected_shortfall.estimate >= portfolio.loss.value_at_risk.value
    assert portfolio.drawdown.maximum <= 0.0
    assert sum(portfolio.histogram.counts) == 5_000
    assert [one.simulations for one in found.convergence] == [4096, 5_000]
    assert found.convergence[-1].estimate == pytest.approx(portfolio.terminal.mean.estimate, rel=1e-12)
    assert len(portfolio.fan.values) == len(portfolio.fan.steps) == 13
    assert len(portfolio.fan.values[0]) == len(portfolio.fan.levels)
    assert portfolio.fan.years[-1] == 1.0


def test_the_mean_and_the_risk_of_a_lognormal_asset_are_those_of_the_closed_form():
    raw = {"expected_returns": [0.06], "volatilities": [0.2], "convention": "continuous", "seed": 3}
    found = answer(raw, periods_per_year=1, horizon_years=4, simulations=200_000, goal=1.0).portfolio
    assert found is not None
    assert found.goal is not None
    mean = found.terminal.mean
    assert abs(mean.estimate - np.exp(0.24)) < 4 * mean.standard_error
    bottom = np.exp(0.24 - 0.08 + NormalDist().inv_cdf(0.05) * 0.4)
    risk = found.loss.value_at_risk
    assert risk.value == pytest.approx(1.0 - bottom, abs=4 * (risk.high - risk.low) / 3.92)
    above = NormalDist().cdf((0.24 - 0.08) / 0.4)
    assert found.goal.estimate == pytest.approx(above, abs=4 * sqrt(0.25 / 200_000))


def test_without_risk_everything_is_worked_out_by_hand():
    raw = {"expected_returns": [0.12], "volatilities": [0.0], "periods_per_year": 12, "seed": 1}
    found = answer(
        raw, initial_value=100.0, time_steps=2, flows=[{"amount": 10.0}], simulations=128
    ).portfolio
    assert found is not None
    worth = (100.0 * 1.01 + 10.0) * 1.01 + 10.0
    assert found.terminal.minimum == found.terminal.maximum == pytest.approx(worth, rel=1e-14)
    assert found.loss.value_at_risk.value == pytest.approx(120.0 - worth, rel=1e-12)
    assert found.annual_returns[0].money_weighted == pytest.approx(1.01**12 - 1, rel=1e-9)
    assert found.goal is None


def test_a_rate_that_is_unknown_has_its_reason():
    raw = {"expected_returns": [0.0], "volatilities": [0.5], "periods_per_year": 1, "seed": 1}
    ruined = answer(raw, flows=[{"amount": -0.9}], time_steps=3, quantiles=[0.01, 0.999]).portfolio
    assert ruined is not None
    assert ruined.annual_returns[0].money_weighted is None
    assert ruined.annual_returns[0].reason == "ruined"
    assert ruined.ruin.estimate > 0.5
    assert ruined.annual_returns[1].reason is None
    wild = answer(raw | {"volatilities": [3.0]}, time_steps=1, quantiles=[0.001]).portfolio
    assert wild is not None
    assert (wild.annual_returns[0].money_weighted, wild.annual_returns[0].reason) == (None, "no_rate")


@pytest.mark.parametrize("payoff", PAYOFFS)
def test_every_payoff_is_priced_beside_its_error(payoff: str):
    terms = PAID[payoff] | {"type": payoff, "strike_price": 100.0}
    found = answer(CALL, payoff=terms, time_steps=8, simulations=4_000)
    assert all(isfinite(one) for one in numbers(asdict(found)))
    assert found.portfolio is None
    assert found.derivative is not None
    assert (found.derivative.payoff, found.derivative.sampling) == (payoff, "sobol")
    price = found.derivative.price
    assert 0.0 < price.standard_error < 0.05 * price.estimate
    assert price.low < price.estimate < price.high
    assert found.convergence[-1].estimate == price.estimate


def test_prices_are_those_of_closed_forms():
    call = answer(CALL, dividend_yield=0.01).derivative
    assert call is not None
    assert call.control == "spot"
    expected = black_scholes(Kind.CALL, 100.0, 100.0, 1.0, 0.03, 0.01, 0.2)
    assert call.price.estimate == pytest.approx(expected, rel=1e-4)
    terms = {"type": "geometric_asian", "strike_price": 95.0, "option_type": "put"}
    asian = answer(CALL, payoff=terms, time_steps=12).derivative
    assert asian is not None
    expected = geometric_asian(Kind.PUT, 100.0, 95.0, 1.0, 0.03, 0.0, 0.2, 12)
    assert asian.price.estimate == pytest.approx(expected, rel=1e-3)


def test_a_basket_has_one_number_for_all_assets_or_one_for_each():
    terms = {"type": "basket", "strike_price": 100.0, "weights": [0.5, 0.5]}
    matrix = [[1.0, 0.3], [0.3, 1.0]]
    one = answer(CALL, payoff=terms, spot_price=[100.0, 100.0], correlation=matrix)
    same = answer(CALL, payoff=terms, spot_price=[100.0, 100.0], volatility=[0.2, 0.2], correlation=matrix)
    assert one == same
    assert one.numbers == 2 * one.simulations


@pytest.mark.parametrize(
    ("raw", "changes"),
    [
        (MIXED, {"volatilities": [0.1] * 3, "expected_returns": [0.05] * 3, "weights": None}),
        (
            CALL,
            {
                "spot_price": [100.0] * 3,
                "payoff": {"type": "basket", "strike_price": 9.0, "weights": [1.0] * 3},
            },
        ),
    ],
)
def test_a_correlation_that_can_not_be_is_refused_or_repaired_when_asked(
    raw: dict[str, Any], changes: dict[str, Any]
):
    matrix = [[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]
    assert "smallest eigenvalue" in broken(raw, correlation=matrix, **changes)["correlation"]
    repaired = answer(raw, correlation=matrix, repair=True, simulations=500, **changes)
    assert repaired.notes[0].startswith("correlation was not positive semi-definite")


def test_whole_paths_are_those_of_the_answer():
    question = asking(simulations=5_000, flows=[{"amount": 5.0}], time_steps=30, quantiles=[0.0, 0.5, 1.0])
    found = paths(question, None)
    assert found.shape == (1, 31, 5_000)
    terminal = answer(as_json(question)).portfolio
    assert terminal is not None
    assert np.quantile(found[0, -1], [0.0, 0.5, 1.0]).tolist() == pytest.approx(
        [one.value for one in terminal.terminal.quantiles], rel=1e-14
    )
    np.testing.assert_array_equal(paths(question, None, 4_500), found[:, :, :4_500])
    with pytest.raises(UnusableSimulation) as refused:
        paths(asking(simulations=100_000, time_steps=252), None)
    assert [one.field for one in refused.value.errors] == ["keep_paths"]
    assert str(20_000_000) in refused.value.errors[0].rule


def test_whole_paths_of_a_derivative_are_prices_of_each_asset():
    terms = {"type": "basket", "strike_price": 100.0, "weights": [0.5, 0.5]}
    question = asking(CALL, payoff=terms, spot_price=[100.0, 50.0], time_steps=4, sampling="antithetic")
    found = paths(question, None, 9_000)
    assert found.shape == (2, 5, 9_000)
    assert set(found[0, 0]) == {100.0}
    assert set(found[1, 0]) == {50.0}
    error = found[:, -1].std(axis=1) / sqrt(9_000)
    assert (np.abs(found[:, -1].mean(axis=1) - np.array([100.0, 50.0]) * np.exp(0.03)) < 4 * error).all()


@pytest.mark.parametrize("raw", [MIXED, CALL])
def test_more_whole_paths_than_may_be_kept_are_refused_by_their_own_name(raw: dict[str, Any]):
    changes = {"simulations": 40_000, "time_steps": 600, "keep_paths": 40_000}
    question = asking(raw, **changes)
    for refuse in (lambda: examine(question, None), lambda: paths(question, None, 40_000)):
        with pytest.raises(UnusableSimulation) as refused:
            refuse()
        (told,) = refused.value.errors
        assert told.field == "keep_paths"
        assert f"must be from 1 to {20_000_000 // 601}" in told.rule
    examine(asking(raw, **{**changes, "keep_paths": 33_000}), None)
    examine(asking(raw), None)


def test_a_return_that_no_year_can_be_told_of_has_its_reason():
    """A day of the past at 1,000 % would be 11^366 a year: no number, and no reason to fail."""
    past = [[10.0]] + [[0.0]] * 400
    asked = {"returns": past, "periods_per_year": 366.0, "time_steps": 1, "seed": 1, "simulations": 4096}
    found = answer(asked, model="stationary_bootstrap", quantiles=[0.5, 1.0]).portfolio
    assert found is not None
    usual, most = found.annual_returns
    assert (usual.time_weighted, usual.reason) == (0.0, None)
    assert (most.time_weighted, most.money_weighted, most.reason) == (None, None, "no_rate")
