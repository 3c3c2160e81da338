"""Reads of indices and assets over fakes."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from tests.unit.application.world import AXIS, BASE, CLOSES, DEFINITION, VIEWER, World, a_listing, day

from waardhaven.application.answers import InvalidCursor, InvalidRange
from waardhaven.application.indexes.queries import (
    ListBuilds,
    ListCurrencies,
    ListIndices,
    NoPrices,
    ReadAssetHistory,
    ReadCurrent,
    ReadHistory,
    ViewIndex,
)
from waardhaven.application.indexes.strategy_queries import ListStrategies, ReadStrategyConfig
from waardhaven.domain.errors import Invalid
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.autoindex import default_definition
from waardhaven.domain.index.build_record import NothingPublished, UnknownIndex
from waardhaven.domain.index.strategies import STRATEGIES
from waardhaven.domain.market.asset import AmbiguousSymbol, InvalidSymbol, UnknownAsset
from waardhaven.domain.market.currency import UnknownCurrency

FIRST = AXIS[90:110]


@pytest.fixture
async def published(world: World) -> World:
    """Twenty sessions published, rates of two currencies that change in the middle."""
    await world.open(rows=20)
    await world.add_rates("USD", {day(one): 1.25 if one < 10 else 1.5 for one in range(-90, 20)})
    await world.add_rates("GBP", {day(one): 0.5 if one < 15 else 0.75 for one in range(-90, 20)})
    await world.published()
    return world


def history(world: World) -> ReadHistory:
    return ReadHistory(world.indexes, world.builds, world.market)


def current(world: World) -> ReadCurrent:
    return ReadCurrent(world.indexes, world.builds, world.market, world.market)


def assets(world: World) -> ReadAssetHistory:
    return ReadAssetHistory(world.market, world.market)


# --- levels


async def test_history_holds_every_official_session_rounded_at_the_edge(published: World):
    found = await history(published)(VIEWER, slug="an-index")
    (build,) = published.builds.builds.values()
    assert found.columns["dates"].tolist() == FIRST.tolist()
    assert found.columns["values"].tolist() == np.round(build.result.levels.level, 6).tolist()
    assert (found.head["index"], found.head["currency"], found.head["base_date"]) == ("an-index", "USD", BASE)
    provenance = found.head["provenance"]
    assert (provenance.build, provenance.publication) == (str(build.id), 1)
    assert provenance.made_from == build.provenance
    assert len(provenance.notes) == 3


async def test_range_includes_both_ends_and_may_miss_everything(published: World):
    read = history(published)
    part = await read(VIEWER, slug="an-index", start=day(3), end=day(5))
    assert part.columns["dates"].tolist() == [day(3), day(4), day(5)]
    assert len(part.columns["values"]) == 3
    after = await read(VIEWER, slug="an-index", start=day(50))
    assert len(after.columns["dates"]) == len(after.columns["values"]) == 0


async def test_range_that_ends_before_it_starts_is_refused(published: World):
    for read, named in ((history(published), {"slug": "an-index"}), (assets(published), {"symbol": "AAA"})):
        with pytest.raises(InvalidRange):
            await read(VIEWER, **named, start=day(5), end=day(4))


async def test_converted_level_follows_the_rate_of_each_day_and_keeps_the_base(published: World):
    read = history(published)
    own = (await read(VIEWER, slug="an-index")).columns["values"]
    for currency, rates in {
        "EUR": [1.0] * 10 + [1.25 / 1.5] * 10,
        "gbp": [1.0] * 10 + [1.25 / 1.5] * 5 + [(0.75 / 1.5) / (0.5 / 1.25)] * 5,
        "USD": [1.0] * 20,
    }.items():
        found = await read(VIEWER, slug="an-index", currency=currency)
        assert found.head["currency"] == currency.upper()
        assert found.columns["values"][0] == 100.0
        np.testing.assert_allclose(found.columns["values"], own * rates, rtol=0, atol=2e-6)


async def test_a_rate_is_carried_over_a_week_without_one_and_no_further(world: World):
    await world.open(rows=20)
    await world.add_rates("USD", {day(-90): 1.25, day(0): 1.25, day(15): 1.5})
    await world.published()
    found = await history(world)(VIEWER, slug="an-index", currency="EUR")
    days, values = found.columns["dates"], found.columns["values"]
    old = (days - np.datetime64(day(0))).astype(int)
    held = (old <= 7) | (days >= np.datetime64(day(15)))
    assert np.isnan(values[~held]).all()
    assert not np.isnan(values[held]).any()
    assert 0 < held.sum() < len(days)


async def test_base_of_a_converted_range_is_still_the_base_date(published: World):
    read = history(published)
    whole = await read(VIEWER, slug="an-index", currency="EUR")
    part = await read(VIEWER, slug="an-index", currency="EUR", start=day(12))
    assert part.columns["values"].tolist() == whole.columns["values"][12:].tolist()


async def test_rates_learned_after_the_build_do_not_change_converted_levels(published: World):
    read = history(published)
    before = await read(VIEWER, slug="an-index", currency="EUR")
    await published.add_rates("USD", {day(10): 9.0})
    after = await read(VIEWER, slug="an-index", currency="EUR")
    assert after.columns["values"].tolist() == before.columns["values"].tolist()


@pytest.mark.parametrize(("currency", "error"), [("XXX", Invalid), ("", None), ("JPY", UnknownCurrency)])
async def test_currency_we_do_not_convert_to_or_have_no_rates_of_is_refused(
    published: World, currency: str, error: type[Exception] | None
):
    read = history(published)
    if error is None:
        assert (await read(VIEWER, slug="an-index", currency=currency)).head["currency"] == "USD"
        return
    with pytest.raises(error):
        await read(VIEWER, slug="an-index", currency=currency)


async def test_level_is_unknown_where_the_rate_is(world: World):
    await world.open(rows=20)
    await world.add_rates("USD", {day(5): 1.25})
    await world.published()
    found = await history(world)(VIEWER, slug="an-index", currency="EUR")
    assert np.isnan(found.columns["values"]).all()


async def test_history_as_of_an_instant_is_what_was_official_then(published: World):
    read, then = history(published), published.clock.now()
    before = await read(VIEWER, slug="an-index")
    published.clock.advance(timedelta(days=1))
    await published.write(published.series[0], AXIS[95:96], [900.0])
    await published.published(restate_from=BASE)
    now = await read(VIEWER, slug="an-index")
    old = await read(VIEWER, slug="an-index", as_of=then)
    assert old.columns["values"].tolist() == before.columns["values"].tolist()
    assert old.head["provenance"].publication == 1
    assert now.columns["values"].tolist() != before.columns["values"].tolist()
    with pytest.raises(NothingPublished):
        await read(VIEWER, slug="an-index", as_of=then - timedelta(seconds=1))


async def test_nothing_is_read_of_an_unknown_or_unpublished_index(world: World):
    for read in (history(world), current(world)):
        with pytest.raises(UnknownIndex):
            await read(VIEWER, slug="an-index")
    await world.open(rows=20)
    for read in (history(world), current(world)):
        with pytest.raises(NothingPublished):
            await read(VIEWER, slug="an-index")


# --- the current composition


async def test_current_composition_is_drifted_complete_and_heaviest_first(published: World):
    found = await current(published)(VIEWER, slug="an-index")
    (build,) = published.builds.builds.values()
    close = dict(zip(("AAA", "BBB", "CCC"), CLOSES[109], strict=True))
    before = dict(zip(("AAA", "BBB", "CCC"), CLOSES[108], strict=True))
    weights = [one.weight for one in found.allocations]
    assert (found.date, found.currency, found.total_assets) == (day(19), "USD", 3)
    assert found.level == round(float(build.result.levels.level[-1]), 6)
    assert weights == sorted(weights, reverse=True)
    assert abs(sum(weights) - 1.0) < 1e-12
    value = {one.symbol: one.units * close[one.symbol] for one in found.allocations}
    for one in found.allocations:
        assert one.name == f"{one.symbol} Inc."
        assert one.weight == pytest.approx(value[one.symbol] / sum(value.values()), rel=1e-12)
        assert one.daily_return == pytest.approx(close[one.symbol] / before[one.symbol] - 1, rel=1e-12)
    assert found.selection < found.effective <= found.date


async def test_current_composition_as_of_an_instant_is_that_of_the_publication_then(published: World):
    then = published.clock.now()
    published.clock.advance(timedelta(days=1))
    await published.add_prices(20, 40)
    await published.published()
    assert (await current(published)(VIEWER, slug="an-index")).date == day(39)
    assert (await current(published)(VIEWER, slug="an-index", as_of=then)).date == day(19)


# --- assets


async def test_asset_history_holds_closes_and_the_same_rebased(published: World):
    found = await assets(published)(VIEWER, symbol="aaa")
    close = CLOSES[:110, 0]
    assert found.columns["dates"].tolist() == AXIS[:110].tolist()
    assert found.columns["close"].tolist() == close.tolist()
    np.testing.assert_allclose(found.columns["values"], 100 * close / close[0], rtol=1e-15)
    assert found.head["symbol"] == "AAA"
    assert (found.head["currency"], found.head["source"]) == ("USD", "sample")


async def test_asset_history_of_a_range_is_rebased_to_its_first_day(published: World):
    found = await assets(published)(VIEWER, symbol="AAA:XNYS", start=day(3), end=day(5))
    assert found.columns["dates"].tolist() == [day(3), day(4), day(5)]
    assert found.columns["values"][0] == 100.0


async def test_asset_history_as_of_an_instant_is_what_was_known_then(published: World):
    read = assets(published)
    before = await read(VIEWER, symbol="AAA")
    point = await published.market.latest_vintage()
    await published.write(published.series[0], AXIS[5:6], [77.0])
    then = await read(VIEWER, symbol="AAA", as_of=point.at)
    now = await read(VIEWER, symbol="AAA")
    assert then.columns["close"].tolist() == before.columns["close"].tolist()
    assert now.columns["close"][5] == 77.0
    assert (then.head["vintage"], now.head["vintage"]) == (point.id, point.id + 1)
    with pytest.raises(NoPrices):
        await read(VIEWER, symbol="AAA", as_of=published.market.vintages[0].at - timedelta(days=1))


async def test_asset_history_is_converted_at_each_days_rate(published: World):
    read = assets(published)
    found = await read(VIEWER, symbol="AAA", start=day(9), end=day(10), currency="EUR")
    closes = CLOSES[[99, 100], 0]
    np.testing.assert_allclose(found.columns["close"], closes / [1.25, 1.5], rtol=1e-15)
    assert found.head["currency"] == "EUR"


async def _pence(world: World) -> None:
    (asset,) = (await world.market.register_assets([a_listing("PPP", mic="XLON", currency="GBP")])).values()
    series = await world.add_series(asset, "GBP", "GBX")
    await world.write(series, AXIS[:3], [250.0, 300.0, 350.0])


async def test_prices_in_pence_are_told_in_pounds(published: World):
    await _pence(published)
    found = await assets(published)(VIEWER, symbol="PPP")
    assert found.head["currency"] == "GBP"
    assert found.columns["close"].tolist() == [2.5, 3.0, 3.5]


async def test_prices_in_pence_are_converted_to_another_currency(published: World):
    await _pence(published)
    found = await assets(published)(VIEWER, symbol="PPP", currency="USD")
    assert found.columns["close"].tolist() == [2.5 * 2.5, 3.0 * 2.5, 3.5 * 2.5]


async def test_symbol_on_two_exchanges_must_be_chosen(published: World):
    await published.market.register_assets([a_listing("AAA", mic="XLON", currency="GBP")])
    with pytest.raises(AmbiguousSymbol) as error:
        await assets(published)(VIEWER, symbol="AAA")
    assert sorted(error.value.context["candidates"]) == ["AAA:XLON", "AAA:XNYS"]
    assert (await assets(published)(VIEWER, symbol="AAA:XNYS")).head["mic"] == "XNYS"


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"symbol": "ZZZ"}, UnknownAsset),
        ({"symbol": "no symbol"}, InvalidSymbol),
        ({"symbol": "AAA", "start": day(100)}, NoPrices),
        ({"symbol": "EEE"}, NoPrices),
        ({"symbol": "AAA", "currency": "XXX"}, Invalid),
    ],
    ids=["unknown", "malformed", "out_of_range", "without_series", "currency"],
)
async def test_asset_history_that_can_not_be_told_says_why(
    published: World, asked: dict[str, object], error: type[Exception]
):
    await published.market.register_assets([a_listing("EEE")])
    with pytest.raises(error):
        await assets(published)(VIEWER, **asked)


# --- lists


async def test_indices_are_listed_by_slug_in_pages_with_what_is_published(published: World):
    for slug in ("z-index", "m-index", "b-index"):
        await published.indexes.define(replace(DEFINITION, slug=slug), by=OPERATOR)
    pages, cursor = [], None
    while not pages or cursor:
        page = await ListIndices(published.indexes, published.builds)(VIEWER, limit=2, cursor=cursor)
        pages.append([one.slug for one in page.items])
        cursor = page.next_cursor
    assert pages == [["an-index", "b-index"], ["m-index", "z-index"]]


async def test_index_is_viewed_with_and_without_a_publication(published: World):
    view = ViewIndex(published.indexes, published.builds)
    found = await view(VIEWER, slug="an-index")
    level = next(iter(published.builds.builds.values())).result.levels.level[-1]
    assert (found.first_day, found.last_day, found.level) == (BASE, day(19), round(float(level), 6))
    await published.indexes.define(replace(DEFINITION, slug="b-index"), by=OPERATOR)
    bare = await view(VIEWER, slug="b-index")
    assert (bare.first_day, bare.last_day, bare.level, bare.version) == (None, None, None, 1)
    with pytest.raises(UnknownIndex):
        await view(VIEWER, slug="nothing")


async def test_builds_are_listed_newest_first_in_pages(published: World):
    made = [next(iter(published.builds.builds))]
    for row in range(1, 5):
        published.clock.advance(timedelta(minutes=1))
        made.append((await published.build(OPERATOR, slug="an-index", restate_from=day(row))).id)
    read = ListBuilds(published.indexes, published.builds)
    pages, cursor = [], None
    while not pages or cursor:
        page = await read(VIEWER, slug="an-index", limit=2, cursor=cursor)
        pages.append([one.id for one in page.items])
        cursor = page.next_cursor
    assert [one for page in pages for one in page] == made[::-1]
    assert [len(page) for page in pages] == [2, 2, 1]
    last = await read(VIEWER, slug="an-index", limit=9)
    assert [one.published for one in last.items] == [False] * 4 + [True]


@pytest.mark.parametrize("cursor", ["", "nonsense", "123"])
async def test_cursor_the_list_never_gave_out_is_refused(published: World, cursor: str):
    with pytest.raises(InvalidCursor):
        await ListBuilds(published.indexes, published.builds)(VIEWER, slug="an-index", cursor=cursor)


async def test_cursor_of_a_build_that_is_not_there_ends_the_list(published: World):
    page = await ListBuilds(published.indexes, published.builds)(VIEWER, slug="an-index", cursor=str(uuid4()))
    assert (page.items, page.next_cursor) == ((), None)


async def test_currencies_and_strategies_are_catalogues(world: World):
    currencies = await ListCurrencies()(VIEWER)
    strategies = await ListStrategies()(VIEWER)
    assert (currencies[0].code, len(currencies)) == ("USD", 31)
    assert [one.name for one in strategies] == [one.name for one in STRATEGIES]
    assert all(one.description for one in strategies)


# --- the strategy configuration


async def test_strategy_configuration_is_the_stored_one_with_the_last_review(published: World):
    read = ReadStrategyConfig(published.indexes, published.builds)
    with pytest.raises(UnknownIndex):
        await read(VIEWER)
    index = await published.indexes.define(default_definition(), by=OPERATOR)
    bare = await read(VIEWER)
    assert (bare.momentum_weight, bare.market_cap_weight, bare.risk_parity_weight) == (0.4, 0.3, 0.3)
    assert (bare.rebalance_frequency, bare.daily_drop_threshold) == ("weekly", -0.05)
    assert (bare.version, bare.last_rebalance, bare.updated_at) == (1, None, index.defined_at)
    (build,) = published.builds.builds.values()
    mine = replace(build, id=uuid4(), index=index.id)
    await published.builds.save(mine, by=OPERATOR)
    await published.publish(OPERATOR, mine.id, reason="a test")
    assert (await read(VIEWER)).last_rebalance == build.result.compositions.effective[-1].item()
