"""Contributions to the return of an index over fakes: names, groups, periods, what is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.unit.application.bench import DAYS, ROWS, Bench
from tests.unit.application.world import CLOSES, DEFINITION, VIEWER, WARM_UP, World, day

from waardhaven.application.answers import InvalidRange
from waardhaven.application.indexes import contribution as contributing
from waardhaven.application.indexes.contribution import (
    ContributionOrder,
    ContributionView,
    Grouping,
    ReadContributions,
    UnusableWindow,
)
from waardhaven.application.indexes.queries import UnknownVariant
from waardhaven.domain.errors import Forbidden
from waardhaven.domain.identity.access import Access, Visibility
from waardhaven.domain.identity.roles import ANONYMOUS, OPERATOR
from waardhaven.domain.index.build_record import UnknownIndex
from waardhaven.domain.index.definition import StrategySpec, Variant
from waardhaven.domain.market.calendar import Frequency

EXACT = 1e-12


@pytest.fixture
async def bench(world: World) -> Bench:
    bench = Bench(world)
    await bench.open()
    return bench


async def taken(bench: Bench, who: Any = VIEWER, **asked: Any) -> ContributionView:
    world = bench.world
    read = ReadContributions(world.indexes, world.builds, world.market, world.inputs, world.pool)
    return await read(who, order=ContributionOrder(slug="an-index", **asked))


def adds_up(found: ContributionView) -> None:
    for one in found.periods:
        assert sum(one.contributions) + one.cost + one.correction == pytest.approx(
            one.total_return, abs=EXACT
        )
        assert abs(one.correction) < EXACT
    whole = sum(one.contribution for one in found.groups) + found.cost + found.correction
    assert whole == pytest.approx(found.total_return, abs=EXACT)
    growth = np.prod([1.0 + one.total_return for one in found.periods]) - 1.0
    assert found.total_return == pytest.approx(growth, abs=EXACT)


async def test_names_add_up_to_the_return_of_every_period(bench: Bench):
    found = await taken(bench)
    (build,) = bench.world.builds.builds.values()
    level = build.result.levels.level
    assert found.total_return == pytest.approx(level[-1] / level[0] - 1.0, abs=EXACT)
    adds_up(found)
    assert (found.base, found.last, found.by, found.frequency) == (day(0), day(ROWS - 1), "name", "monthly")
    assert {(one.key, one.title, one.asset) for one in found.groups} == {
        (symbol, f"{symbol} Inc.", number) for number, symbol in enumerate(("AAA", "BBB", "CCC"), 1)
    }
    sizes = [one.contribution for one in found.groups]
    assert sizes == sorted(sizes, reverse=True)
    assert [one.first for one in found.periods][1:] == [
        one for one in (day(row) for row in range(2, ROWS)) if one.month != day_before(one).month
    ]


def day_before(one: Any) -> Any:
    row = int(np.searchsorted(DAYS, np.datetime64(one)))
    return day(row - 1)


async def test_a_day_is_weight_times_return(bench: Bench):
    found = await taken(bench, start=day(0), end=day(1), frequency=Frequency.DAILY)
    close = CLOSES[WARM_UP : WARM_UP + 2]
    expected = (close[1] / close[0] - 1.0) / 3.0
    by_name = {one.key: one.contribution for one in found.groups}
    assert [by_name[name] for name in ("AAA", "BBB", "CCC")] == pytest.approx(expected.tolist(), abs=1e-10)
    adds_up(found)


async def test_any_window_begins_at_the_close_of_its_first_day(bench: Bench):
    found = await taken(bench, start=day(7), end=day(40), frequency=Frequency.WEEKLY)
    (build,) = bench.world.builds.builds.values()
    level = build.result.levels.level
    assert found.base == day(7)
    assert found.total_return == pytest.approx(level[40] / level[7] - 1.0, abs=EXACT)
    adds_up(found)


async def test_groups_are_sums_of_their_names(bench: Bench):
    names = await taken(bench)
    for by in (Grouping.CURRENCY, Grouping.EXCHANGE, Grouping.ASSET_TYPE, Grouping.SECTOR):
        found = await taken(bench, by=by)
        adds_up(found)
        (one,) = found.groups
        assert one.contribution == pytest.approx(sum(each.contribution for each in names.groups), abs=EXACT)
    assert one.key == "unknown"
    assert one.asset is None


async def test_cash_is_a_name_and_a_group_of_its_own(world: World):
    bench = Bench(world)
    await bench.world.open(rows=ROWS)
    spec = StrategySpec(name="volatility_target", params={"target": 0.02})
    await world.indexes.define(replace(DEFINITION, strategy=spec), by=OPERATOR)
    await world.published()
    found = await taken(bench)
    adds_up(found)
    cash = next(one for one in found.groups if one.key == "CASH")
    assert cash.contribution == pytest.approx(0.0, abs=EXACT)
    assert {one.key for one in (await taken(bench, by=Grouping.CURRENCY)).groups} == {"CASH", "USD"}


async def test_costs_of_reviews_stand_apart(world: World):
    bench = Bench(world)
    await world.open(rows=ROWS)
    await world.indexes.define(replace(DEFINITION, cost_rate=0.01), by=OPERATOR)
    await world.published()
    found = await taken(bench)
    adds_up(found)
    assert found.cost < 0.0


async def test_two_publications_are_one_history(world: World):
    bench = Bench(world)
    await world.open(rows=20)
    await world.published()
    await world.add_prices(20, 40)
    await world.published()
    found = await taken(bench)
    adds_up(found)
    assert found.last == day(39)
    assert found.provenance.publication == 2


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"start": day(ROWS - 1)}, UnusableWindow),
        ({"end": day(0)}, UnusableWindow),
        ({"start": day(5), "end": day(4)}, InvalidRange),
        ({"variant": Variant.GROSS}, UnknownVariant),
    ],
)
async def test_what_has_no_return_is_refused(bench: Bench, asked: dict[str, Any], error: type[Exception]):
    with pytest.raises(error):
        await taken(bench, **asked)


async def test_too_many_names_and_periods_are_refused_with_the_way_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(contributing, "MOST_CELLS", 100)
    with pytest.raises(UnusableWindow) as caught:
        await taken(bench, frequency=Frequency.DAILY)
    (error,) = caught.value.errors
    assert error.field == "frequency"
    assert "3 x 59" in error.rule
    assert len((await taken(bench, frequency=Frequency.DAILY, by=Grouping.CURRENCY)).periods) == ROWS - 1


async def test_who_may_not_read_the_index_sees_nothing(bench: Bench):
    with pytest.raises(Forbidden):
        await taken(bench, ANONYMOUS)
    bench.world.indexes.change_access("an-index", Access(owner=None, visibility=Visibility.PRIVATE))
    with pytest.raises(UnknownIndex):
        await taken(bench)
