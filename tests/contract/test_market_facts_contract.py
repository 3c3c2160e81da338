"""MarketFacts: what every implementation must do, seen through ReferenceStore where there is a read."""

import asyncio
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from tests.contract.conftest import Stores
from tests.contract.market import POLICY, a_listing, some_assets

from waardhaven.application.ports.fx_rates import QuotedRates
from waardhaven.application.ports.market_facts import (
    ActionFact,
    SeriesKey,
    SessionColumns,
    SharesFact,
    SymbolTaken,
)
from waardhaven.application.ports.price_store import WriteReport
from waardhaven.application.ports.reference_store import AssetFilter, NameFact
from waardhaven.domain.errors import Invalid
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import SymbolRef, UnknownAsset

SINCE = date(2000, 1, 3)
UNCHANGED = {"inserted": 0, "changed": 0, "vintage": None}


def some_sessions(*days: str, mic: str = "XNYS", hours: int = 6) -> SessionColumns:
    day = np.array(days, dtype="datetime64[D]")
    open_at = day.astype("datetime64[s]") + np.timedelta64(14 * 3600 + 1800, "s")
    return SessionColumns(mic=mic, day=day, open_at=open_at, close_at=open_at + np.timedelta64(hours, "h"))


def some_rates(quote: str, rates: dict[str, float], **changes: str) -> QuotedRates:
    return QuotedRates(
        **{"base": "EUR", "quote": quote, "source": "sample", "fixing": "ECB", **changes},
        day=np.array(list(rates), dtype="datetime64[D]"),
        rate=np.array(list(rates.values())),
    )


def a_split(asset: int, **changes: object) -> ActionFact:
    plain = ActionFact(
        asset=asset,
        key="split-1",
        source="sample",
        kind="split",
        status="confirmed",
        ex_date=SINCE,
        ratio="2",
    )
    return replace(plain, **changes)


async def _unchanged(stores: Stores, report: WriteReport, before: int, events: int, rows: int) -> None:
    assert report == WriteReport(**UNCHANGED, unchanged=rows)
    assert (await stores.vintage(), len(await stores.kinds())) == (before, events)


# --- assets and series


async def test_listings_become_assets_found_again_by_symbol_and_exchange(stores: Stores):
    offered = [a_listing("AAA", sector="Energy", country="US"), a_listing("AAA", mic="XLON", currency="GBP")]
    known = await stores.facts.register_assets(offered)
    assert set(known) == {("AAA", "XNYS"), ("AAA", "XLON")}
    found = await stores.reference.resolve(SymbolRef.parse("AAA:XNYS"))
    assert (found.id, found.sector, found.country) == (known["AAA", "XNYS"], "Energy", "US")
    assert await stores.facts.register_assets(offered[::-1]) == known


async def test_registering_equal_listings_again_makes_no_vintage_and_no_event(stores: Stores):
    await some_assets(stores, "AAA", "BBB")
    before, events = await stores.vintage(), len(await stores.kinds())
    await some_assets(stores, "BBB", "AAA")
    assert (await stores.vintage(), len(await stores.kinds())) == (before, events)


async def test_listing_offered_twice_in_one_call_is_one_asset(stores: Stores):
    known = await stores.facts.register_assets([a_listing("AAA"), a_listing("AAA"), a_listing("BBB")])
    assert len(known) == len(set(known.values())) == 2


async def test_no_listings_are_no_assets(stores: Stores):
    assert await stores.facts.register_assets([]) == {}
    assert await stores.vintage() == 0


async def test_new_name_supersedes_the_old_one_and_keeps_the_asset(stores: Stores):
    (asset,) = await some_assets(stores, "AAA")
    before = await stores.vintage()
    again = await stores.facts.register_assets([a_listing("AAA", name="Renamed", sector="Energy")])
    (found,) = await stores.reference.assets([asset])
    assert again == {("AAA", "XNYS"): asset}
    assert (found.name, found.sector) == ("Renamed", "Energy")
    assert await stores.vintage() == before + 1


@pytest.mark.parametrize("change", [{"currency": "US"}, {"name": ""}, {"mic": ""}])
async def test_one_bad_listing_registers_none(stores: Stores, change: dict[str, str]):
    with pytest.raises(Invalid):
        await stores.facts.register_assets([a_listing("AAA"), a_listing("BBB", **change)])
    assert await stores.reference.assets([1, 2, 3]) == []
    assert (await stores.vintage(), await stores.kinds()) == (0, [])


async def test_series_are_made_once_and_told_apart_by_every_part_of_their_key(stores: Stores):
    asset, other = await some_assets(stores, "AAA", "BBB")
    plain = SeriesKey(
        asset=asset, source="sample", adjustment=Adjustment.RAW, currency="GBP", quote_unit="GBP"
    )
    keys = [
        plain,
        replace(plain, asset=other),
        replace(plain, source="other"),
        replace(plain, adjustment=Adjustment.ALL),
        replace(plain, quote_unit="GBX"),
        replace(plain, currency="USD", quote_unit="USD"),
    ]
    made = await stores.facts.register_series(keys)
    assert list(made) == keys or set(made) == set(keys)
    assert len(set(made.values())) == 6
    assert await stores.facts.register_series([*keys[::-1], plain]) == made


async def test_series_offered_twice_in_one_call_is_made_once(stores: Stores):
    (asset,) = await some_assets(stores, "AAA")
    key = SeriesKey(asset=asset, source="sample", adjustment=Adjustment.RAW, currency="USD", quote_unit="USD")
    assert len(await stores.facts.register_series([key, key])) == 1


async def test_series_of_an_unknown_asset_makes_none(stores: Stores):
    (asset,) = await some_assets(stores, "AAA")
    keys = [
        SeriesKey(asset=one, source="sample", adjustment=POLICY.adjustment, currency="USD", quote_unit="USD")
        for one in (asset, asset + 99)
    ]
    with pytest.raises(Invalid):
        await stores.facts.register_series(keys)
    assert await stores.reference.series_of([asset], POLICY) == {}


async def test_registrations_at_the_same_time_agree_on_the_assets(stores: Stores):
    symbols = [["AAA", "BBB"], ["BBB", "CCC"], ["CCC", "AAA"]]
    found = await asyncio.gather(*(some_assets(stores, *some) for some in symbols))
    named = {
        name: id_
        for some, ids in zip(symbols, found, strict=True)
        for name, id_ in zip(some, ids, strict=True)
    }
    assert [[named[name] for name in some] for some in symbols] == found
    assert len(set(named.values())) == 3


# --- names


async def renamed(stores: Stores, asset: int, symbol: str, since: date = SINCE) -> WriteReport:
    return await stores.facts.rename_asset(asset, symbol=symbol, mic="XNYS", since=since)


async def resolved(stores: Stores, text: str) -> int:
    return (await stores.reference.resolve(SymbolRef.parse(text))).id


async def test_renamed_asset_keeps_its_identity_series_and_past_name(stores: Stores):
    (asset,) = await some_assets(stores, "FB")
    key = SeriesKey(asset=asset, source="sample", adjustment=Adjustment.RAW, currency="USD", quote_unit="USD")
    series = await stores.facts.register_series([key])
    before, events = await stores.vintage(), len(await stores.kinds())
    report = await renamed(stores, asset, "META")
    assert report == WriteReport(inserted=1, changed=1, unchanged=0, vintage=before + 1)
    assert (await stores.kinds())[events:] == ["market.facts_committed"]
    (found,) = await stores.reference.assets([asset])
    assert (found.id, found.symbol, found.mic) == (asset, "META", "XNYS")
    assert await stores.facts.register_series([key]) == series
    assert await stores.reference.names(asset) == [
        NameFact(symbol="FB", mic="XNYS", since=None, until=SINCE),
        NameFact(symbol="META", mic="XNYS", since=SINCE, until=None),
    ]
    for text in ("META", "META:XNYS", "FB", "FB:XNYS", str(asset)):
        assert await resolved(stores, text) == asset


async def test_listing_under_a_former_name_is_the_same_asset_under_its_present_one(stores: Stores):
    (asset,) = await some_assets(stores, "FB")
    await renamed(stores, asset, "META")
    before = await stores.vintage()
    assert await stores.facts.register_assets([a_listing("FB")]) == {("FB", "XNYS"): asset}
    assert await stores.vintage() == before
    (found,) = await stores.reference.assets([asset])
    assert found.symbol == "META"
    assert len(await stores.reference.names(asset)) == 2


async def test_name_that_was_given_up_can_be_taken_and_then_answers_for_its_present_holder(stores: Stores):
    first, second = await some_assets(stores, "FB", "AAA")
    await renamed(stores, first, "META", date(2022, 6, 9))
    with pytest.raises(SymbolTaken):
        await renamed(stores, second, "FB", date(2022, 6, 8))
    await renamed(stores, second, "FB", date(2023, 1, 2))
    assert [await resolved(stores, one) for one in ("FB", "META", "AAA")] == [second, first, second]
    assert await stores.facts.register_assets([a_listing("FB", name="AAA Inc.")]) == {("FB", "XNYS"): second}
    assert (await stores.reference.names(first))[0].until == date(2022, 6, 9)


async def test_name_of_another_asset_can_not_be_taken_and_changes_nothing(stores: Stores):
    first, second = await some_assets(stores, "AAA", "BBB")
    before = await stores.vintage()
    with pytest.raises(SymbolTaken):
        await renamed(stores, second, "AAA")
    with pytest.raises(UnknownAsset):
        await renamed(stores, 9_999, "CCC")
    with pytest.raises(Invalid):
        await renamed(stores, first, "C C")
    assert await stores.vintage() == before
    assert [await resolved(stores, one) for one in ("AAA", "BBB")] == [first, second]


async def test_present_name_given_again_changes_nothing(stores: Stores):
    (asset,) = await some_assets(stores, "AAA")
    before, events = await stores.vintage(), len(await stores.kinds())
    await _unchanged(stores, await renamed(stores, asset, "AAA"), before, events, 1)


async def test_asset_may_be_renamed_often_back_and_on_the_same_day(stores: Stores):
    (asset,) = await some_assets(stores, "AAA")
    steps = (("BBB", 2005), ("AAA", 2010), ("CCC", 2010), ("DDD", 2003))
    for symbol, year in steps:
        await renamed(stores, asset, symbol, date(year, 1, 3))
        assert await resolved(stores, symbol) == asset
    assert [(one.symbol, one.until) for one in await stores.reference.names(asset)] == [
        ("AAA", date(2003, 1, 3)),
        ("DDD", None),
    ]


async def test_archived_asset_leaves_lists_but_answers_and_comes_back(stores: Stores):
    asset, other = await some_assets(stores, "AAA", "BBB")
    before, events = await stores.vintage(), len(await stores.kinds())
    for archived in (True, True, False):
        await stores.facts.set_archived(asset, archived=archived, by=OPERATOR)
        assert (await stores.reference.resolve(SymbolRef.parse("AAA"))).archived is archived
        found = await stores.reference.find_assets(AssetFilter(), limit=9)
        assert [one.id for one in found] == ([other] if archived else [asset, other])
    assert await stores.vintage() == before
    assert (await stores.kinds())[events:] == ["market.facts_committed"] * 2
    entries = [*await stores.recorded("asset.archived"), *await stores.recorded("asset.restored")]
    assert [(one.target, one.credential) for one in entries] == [(f"asset:{asset}", "operator")] * 2
    with pytest.raises(UnknownAsset):
        await stores.facts.set_archived(9_999, archived=True, by=OPERATOR)


# --- sessions


async def test_marks_of_refreshes_are_kept_by_asset_and_make_no_vintage(stores: Stores):
    one, other, never = await some_assets(stores, "AAA", "BBB", "CCC")
    before, events = await stores.vintage(), await stores.kinds()
    await stores.facts.mark_refreshed(
        {one: date(2020, 1, 2), other: date(2020, 1, 2), 9_999: date(2020, 1, 2)}
    )
    await stores.facts.mark_refreshed({one: date(2020, 1, 3)})
    await stores.facts.mark_refreshed({})
    assert await stores.reference.refreshed([one, other, 9_999]) == {
        one: date(2020, 1, 3),
        other: date(2020, 1, 2),
    }
    assert await stores.reference.refreshed([other, never]) == {other: date(2020, 1, 2)}
    assert (await stores.vintage(), await stores.kinds()) == (before, events)


async def test_sessions_that_vanish_within_the_range_end_and_those_outside_stay(stores: Stores):
    days = ["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"]
    await stores.facts.write_sessions(some_sessions(*days))
    await stores.facts.write_sessions(some_sessions(*days, mic="XLON"))
    before = await stores.vintage()
    report = await stores.facts.write_sessions(some_sessions("2020-01-03", "2020-01-07"))
    assert report == WriteReport(inserted=0, changed=1, unchanged=2, vintage=before + 1)
    sessions = stores.reference.sessions
    assert (await sessions("XNYS")).astype(str).tolist() == ["2020-01-02", "2020-01-03", "2020-01-07"]
    assert (await sessions("XNYS", vintage=before)).astype(str).tolist() == days
    assert (await sessions("XLON")).astype(str).tolist() == days
    back = await stores.facts.write_sessions(some_sessions("2020-01-06"))
    assert back.inserted == 1
    assert (await sessions("XNYS")).astype(str).tolist() == days
    assert len(await sessions("XNYS", vintage=before + 1)) == 3


async def test_session_with_other_hours_supersedes(stores: Stores):
    await stores.facts.write_sessions(some_sessions("2020-01-02", "2020-01-03"))
    before, events = await stores.vintage(), await stores.kinds()
    report = await stores.facts.write_sessions(some_sessions("2020-01-03", hours=4))
    assert report == WriteReport(inserted=0, changed=1, unchanged=0, vintage=before + 1)
    assert (await stores.kinds())[len(events) :] == ["market.facts_committed"]
    assert (await stores.facts_told())[-1] == "sessions"
    assert len(await stores.reference.sessions("XNYS", vintage=before)) == 2


async def test_equal_sessions_again_and_no_sessions_change_nothing(stores: Stores):
    offered = some_sessions("2020-01-02", "2020-01-03")
    await stores.facts.write_sessions(offered)
    before, events = await stores.vintage(), len(await stores.kinds())
    await _unchanged(stores, await stores.facts.write_sessions(offered), before, events, 2)
    await _unchanged(stores, await stores.facts.write_sessions(some_sessions()), before, events, 0)


async def test_session_that_ends_before_it_begins_or_comes_twice_writes_none(stores: Stores):
    bad = (some_sessions("2020-01-02", "2020-01-03", hours=-1), some_sessions("2020-01-02", "2020-01-02"))
    for offered in bad:
        with pytest.raises(Invalid):
            await stores.facts.write_sessions(offered)
    assert len(await stores.reference.sessions("XNYS")) == 0
    assert await stores.vintage() == 0


# --- foreign exchange


async def test_rates_that_differ_supersede_and_the_former_stay_readable(stores: Stores):
    first = some_rates("USD", {"2020-01-02": 1.1, "2020-01-03": 1.2})
    await stores.facts.write_fx([first])
    before, events = await stores.vintage(), len(await stores.kinds())
    report = await stores.facts.write_fx([some_rates("USD", {"2020-01-03": 1.25, "2020-01-06": 1.3})])
    again = await stores.facts.write_fx([some_rates("USD", {"2020-01-03": 1.26})])
    assert report == WriteReport(inserted=1, changed=1, unchanged=0, vintage=before + 1)
    assert again == WriteReport(inserted=0, changed=1, unchanged=0, vintage=before + 2)
    assert (await stores.kinds())[events:] == ["market.facts_committed"] * 2
    assert (await stores.facts_told())[-2:] == ["fx"] * 2
    expected = {
        before: [1.1, 1.2],
        before + 1: [1.1, 1.25, 1.3],
        before + 2: [1.1, 1.26, 1.3],
        None: [1.1, 1.26, 1.3],
    }
    for vintage, rates in expected.items():
        found = await stores.reference.fx(["USD"], fixing="ECB", vintage=vintage)
        assert found.rate.tolist() == rates
    assert len((await stores.reference.fx(["USD"], fixing="ECB", vintage=before - 1)).rate) == 0


async def test_equal_rates_again_and_no_rates_change_nothing(stores: Stores):
    offered = [some_rates("USD", {"2020-01-02": 0.1}), some_rates("GBP", {"2020-01-02": 1 / 3})]
    await stores.facts.write_fx(offered)
    before, events = await stores.vintage(), len(await stores.kinds())
    await _unchanged(stores, await stores.facts.write_fx(offered), before, events, 2)
    await _unchanged(stores, await stores.facts.write_fx([]), before, events, 0)
    await _unchanged(stores, await stores.facts.write_fx([some_rates("USD", {})]), before, events, 0)


@pytest.mark.parametrize(
    "bad",
    [
        some_rates("GBP", {"2020-01-02": 0.0}),
        some_rates("GBP", {"2020-01-02": -1.0}),
        some_rates("GBP", {"2020-01-02": float("nan")}),
        some_rates("GBP", {"2020-01-02": float("inf")}),
        some_rates("EUR", {"2020-01-02": 1.0}),
        some_rates("USD", {"2020-01-02": 1.2}),
    ],
    ids=["zero", "negative", "unknown", "infinite", "own_base", "twice"],
)
async def test_one_bad_rate_writes_none(stores: Stores, bad: QuotedRates):
    with pytest.raises(Invalid):
        await stores.facts.write_fx([some_rates("USD", {"2020-01-02": 1.1}), bad])
    assert len((await stores.reference.fx(["USD", "GBP"], fixing="ECB")).rate) == 0
    assert (await stores.vintage(), await stores.kinds()) == (0, [])


# --- shares and actions


async def test_share_counts_supersede_by_asset_day_and_source(stores: Stores):
    asset, other = await some_assets(stores, "AAA", "BBB")
    fact = SharesFact(asset=asset, day=SINCE, shares=100.0, status="approximate", source="sample")
    later = replace(fact, day=date(2010, 1, 4), shares=150.0)
    first = await stores.facts.write_shares([fact, later, replace(fact, asset=other, shares=7.0)])
    assert (first.inserted, first.changed, first.unchanged) == (3, 0, 0)
    before = await stores.vintage()
    report = await stores.facts.write_shares([replace(fact, shares=90.0), later])
    assert report == WriteReport(inserted=0, changed=1, unchanged=1, vintage=before + 1)
    confirmed = await stores.facts.write_shares([replace(later, status="reported")])
    assert confirmed.changed == 1
    assert (await stores.reference.shares([asset])).shares.tolist() == [90.0, 150.0]
    assert (await stores.reference.shares([asset], vintage=before)).shares.tolist() == [100.0, 150.0]
    assert (await stores.reference.shares([other])).shares.tolist() == [7.0]


async def test_equal_share_counts_again_and_none_change_nothing(stores: Stores):
    (asset,) = await some_assets(stores, "AAA")
    fact = SharesFact(asset=asset, day=SINCE, shares=0.1, status="unchecked", source="sample")
    await stores.facts.write_shares([fact])
    before, events = await stores.vintage(), len(await stores.kinds())
    await _unchanged(stores, await stores.facts.write_shares([fact]), before, events, 1)
    await _unchanged(stores, await stores.facts.write_shares([]), before, events, 0)


async def test_approximate_count_replaces_no_reported_one(stores: Stores):
    (asset,) = await some_assets(stores, "AAA")
    fact = SharesFact(asset=asset, day=SINCE, shares=100.0, status="reported", source="sample")
    await stores.facts.write_shares([fact])
    derived = replace(fact, shares=99.0, status="approximate")
    other = replace(derived, day=date(2011, 1, 4))
    report = await stores.facts.write_shares([derived, other])
    assert (report.inserted, report.changed, report.unchanged) == (1, 0, 1)
    assert (await stores.reference.shares([asset])).shares.tolist() == [100.0, 99.0]
    report = await stores.facts.write_shares([replace(fact, shares=101.0)])
    assert (report.inserted, report.changed, report.unchanged) == (0, 1, 0)
    assert (await stores.reference.shares([asset])).shares.tolist() == [101.0, 99.0]


@pytest.mark.parametrize("change", [{"shares": 0.0}, {"shares": float("inf")}, {"asset": 9_999}, {}])
async def test_one_bad_or_repeated_share_count_writes_none(stores: Stores, change: dict[str, float]):
    (asset,) = await some_assets(stores, "AAA")
    before = await stores.vintage()
    fact = SharesFact(asset=asset, day=SINCE, shares=1.0, status="unchecked", source="sample")
    with pytest.raises(Invalid):
        await stores.facts.write_shares([fact, replace(fact, **change)])
    assert len((await stores.reference.shares([asset])).shares) == 0
    assert await stores.vintage() == before


async def test_actions_supersede_by_key_and_equal_numbers_written_otherwise_are_equal(stores: Stores):
    (asset,) = await some_assets(stores, "AAA")
    first = await stores.facts.write_actions([a_split(asset)])
    before, events = await stores.vintage(), len(await stores.kinds())
    assert (first.inserted, first.vintage) == (1, before)
    for same in (a_split(asset), a_split(asset, ratio="2.000")):
        await _unchanged(stores, await stores.facts.write_actions([same]), before, events, 1)
    report = await stores.facts.write_actions([a_split(asset, ratio="3"), a_split(asset, key="split-2")])
    assert report == WriteReport(inserted=1, changed=1, unchanged=0, vintage=before + 1)
    assert (await stores.kinds())[events:] == ["market.facts_committed"]
    assert (await stores.facts_told())[-1] == "actions"
    cancelled = await stores.facts.write_actions([a_split(asset, ratio="3", status="cancelled")])
    assert (cancelled.changed, cancelled.vintage) == (1, before + 2)
    await _unchanged(stores, await stores.facts.write_actions([]), before + 2, events + 2, 0)


async def test_other_asset_of_an_action_is_kept_and_another_one_supersedes(stores: Stores):
    asset, other, third = await some_assets(stores, "AAA", "BBB", "CCC")
    for spun_off, changed in ((other, 0), (other, 0), (third, 1), (None, 1)):
        fact = a_split(asset, kind="spin_off", ratio="0.25", other_asset=spun_off)
        assert (await stores.facts.write_actions([fact])).changed == changed
        (known,) = await stores.reference.actions([asset])
        assert known.action.other_asset == spun_off


@pytest.mark.parametrize("change", [{"ratio": None}, {"asset": 9_999}, {"other_asset": 9_999}, {}])
async def test_one_bad_or_repeated_action_writes_none(stores: Stores, change: dict[str, object]):
    (asset,) = await some_assets(stores, "AAA")
    before = await stores.vintage()
    with pytest.raises(Invalid):
        await stores.facts.write_actions([a_split(asset), replace(a_split(asset), **change)])
    assert await stores.vintage() == before
    assert (await stores.facts.write_actions([a_split(asset)])).inserted == 1


# --- universes


async def test_members_left_out_end_and_their_past_stays(stores: Stores):
    one, other, third = await some_assets(stores, "AAA", "BBB", "CCC")
    write, read = stores.facts.write_universe, stores.reference.universe
    await write("some-list", "Some list", {one: (SINCE, None), other: (SINCE, None)})
    before, events = await stores.vintage(), len(await stores.kinds())
    report = await write(
        "some-list", "Some list", {other: (SINCE, date(2010, 1, 4)), third: (date(2010, 1, 4), None)}
    )
    assert report == WriteReport(inserted=1, changed=2, unchanged=0, vintage=before + 1)
    assert (await stores.kinds())[events:] == ["market.facts_committed"]
    assert (await stores.facts_told())[-1] == "universe"
    assert await read("some-list") == [
        (other, SINCE, date(2010, 1, 4)),
        (third, date(2010, 1, 4), None),
    ]
    assert await read("some-list", vintage=before) == [(one, SINCE, None), (other, SINCE, None)]
    await write("some-list", "Some list", {one: (SINCE, None)})
    assert await read("some-list") == [(one, SINCE, None)]
    assert len(await read("some-list", vintage=before + 1)) == 2


async def test_membership_that_begins_on_another_day_replaces_the_former(stores: Stores):
    (asset,) = await some_assets(stores, "AAA")
    await stores.facts.write_universe("some-list", "Some list", {asset: (SINCE, None)})
    before = await stores.vintage()
    await stores.facts.write_universe("some-list", "Some list", {asset: (date(1999, 1, 4), None)})
    assert await stores.reference.universe("some-list") == [(asset, date(1999, 1, 4), None)]
    assert await stores.reference.universe("some-list", vintage=before) == [(asset, SINCE, None)]


async def test_universe_written_without_members_has_none_left(stores: Stores):
    one, other = await some_assets(stores, "AAA", "BBB")
    await stores.facts.write_universe("some-list", "Some list", {one: (SINCE, None)})
    await stores.facts.write_universe("other-list", "Other list", {other: (SINCE, None)})
    before = await stores.vintage()
    report = await stores.facts.write_universe("some-list", "Some list", {})
    assert report == WriteReport(inserted=0, changed=1, unchanged=0, vintage=before + 1)
    assert await stores.reference.universe("some-list") == []
    assert await stores.reference.universe("some-list", vintage=before) == [(one, SINCE, None)]
    assert await stores.reference.universe("other-list") == [(other, SINCE, None)]


async def test_equal_members_again_change_nothing(stores: Stores):
    one, other = await some_assets(stores, "AAA", "BBB")
    members = {one: (SINCE, None), other: (SINCE, date(2001, 1, 3))}
    await stores.facts.write_universe("some-list", "Some list", members)
    before, events = await stores.vintage(), len(await stores.kinds())
    report = await stores.facts.write_universe("some-list", "Some list", members)
    await _unchanged(stores, report, before, events, 2)


@pytest.mark.parametrize("until", [SINCE, date(1999, 12, 31)])
async def test_membership_that_ends_before_it_begins_writes_none(stores: Stores, until: date):
    one, other = await some_assets(stores, "AAA", "BBB")
    before = await stores.vintage()
    with pytest.raises(Invalid):
        await stores.facts.write_universe(
            "some-list", "Some list", {one: (SINCE, None), other: (SINCE, until)}
        )
    assert await stores.reference.universe("some-list") == []
    assert await stores.vintage() == before


async def test_facts_of_every_kind_written_at_the_same_time_take_vintages_one_after_the_other(
    stores: Stores,
):
    (asset,) = await some_assets(stores, "AAA")
    before = await stores.vintage()
    fact = SharesFact(asset=asset, day=SINCE, shares=1.0, status="unchecked", source="sample")
    reports = await asyncio.gather(
        stores.facts.write_sessions(some_sessions("2020-01-02")),
        stores.facts.write_fx([some_rates("USD", {"2020-01-02": 1.1})]),
        stores.facts.write_shares([fact]),
        stores.facts.write_actions([a_split(asset)]),
        stores.facts.write_universe("some-list", "Some list", {asset: (SINCE, None)}),
    )
    assert sorted(one.vintage for one in reports) == list(range(before + 1, before + 6))
