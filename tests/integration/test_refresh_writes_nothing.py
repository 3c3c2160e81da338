"""A smart refresh of five hundred symbols over real stores, where nothing has changed."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.market_data import FakeMarketData

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.facts import PostgresMarketFacts
from waardhaven.adapters.outbound.postgres.prices import PostgresPriceStore
from waardhaven.adapters.outbound.postgres.quality import PostgresQualityFlags
from waardhaven.adapters.outbound.postgres.reference import PostgresReferenceStore
from waardhaven.application.market.fates import Fate
from waardhaven.application.market.refresh_prices import RefreshPrices, RefreshReport
from waardhaven.application.market.refresh_rules import RefreshMode, RefreshRules
from waardhaven.application.market.write_bars import WriteBars
from waardhaven.application.ports.market_data import BarColumns, MarketSetup, SourceInfo
from waardhaven.application.ports.market_facts import Listing, SessionColumns
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.definition import Adjustment

SYMBOLS = 500
EVERY = np.arange(np.datetime64("2026-10-01"), np.datetime64("2026-12-01"))
SESSIONS = EVERY[np.is_busday(EVERY)]
DAYS = SESSIONS[np.datetime64("2026-11-20") >= SESSIONS]
SATURDAY = datetime(2026, 11, 21, 12, tzinfo=UTC)
TABLES = (
    *("price", "price_revision", "price_chunk", "vintage", "outbox", "audit_entry", "series"),
    *("asset", "asset_identifier", "classification", "session", "corporate_action", "quality_flag"),
)


def bars(number: int) -> BarColumns:
    listing = Listing(symbol=f"S{number}", mic="XNYS", name=f"S{number}", asset_type="equity", currency="USD")
    close = 20.0 + number + np.arange(len(DAYS)) / 8
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    return BarColumns(
        listing=listing,
        source="sample",
        adjustment=Adjustment.RAW,
        quote_unit="USD",
        day=DAYS,
        volume=np.full(len(DAYS), 1000.0),
        **prices,
    )


@dataclass
class Bench:
    database: Database
    refresh: RefreshPrices
    source: FakeMarketData
    clock: FakeClock

    async def rows(self) -> dict[str, object]:
        """Return a digest of every row of every table, with the transaction that wrote it."""
        digest = "SELECT md5(string_agg(t::text || t.xmin::text || t.ctid::text, ',' ORDER BY t.ctid)) FROM"
        async with self.database.acquire() as connection:
            return {name: await connection.fetchval(f"{digest} {name} t") for name in TABLES}

    async def smart(self) -> RefreshReport:
        report = await self.refresh(OPERATOR, mode=RefreshMode.SMART)
        await self.refresh.finish(OPERATOR, report)
        return report


@pytest.fixture
async def bench(database_url: str):
    database = Database(database_url)
    clock = FakeClock(SATURDAY)
    source = FakeMarketData(prices=[bars(one) for one in range(SYMBOLS)])
    facts, prices = PostgresMarketFacts(database), PostgresPriceStore(database)
    reference = PostgresReferenceStore(database)
    midnight = SESSIONS.astype("datetime64[s]")
    hours = {"open_at": midnight + np.timedelta64(14, "h"), "close_at": midnight + np.timedelta64(21, "h")}
    await facts.write_sessions(SessionColumns(mic="XNYS", day=SESSIONS, **hours))
    await facts.register_assets([one.listing for one in source.prices])
    info = SourceInfo(name=source.name, capabilities=source.capabilities, keyed=True)
    write = WriteBars(facts, prices, PostgresQualityFlags(database))
    refresh = RefreshPrices(
        source, MarketSetup(sources=(info,)), reference, facts, prices, write, clock, RefreshRules()
    )
    yield Bench(database, refresh, source, clock)
    await database.close()


def counts(report: RefreshReport) -> tuple[dict[Fate, int], int, int]:
    fates = [one.fate for one in report.symbols]
    return {one: fates.count(one) for one in set(fates)}, report.inserted, report.changed


async def test_nothing_is_asked_and_no_row_written_when_all_is_there(bench: Bench):
    first = await bench.smart()
    assert counts(first) == ({Fate.UPDATED: SYMBOLS}, SYMBOLS * len(DAYS), 0)
    before, asked = await bench.rows(), len(bench.source.wanted)
    assert counts(await bench.smart()) == ({Fate.FRESH: SYMBOLS}, 0, 0)
    assert len(bench.source.wanted) == asked
    assert await bench.rows() == before


async def test_days_that_may_be_revised_are_read_again_and_no_row_written_when_they_were_not(bench: Bench):
    await bench.smart()
    before = await bench.rows()
    bench.clock.advance(timedelta(days=3))
    assert counts(await bench.smart()) == ({Fate.UNCHANGED: SYMBOLS}, 0, 0)
    assert await bench.rows() == before


async def test_one_corrected_bar_of_one_symbol_is_one_row_and_its_revision(bench: Bench):
    await bench.smart()
    bench.clock.advance(timedelta(days=3))
    wrong = bench.source.prices[7]
    close = wrong.close.copy()
    close[-1] += 0.25
    bench.source.prices[7] = replace(wrong, close=close, high=close)
    report = await bench.smart()
    assert counts(report) == ({Fate.UPDATED: 1, Fate.UNCHANGED: SYMBOLS - 1}, 0, 1)
    async with bench.database.acquire() as connection:
        former = await connection.fetch("SELECT day, close FROM price_revision")
    assert [tuple(one) for one in former] == [(DAYS[-1].astype(object), wrong.close[-1])]
