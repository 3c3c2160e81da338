"""MarketData: what every source must do."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from tests.contract.market import NAN, a_listing
from tests.fakes.market_data import FakeMarketData

from waardhaven.adapters.outbound.market_data.sample import SampleMarketData
from waardhaven.application.ports.market_data import (
    BarColumns,
    MarketData,
    QuotedRates,
    SessionTimes,
    SharesOutstanding,
    UniverseMembers,
)
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import MIC, SYMBOL
from waardhaven.domain.market.prices import PriceColumns

DAYS = np.array(["2019-12-31", "2020-01-02", "2020-01-03"], dtype="datetime64[D]")
VALUES = ("open", "high", "low", "close", "volume")


def scripted() -> FakeMarketData:
    listing = a_listing("AAA")
    unknown = np.full(3, NAN)
    closes = BarColumns(
        listing=listing,
        adjustment=Adjustment.RAW,
        quote_unit="USD",
        day=DAYS,
        open=unknown,
        high=unknown,
        low=unknown,
        close=np.array([1.0, 2.0, 3.0]),
        volume=unknown,
    )
    opens = DAYS.astype("datetime64[s]")
    return FakeMarketData(
        known=[listing, a_listing("BBB")],
        prices=[closes, replace(closes, listing=a_listing("BBB"))],
        quoted=[QuotedRates(base="EUR", quote="USD", fixing="ECB", day=DAYS, rate=np.array([1.1, 1.2, 1.3]))],
        counts=[SharesOutstanding(listing=listing, day=date(2019, 1, 2), shares=5.0, status="unchecked")],
        calendars=[
            SessionTimes(mic="XNYS", day=DAYS, open_at=opens, close_at=opens + np.timedelta64(6, "h"))
        ],
        lists=[UniverseMembers(slug="a-list", name="A list", listings=(listing,), start=date(2019, 1, 2))],
    )


@pytest.fixture(scope="module", params=[scripted, SampleMarketData], ids=["fake", "sample"])
def source(request: pytest.FixtureRequest) -> MarketData:
    return request.param()


async def test_listings_are_distinct_and_well_formed(source: MarketData):
    known = await source.listings()
    assert len({(one.symbol, one.mic) for one in known}) == len(known) > 0
    assert all(SYMBOL.fullmatch(one.symbol) and MIC.fullmatch(one.mic) and one.name for one in known)


async def test_bars_keep_every_rule_and_increase_by_day_within_instrument_and_mode(source: MarketData):
    known = await source.listings()
    seen = set()
    async for bars in source.bars(known):
        assert bars.listing in known
        assert (bars.listing, bars.adjustment) not in seen
        seen.add((bars.listing, bars.adjustment))
        assert (np.diff(bars.day.astype(np.int64)) > 0).all()
        columns = {name: getattr(bars, name) for name in VALUES}
        assert {one.dtype for one in columns.values()} == {np.dtype(np.float64)}
        PriceColumns(series=np.ones(len(bars.day), dtype=np.int64), day=bars.day, **columns).checked()
    assert {listing for listing, _ in seen} == set(known)


async def test_bars_come_for_the_listings_asked_alone_within_a_range_that_includes_both_ends(
    source: MarketData,
):
    first = (await source.listings())[0]
    whole = [one async for one in source.bars([first])]
    start, end = date(2019, 12, 31), date(2020, 1, 2)
    part = [one async for one in source.bars([first], start=start, end=end)]
    assert {one.listing for one in whole} == {first}
    assert [str(day) for day in part[0].day] == ["2019-12-31", "2020-01-02"]
    inside = (whole[0].day >= np.datetime64(start)) & (whole[0].day <= np.datetime64(end))
    assert part[0].close.tobytes() == whole[0].close[inside].tobytes()
    assert [one async for one in source.bars([])] == []


async def test_rates_shares_actions_sessions_and_universes_speak_of_known_listings(source: MarketData):
    known = set(await source.listings())
    assert {one.listing for one in await source.shares()} <= known
    assert {one.listing for one in await source.actions()} <= known
    assert {listing for one in await source.universes() for listing in one.listings} <= known
    for rates in await source.rates():
        assert rates.base != rates.quote
        assert (np.diff(rates.day.astype(np.int64)) > 0).all()
        assert (np.isfinite(rates.rate) & (rates.rate > 0)).all()
    for sessions in await source.sessions():
        assert (np.diff(sessions.day.astype(np.int64)) > 0).all()
        assert (sessions.close_at > sessions.open_at).all()


async def test_reading_twice_gives_the_same(source: MarketData):
    first = (await source.listings())[0]
    one = [bars.close.tobytes() async for bars in source.bars([first])]
    other = [bars.close.tobytes() async for bars in source.bars([first])]
    assert one == other
