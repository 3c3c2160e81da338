"""ReferenceStore: what every implementation must do. Facts at former vintages: see MarketFacts."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from tests.contract.conftest import Stores
from tests.contract.market import POLICY, a_listing, bars, some_assets, some_series
from tests.contract.test_market_facts_contract import SINCE, some_rates, some_sessions

from waardhaven.application.ports.market_facts import ActionFact, SeriesKey, SharesFact
from waardhaven.application.ports.reference_store import AssetFilter, MemberColumns, SeriesCoverage, SeriesRef
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.definition import Adjustment, SeriesPolicy
from waardhaven.domain.market.actions import ActionKind, ActionStatus, CorporateAction
from waardhaven.domain.market.asset import AmbiguousSymbol, Asset, SymbolRef, UnknownAsset


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


async def test_many_symbols_are_resolved_as_each_alone(stores: Stores):
    await stores.facts.register_assets(
        [a_listing("AAA"), a_listing("AAA", mic="XLON", currency="GBP"), a_listing("BBB"), a_listing("OLD")]
    )
    old = (await stores.reference.resolve(SymbolRef.parse("OLD"))).id
    await stores.facts.rename_asset(old, symbol="NEW", mic="XNYS", since=date(2024, 5, 1))
    asked = ["BBB", "AAA", "nobody", "OLD", "AAA:XLON", str(old), "999999", "NEW:XLON", "NEW", "BBB"]
    refs = [SymbolRef.parse(one) for one in asked]
    answers = await stores.reference.resolve_all(refs)
    for ref, answer in zip(refs, answers, strict=True):
        if isinstance(answer, Asset):
            assert answer == await stores.reference.resolve(ref)
        else:
            with pytest.raises(type(answer)) as alone:
                await stores.reference.resolve(ref)
            assert (alone.value.message, alone.value.context) == (answer.message, answer.context)
    named = [one.symbol if isinstance(one, Asset) else one.code for one in answers]
    wrong = ("ambiguous_symbol", "unknown_asset")
    assert named == ["BBB", wrong[0], wrong[1], "NEW", "AAA", "NEW", wrong[1], wrong[1], "NEW", "BBB"]
    assert await stores.reference.resolve_all([]) == []


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


async def test_the_float_of_a_name_is_kept_where_it_is_known(stores: Stores):
    (one,) = await some_assets(stores, "AAA")
    plain = {"asset": one, "shares": 10.0, "status": "reported", "source": "sample"}
    await stores.facts.write_shares([SharesFact(day=date(2020, 1, 2), **plain)])
    await stores.facts.write_shares([SharesFact(day=date(2020, 1, 3), float_factor=0.8, **plain)])
    found = await stores.reference.shares([one])
    assert np.isnan(found.float_factor[0])
    assert found.float_factor[1] == 0.8
    assert found.free.tolist() == [10.0, 8.0]
    again = await stores.facts.write_shares([SharesFact(day=date(2020, 1, 3), float_factor=0.8, **plain)])
    assert again.vintage is None


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


async def test_currency_without_rates_of_the_fixing_falls_back_to_the_oldest_series_of_another(
    stores: Stores,
):
    await stores.facts.write_fx([some_rates("USD", {"2020-01-02": 1.1})])
    await stores.facts.write_fx([some_rates("TWD", {"2020-01-02": 33.0, "2020-01-03": 34.0}, fixing="WMR")])
    await stores.facts.write_fx([some_rates("TWD", {"2020-01-02": 99.0}, fixing="close", source="other")])
    await stores.facts.write_fx([some_rates("USD", {"2020-01-02": 9.9, "2020-01-06": 9.9}, fixing="WMR")])
    found = await stores.reference.fx(["TWD", "USD"], fixing="ECB")
    at = np.array(["2020-01-03", "2020-01-07"], dtype="datetime64[D]")
    assert found.per_base("TWD", at).tolist() == [34.0, 34.0]
    assert found.per_base("USD", at).tolist() == [1.1, 1.1]
    late = await stores.reference.fx(["TWD", "USD"], fixing="ECB", start=date(2020, 1, 3))
    assert (late.rate.tolist(), set(late.quote)) == ([34.0], {"TWD", "USD"})
    nearer = await stores.reference.fx(["TWD"], fixing="close")
    assert nearer.rate.tolist() == [99.0]


async def test_two_sources_under_one_fixing_are_never_mixed(stores: Stores):
    await stores.facts.write_fx([some_rates("USD", {"2020-01-02": 1.1, "2020-01-06": 1.3})])
    await stores.facts.write_fx(
        [some_rates("USD", {"2020-01-02": 5.0, "2020-01-03": 5.0, "2020-01-07": 5.0}, source="other")]
    )
    for vintage in (None, await stores.vintage()):
        found = await stores.reference.fx(["USD"], fixing="ECB", vintage=vintage)
        assert found.quote == ("USD",)
        assert found.rate.tolist() == [1.1, 1.3]


async def test_series_of_rates_without_one_rate_hides_no_other(stores: Stores):
    await stores.facts.write_fx([some_rates("USD", {})])
    await stores.facts.write_fx([some_rates("USD", {"2020-01-02": 1.1}, source="other")])
    assert (await stores.reference.fx(["USD"], fixing="ECB")).rate.tolist() == [1.1]


async def test_assets_are_found_by_what_they_are_in_pages(stores: Stores):
    listings = [
        a_listing("AAA", name="Alpha 100% Fund", asset_type="etf"),
        a_listing("BBB", name="Beta", mic="XLON", currency="GBP"),
        a_listing("CAA", name="Gamma"),
        a_listing("DDD", name="Delta a"),
    ]
    known = await stores.facts.register_assets(listings)
    ids = sorted(known.values())
    aaa, bbb, caa, ddd = (known[one.symbol, one.mic] for one in listings)
    members = {bbb: (SINCE, None), ddd: (SINCE, date(2010, 1, 4))}
    await stores.facts.write_universe("some-list", "Some list", members)
    await stores.facts.set_archived(caa, archived=True, by=OPERATOR)

    async def found(limit: int = 9, after: int | None = None, **wanted: object) -> list[int]:
        some = await stores.reference.find_assets(AssetFilter(**wanted), limit=limit, after=after)
        return [one.id for one in some]

    expected = {
        ("archived", None): ids,
        ("archived", True): [caa],
        ("text", "aa"): [aaa],
        ("text", "a"): sorted([aaa, bbb, ddd]),
        ("text", "%"): [aaa],
        ("text", "_"): [],
        ("asset_type", "etf"): [aaa],
        ("mic", "XLON"): [bbb],
        ("currency", "GBP"): [bbb],
        ("universe", "some-list"): [bbb],
        ("universe", "nothing"): [],
    }
    for (name, value), wanted in expected.items():
        assert await found(**{name: value}) == wanted, (name, value)
    assert await found(text="a", mic="XNYS", asset_type="equity") == [ddd]
    assert await found(limit=2, archived=None) == ids[:2]
    assert await found(limit=2, after=ids[1], archived=None) == ids[2:]


async def test_names_of_an_asset_nobody_knows_are_none(stores: Stores):
    assert await stores.reference.names(1) == []


async def test_actions_come_whole_in_order_and_at_their_vintage(stores: Stores):
    one, other = await some_assets(stores, "AAA", "BBB")
    announced = datetime(2019, 12, 1, 12, tzinfo=UTC)
    dividend = ActionFact(
        asset=one,
        key="2",
        source="sample",
        kind="cash_dividend",
        status="announced",
        ex_date=date(2020, 1, 3),
        announced_at=announced,
        record_date=date(2020, 1, 6),
        pay_date=date(2020, 1, 7),
        amount="0.250",
        currency="USD",
    )
    split = ActionFact(
        asset=one,
        key="1",
        source="sample",
        kind="split",
        status="confirmed",
        ex_date=date(2020, 1, 2),
        ratio="20",
        other_asset=other,
    )
    await stores.facts.write_actions([dividend, split])
    before = await stores.vintage()
    await stores.facts.write_actions([replace(dividend, status="cancelled"), replace(split, asset=other)])
    first, second, third = await stores.reference.actions([other, one])
    assert (first.source, first.key, first.action.other_asset) == ("sample", "1", other)
    assert first.action == CorporateAction(
        asset=one,
        kind=ActionKind.SPLIT,
        status=ActionStatus.CONFIRMED,
        ex_date=date(2020, 1, 2),
        ratio=Decimal(20),
        other_asset=other,
    )
    assert second.action == CorporateAction(
        asset=one,
        kind=ActionKind.CASH_DIVIDEND,
        status=ActionStatus.CANCELLED,
        ex_date=date(2020, 1, 3),
        announced_at=announced,
        record_date=date(2020, 1, 6),
        pay_date=date(2020, 1, 7),
        amount=Decimal("0.25"),
        currency="USD",
    )
    assert str(second.action.amount) == "0.25"
    assert third.action.asset == other
    then = await stores.reference.actions([one, other], vintage=before)
    assert [found.action.status for found in then] == [ActionStatus.CONFIRMED, ActionStatus.ANNOUNCED]
    assert await stores.reference.actions([]) == []


def in_columns(members: MemberColumns) -> list[tuple[object, ...]]:
    """Return memberships as ``universe`` has them."""
    return [*zip(*(getattr(members, name).tolist() for name in members.__slots__), strict=True)]


async def test_facts_of_a_universe_are_what_each_method_answers_at_every_vintage(stores: Stores):
    assets = await some_assets(stores, "AAA", "BBB", "CCC", "DDD", "EEE")
    one, other, bare, held, stranger = assets
    plain = {"source": POLICY.source, "adjustment": POLICY.adjustment, "currency": "GBP"}
    named = [*((one, "GBX"), (other, "GBP"), (held, "GBX"), (stranger, "GBP")), (one, "GBP")]
    await stores.facts.register_series([SeriesKey(asset=a, quote_unit=unit, **plain) for a, unit in named])
    await stores.facts.write_sessions(some_sessions("2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"))
    counted = {"day": date(2020, 1, 2), "status": "reported"}
    for step in (1.0, 2.0):
        members = {bare: (SINCE, None), other: (SINCE, None), one: (SINCE, date(2020, 1, 3))}
        await stores.facts.write_universe("a-list", "A list", dict(list(members.items())[: 1 + int(step)]))
        shares = [SharesFact(asset=a, shares=step + a, source=s, **counted) for a in assets for s in "ba"]
        await stores.facts.write_shares([replace(shares[0], float_factor=0.5), *shares[1:]])
        stated = {"source": "sample", "status": "confirmed", "ex_date": date(2020, 1, 3)}
        actions = [
            ActionFact(asset=a, key=key, kind="split", ratio=f"{step}", **stated)
            for a in assets
            for key in "21"
        ]
        dividend = ActionFact(
            asset=one, key="3", kind="cash_dividend", amount="0.10", currency="USD", **stated
        )
        await stores.facts.write_actions([*actions, dividend])
    read = stores.reference
    days = {"start": date(2020, 1, 3), "end": date(2020, 1, 6)}
    for vintage in (None, *range(await stores.vintage() + 1)):
        for also, within in (((), {}), ((held, one), days)):
            found = await read.universe_facts(
                "a-list", POLICY, calendar="XNYS", also=also, vintage=vintage, **within
            )
            names = await read.universe("a-list", vintage=vintage)
            assert in_columns(found.members) == names
            ids = sorted({asset for asset, _, _ in names} | set(also))
            assert list(found.series.items()) == sorted((await read.series_of(ids, POLICY)).items())
            sessions = await read.sessions("XNYS", vintage=vintage, **within)
            assert (found.sessions.dtype, found.sessions.tolist()) == (sessions.dtype, sessions.tolist())
            assert found.actions == await read.actions(list(found.series), vintage=vintage)
            counts = await read.shares(list(found.series), vintage=vintage)
            for name in counts.__slots__:
                mine, theirs = getattr(found.shares, name), getattr(counts, name)
                assert (mine.dtype, mine.tobytes()) == (theirs.dtype, theirs.tobytes())
    assert {bare, stranger} & set(found.series) == set()
    assert [str(known.action.ratio) for known in found.actions][:2] == ["2", "2"]


async def test_facts_of_a_universe_nobody_knows_are_empty(stores: Stores):
    found = await stores.reference.universe_facts("nothing", POLICY, calendar="XLON")
    assert (in_columns(found.members), found.series, found.actions) == ([], {}, [])
    assert (found.members.asset.dtype, found.members.until.dtype) == (np.int64, np.dtype("datetime64[D]"))
    assert (len(found.sessions), len(found.shares.asset), len(found.shares.free)) == (0, 0, 0)


async def test_coverage_counts_the_bars_there_are_now(stores: Stores):
    one, other = await some_series(stores, 2)
    await stores.prices.write(bars(one, ["2019-12-30", "2020-01-02", "2020-01-03"], [1.0, 2.0, 3.0]))
    await stores.prices.withdraw(one, [date(2020, 1, 3)], reason="a test")
    refs = await stores.reference.assets(range(1, 9))
    found = await stores.reference.coverage([asset.id for asset in refs])
    plain = {"source": "sample", "adjustment": Adjustment.RAW, "currency": "USD", "quote_unit": "USD"}
    by_id = {line.id: line for line in found}
    days = {"bars": 2, "first": date(2019, 12, 30), "last": date(2020, 1, 2)}
    assert by_id[one] == SeriesCoverage(id=one, asset=by_id[one].asset, **plain, **days)
    empty = {"bars": 0, "first": None, "last": None}
    assert by_id[other] == SeriesCoverage(id=other, asset=by_id[other].asset, **plain, **empty)
    assert [line.asset for line in found] == sorted(asset.id for asset in refs)
    assert await stores.reference.coverage([]) == []


async def test_session_times_are_of_the_present_within_the_days_for_known_exchanges(stores: Stores):
    await stores.facts.write_sessions(some_sessions("2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"))
    await stores.facts.write_sessions(some_sessions("2020-01-03", hours=4))
    await stores.facts.write_sessions(some_sessions("2019-01-03", mic="XLON"))
    read = stores.reference.session_times
    found = await read(["XNYS", "XLON", "XXXX"], start=date(2020, 1, 3), end=date(2020, 1, 6))
    assert set(found) == {"XNYS", "XLON"}
    times = found["XNYS"]
    assert times.mic == "XNYS"
    assert times.day.astype(str).tolist() == ["2020-01-03", "2020-01-06"]
    assert times.open_at.astype(str).tolist() == ["2020-01-03T14:30:00", "2020-01-06T14:30:00"]
    assert times.close_at.astype(str).tolist() == ["2020-01-03T18:30:00", "2020-01-06T20:30:00"]
    assert (times.day.dtype, times.open_at.dtype) == (np.dtype("datetime64[D]"), np.dtype("datetime64[s]"))
    assert len(found["XLON"].day) == len(found["XLON"].open_at) == 0
