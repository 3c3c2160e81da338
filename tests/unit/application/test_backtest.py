"""Backtests over fakes: the index engine, costs on what is traded, days that are sessions."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from tests.unit.application.bench import DAYS, ROWS, Bench
from tests.unit.application.world import AXIS, CLOSES, DEFINITION, VIEWER, WARM_UP, World, day

from waardhaven.application.answers import InvalidRange
from waardhaven.application.indexes.backtest import Backtest
from waardhaven.application.indexes.backtest_rules import UnusableBacktest
from waardhaven.application.indexes.backtest_views import BacktestView
from waardhaven.application.indexes.read_benchmark_levels import ReadBenchmarkLevels
from waardhaven.application.questions.backtest import BacktestQuestion
from waardhaven.domain.errors import Forbidden, Invalid
from waardhaven.domain.identity.roles import ANONYMOUS, OPERATOR
from waardhaven.domain.index.definition import Schedule, StrategySpec
from waardhaven.domain.market.calendar import Frequency

ALL = ("AAA", "BBB", "CCC")


@pytest.fixture
async def bench(world: World) -> Bench:
    bench = Bench(world)
    await bench.open()
    return bench


async def backtested(bench: Bench, who: Any, /, **asked: Any) -> BacktestView:
    world, reads = bench.world, bench.benchmark
    assert isinstance(reads, ReadBenchmarkLevels)
    run = Backtest(world.market, reads.closes, world.inputs, reads.closes.setup, world.pool)
    return await run(who, question=BacktestQuestion(**{"symbols": ALL, "start": day(0), **asked}))


@pytest.mark.parametrize("strategy", ["equal_weight", "momentum", "inverse_volatility"])
async def test_a_backtest_is_the_index_of_the_same_rules_bit_for_bit(bench: Bench, strategy: str):
    plain = Schedule(frequency=Frequency.MONTHLY, daily_drop_threshold=None)
    await bench.world.indexes.define(
        replace(
            DEFINITION,
            slug="same",
            strategy=StrategySpec(name=strategy),
            schedule=plain,
            cost_rate=0.003,
            base_value=100.0,
        ),
        by=OPERATOR,
    )
    build = await bench.world.build(OPERATOR, slug="same")
    found = await backtested(bench, VIEWER, strategy=strategy, transaction_cost=0.002, slippage=0.001)
    assert found.dates.tolist() == build.result.levels.day.tolist()
    assert found.values.tobytes() == build.result.levels.level.tobytes()
    assert found.strategy == strategy


def equal(closes: np.ndarray) -> np.ndarray:
    return np.full(closes.shape[1], 1.0 / closes.shape[1])


def by_volatility(closes: np.ndarray) -> np.ndarray:
    """Return weights by the inverse of the deviation of the last 60 returns."""
    recent = closes[-61:]
    inverse = 1.0 / (recent[1:] / recent[:-1] - 1.0).std(axis=0, ddof=1)
    found: np.ndarray = inverse / inverse.sum()
    return found


@pytest.mark.parametrize(
    ("strategy", "weigh"), [("equal_weight", equal), ("inverse_volatility", by_volatility)]
)
async def test_a_backtest_is_what_a_plain_loop_makes_of_the_closes(
    bench: Bench, strategy: str, weigh: Callable[[np.ndarray], np.ndarray]
):
    """Weights from closes of the session before, units that drift, costs on both sides of what is traded."""
    asked = {"strategy": strategy, "transaction_cost": 0.004, "slippage": 0.001}
    found = await backtested(bench, VIEWER, **asked)
    level, turnover, levels = 100.0, [], []
    units = weigh(CLOSES[:WARM_UP]) * level / CLOSES[WARM_UP]
    for row in range(WARM_UP, WARM_UP + ROWS):
        level = float((units * CLOSES[row]).sum())
        if row > WARM_UP and day(row - WARM_UP).month != day(row - WARM_UP - 1).month:
            weights = weigh(CLOSES[:row])
            turnover.append(float(np.abs(weights - units * CLOSES[row] / level).sum()))
            level *= 1.0 - 0.005 * turnover[-1]
            units = weights * level / CLOSES[row]
        levels.append(level)
    np.testing.assert_allclose(found.values, levels, rtol=1e-13)
    assert [one.turnover for one in found.compositions[1:]] == pytest.approx(turnover, rel=1e-10)
    assert found.costs == pytest.approx(0.005 * sum(turnover), rel=1e-12)
    assert (found.transaction_costs, found.slippage) == pytest.approx((0.8 * found.costs, 0.2 * found.costs))
    assert found.turnover == pytest.approx(
        sum(turnover) / ((found.last - found.base).days / 365.0), rel=1e-10
    )
    assert found.total_return == pytest.approx(levels[-1] / 100.0 - 1.0, rel=1e-10)


async def test_weights_are_stated_by_symbol(bench: Bench):
    weights = {"AAA": 0.5, "BBB": 0.3, "CCC": 0.2}
    found = await backtested(bench, VIEWER, strategy="fixed", params={"weights": weights})
    assert found.params == {"weights": weights}
    for one in found.compositions:
        assert dict(one.weights) == pytest.approx(weights)
    by_place = await backtested(
        bench,
        VIEWER,
        symbols=("AAA:XNYS", "BBB", "CCC"),
        strategy="fixed",
        params={"weights": {"AAA:XNYS": 0.5, "BBB": 0.3, "CCC": 0.2}},
    )
    assert by_place.values.tobytes() == found.values.tobytes()


async def test_weights_of_what_was_not_asked_for_are_refused_with_their_field(bench: Bench):
    weights = {"AAA": 0.5, "ZZZ": 0.3, "99": 0.2}
    with pytest.raises(UnusableBacktest) as refused:
        await backtested(bench, VIEWER, strategy="fixed", params={"weights": weights})
    assert {one.field: one.rule for one in refused.value.errors} == {
        "params.params.weights.ZZZ": "must be one of the symbols",
        "params.params.weights.99": "must be one of the symbols",
    }
    with pytest.raises(UnusableBacktest) as unequal:
        await backtested(bench, VIEWER, strategy="fixed", params={"weights": {"AAA": 0.5, "BBB": 0.3}})
    assert [one.field for one in unequal.value.errors] == ["params.params.weights"]


async def test_costs_are_charged_on_what_is_traded_and_told_apart(bench: Bench):
    free = await backtested(bench, VIEWER)
    dear = await backtested(bench, VIEWER, transaction_cost=0.02, slippage=0.01)
    assert free.costs == free.transaction_costs == free.slippage == 0.0
    assert dear.costs == pytest.approx(dear.transaction_costs + dear.slippage)
    assert dear.slippage == pytest.approx(dear.costs / 3.0)
    reviews = dear.compositions[1:]
    assert sum(one.cost for one in reviews) == pytest.approx(dear.costs)
    for one in reviews:
        assert one.cost == pytest.approx(0.03 * one.turnover, rel=0.05), "on turnover, not on the whole value"
    assert dear.total_return < free.total_return
    kept = await backtested(bench, VIEWER, strategy="equal_weight", frequency="yearly", transaction_cost=0.1)
    assert kept.costs == 0.0, "the first purchase is the base"


async def test_every_review_takes_effect_on_a_session_and_selects_before_it(bench: Bench):
    found = await backtested(bench, VIEWER, frequency="weekly", lag=3)
    sessions = AXIS.tolist()
    for one in found.compositions:
        assert sessions.index(one.effective) - sessions.index(one.selection) == 3
        assert sum(one.weights.values()) == pytest.approx(1.0)
    assert found.reviews == len(found.compositions) > 5


async def test_metrics_are_those_of_the_level_beside_the_benchmark(bench: Bench):
    found = await backtested(bench, VIEWER, benchmark="BBB", risk_free_rate=0.02)
    moves = found.values[1:] / found.values[:-1] - 1.0
    assert found.metrics["volatility"].value == pytest.approx(moves.std(ddof=1) * 252**0.5, rel=1e-12)
    close = CLOSES[WARM_UP : WARM_UP + ROWS, 1]
    other = close[1:] / close[:-1] - 1.0
    error = (moves - other).std(ddof=1) * 252**0.5
    assert found.metrics["tracking_error"].value == pytest.approx(error, rel=1e-10)
    assert (await backtested(bench, VIEWER)).metrics["beta"].reason == "no_benchmark"


async def test_one_symbol_is_the_symbol(bench: Bench):
    found = await backtested(bench, VIEWER, symbols=("BBB",), initial_value=50.0)
    close = CLOSES[WARM_UP : WARM_UP + ROWS, 1]
    np.testing.assert_allclose(found.values, 50.0 * close / close[0], rtol=1e-12)
    assert found.compositions[0].weights == {"BBB": 1.0}


async def test_without_a_start_it_begins_once_every_symbol_can_be_looked_back_on(bench: Bench):
    await bench.add("NEW", CLOSES[WARM_UP : WARM_UP + ROWS, 0])
    found = await backtested(bench, VIEWER, symbols=("AAA", "NEW"), start=None, strategy="equal_weight")
    assert found.base > day(0)
    assert set(found.compositions[0].weights) == {"AAA", "NEW"}


async def test_a_start_that_is_no_session_is_the_next_one(bench: Bench):
    sunday = next(one for one in (day(3) + timedelta(n) for n in range(8)) if one.weekday() == 6)
    found = await backtested(bench, VIEWER, start=sunday)
    assert found.base == min(day(row) for row in range(ROWS) if day(row) > sunday)


@pytest.mark.parametrize(
    ("asked", "error", "field"),
    [
        ({"symbols": ()}, UnusableBacktest, "params.symbols"),
        ({"symbols": ("AAA", "AAA:XNYS")}, UnusableBacktest, "params.symbols"),
        ({"source": "nobody"}, UnusableBacktest, "params.symbols"),
        ({"start": date(2199, 1, 1)}, UnusableBacktest, "params.start"),
        ({"start": date(1999, 1, 1)}, UnusableBacktest, "params.start"),
        ({"strategy": "none"}, UnusableBacktest, "params.strategy"),
        ({"strategy": "momentum", "params": {"x": 1}}, UnusableBacktest, "params.params.x"),
        ({"max_weight": 0.2}, UnusableBacktest, "params.max_weight"),
        ({"max_weight": 0.5, "max_names": 1}, UnusableBacktest, "params.max_names"),
        ({"transaction_cost": 0.1, "slippage": 0.01}, UnusableBacktest, "params.slippage"),
        ({"currency": "XXX"}, UnusableBacktest, "params.currency"),
        ({"currency": "CHF"}, UnusableBacktest, "params.currency"),
        ({"calendar": "XXXX"}, UnusableBacktest, "params.calendar"),
        ({"end": date(1999, 1, 1), "start": None}, UnusableBacktest, "params.calendar"),
        ({"strategy": "market_cap"}, UnusableBacktest, "params.start"),
        ({"symbols": ("AAA", "NOPE", "é")}, UnusableBacktest, "params.symbols.1"),
        ({"symbols": ("?",)}, UnusableBacktest, "params.symbols.0"),
        ({"benchmark": "NOPE"}, UnusableBacktest, "params.benchmark"),
        ({"start": day(5), "end": day(4)}, InvalidRange, "end"),
        ({"start": day(ROWS - 1)}, UnusableBacktest, "params.end"),
    ],
)
async def test_what_can_not_be_run_is_refused_by_field(
    bench: Bench, asked: dict[str, Any], error: type[Invalid], field: str
):
    with pytest.raises(error) as refused:
        await backtested(bench, VIEWER, **asked)
    assert refused.value.errors[0].field == field
    assert refused.value.errors[0].rule


async def test_names_of_one_symbol_on_two_exchanges_are_told_apart(bench: Bench):
    """One would have taken the place of the other, and weights summed to less than 1."""
    await bench.add("AAA", CLOSES[WARM_UP : WARM_UP + ROWS, 1], mic="XNAS")
    found = await backtested(bench, VIEWER, symbols=("AAA:XNYS", "AAA:XNAS", "BBB"))
    assert found.symbols == ("AAA:XNYS", "AAA:XNAS", "BBB")
    later = found.compositions[-1].weights
    assert later == pytest.approx(dict.fromkeys(found.symbols, 1.0 / 3.0))


async def test_a_benchmark_is_measured_in_the_currency_of_the_level(bench: Bench):
    await bench.add("FAR", CLOSES[WARM_UP : WARM_UP + ROWS, 0], unit="EUR", currency="EUR")
    found = await backtested(bench, VIEWER, symbols=("FAR",), benchmark="FAR", start=day(5))
    assert found.metrics["beta"].value == pytest.approx(1.0, rel=1e-12)
    assert found.metrics["tracking_error"].value == pytest.approx(0.0, abs=1e-12)


async def test_symbols_without_days_in_common_are_refused_or_told_to_be_left_out(bench: Bench):
    half = ROWS // 2
    await bench.add("OLD", CLOSES[WARM_UP : WARM_UP + half, 0], axis=DAYS[:half])
    await bench.add("NEW", CLOSES[WARM_UP + half : WARM_UP + ROWS, 1], axis=DAYS[half:])
    with pytest.raises(UnusableBacktest) as refused:
        await backtested(bench, VIEWER, symbols=("OLD", "NEW"), start=None)
    (told,) = refused.value.errors
    assert told.field == "params.symbols"
    assert "OLD without closes from" in told.rule
    found = await backtested(bench, VIEWER, symbols=("OLD", "BBB"), start=day(half + 5))
    assert found.compositions[0].weights == {"BBB": 1.0}
    assert found.notes[-1] == "Never held, without closes from the base date on: OLD."
    assert not any("Never" in one for one in (await backtested(bench, VIEWER)).notes)


async def test_every_symbol_that_is_unknown_is_named(bench: Bench):
    with pytest.raises(UnusableBacktest) as refused:
        await backtested(bench, VIEWER, symbols=("NOPE", "AAA", "é", "ALSO"))
    assert [one.field for one in refused.value.errors] == [f"params.symbols.{at}" for at in (0, 2, 3)]
    assert "NOPE" in refused.value.errors[0].rule


async def test_a_benchmark_without_closes_is_told(bench: Bench):
    await bench.add("DRY", [], axis=AXIS[:0])
    with pytest.raises(UnusableBacktest) as refused:
        await backtested(bench, VIEWER, benchmark="DRY")
    assert refused.value.errors[0].field == "params.benchmark"
    with pytest.raises(Forbidden):
        await backtested(bench, ANONYMOUS)
