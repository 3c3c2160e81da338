"""OptimisePortfolio: what is answered, read from stored closes, and told, over fakes."""

import json
from datetime import date
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.fakes.compute_pool import FakeModelPool
from tests.unit.application.bench import DAYS, Bench
from tests.unit.application.quant.portfolios import (
    COVARIANCE,
    EXPECTED,
    GIVEN,
    MOVES,
    NAMES,
    NEEDS,
    SAMPLED,
    answer,
    asking,
    broken,
    finite,
)
from tests.unit.application.world import VIEWER, World

from waardhaven.application.ports.compute_pool import ComputeBusy
from waardhaven.application.ports.market_data import MarketSetup, SourceInfo
from waardhaven.application.pricing.adjusting import ReadActions
from waardhaven.application.pricing.read_closes import ReadCloses
from waardhaven.application.quant import markowitz_answer
from waardhaven.application.quant.markowitz_answer import MEASURES
from waardhaven.application.quant.markowitz_catalogue import (
    COVARIANCES,
    MEANS,
    SENT_AS,
    ListMarkowitzObjectives,
)
from waardhaven.application.quant.markowitz_views import MarkowitzView
from waardhaven.application.quant.optimise_portfolio import OptimisePortfolio, answered
from waardhaven.application.quant.read_returns import ReadReturns, UnusableSymbols
from waardhaven.application.questions.markowitz import MarkowitzQuestion
from waardhaven.application.questions.reading import as_json, read_question
from waardhaven.domain.errors import Forbidden, Invalid
from waardhaven.domain.identity.roles import ANONYMOUS
from waardhaven.domain.quant.covariance import ESTIMATORS
from waardhaven.domain.quant.markowitz.estimation import EXPECTED_RETURNS, TooFewPeriods
from waardhaven.domain.quant.markowitz.objectives import OBJECTIVES
from waardhaven.domain.quant.markowitz.soundness import NotSemidefinite
from waardhaven.domain.quant.quadratic_programme import Infeasible

# --- what is answered


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_is_answered_with_what_it_promises(objective: str) -> None:
    found = answer(SAMPLED, objective=objective, **NEEDS.get(objective, {}))
    raw = msgspec.to_builtins(found)
    assert finite(json.loads(json.dumps(raw)))
    assert sum(found.weights.values()) == pytest.approx(1.0, abs=1e-12)
    assert sum(found.risk_contributions.values()) == pytest.approx(found.volatility, rel=1e-12)
    assert found.sharpe == pytest.approx(found.expected_return / found.volatility, rel=1e-12)
    assert (found.measure is None) == (found.value is None)
    assert found.measure == (MEASURES[objective][0] if objective in MEASURES else None)
    assert found.residual is None or found.residual < 1e-9
    assert "mean and ledoit_wolf of 80 periods" in found.moments.made


def test_weights_are_those_of_the_closed_form() -> None:
    found = answer(min_weight=-1.0)
    ones = np.linalg.solve(np.array(COVARIANCE), np.ones(3))
    np.testing.assert_allclose([found.weights[one] for one in NAMES], ones / ones.sum(), rtol=1e-12)
    assert found.value == pytest.approx(1.0 / ones.sum(), rel=1e-12)
    assert (found.measure, found.moments.made) == ("variance", "supplied")


def test_levels_are_taken_as_their_returns_and_never_as_returns() -> None:
    levels = 100.0 * np.cumprod(np.vstack([np.ones(3), 1.0 + MOVES]), axis=0)
    market = {"names": NAMES, "levels": levels.tolist(), "periods_per_year": 52}
    ours = answer(market).weights
    for name, weight in answer(SAMPLED).weights.items():
        assert ours[name] == pytest.approx(weight, rel=1e-9)
    rules = broken({**SAMPLED, "returns": levels.tolist()})
    assert rules == {"returns": "fractions, not levels: half of them are above 100 %"}


@pytest.mark.parametrize("covariance", ESTIMATORS)
@pytest.mark.parametrize("expected", EXPECTED_RETURNS)
def test_every_estimator_is_of_a_year_whatever_the_period(covariance: str, expected: str) -> None:
    market = (
        {"market_weights": dict.fromkeys(NAMES, 1 / 3)} if expected in {"capm", "implied_equilibrium"} else {}
    )
    how = {"covariance_method": covariance, "expected_return_method": expected, **market}
    found = answer(SAMPLED, with_covariance=True, **how)
    assert found.moments.covariance is not None
    np.testing.assert_allclose(
        np.sqrt(np.diag(found.moments.covariance)), list(found.moments.volatilities.values())
    )
    assert 0.03 < found.moments.volatilities["bonds"] < 0.12
    assert 0.1 < found.moments.volatilities["shares"] < 0.4
    if expected == "mean":
        np.testing.assert_allclose(
            list(found.moments.expected_returns.values()), MOVES.mean(axis=0) * 52, rtol=1e-12
        )


def test_a_column_without_a_name_is_its_number() -> None:
    assert list(answer({"expected_returns": EXPECTED, "covariance": COVARIANCE}).weights) == ["1", "2", "3"]


def test_limits_have_dual_values_of_the_stated_sign_and_are_told_when_they_hold() -> None:
    found = answer(
        objective="risk_aversion",
        risk_aversion=0.5,
        max_weight=0.7,
        bounds={"bonds": {"min_weight": 0.25}, "gold": {"max_weight": 0.1}},
        groups=[
            {"members": ["shares", "gold"], "most": 0.6},
            {"name": "safe", "members": ["bonds"], "least": 0.1},
        ],
    )
    assert found.weights == pytest.approx({"bonds": 0.4, "shares": 0.6, "gold": 0.0}, abs=1e-12)
    assert found.duals is not None
    assert [(one.group, one.side) for one in found.duals.groups] == [("0", "most"), ("safe", "least")]
    assert found.duals.groups[0].value < 0.0
    assert found.duals.groups[1].value == 0.0
    assert found.duals.min_weight.keys() == {"gold"}
    assert found.duals.min_weight["gold"] > 0.0
    assert found.duals.max_weight == {}
    assert found.active == ("gold at its lower bound", "group 0 at its most")
    assert (found.measure, found.value) == ("utility", found.figures["utility"])


def test_the_dual_value_is_what_the_optimum_gains_for_a_wider_limit() -> None:
    before, after = (answer(max_weight=limit) for limit in (0.6, 0.6001))
    assert before.duals is not None
    assert before.value is not None
    assert after.value is not None
    gained = (after.value - before.value) / 2 / 0.0001
    assert before.duals.max_weight["bonds"] == pytest.approx(gained, rel=1e-2)


def test_turnover_is_limited_against_what_is_held_and_told() -> None:
    held = {"shares": 1.0}
    free = answer(current_weights=held)
    assert free.turnover is not None
    assert free.turnover > 1.0
    found = answer(current_weights=held, turnover=0.5)
    assert found.turnover == pytest.approx(0.5, abs=1e-12)
    assert found.duals is not None
    assert found.duals.turnover is not None
    assert found.duals.turnover < 0.0
    assert answer().turnover is None


def test_a_group_has_its_members_alone_however_they_are_spelt() -> None:
    """Arrays of text drop NUL characters at the end, so that two names become one."""
    names = ["a", "a\0", "c"]
    found = answer({**GIVEN, "names": names}, groups=[{"members": ["a\0"], "most": 0.0}])
    without = answer(bounds={"shares": {"max_weight": 0.0}})
    assert list(found.weights.values()) == pytest.approx(list(without.weights.values()))


def test_a_limit_on_the_number_of_names_is_exact() -> None:
    found = answer(most_names=1)
    assert found.weights == {"bonds": 1.0, "shares": 0.0, "gold": 0.0}
    assert found.figures["gap"] == 0.0


def test_the_frontier_has_points_and_its_corners() -> None:
    found = answer(frontier=5, max_weight=0.6, risk_free_rate=0.01)
    assert found.frontier is not None
    points, corners = found.frontier.points, found.frontier.corners
    assert corners is not None
    returns = np.array(points.expected_returns)
    np.testing.assert_allclose(np.diff(returns), (returns[-1] - returns[0]) / 4, rtol=1e-9)
    assert points.weights[0] == pytest.approx(tuple(found.weights.values()))
    assert points.volatilities[0] == pytest.approx(found.volatility)
    assert points.sharpe[-1] == pytest.approx((returns[-1] - 0.01) / points.volatilities[-1])
    assert corners.prices is not None
    assert corners.prices[0] == 0.0
    assert corners.weights[-1] == pytest.approx((0.0, 0.6, 0.4))
    assert (points.prices, found.frontier.method) == (None, "critical_line")
    assert found.frontier.residual < 1e-10


def test_more_corners_than_are_told_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markowitz_answer, "MOST_SHOWN", 2)
    found = answer(frontier=3)
    assert found.frontier is not None
    assert found.frontier.corners is None
    assert any("corner portfolios are too many" in one for one in found.notes)


def test_views_move_what_is_expected_from_the_equilibrium() -> None:
    market = {"market_weights": {"bonds": 0.5, "shares": 0.4, "gold": 0.1}, "risk_aversion": 3.0}
    view = {"weights": {"gold": 1.0, "bonds": -1.0}, "expected": 0.1, "confidence": 1.0}
    asked = {"objective": "maximum_sharpe", **market, "views": [view], "tau": 0.1}
    found = answer({"names": NAMES, "covariance": COVARIANCE}, **asked)
    expected = found.moments.expected_returns
    assert expected["gold"] - expected["bonds"] == pytest.approx(0.1, rel=1e-9)
    assert found.moments.made.startswith("Black-Litterman, 1 views, tau 0.1, risk aversion 3")
    usual = answer(SAMPLED, views=[{**view, "confidence": None}], market_weights=market["market_weights"])
    assert "tau 0.05, risk aversion 2.5" in usual.moments.made


def test_no_risk_has_no_sharpe_ratio_and_nothing_is_nan() -> None:
    covariance = [[0.0, 0.0], [0.0, 0.04]]
    found = answer({"expected_returns": [0.02, 0.06], "covariance": covariance}, frontier=3)
    assert (found.volatility, found.sharpe) == (0.0, None)
    assert found.frontier is not None
    assert found.frontier.points.sharpe[0] is None
    assert finite(msgspec.to_builtins(found))


def test_what_looks_like_per_cent_and_few_periods_are_noted() -> None:
    found = answer({**SAMPLED, "returns": (MOVES[:3] * 20).clip(-0.9, 0.9).tolist()})
    assert any("perhaps per cent" in one for one in found.notes)
    assert any(one.startswith("There are 3 returns for 3 names") for one in found.notes)


def test_a_repair_is_told_with_the_eigenvalues_before_and_after() -> None:
    impossible = [[0.04, 0.038, -0.038], [0.038, 0.04, 0.038], [-0.038, 0.038, 0.04]]
    market = {**GIVEN, "covariance": impossible}
    rules = broken(market, NotSemidefinite)
    assert "smallest eigenvalue is -0.0" in rules["covariance"]
    found = answer(market, repair=True)
    repair = found.moments.repair
    assert repair is not None
    assert repair.before[0] < 0.0 < repair.after[0]
    assert any("repaired by clip_eigenvalues" in one for one in found.notes)


def test_a_frontier_whose_corners_can_not_be_walked_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from waardhaven.domain.quant.markowitz import efficient_frontier

    monkeypatch.setattr(efficient_frontier, "_walked", lambda problem, points: None)
    found = answer(frontier=4)
    assert found.frontier is not None
    assert (found.frontier.corners, found.frontier.method) == (None, "quadratic_programmes")
    assert any("could not be walked" in one for one in found.notes)


def test_a_question_is_the_same_after_it_was_written_and_read() -> None:
    question = asking(SAMPLED, groups=[{"members": ["gold"], "most": 0.2}], frontier=3)
    again = read_question(MarkowitzQuestion, as_json(question))
    assert again == question
    assert answered(again) == answered(question)


# --- what is read


STORED: dict[str, Any] = {"symbols": ["CALM", "MILD", "WILD"]}


@pytest.fixture
async def bench(world: World) -> Bench:
    bench = Bench(world)
    await bench.open()
    moves = np.random.default_rng(3).normal(0.0005, [0.005, 0.01, 0.02], (len(DAYS), 3))
    for at, symbol in enumerate(("CALM", "MILD", "WILD")):
        await bench.add(symbol, 50.0 * np.cumprod(1.0 + moves[:, at]))
    return bench


def optimiser(bench: Bench, pool: FakeModelPool | None = None) -> OptimisePortfolio:
    market = bench.world.market
    setup = MarketSetup(sources=(SourceInfo(name="sample", capabilities=frozenset()),))
    closes = ReadCloses(market, market, ReadActions(market), setup)
    returns = ReadReturns(market, closes, bench.world.pool)
    return OptimisePortfolio(pool or FakeModelPool(), returns)


async def ask(
    bench: Bench, by: Any = VIEWER, pool: FakeModelPool | None = None, **fields: Any
) -> MarkowitzView:
    return await optimiser(bench, pool)(by, question=asking(STORED, **fields))


async def test_stored_symbols_are_optimised_over_their_returns(bench: Bench) -> None:
    found = await ask(bench, groups=[{"members": ["WILD"], "least": 0.2}])
    assert found.names == ("CALM", "MILD", "WILD")
    assert found.weights["CALM"] > found.weights["MILD"]
    assert found.weights["WILD"] == pytest.approx(0.2)
    assert 0.05 < found.volatility < 0.15, "of returns a year, not of prices"
    assert found.past is not None
    assert (found.past.periods, found.past.periods_per_year) == (len(DAYS) - 1, 252.0)
    assert [one.symbol for one in found.past.sources] == ["CALM", "MILD", "WILD"]
    assert answer().past is None


async def test_the_range_and_the_frequency_reach_the_store(bench: Bench) -> None:
    found = await ask(bench, start=str(DAYS[5]), end=str(DAYS[-1]), frequency="weekly", currency="USD")
    assert found.past is not None
    assert found.past.frequency == "weekly"
    assert found.past.periods_per_year == 52.0
    assert found.past.first >= date.fromisoformat(str(DAYS[5]))


async def test_notes_of_what_is_stored_are_told(bench: Bench) -> None:
    await bench.add(
        "EURO", np.linspace(50.0, 60.0, len(DAYS)) + np.sin(np.arange(len(DAYS))), currency="EUR", unit="EUR"
    )
    found = await ask(bench, symbols=["CALM", "EURO"])
    assert any("own currency (EUR, USD)" in one for one in found.notes)


async def test_too_short_a_past_is_refused_in_the_words_of_symbols(bench: Bench) -> None:
    with pytest.raises(TooFewPeriods) as caught:
        await ask(bench, end=str(DAYS[3]), covariance_method="sample")
    assert [one.field for one in caught.value.errors] == ["symbols"]
    with pytest.raises(UnusableSymbols):
        await ask(bench, symbols=["CALM", "NOBODY"])


async def test_rules_are_kept_before_anything_is_read(bench: Bench) -> None:
    pool = FakeModelPool()
    with pytest.raises(Invalid):
        await ask(bench, pool=pool, target_return=0.1)
    assert pool.computed == []


async def test_it_is_computed_in_the_pool_of_models_for_those_who_may_read(bench: Bench) -> None:
    pool = FakeModelPool()
    await ask(bench, pool=pool)
    assert pool.computed == ["answered"]
    with pytest.raises(Forbidden):
        await ask(bench, ANONYMOUS)
    with pytest.raises(ComputeBusy):
        await ask(bench, pool=FakeModelPool(busy=True))


async def test_a_question_is_examined_over_the_past_of_its_symbols(bench: Bench) -> None:
    pool = FakeModelPool()
    examine = optimiser(bench, pool).examine
    await examine(VIEWER, question=asking(STORED, objective="minimum_cvar"))
    assert pool.computed == ["examine"]
    with pytest.raises(Infeasible) as caught:
        await examine(VIEWER, question=asking(STORED, objective="minimum_cvar", max_weight=0.2))
    assert [one.field for one in caught.value.errors] == ["max_weight"]
    with pytest.raises(UnusableSymbols):
        await examine(VIEWER, question=asking({"symbols": ["CALM", "NOBODY"]}))
    await examine(VIEWER, question=asking())
    with pytest.raises(Forbidden):
        await examine(ANONYMOUS, question=asking())


async def test_the_catalogue_is_that_of_the_registries() -> None:
    found = await ListMarkowitzObjectives()(VIEWER)
    assert [one.name for one in found.objectives] == list(OBJECTIVES)
    assert [one.name for one in found.covariance_methods] == list(ESTIMATORS)
    assert [one.name for one in found.expected_return_methods] == list(EXPECTED_RETURNS)
    assert (set(COVARIANCES), set(MEANS)) == (set(ESTIMATORS), set(EXPECTED_RETURNS))
    fields = {*MarkowitzQuestion.__struct_fields__}
    assert all(set(one.parameters) <= fields for one in found.objectives)
    assert set(SENT_AS.values()) <= fields
    assert {one.name for one in found.objectives if one.most_names} == {
        name for name, one in OBJECTIVES.items() if one.score is not None
    }
    with pytest.raises(Forbidden):
        await ListMarkowitzObjectives()(ANONYMOUS)


def test_the_choices_of_a_question_are_those_of_the_registries() -> None:
    hints = {one.name: one.type for one in msgspec.structs.fields(MarkowitzQuestion)}
    choices = {
        name: set(msgspec.json.schema(hints[name])["enum"])
        for name in ("objective", "covariance_method", "expected_return_method")
    }
    assert choices["objective"] == set(OBJECTIVES)
    assert choices["covariance_method"] == set(ESTIMATORS)
    assert choices["expected_return_method"] == set(EXPECTED_RETURNS)
    assert set(MEASURES) <= set(OBJECTIVES)
