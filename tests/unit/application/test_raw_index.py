"""An index over raw prices: corporate actions from the store to what a reader sees."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.application.world import AXIS, CLOSES, DEFINITION, VIEWER, World, day

from waardhaven.application.indexes.define_index import DefineIndex
from waardhaven.application.indexes.queries import ReadCurrent, ReadHistory, UnknownVariant
from waardhaven.application.ports.market_facts import ActionFact, SharesFact
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.composition import ReviewReason
from waardhaven.domain.index.definition import (
    Adjustment,
    Constraints,
    GroupCap,
    Grouping,
    IndexDefinition,
    SeriesPolicy,
    StrategySpec,
    Variant,
    WithholdingRate,
)
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.types import CASH

SLUG = "an-index"
WARM = len(AXIS) - 120
SPLIT, PAID = 10, 14
RAW = replace(
    DEFINITION,
    series=SeriesPolicy(source="sample", adjustment=Adjustment.RAW),
    schedule=replace(DEFINITION.schedule, frequency=Frequency.YEARLY),
    guards=replace(DEFINITION.guards, min_price=0.0),
)
ADJUSTED = CLOSES[: WARM + 20].copy()


def raw() -> np.ndarray:
    """Return closes as the market saw them: AAA split 2 for 1, BBB paid 1 % of its price."""
    close = ADJUSTED.copy()
    close[: WARM + SPLIT, 0] *= 2.0
    return close


def dividend() -> float:
    return float(raw()[WARM + PAID, 1] * 0.01)


def a_fact(world: World, column: int, kind: str, row: int, **changes: str) -> ActionFact:
    plain = {"asset": world.assets[column], "key": f"{kind}-{row}", "source": "sample", "kind": kind}
    return ActionFact(**plain, status="confirmed", ex_date=day(row), **changes)


@pytest.fixture
async def world() -> World:
    world = World()
    await world.open(rows=0)
    world.series = [await world.add_series(one, adjustment=Adjustment.RAW) for one in world.assets]
    split = a_fact(world, 0, "split", SPLIT, ratio="2")
    paid = a_fact(world, 1, "cash_dividend", PAID, amount=f"{dividend():.12f}", currency="USD")
    await world.market.write_actions([split, paid])
    await redefine(world)
    return world


async def redefine(world: World, **changes: object) -> IndexDefinition:
    definition = replace(RAW, **changes)
    await DefineIndex(world.indexes)(OPERATOR, definition)
    return definition


async def prices(world: World, first: int, last: int) -> None:
    for column in range(3):
        rows = slice(WARM + first, WARM + last)
        await world.write(world.series[column], AXIS[rows], raw()[rows, column])


async def levels(world: World, variant: Variant | None = None) -> np.ndarray:
    read = ReadHistory(world.indexes, world.builds, world.market)
    return np.asarray((await read(VIEWER, slug=SLUG, variant=variant)).columns["values"])


async def test_a_split_and_a_distribution_reach_the_levels_day_by_day_as_at_once(world: World):
    await prices(world, -WARM, 5)
    for last in (SPLIT, SPLIT + 1, PAID + 1, 20):
        await prices(world, 0, last)
        await world.published()
    growth = ADJUSTED[WARM:] / ADJUSTED[WARM]
    np.testing.assert_allclose(await levels(world), 100.0 * growth.mean(axis=1), rtol=1e-8)
    price, gross = await levels(world), await levels(world, Variant.GROSS)
    np.testing.assert_allclose(gross[:PAID], price[:PAID], rtol=1e-9)
    points = dividend() / ADJUSTED[WARM, 1] * 100.0 / 3.0
    np.testing.assert_allclose(gross[PAID:] / price[PAID:], 1.0 + points / price[PAID], rtol=1e-7)
    whole = await world.build(OPERATOR, slug=SLUG, restate_from=day(0))
    assert np.round(whole.result.levels.level, 6).tobytes() == price.tobytes()
    assert ReviewReason.ACTION in whole.result.compositions.reason.tolist()


async def test_the_composition_shown_has_the_units_after_the_split_and_returns_net_of_it(world: World):
    await prices(world, -WARM, SPLIT)
    await world.published()
    await prices(world, SPLIT, SPLIT + 1)
    await world.published()
    read = ReadCurrent(world.indexes, world.builds, world.market, world.market)
    found = {one.symbol: one for one in (await read(VIEWER, slug=SLUG)).allocations}
    close = raw()
    before, after = close[WARM, 0], close[WARM + SPLIT, 0]
    assert found["AAA"].units == pytest.approx(100.0 / 3.0 / before * 2.0)
    assert found["AAA"].daily_return == pytest.approx(2.0 * after / close[WARM + SPLIT - 1, 0] - 1.0)
    assert sum(one.weight for one in found.values()) == pytest.approx(1.0)


async def test_the_net_variant_needs_a_withholding_table(world: World):
    await prices(world, -WARM, 20)
    await world.published()
    with pytest.raises(UnknownVariant):
        await levels(world, Variant.NET)
    await redefine(world, withholding=(WithholdingRate(country="*", rate=0.3),), variant=Variant.NET)
    await world.published(restate_from=day(0))
    price, gross, net = [await levels(world, one) for one in Variant]
    assert (net[PAID:] < gross[PAID:]).all()
    lost = (gross[PAID] - net[PAID]) / (gross[PAID] - price[PAID])
    assert lost == pytest.approx(0.3, rel=1e-4)
    assert (await levels(world)).tobytes() == net.tobytes()


async def test_an_adjusted_index_has_no_total_return_variants(world: World):
    fresh = World()
    await fresh.open(rows=20)
    await fresh.published()
    read = ReadHistory(fresh.indexes, fresh.builds, fresh.market)
    with pytest.raises(UnknownVariant):
        await read(VIEWER, slug=SLUG, variant=Variant.GROSS)


async def test_group_caps_read_what_is_known_of_the_names(world: World):
    cap = GroupCap(by=Grouping.CURRENCY, maximum=1.0)
    await redefine(world, constraints=Constraints(max_weight=0.4, group_caps=(cap,)))
    await prices(world, -WARM, 20)
    build, _ = await world.published()
    assert build.result.compositions.at(0).weight.max() <= 0.4 + 1e-12


async def test_cash_of_a_volatility_target_is_shown_as_such(world: World):
    spec = StrategySpec(name="volatility_target", params={"target": 0.01})
    await redefine(world, strategy=spec)
    await prices(world, -WARM, 20)
    build, _ = await world.published()
    assert build.result.compositions.asset[0] == CASH
    read = ReadCurrent(world.indexes, world.builds, world.market, world.market)
    found = (await read(VIEWER, slug=SLUG)).allocations
    cash = next(one for one in found if one.symbol == "CASH")
    assert 0.5 < cash.weight < 1.0
    assert cash.daily_return == 0.0
    assert sum(one.weight for one in found) == pytest.approx(1.0)
    revision = await world.compare(OPERATOR, slug=SLUG)
    assert revision is not None
    assert revision.found.days == 0


async def test_a_market_cap_counts_the_shares_that_float_where_that_is_known(world: World):
    await redefine(world, strategy=StrategySpec(name="market_cap"))
    facts = [
        SharesFact(asset=one, day=day(-80), shares=1e6, status="reported", source="sample", float_factor=free)
        for one, free in zip(world.assets, (0.5, None, 1.0), strict=True)
    ]
    await world.market.write_shares(facts)
    await prices(world, -WARM, 20)
    build, _ = await world.published()
    caps = raw()[WARM - 1] * np.array([0.5, 1.0, 1.0])
    np.testing.assert_allclose(build.result.compositions.at(0).weight, caps / caps.sum(), rtol=1e-12)
