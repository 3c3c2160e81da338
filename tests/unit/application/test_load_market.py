"""LoadMarket over a scripted source and fakes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.fakes.market import FakeMarket
from tests.fakes.market_data import FakeCalendars, FakeMarketPackage
from tests.fakes.quality_flags import FakeQualityFlags
from tests.unit.application.world import ANALYST, AXIS, CLOSES, VIEWER, a_listing, day

from waardhaven.application.market.load_market import LoadMarket, LoadReport
from waardhaven.application.market.write_bars import WriteBars
from waardhaven.application.ports.fx_rates import QuotedRates
from waardhaven.application.ports.market_data import (
    BarColumns,
    ListedAction,
    SharesOutstanding,
    SourceUnavailable,
)
from waardhaven.application.ports.market_facts import SessionColumns
from waardhaven.application.ports.market_package import UniverseMembers
from waardhaven.domain.events import FactsCommitted, PricesCommitted
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied
from waardhaven.domain.index.definition import Adjustment, SeriesPolicy

TABLES = (
    "tickers",
    "classes",
    "price_rows",
    "session_rows",
    "fx_rows",
    "share_rows",
    "action_rows",
    "member_rows",
)
LISTINGS = [a_listing(one) for one in ("AAA", "BBB", "CCC")]


def bars(column: int, mode: Adjustment = Adjustment.ALL) -> BarColumns:
    unknown = np.full(10, np.nan)
    return BarColumns(
        listing=LISTINGS[column],
        source="sample",
        adjustment=mode,
        quote_unit="USD",
        day=AXIS[:10],
        open=unknown,
        high=unknown,
        low=unknown,
        close=CLOSES[:10, column],
        volume=np.full(10, 5.0),
    )


@pytest.fixture
def source() -> FakeMarketPackage:
    return FakeMarketPackage(
        known=LISTINGS,
        prices=[bars(0), bars(1), bars(0, Adjustment.RAW), bars(2)],
        quoted=[
            QuotedRates(
                base="EUR",
                quote="USD",
                source="sample",
                fixing="ECB",
                day=AXIS[:2],
                rate=np.array([1.1, 1.2]),
            )
        ],
        counts=[
            SharesOutstanding(
                source="sample", listing=LISTINGS[1], day=day(-80), shares=5.0, status="approximate"
            )
        ],
        events=[
            ListedAction(
                source="sample", listing=LISTINGS[0], key="one", kind="split", ex_date=day(0), ratio="2"
            )
        ],
        lists=[UniverseMembers(slug="a-list", name="A list", listings=tuple(LISTINGS[:2]), start=day(-80))],
    )


OPENS = AXIS.astype("datetime64[s]")
CALENDARS = FakeCalendars(
    [SessionColumns(mic="XNYS", day=AXIS, open_at=OPENS, close_at=OPENS + np.timedelta64(6, "h"))]
)


def writing(market: FakeMarket) -> WriteBars:
    return WriteBars(market, market, FakeQualityFlags(market))


def state(market: FakeMarket) -> dict[str, dict[Any, Any]]:
    """What is known now, without how it came about."""
    return {name: getattr(market, name).at(None) for name in TABLES} | {"series": dict(market.series)}


async def test_everything_the_source_offers_arrives(source: FakeMarketPackage):
    market = FakeMarket()
    report = await LoadMarket(source, CALENDARS, market, writing(market))(OPERATOR)
    assert report == LoadReport(assets=3, inserted=40, changed=0, unchanged=0, known=(1, 2, 3))
    known = {one.symbol: one.id for one in await market.assets([1, 2, 3])}
    series = await market.series_of([known["AAA"]], SeriesPolicy(source="sample", adjustment=Adjustment.RAW))
    found = await market.bars([series[known["AAA"]].id])
    assert found.close.tolist() == CLOSES[:10, 0].tolist()
    assert found.volume.tolist() == [5.0] * 10
    assert np.isnan(found.open).all()
    assert (await market.sessions("XNYS")).tolist() == AXIS.tolist()
    assert (await market.shares([known["BBB"]])).shares.tolist() == [5.0]
    assert (await market.fx(["USD"], fixing="ECB")).rate.tolist() == [1.1, 1.2]
    members = await market.universe("a-list")
    assert members == [(known[one], day(-80), None) for one in ("AAA", "BBB")]
    (action,) = market.action_rows.at(None)
    assert action == (known["AAA"], "sample", "one")


async def test_prices_come_last_because_an_index_needs_the_rest_before_them(source: FakeMarketPackage):
    market = FakeMarket()
    await LoadMarket(source, CALENDARS, market, writing(market))(OPERATOR)
    assert source.asked == ["listings", "shares", "actions", "universes", "rates", "bars"]
    first, last = market.log.events[0], market.log.events[-1]
    assert isinstance(first, FactsCommitted)
    assert first.what == "sessions"
    assert isinstance(last, PricesCommitted)


async def test_loading_twice_changes_nothing(source: FakeMarketPackage):
    market = FakeMarket()
    load = LoadMarket(source, CALENDARS, market, writing(market))
    await load(OPERATOR)
    before, vintages, events = state(market), len(market.vintages), len(market.log.events)
    assert await load(OPERATOR) == LoadReport(assets=3, inserted=0, changed=0, unchanged=40, known=(1, 2, 3))
    assert state(market) == before
    assert (len(market.vintages), len(market.log.events)) == (vintages, events)


@pytest.mark.parametrize("broken_after", [0, 1, 2, 3])
async def test_load_that_was_interrupted_is_simply_run_again(
    source: FakeMarketPackage, broken_after: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("waardhaven.application.market.load_market.BATCH_ROWS", 1)
    whole, market = FakeMarket(), FakeMarket()
    await LoadMarket(source, CALENDARS, whole, writing(whole))(OPERATOR)
    source.breaks_after = broken_after
    with pytest.raises(SourceUnavailable):
        await LoadMarket(source, CALENDARS, market, writing(market))(OPERATOR)
    assert len(market.price_rows.at(None)) == 10 * broken_after
    source.breaks_after = None
    report = await LoadMarket(source, CALENDARS, market, writing(market))(OPERATOR)
    assert (report.inserted, report.unchanged) == (40 - 10 * broken_after, 10 * broken_after)
    assert state(market) == state(whole)


async def test_what_the_source_corrects_is_changed_and_the_former_kept(source: FakeMarketPackage):
    market = FakeMarket()
    await LoadMarket(source, CALENDARS, market, writing(market))(OPERATOR)
    before = len(market.vintages)
    close = CLOSES[:10, 2].copy()
    close[4] += 1.0
    source.prices[-1] = replace(source.prices[-1], close=close)
    report = await LoadMarket(source, CALENDARS, market, writing(market))(OPERATOR)
    assert (report.inserted, report.changed, report.unchanged) == (0, 1, 39)
    series = max(market.series.values())
    assert (await market.closes([series])).close[4] == close[4]
    assert (await market.closes([series], vintage=before)).close[4] == CLOSES[4, 2]


async def test_progress_names_the_stages_in_order_and_ends_with_every_instrument_done(
    source: FakeMarketPackage,
):
    market, told = FakeMarket(), []
    await LoadMarket(source, CALENDARS, market, writing(market))(
        OPERATOR, progress=lambda *one: told.append(one)
    )
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == [
        "calendars",
        "assets",
        "exchange rates",
        "prices",
    ]
    done = [done for stage, done, _ in told if stage == "prices"]
    assert done == sorted(done)
    assert told[-1] == ("prices", 3, 3)


async def test_source_that_offers_nothing_loads_nothing():
    market = FakeMarket()
    report = await LoadMarket(FakeMarketPackage(), FakeCalendars(), market, writing(market))(OPERATOR)
    assert report == LoadReport(assets=0, inserted=0, changed=0, unchanged=0)
    assert market.vintages == []


@pytest.mark.parametrize("by", [VIEWER, ANALYST], ids=["viewer", "analyst"])
async def test_only_operators_load(source: FakeMarketPackage, by: Any):
    market = FakeMarket()
    with pytest.raises(PermissionDenied):
        await LoadMarket(source, CALENDARS, market, writing(market))(by)
    assert (source.asked, market.vintages) == ([], [])
