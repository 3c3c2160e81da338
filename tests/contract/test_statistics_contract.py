"""DatabaseReport and SharedCacheReport: what every implementation must do."""

from collections.abc import AsyncIterator

import pytest
from tests.contract.conftest import Stores
from tests.fakes.statistics import FakeDatabaseReport, FakeSharedCacheReport

from waardhaven.adapters.outbound.postgres.engine import Database, PoolSettings
from waardhaven.adapters.outbound.postgres.statistics import PostgresReport
from waardhaven.adapters.outbound.valkey.cache import ValkeyCache
from waardhaven.adapters.outbound.valkey.di import ValkeySettings, connect
from waardhaven.adapters.outbound.valkey.statistics import ValkeyReport
from waardhaven.application.ports.statistics import DatabaseReport, SharedCacheReport
from waardhaven.domain.errors import Unavailable

NAMES = {
    "users",
    "assets",
    "prices",
    "fx_rates",
    "sessions",
    "indices",
    "index_values",
    "allocations",
    "builds",
    "publications",
    "jobs",
    "events",
    "audit_entries",
}


@pytest.fixture
async def report(backing_url: str | None) -> AsyncIterator[DatabaseReport]:
    if backing_url is None:
        yield FakeDatabaseReport()
        return
    database = Database(backing_url)
    yield PostgresReport(database)
    await database.close()


async def test_every_table_is_counted_and_an_empty_one_has_no_days(report: DatabaseReport):
    found = await report.read()
    assert {one.name for one in found.tables} == NAMES
    assert all((one.earliest, one.latest) == (None, None) for one in found.tables if not one.rows)
    assert found.latency_ms > 0
    assert found.size_bytes > 0
    assert found.connections >= 1
    assert 1 <= found.pool.in_use <= found.pool.limit


async def test_counts_are_those_of_the_tables(stores: Stores, database_url: str):
    del stores
    database = Database(database_url, PoolSettings(size=3, overflow=4))
    before = {one.name: one.rows for one in (await PostgresReport(database).read()).tables}
    async with database.acquire() as connection:
        await connection.execute("INSERT INTO outbox (kind, payload) VALUES ('market.changed', '{}')")
        pool = (await PostgresReport(database).read()).pool
    after = {one.name: one for one in (await PostgresReport(database).read()).tables}
    await database.close()
    assert after["events"].rows == before["events"] + 1
    assert after["events"].earliest is not None
    assert (pool.size, pool.limit, pool.in_use) == (3, 7, 2)


async def test_database_out_of_reach_is_unavailable(backing_url: str | None):
    lost = FakeDatabaseReport(failing=True)
    database = None
    if backing_url is not None:
        database = Database("postgresql://nobody@127.0.0.1:1/none")
        lost = PostgresReport(database)  # type: ignore[assignment]
    with pytest.raises(Unavailable):
        await lost.read()
    if database is not None:
        await database.close()


@pytest.fixture(params=["fake", "valkey"])
async def shared(
    request: pytest.FixtureRequest,
) -> AsyncIterator[tuple[SharedCacheReport, SharedCacheReport]]:
    """A cache that was asked three times, once in vain, and one that is away."""
    if request.param == "fake":
        yield FakeSharedCacheReport(hits=1, misses=2), FakeSharedCacheReport(reachable=False)
        return
    client = connect(ValkeySettings(url=request.getfixturevalue("valkey_url"), timeout_seconds=5.0))
    lost = connect(ValkeySettings(url="unix:///nonexistent/valkey.sock"))
    cache = ValkeyCache(client, timeout_seconds=5.0)
    await cache.get("a")
    await cache.put("a", b"x", ttl_seconds=60)
    await cache.get("a")
    await cache.get("b")
    yield ValkeyReport(client, cache), ValkeyReport(lost, ValkeyCache(lost))
    await client.aclose()
    await lost.aclose()


async def test_hits_and_misses_of_the_shared_cache_are_told(
    shared: tuple[SharedCacheReport, SharedCacheReport],
):
    found = await shared[0].read()
    assert found.reachable
    assert (found.hits, found.misses, found.failures) == (1, 2, 0)
    assert found.latency_ms is not None
    assert found.memory_bytes


async def test_cache_that_is_away_is_told_and_no_error(shared: tuple[SharedCacheReport, SharedCacheReport]):
    found = await shared[1].read()
    assert not found.reachable
    assert (found.latency_ms, found.memory_bytes, found.clients, found.keys) == (None, None, None, None)
