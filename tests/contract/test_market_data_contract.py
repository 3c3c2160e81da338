"""MarketData, FxRates, MarketPackage and Calendars: what every source must do."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from tests.contract.market_sources import CASES, DAYS, RATES, STRANGER, Case, scripted
from tests.fakes.market_data import FakeCalendars, FakeMarketData

from waardhaven.adapters.outbound.market_data.calendars import PackagedCalendars
from waardhaven.adapters.outbound.market_data.sample import SampleMarketData
from waardhaven.application.ports.calendars import Calendars
from waardhaven.application.ports.fx_rates import FxRates
from waardhaven.application.ports.market_data import (
    ActionsOf,
    BarColumns,
    Capability,
    NotDelivered,
    Reason,
    SharesOutstanding,
    Wanted,
)
from waardhaven.application.ports.market_facts import Listing, SessionColumns
from waardhaven.application.ports.market_package import MarketPackage
from waardhaven.domain.market.asset import MIC, ROUND_THE_CLOCK, SYMBOL

VALUES = ("open", "high", "low", "close", "volume")


@pytest.fixture(params=CASES)
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    async with CASES[request.param]() as made:
        yield made


@pytest.fixture(params=[scripted, SampleMarketData], ids=["fake", "sample"])
def package(request: pytest.FixtureRequest) -> MarketPackage:
    return request.param()


def wanted(*listings: Listing, start: date | None = None, end: date | None = None) -> list[Wanted]:
    return [Wanted(listing=one, start=start, end=end) for one in listings]


async def test_every_instrument_wanted_is_answered_and_no_other(case: Case):
    answers = [one async for one in case.source.bars(wanted(*case.listings, STRANGER))]
    assert {one.listing for one in answers} == {*case.listings, STRANGER}
    refused = [one for one in answers if isinstance(one, NotDelivered)]
    assert [one.listing for one in refused] == [STRANGER]
    assert refused[0].reason is Reason.UNKNOWN_SYMBOL
    assert refused[0].detail
    assert [one async for one in case.source.bars([])] == []


async def test_bars_are_floats_by_day_with_their_source_on_them(case: Case):
    seen = set()
    async for bars in case.source.bars(wanted(*case.listings)):
        assert isinstance(bars, BarColumns)
        assert bars.source in case.names
        assert (bars.listing, bars.adjustment) not in seen
        seen.add((bars.listing, bars.adjustment))
        assert bars.day.dtype == np.dtype("datetime64[D]")
        assert (np.diff(bars.day.astype(np.int64)) >= 0).all()
        columns = [getattr(bars, name) for name in VALUES]
        assert {one.dtype for one in columns} == {np.dtype(np.float64)}
        assert {len(one) for one in columns} == {len(bars.day)}


async def test_range_includes_both_ends_and_changes_no_value(case: Case):
    first = case.listings[0]
    whole = [one async for one in case.source.bars(wanted(first))]
    part = [one async for one in case.source.bars(wanted(first, start=case.start, end=case.end))]
    assert len(part) == len(whole)
    for some, every in zip(part, whole, strict=True):
        inside = (every.day >= np.datetime64(case.start)) & (every.day <= np.datetime64(case.end))
        assert some.day.tolist() == every.day[inside].tolist()
        assert some.close.tobytes() == every.close[inside].tobytes()
    days = {str(day) for some in part for day in some.day}
    assert {str(case.start), str(case.end)} <= days


async def test_empty_range_is_an_answer_without_bars(case: Case):
    future = wanted(case.listings[0], start=date(2099, 1, 1), end=date(2099, 1, 2))
    answers = [one async for one in case.source.bars(future)]
    assert answers
    assert all(isinstance(one, BarColumns) and not len(one) for one in answers)


async def test_reading_twice_gives_the_same(case: Case):
    first = wanted(case.listings[0], start=case.start, end=case.end)
    one = [bars.close.tobytes() async for bars in case.source.bars(first)]
    other = [bars.close.tobytes() async for bars in case.source.bars(first)]
    assert one == other


async def test_actions_lie_within_the_days_wanted_and_name_their_listing(case: Case):
    answered = set()
    async for answer in case.source.actions(wanted(*case.listings)):
        answered.add(answer.listing)
        if Capability.ACTIONS not in case.source.capabilities:
            assert isinstance(answer, NotDelivered)
            continue
        assert isinstance(answer, ActionsOf)
        assert len({one.key for one in answer.actions}) == len(answer.actions)
        assert {one.listing for one in answer.actions} <= {answer.listing}
    assert answered == set(case.listings)
    early = wanted(*case.listings, end=date(1980, 1, 1))
    found = [one async for one in case.source.actions(early)]
    assert not [action for one in found if isinstance(one, ActionsOf) for action in one.actions]


async def test_shares_are_positive_and_every_listing_is_answered(case: Case):
    answers = [one async for one in case.source.shares(case.listings)]
    assert {one.listing for one in answers} == set(case.listings)
    assert all(one.shares > 0 for one in answers if isinstance(one, SharesOutstanding))


async def test_quotes_are_one_answer_for_each_listing_in_order(case: Case):
    answers = await case.source.quotes([*case.listings, STRANGER])
    assert [one.listing for one in answers] == [*case.listings, STRANGER]
    assert isinstance(answers[-1], NotDelivered)
    if Capability.QUOTES not in case.source.capabilities:
        assert {one.reason for one in answers} == {Reason.NOT_OFFERED}


async def test_search_finds_what_is_there_within_the_limit(case: Case):
    found = await case.source.search(case.listings[0].symbol, limit=1)
    expected = [case.listings[0].symbol] if Capability.SEARCH in case.source.capabilities else []
    assert [one.symbol for one in found] == expected
    assert list(await case.source.search("no such thing at all")) == []


# --- a market that comes whole


async def test_listings_are_distinct_and_well_formed(package: MarketPackage):
    known = await package.listings()
    assert len({(one.symbol, one.mic) for one in known}) == len(known) > 0
    assert all(SYMBOL.fullmatch(one.symbol) and MIC.fullmatch(one.mic) and one.name for one in known)


async def test_universes_speak_of_known_listings(package: MarketPackage):
    known = set(await package.listings())
    assert {listing for one in await package.universes() for listing in one.listings} <= known


# --- FxRates


@pytest.fixture(params=RATES)
async def fx(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FxRates]:
    async with RATES[request.param](tmp_path) as made:
        yield made


async def test_rates_increase_by_day_are_positive_and_bear_their_fixing(fx: FxRates):
    found = await fx.rates()
    assert found
    for rates in found:
        assert rates.base != rates.quote
        assert (rates.source, rates.fixing) == (fx.name, fx.fixing)
        assert (np.diff(rates.day.astype(np.int64)) > 0).all()
        assert (np.isfinite(rates.rate) & (rates.rate > 0)).all()


async def test_rates_of_a_range_are_those_of_the_whole_within_it(fx: FxRates):
    whole = {one.quote: one for one in await fx.rates()}
    start, end = date(2019, 12, 31), date(2020, 1, 2)
    parts = await fx.rates(start=start, end=end)
    assert parts
    for part in parts:
        every = whole[part.quote]
        inside = (every.day >= np.datetime64(start)) & (every.day <= np.datetime64(end))
        assert part.rate.tobytes() == every.rate[inside].tobytes()
        assert part.day.tolist() == every.day[inside].tolist() != []


async def test_no_days_have_no_rates(fx: FxRates):
    assert not [one for one in await fx.rates(start=date(2099, 1, 1), end=date(2099, 1, 2)) if len(one.day)]


async def test_spot_is_positive_or_absent(fx: FxRates):
    spots = [await fx.spot("EUR", "USD") for _ in range(2)]
    for spot in spots:
        assert spot is None or (spot.rate > 0 and (spot.base, spot.quote) == ("EUR", "USD"))
    assert len({spot is None for spot in spots}) == 1
    assert await fx.spot("EUR", "XXX") is None


# --- Calendars


@pytest.fixture(params=["fake", "packaged"])
def calendars(request: pytest.FixtureRequest) -> Calendars:
    if request.param == "packaged":
        return PackagedCalendars()
    opens = DAYS.astype("datetime64[s]")
    hours = {"day": DAYS, "open_at": opens, "close_at": opens + np.timedelta64(6, "h")}
    return FakeCalendars([SessionColumns(mic=mic, **hours) for mic in ("XNAS", "XNYS", ROUND_THE_CLOCK)])


async def test_sessions_come_in_the_order_asked_without_unknown_exchanges(calendars: Calendars):
    found = await calendars.sessions(["XNYS", "ZZZZ", ROUND_THE_CLOCK, "XNAS"])
    assert [one.mic for one in found] == ["XNYS", ROUND_THE_CLOCK, "XNAS"]
    assert await calendars.sessions([]) == []


async def test_sessions_increase_and_close_after_they_open(calendars: Calendars):
    for sessions in await calendars.sessions(["XNYS", "XNAS", ROUND_THE_CLOCK]):
        assert (np.diff(sessions.day.astype(np.int64)) > 0).all()
        assert (sessions.close_at > sessions.open_at).all()
        assert sessions.open_at.dtype == sessions.close_at.dtype == np.dtype("datetime64[s]")
        assert np.datetime64("2020-01-02") in sessions.day


def test_the_fake_is_a_market_like_the_others():
    assert isinstance(scripted(), FakeMarketData)
