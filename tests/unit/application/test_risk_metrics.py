"""Risk metrics of official levels over fakes: windows, periods, currencies, benchmarks that are not there."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from tests.unit.application.bench import DAYS, ROWS, Bench
from tests.unit.application.world import CLOSES, WARM_UP, World, day

from waardhaven.application.indexes.risk_windows import InvalidWindow
from waardhaven.domain.market.asset import UnknownAsset
from waardhaven.domain.market.calendar import Frequency


@pytest.fixture
async def bench(world: World) -> Bench:
    bench = Bench(world)
    await bench.open()
    return bench


async def test_metrics_are_those_of_the_official_levels(bench: Bench):
    await bench.define(benchmark="BBB")
    found = await bench.measure(risk_free_rate=0.02)
    (build,) = bench.world.builds.builds.values()
    level = build.result.levels.level
    moves = level[1:] / level[:-1] - 1
    assert found.metrics["total_return"].value == pytest.approx(level[-1] / level[0] - 1, rel=1e-12)
    assert found.metrics["volatility"].value == pytest.approx(moves.std(ddof=1) * 252**0.5, rel=1e-12)
    assert found.metrics["var_historical"].value == pytest.approx(-np.quantile(moves, 0.05), rel=1e-12)
    close = CLOSES[WARM_UP : WARM_UP + ROWS, 1]
    other = close[1:] / close[:-1] - 1
    error = (moves - other).std(ddof=1) * 252**0.5
    assert found.metrics["tracking_error"].value == pytest.approx(error, rel=1e-10)
    assert found.metrics["cagr"].reason == "under_a_year"
    assert (found.base, found.first, found.last) == (day(0), day(1), day(59))
    assert (found.returns, found.common, found.coverage) == (59, 59, 1.0)
    assert (found.periods_per_year, found.risk_free_rate, found.confidence) == (252.0, 0.02, 0.95)
    assert found.benchmark is not None
    assert found.benchmark.name == "BBB:XNYS"
    assert found.provenance.publication == 1
    assert found.metrics["volatility"].unit == "fraction_per_year"


@pytest.mark.parametrize(
    ("asked", "base", "last"),
    [
        ({"sessions": 5}, 54, 59),
        ({"sessions": 5, "end": day(20)}, 15, 20),
        ({"sessions": 1}, 58, 59),
        ({"sessions": 1000}, 0, 59),
        ({"start": day(10), "end": day(12)}, 10, 12),
    ],
)
async def test_a_window_is_of_days_or_of_sessions(bench: Bench, asked: dict[str, Any], base: int, last: int):
    found = await bench.measure(**asked)
    assert (found.base, found.last, found.returns) == (day(base), day(last), last - base)


@pytest.mark.parametrize(
    ("asked", "field", "told"),
    [
        ({"start": day(59)}, "start", f"known levels reach from {DAYS[0]} to {DAYS[-1]}"),
        ({"end": day(0)}, "end", "at least two levels"),
        ({"sessions": 5, "start": day(3)}, "sessions", "left out where start is given"),
    ],
)
async def test_a_window_without_a_return_is_refused(
    bench: Bench, asked: dict[str, Any], field: str, told: str
):
    with pytest.raises(InvalidWindow) as caught:
        await bench.measure(**asked)
    (broken,) = caught.value.errors
    assert broken.field == field
    assert told in broken.rule


async def test_levels_in_a_currency_are_measured_from_its_first_known_rate_to_its_last(world: World):
    bench = Bench(world)
    francs = {day(one): 2.0 for one in (*range(5, 20), *range(40, 50))}
    await bench.open(CHF=francs, NOK={date(1999, 1, 4): 9.0})
    found = await bench.measure(currency="chf")
    assert (found.currency, found.base) == ("CHF", day(5))
    assert day(49) < found.last < day(56), "a rate is carried a week"
    assert found.coverage < 1.0
    with pytest.raises(InvalidWindow) as caught:
        await bench.measure(currency="NOK")
    assert "no level is known" in caught.value.errors[0].rule


async def test_a_benchmark_is_converted_at_the_rates_that_the_index_was_published_with(bench: Bench):
    """Else a rate of today would move one of the two alone."""
    before = await bench.read(currency="EUR")
    await bench.world.add_rates("USD", {day(59): 3.0})
    after = await bench.read(currency="EUR")
    assert after.columns["relative"].tolist() == before.columns["relative"].tolist()


async def test_weeks_lose_no_return_where_the_benchmark_has_a_holiday(bench: Bench):
    """Its level of the last session before counts, so that the weeks of both are of the same moves."""
    weeks = (DAYS.astype(int) + 3) // 7
    fridays = np.flatnonzero(np.diff(weeks))
    kept = np.delete(np.arange(ROWS), fridays[2])
    await bench.add("HOL", CLOSES[WARM_UP + kept, 1], axis=DAYS[kept])
    whole = await bench.measure(benchmark="BBB", frequency=Frequency.WEEKLY)
    holey = await bench.measure(benchmark="HOL", frequency=Frequency.WEEKLY)
    assert whole.returns == holey.returns == holey.common == len(np.unique(weeks[1:]))
    assert (holey.periods_per_year, holey.frequency) == (52.0, "weekly")
    daily = await bench.measure(benchmark="HOL")
    assert (daily.common, daily.coverage) == (57, 1.0)
    total = daily.metrics["total_return"].value
    assert holey.metrics["total_return"].value == pytest.approx(total, rel=1e-12)


async def test_a_benchmark_that_only_the_definition_names_may_be_missing(bench: Bench):
    found = await bench.measure()
    assert (found.benchmark, found.common) == (None, None)
    assert found.metrics["beta"].reason == "no_benchmark"
    assert found.notes == ("The definition names no benchmark: metrics that need one are unknown.",)
    await bench.define(benchmark="SPX")
    found = await bench.measure()
    assert found.metrics["tracking_error"].reason == "no_benchmark"
    assert found.metrics["volatility"].value is not None
    (note,) = found.notes
    assert note == "Metrics that need the benchmark SPX are unknown. There is no asset SPX."
    with pytest.raises(UnknownAsset):
        await bench.measure(benchmark="SPX")
