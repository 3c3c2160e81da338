"""ReferenceStore: what every implementation must do. Facts at former vintages: see MarketFacts."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from tests.contract.conftest import Stores
from tests.contract.market import POLICY, a_listing, bars, some_assets, some_series
from tests.contract.test_market_facts_contract import SINCE, some_rates, some_sessions

from waardhaven.application.ports.market_facts import SeriesKey, SharesFact
from waardhaven.application.ports.reference_store import SeriesRef
from waardhaven.domain.index.definition import Adjustment, SeriesPolicy
from waardhaven.domain.market.asset import AmbiguousSymbol, SymbolRef, UnknownAsset


async def test_empty_store_answers_with_nothing(stores: Stores):
    read = stores.reference
    assert await read.latest_vintage() is None
    assert await read.vintage_at(datetime.now(UTC)) is None
    assert await read.assets([1]) == []
    assert await read.series_of([1], POLICY) == {}
    assert await read.universe("nothing") == []
    days, shares, rates = await read.sessions("XNYS"), await read.shares([1]), await read.fx([], fixing="ECB")
    assert (days.dtype, len(days)) == (np.dtype("datetime64[D]"), 0)
    assert (shares.asset.dtype, shares.day.dtype, len(shares.shares)) == (np.int64, days.dtype, 0)
    assert (rates.quote, rates.day.dtype, len(rates.rate)) == ((), days.dtype, 0)


async def test_latest_vintage_is_the_one_written_last_and_instants_only_grow(stores: Stores):
    (series,) = await some_series(stores)
    points = []
    for close in range(1, 30):
        report = await stores.prices.write(bars(series, ["2020-01-02"], [float(close)]))
        points.append(await stores.reference.latest_vintage())
        assert points[-1].id == report.vintage
    assert all(one.at < other.at for one, other in pairwise(points))
    assert all(one.at.tzinfo is not None for one in points)


async def test_vintage_at_an_instant_is_the_newest_committed_by_then(stores: Stores):
    (series,) = await some_series(stores)
    points = []
    for close in (1.0, 2.0, 3.0):
        await stores.prices.write(bars(series, ["2020-01-02"], [close]))
        points.append(await stores.reference.latest_vintage())
    at, tick = stores.reference.vintage_at, timedelta(microseconds=1)
    for before, point in pairwise(points):
        assert await at(point.at) == point
        assert await at(point.at - tick) == before
    assert await at(datetime(1990, 1, 1, tzinfo=UTC)) is None
    assert await at(points[-1].at + timedelta(days=1)) == points[-1]


async def test_symbol_is_resolved_alone_or_with_its_exchange_or_by_id(stores: Stores):
    known = await stores.facts.register_assets([a_listing("AAA", mic="XNAS"), a_listing("BBB")])
    for text in ("AAA", "aaa:xnas", str(known["AAA", "XNAS"])):
        found = await stores.reference.resolve(SymbolRef.parse(text))
        assert (found.id, found.symbol, found.mic) == (known["AAA", "XNAS"], "AAA", "XNAS")
        assert (found.currency, found.asset_type, found.name) == ("USD", "equity", "AAA Inc.")
        assert (found.sector, found.country) == (None, None)


@pytest.mark.parametrize("text", ["CCC", "AAA:XLON", "999999"])
async def test_symbol_nobody_answers_to_is_an_unknown_asset(stores: Stores, text: str):
    await some_assets(stores, "AAA")
    with pytest.raises(UnknownAsset):
        await stores.reference.resolve(SymbolRef.parse(text))


async def test_symbol_on_two_exchanges_is_ambiguous_and_names_both(stores: Stores):
    await stores.facts.register_assets([a_listing("AAA"), a_listing("AAA", mic="XLON", currency="GBP")])
    with pytest.raises(AmbiguousSymbol) as error:
        await stores.reference.resolve(SymbolRef.parse("AAA"))
    assert sorted(error.value.context["candidates"]) == ["AAA:XLON", "AAA:XNYS"]
    found = await stores.reference.resolve(SymbolRef.parse("AAA:XLON"))
    assert found.currency == "GBP"


async def test_assets_come_by_id_without_the_unknown_ones(stores: Stores):
    ids = await some_assets(stores, "BBB", "AAA", "CCC")
    found = await stores.reference.assets([10_000, *ids[::-1], ids[0]])
    assert [one.id for one in found] == sorted(ids)
    assert {one.id: one.symbol for one in found} == dict(zip(ids, ["BBB", "AAA", "CCC"], strict=True))
    assert await stores.reference.assets([]) == []


async def test_series_of_gives_the_one_series_the_policy_names(stores: Stores):
    one, other, third = await some_assets(stores, "AAA", "BBB", "CCC")
    plain = {"source": "sample", "currency": "GBP"}
    keys = [
        SeriesKey(asset=one, adjustment=Adjustment.RAW, quote_unit="GBX", **plain),
        SeriesKey(asset=one, adjustment=Adjustment.ALL, quote_unit="GBP", **plain),
        SeriesKey(asset=other, adjustment=Adjustment.ALL, quote_unit="GBX", **plain),
    ]
    made = await stores.facts.register_series(keys)
    read = stores.reference.series_of
    raw = await read([one, other, third], POLICY)
    adjusted = await read([one, other, third], SeriesPolicy(source="sample", adjustment=Adjustment.ALL))
    assert raw == {one: SeriesRef(id=made[keys[0]], quote_unit="GBX")}
    assert adjusted == {
        one: SeriesRef(id=made[keys[1]], quote_unit="GBP"),
        other: SeriesRef(id=made[keys[2]], quote_unit="GBX"),
    }
    assert await read([one], SeriesPolicy(source="other", adjustment=Adjustment.RAW)) == {}


async def test_sessions_increase_and_their_range_includes_both_ends(stores: Stores):
    await stores.facts.write_sessions(some_sessions("2020-01-07", "2020-01-02", "2020-01-06"))
    read = stores.reference.sessions
    assert (await read("XNYS")).astype(str).tolist() == ["2020-01-02", "2020-01-06", "2020-01-07"]
    inside = await read("XNYS", start=date(2020, 1, 2), end=date(2020, 1, 6))
    assert inside.astype(str).tolist() == ["2020-01-02", "2020-01-06"]
    assert len(await read("XNYS", start=date(2020, 1, 8))) == len(await read("XLON")) == 0


async def test_universe_is_ordered_by_asset(stores: Stores):
    one, other = sorted(await some_assets(stores, "AAA", "BBB"))
    members = {other: (SINCE, None), one: (date(2010, 1, 4), date(2011, 1, 3))}
    await stores.facts.write_universe("some-list", "Some list", members)
    assert await stores.reference.universe("some-list") == [
        (one, date(2010, 1, 4), date(2011, 1, 3)),
        (other, SINCE, None),
    ]


async def test_shares_are_ordered_by_asset_then_day(stores: Stores):
    one, other = sorted(await some_assets(stores, "AAA", "BBB"))
    facts = [
        SharesFact(asset=asset, day=day, shares=count, status="unchecked", source="sample")
        for asset, day, count in (
            (other, date(2001, 1, 2), 4.0),
            (one, date(2001, 1, 2), 2.0),
            (other, date(2000, 1, 3), 3.0),
            (one, date(2000, 1, 3), 1.0),
        )
    ]
    await stores.facts.write_shares(facts)
    found = await stores.reference.shares([other, one])
    assert found.asset.tolist() == [one, one, other, other]
    assert found.shares.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert found.day.astype(str).tolist() == ["2000-01-03", "2001-01-02"] * 2
    assert (await stores.reference.shares([one])).shares.tolist() == [1.0, 2.0]


async def test_rates_come_by_currency_then_day_from_the_fixing_asked_for(stores: Stores):
    await stores.facts.write_fx(
        [
            some_rates("USD", {"2020-01-03": 1.2, "2020-01-02": 1.1}),
            some_rates("GBP", {"2020-01-02": 0.85, "2020-01-06": 0.86}),
            some_rates("JPY", {"2020-01-02": 120.0}),
            some_rates("USD", {"2020-01-02": 9.9}, fixing="WMR"),
        ]
    )
    found = await stores.reference.fx(["GBP", "EUR", "USD", "XXX"], fixing="ECB")
    assert set(found.quote) == {"GBP", "USD"}
    assert (np.diff(found.code) >= 0).all()
    by = {
        name: dict(
            zip(
                found.day[found.code == place].astype(str).tolist(),
                found.rate[found.code == place].tolist(),
                strict=True,
            )
        )
        for place, name in enumerate(found.quote)
    }
    assert by == {
        "USD": {"2020-01-02": 1.1, "2020-01-03": 1.2},
        "GBP": {"2020-01-02": 0.85, "2020-01-06": 0.86},
    }
    assert [list(one) for one in by.values()] == [sorted(one) for one in by.values()]
    part = await stores.reference.fx(["USD"], fixing="ECB", start=date(2020, 1, 3), end=date(2020, 1, 3))
    assert part.rate.tolist() == [1.2]
    at = np.array(["2020-01-02", "2020-01-05"], dtype="datetime64[D]")
    assert found.cross("GBP", "USD", at).tolist() == [1.1 / 0.85, 1.2 / 0.85]
