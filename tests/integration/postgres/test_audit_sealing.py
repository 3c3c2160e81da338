"""The sealer under what only a real database does: late commits, death in the middle, tampering."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from waardhaven.adapters.outbound.postgres import audit_trail
from waardhaven.adapters.outbound.postgres.audit_trail import SEALER, PostgresAuditTrail
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.domain.identity.audit import ChainBreak, ChainFault, ChainReader

ENTRY = "INSERT INTO audit_entry (action, target) SELECT 'thing.done', n::text FROM generate_series(1, $1) n"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url)
    yield made
    await made.close()


async def record(database: Database, count: int) -> None:
    async with database.acquire() as connection:
        await connection.execute(ENTRY, count)


async def chain_break(trail: PostgresAuditTrail) -> ChainBreak | None:
    reader = ChainReader()
    async for batch in trail.walk():
        if broken := reader.read(batch):
            return broken
    return reader.end()


async def sealed_ids(trail: PostgresAuditTrail) -> list[int]:
    return [one.entry_id async for batch in trail.walk() for one in batch]


async def seal_all(trail: PostgresAuditTrail) -> None:
    while found := await trail.seal(limit=1_000):
        if not found.sealed:
            return


async def test_entry_of_a_transaction_still_open_is_sealed_after_its_commit(database: Database):
    trail = PostgresAuditTrail(database)
    async with database.transaction() as late:
        await late.execute(ENTRY, 1)
        await record(database, 2)
        await seal_all(trail)
        assert await sealed_ids(trail) == [2, 3]
    await seal_all(trail)
    assert await sealed_ids(trail) == [2, 3, 1]
    assert await chain_break(trail) is None


async def test_entry_that_is_later_than_the_window_is_found_when_its_part_has_its_turn(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(audit_trail, "WINDOW", 3)
    monkeypatch.setattr(audit_trail, "SLICE", 10)
    trail = PostgresAuditTrail(database)
    async with database.transaction() as late:
        await late.execute(ENTRY, 1)
        await record(database, 25)
        await seal_all(trail)
    async with asyncio.timeout(20):
        while 1 not in await sealed_ids(trail):
            await trail.seal(limit=10)
            await asyncio.sleep(0.05)
    assert await chain_break(trail) is None


async def test_rolled_back_entry_leaves_a_gap_in_ids_and_none_in_the_chain(database: Database):
    async def fail() -> None:
        async with database.transaction() as connection:
            await connection.execute(ENTRY, 2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await record(database, 2)
    trail = PostgresAuditTrail(database)
    await seal_all(trail)
    assert await sealed_ids(trail) == [3, 4]
    assert (await trail.head()).position == 2


async def test_sealer_that_holds_the_lock_is_the_only_one_and_its_death_frees_it(
    database: Database, database_url: str
):
    trail = PostgresAuditTrail(database)
    await record(database, 3)
    other = await asyncpg.connect(database_url)
    await other.execute("BEGIN")
    await other.execute("SELECT pg_advisory_xact_lock($1)", SEALER)
    await other.execute("INSERT INTO audit_link (position, entry_id, digest) VALUES (1, 1, $1)", bytes(32))
    assert await trail.seal(limit=10) is None
    other.terminate()
    async with asyncio.timeout(20):
        while (found := await trail.seal(limit=10)) is None:
            await asyncio.sleep(0.01)
    assert found.sealed == 3
    assert await chain_break(trail) is None


async def test_seal_that_is_cut_off_leaves_no_trace(database: Database, monkeypatch: pytest.MonkeyPatch):
    trail = PostgresAuditTrail(database)
    await record(database, 5)
    monkeypatch.setattr(audit_trail, "_ADD", f"{audit_trail._ADD} RETURNING pg_sleep(60)")
    task = asyncio.create_task(trail.seal(limit=10))
    async with asyncio.timeout(20), database.acquire() as connection:
        while not await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        ):
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    monkeypatch.undo()
    assert await sealed_ids(trail) == []
    await seal_all(trail)
    assert await sealed_ids(trail) == [1, 2, 3, 4, 5]


TAMPERING = {
    "UPDATE audit_entry SET target = 'other' WHERE id = 3": (3, ChainFault.ENTRY_CHANGED),
    "UPDATE audit_entry SET at = at + interval '1 microsecond' WHERE id = 3": (3, ChainFault.ENTRY_CHANGED),
    "UPDATE audit_entry SET detail = '{\"a\": 1}' WHERE id = 3": (3, ChainFault.ENTRY_CHANGED),
    "UPDATE audit_entry SET occurrences = 2 WHERE id = 5": (5, ChainFault.ENTRY_OR_LINK_CHANGED),
    "UPDATE audit_link SET digest = sha256('x') WHERE position = 2": (2, ChainFault.LINK_CHANGED),
    "DELETE FROM audit_entry WHERE id = 4": (4, ChainFault.ENTRY_MISSING),
    "DELETE FROM audit_link WHERE position = 4": (4, ChainFault.LINK_MISSING),
    "UPDATE audit_link SET position = -1 WHERE position = 5": (-1, ChainFault.OUT_OF_ORDER),
}


@pytest.mark.parametrize(("statement", "expected"), TAMPERING.items(), ids=TAMPERING)
async def test_whoever_switches_the_rules_off_is_found_out(
    database: Database, statement: str, expected: tuple[int, ChainFault]
):
    trail = PostgresAuditTrail(database)
    await record(database, 5)
    await seal_all(trail)
    assert await chain_break(trail) is None
    async with database.transaction() as connection:
        for table in ("audit_entry", "audit_link"):
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        await connection.execute("ALTER TABLE audit_link DROP CONSTRAINT fk_audit_link_entry_id")
        await connection.execute("ALTER TABLE audit_link DROP CONSTRAINT ck_audit_link_position_is_positive")
        await connection.execute(statement)
    found = await chain_break(trail)
    assert found is not None
    assert (found.position, found.fault) == expected
