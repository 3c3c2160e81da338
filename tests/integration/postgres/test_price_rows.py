"""What a write of prices does to the tables beneath the store: nothing when nothing differs, never a gap."""

from collections.abc import AsyncIterator
from datetime import date

import numpy as np
import pytest

from waardhaven.adapters.outbound.postgres.chunks import refresh_chunks
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.errors import ConstraintBroken
from waardhaven.adapters.outbound.postgres.facts import PostgresMarketFacts
from waardhaven.adapters.outbound.postgres.prices import PostgresPriceStore
from waardhaven.application.ports.market_facts import Listing, SeriesKey
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.types import Ids

SYMBOLS = 500
AXIS = np.arange("2019-12-02", "2020-01-11", dtype="datetime64[D]")
WRITTEN = ("price", "price_revision", "price_chunk", "vintage", "outbox", "audit_entry", "series")
CHUNKS = "SELECT series_id, year, n, days, closes FROM price_chunk ORDER BY 1, 2"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url)
    yield made
    await made.close()


async def some_series(database: Database, count: int) -> Ids:
    facts = PostgresMarketFacts(database)
    listings = [
        Listing(symbol=f"S{n}", mic="XNYS", name=f"S{n}", asset_type="equity", currency="USD")
        for n in range(count)
    ]
    plain = {"source": "sample", "adjustment": Adjustment.RAW, "currency": "USD", "quote_unit": "USD"}
    assets = await facts.register_assets(listings)
    made = await facts.register_series([SeriesKey(asset=one, **plain) for one in assets.values()])
    return np.array(sorted(made.values()), dtype=np.int64)


def universe(series: Ids, axis: np.ndarray = AXIS, factor: float = 1.0) -> PriceColumns:
    count = len(series) * len(axis)
    close = np.round(100 + np.arange(count) % 977 / 7, 4) * factor
    unknown = np.full(count, np.nan)
    return PriceColumns(
        series=np.repeat(series, len(axis)),
        day=np.tile(axis, len(series)),
        open=close,
        high=close * 1.5,
        low=unknown,
        close=close,
        volume=np.full(count, 7.0),
    )


async def written_rows(database: Database) -> dict[str, list[tuple[str, str]]]:
    """Return which transaction wrote each row and where it lies: any write at all shows."""
    async with database.acquire() as connection:
        return {
            table: [
                tuple(row)
                for row in await connection.fetch(f"SELECT xmin::text, ctid::text FROM {table} ORDER BY ctid")
            ]
            for table in WRITTEN
        }


async def chunks_of(database: Database) -> list[tuple[object, ...]]:
    async with database.acquire() as connection:
        return [tuple(row) for row in await connection.fetch(CHUNKS)]


async def test_refresh_of_an_unchanged_universe_writes_not_one_row(database: Database):
    series = await some_series(database, SYMBOLS)
    prices = PostgresPriceStore(database)
    assert (await prices.write(universe(series))).inserted == SYMBOLS * len(AXIS)
    before = await written_rows(database)
    for part in (universe(series), universe(series, AXIS[-5:]), universe(series[:7], AXIS[:1])):
        offered = universe(series)
        if len(part) < len(offered):
            keep = np.isin(offered.series, part.series) & np.isin(offered.day, part.day)
            offered = PriceColumns(**{name: getattr(offered, name)[keep] for name in PriceColumns.__slots__})
        report = await prices.write(offered)
        assert (report.inserted, report.changed, report.vintage) == (0, 0, None)
        assert report.unchanged == len(offered)
    assert await written_rows(database) == before


async def test_chunks_patched_from_arrays_equal_those_rebuilt_from_rows(database: Database):
    series = await some_series(database, 3)
    prices = PostgresPriceStore(database)
    steps = (
        universe(series[:2], AXIS[5:20]),
        universe(series, AXIS[18:35], 2.0),
        universe(series[1:], AXIS[:8], 3.0),
        universe(series[:1], AXIS, 4.0),
    )
    for offered in steps:
        await prices.write(offered)
        patched = await chunks_of(database)
        async with database.transaction() as connection:
            pairs = [{"series_id": row[0], "year": row[1]} for row in patched]
            newest = await connection.fetchval("SELECT max(id) FROM vintage")
            await refresh_chunks(connection, pairs, newest)
        assert await chunks_of(database) == patched
    assert {(row[0], row[1]) for row in patched} == {(one, year) for one in series for year in (2019, 2020)}


async def test_chunks_of_years_that_no_bar_is_written_in_stay_as_they_are(database: Database):
    series = await some_series(database, 2)
    prices = PostgresPriceStore(database)
    await prices.write(universe(series))
    places = (await written_rows(database))["price_chunk"]
    await prices.write(universe(series[:1], np.array([date(2020, 2, 3)], dtype="datetime64[D]")))
    after = (await written_rows(database))["price_chunk"]
    assert len(set(after) - set(places)) == 1
    assert len(set(places) & set(after)) == 3


@pytest.mark.parametrize(
    "damage",
    ["DELETE FROM price WHERE day = '2020-01-03'", "DELETE FROM price_chunk WHERE year = 2020"],
    ids=["bar_lost", "chunk_lost"],
)
async def test_write_is_refused_when_table_and_chunks_disagree(database: Database, damage: str):
    series = await some_series(database, 1)
    prices = PostgresPriceStore(database)
    await prices.write(universe(series))
    async with database.acquire() as connection:
        await connection.execute(damage)
    before = await written_rows(database)
    with pytest.raises(ConstraintBroken):
        await prices.write(universe(series, factor=2.0))
    assert await written_rows(database) == before
