"""Measuring publications over fakes: a set for each day, as known then, once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from tests.fakes.risk import FakeRiskStore
from tests.unit.application.bench import ROWS, Bench
from tests.unit.application.world import DEFINITION, VIEWER, World, day

from waardhaven.application.answers import InvalidCursor
from waardhaven.application.indexes.measure_publications import DAYS, MeasurePublications
from waardhaven.application.indexes.metric_views import RiskMetricsView
from waardhaven.application.indexes.risk_history import ListRiskMetrics, RiskSetView
from waardhaven.application.ports.risk_store import RiskSet, Unmeasured
from waardhaven.domain.errors import Forbidden
from waardhaven.domain.identity.access import Access, Visibility
from waardhaven.domain.identity.roles import ANONYMOUS, OPERATOR, SYSTEM, Principal
from waardhaven.domain.index.build_record import UnknownIndex
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.metrics.uncertainty import Resampling


def measuring(bench: Bench) -> MeasurePublications:
    world = bench.world
    return MeasurePublications(world.risk, bench.measurable, world.pool, world.code, world.clock)


async def listed(bench: Bench, limit: int = 100, cursor: str | None = None) -> tuple[RiskSetView, ...]:
    history = ListRiskMetrics(bench.world.indexes, bench.world.risk)
    return (await history(VIEWER, slug="an-index", limit=limit, cursor=cursor)).items


@pytest.fixture
async def bench(world: World) -> Bench:
    bench = Bench(world)
    world.clock.instant = datetime.now(UTC) + timedelta(hours=1)
    await bench.open()
    await bench.define(benchmark="BBB")
    return bench


def same(stored: RiskSetView, found: RiskMetricsView) -> bool:
    values = {name: (one.value, one.unit, one.reason) for name, one in stored.metrics.items()}
    shown = {name: (one.value, one.unit, one.reason) for name, one in found.metrics.items()}
    head = (stored.day, stored.base, stored.returns, stored.common, stored.coverage, stored.trials)
    return values == shown and head == (
        found.last,
        found.base,
        found.returns,
        found.common,
        found.coverage,
        found.trials,
    )


async def test_each_of_the_newest_days_gets_what_was_known_at_its_publication(bench: Bench):
    assert await measuring(bench)(SYSTEM) == 1
    sets = await listed(bench)
    assert [one.day for one in sets] == [day(row) for row in range(ROWS - 1, ROWS - 1 - DAYS, -1)]
    (published,) = bench.world.builds.publications
    for one in sets[::7]:
        assert same(one, await bench.measure(end=one.day, as_of=published.effective_at))
    assert sets[0].metrics["tracking_error"].value is not None
    assert sets[0].metrics["var_historical"].value is not None
    assert (sets[0].benchmark, sets[0].code) == ("BBB:XNYS", bench.world.code.package)


async def test_the_next_publication_adds_its_own_days_and_changes_none(bench: Bench):
    await measuring(bench)(SYSTEM)
    before = await listed(bench)
    bench.world.clock.advance(timedelta(days=1))
    await bench.world.add_prices(ROWS, ROWS + 2)
    await bench.world.published()
    assert await measuring(bench)(SYSTEM) == 1
    after = await listed(bench)
    assert [(one.day, one.publication) for one in after[:2]] == [(day(ROWS + 1), 2), (day(ROWS), 2)]
    assert after[2:] == before
    assert await measuring(bench)(SYSTEM) == 0


async def test_a_restatement_stands_beside_what_was_measured_before(bench: Bench):
    await measuring(bench)(SYSTEM)
    bench.world.clock.advance(timedelta(days=1))
    await bench.world.published(restate_from=day(ROWS - 2))
    await measuring(bench)(SYSTEM)
    found = await listed(bench)
    assert [(one.day, one.publication) for one in found[:4]] == [
        (day(ROWS - 1), 2),
        (day(ROWS - 1), 1),
        (day(ROWS - 2), 2),
        (day(ROWS - 2), 1),
    ]


async def test_an_archived_index_and_a_base_date_alone_have_nothing_to_measure(world: World):
    bench = Bench(world)
    await bench.world.open(rows=1)
    await bench.world.published()
    assert await measuring(bench)(SYSTEM) == 1
    await bench.world.add_prices(1, 3)
    await bench.world.published()
    await bench.world.indexes.archive("an-index", by=OPERATOR)
    assert await measuring(bench)(SYSTEM) == 1
    assert bench.world.risk.sets == {}
    assert bench.world.risk.due == {}


async def test_sets_are_paged_by_day_and_publication(bench: Bench):
    await measuring(bench)(SYSTEM)
    history = ListRiskMetrics(bench.world.indexes, bench.world.risk)
    seen, cursor = [], None
    while True:
        page = await history(VIEWER, slug="an-index", limit=13, cursor=cursor)
        seen += [one.day for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [one.day for one in await listed(bench)]


@pytest.mark.parametrize(
    "cursor", ["", "x", "2024-01-02", "2024-01-02.", "2024-01-02.0", "20240102.1", "9.9"]
)
async def test_a_cursor_of_another_list_is_refused(bench: Bench, cursor: str):
    with pytest.raises(InvalidCursor):
        await listed(bench, cursor=cursor)


async def test_who_may_not_read_an_index_sees_nothing_of_its_risk(bench: Bench):
    history = ListRiskMetrics(bench.world.indexes, bench.world.risk)
    with pytest.raises(Forbidden):
        await history(ANONYMOUS, slug="an-index", limit=1)
    bench.world.indexes.change_access("an-index", Access(owner=None, visibility=Visibility.PRIVATE))
    with pytest.raises(UnknownIndex):
        await history(VIEWER, slug="an-index", limit=1)
    with pytest.raises(Forbidden):
        await measuring(bench)(VIEWER)


async def test_the_deflated_ratio_takes_the_variants_that_were_tried(bench: Bench):
    index = (await bench.world.indexes.get("an-index")).id
    alone = await bench.measure()
    deflated = alone.metrics["sharpe_deflated"].value
    assert alone.trials == 1
    assert deflated == pytest.approx(alone.metrics["sharpe_probabilistic"].value, rel=1e-12)
    other = replace(DEFINITION, cost_rate=0.001)
    await bench.world.trials.count(index, other, float("nan"), by=OPERATOR)
    unknown = await bench.measure()
    assert (unknown.trials, unknown.metrics["sharpe_deflated"].reason) == (2, "no_trials")
    await bench.world.trials.count(index, other, 0.01, by=OPERATOR)
    await bench.world.trials.count(index, replace(DEFINITION, cost_rate=0.002), 0.06, by=OPERATOR)
    after = await bench.measure()
    assert after.trials == 3
    assert after.metrics["sharpe_deflated"].value < deflated
    weekly = await bench.measure(frequency=Frequency.WEEKLY)
    assert weekly.metrics["sharpe_deflated"].value is not None


async def test_an_interval_stands_beside_every_metric_when_asked_for(bench: Bench):
    how = Resampling(draws=100, level=0.9)
    found = await bench.measure(interval=how, seed=3)
    one = found.metrics["volatility"]
    assert one.interval is not None
    assert one.interval.low < one.value < one.interval.high
    assert one.interval.verdict == "above_zero"
    assert found.resampling is not None
    assert (found.resampling.draws, found.resampling.level, found.resampling.seed) == (100, 0.9, 3)
    assert await bench.measure(interval=how, seed=3) == found
    assert (await bench.measure()).metrics["volatility"].interval is None
    verdicts = {each.interval.verdict for each in found.metrics.values() if each.interval}
    assert "unknown" in verdicts
    assert np.isfinite(one.value)


async def test_a_publication_that_can_not_be_measured_does_not_stop_the_others(bench: Bench):
    bench.world.clock.advance(timedelta(days=1))
    await bench.world.add_prices(ROWS, ROWS + 1)
    await bench.world.published()

    class Falling(FakeRiskStore):
        async def keep(self, one: Unmeasured, sets: Sequence[RiskSet], *, by: Principal) -> None:
            if one.publication == 1:
                raise ZeroDivisionError("a fault of ours")
            await super().keep(one, sets, by=by)

    risk = bench.world.risk
    bench.world.risk = Falling(risk.log, risk.clock, risk.trail, risk.due, risk.sets)
    with pytest.raises(ZeroDivisionError):
        await measuring(bench)(SYSTEM)
    assert {publication for _, publication in risk.sets} == {2}
    assert set(risk.due) == {1}
    assert await measuring(bench)(SYSTEM) == 0, "it is tried again later"
    bench.world.clock.advance(timedelta(minutes=1))
    bench.world.risk = risk
    assert await measuring(bench)(SYSTEM) == 1
    assert {publication for _, publication in risk.sets} == {1, 2}
