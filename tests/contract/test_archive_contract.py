"""Archive: what every implementation must do. Old rows are made old by asking for a period of nothing."""

import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

import polars as pl
import pytest
from tests.contract.conftest import PSEUDONYMS
from tests.fakes.archive import FakeArchive

from waardhaven.adapters.outbound.postgres.archive import PostgresArchive
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.event_log import PostgresEventLog
from waardhaven.adapters.outbound.postgres.unit_of_work import PostgresUnitOfWork
from waardhaven.application.ports.archive import Archive, Archived
from waardhaven.application.ports.jobs import JobDraft
from waardhaven.domain.identifiers import ordered_id
from waardhaven.domain.identity.roles import Credential
from waardhaven.domain.jobs.job import Queue

NOTHING = timedelta(0)


class Yard(Protocol):
    """An archive, and a way to make ended jobs."""

    archive: Archive

    async def end_job(self, number: int) -> str: ...

    async def left(self, kind: Archived) -> int: ...


class FakeYard:
    def __init__(self) -> None:
        self._archive = FakeArchive()
        self.archive: Archive = self._archive

    async def end_job(self, number: int) -> str:
        key, at = f"{number:04}", self._archive.clock.now() - timedelta(days=1, seconds=-number)
        self._archive.rows[Archived.JOBS][key] = (at, number)
        for state in range(2):
            self._archive.rows[Archived.EVENTS][f"{number * 2 + state}"] = (at, number)
        return key

    async def left(self, kind: Archived) -> int:
        return len(self._archive.rows[kind])


class PostgresYard:
    def __init__(self, database: Database) -> None:
        self.archive: Archive = PostgresArchive(database)
        self._database = database
        self._uow = PostgresUnitOfWork(database, PSEUDONYMS)

    async def end_job(self, number: int) -> str:
        made = ordered_id(datetime(2024, 6, 3, tzinfo=UTC) + timedelta(seconds=number), number.to_bytes(10))
        async with self._uow() as tx:
            await tx.jobs.add(
                JobDraft(
                    id=made,
                    type="report",
                    params={"n": number},
                    queue=Queue.BULK,
                    max_attempts=3,
                    owner=None,
                    credential=Credential.SYSTEM,
                )
            )
            await tx.jobs.cancel(made)
            await tx.commit()
        await PostgresEventLog(self._database).head()
        return str(made)

    async def left(self, kind: Archived) -> int:
        table = {Archived.JOBS: "job", Archived.EVENTS: "outbox"}[kind]
        async with self._database.acquire() as connection:
            return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


@pytest.fixture
async def yard(backing_url: str | None) -> AsyncIterator[Yard]:
    if backing_url is None:
        yield FakeYard()
        return
    database = Database(backing_url)
    yield PostgresYard(database)
    await database.close()


@pytest.mark.parametrize("kind", Archived)
async def test_nothing_old_is_no_batch(yard: Yard, kind: Archived):
    assert await yard.archive.batch(kind, older_than=NOTHING, limit=10) is None
    await yard.end_job(1)
    assert await yard.archive.batch(kind, older_than=timedelta(days=30), limit=10) is None


async def test_batches_come_oldest_first_and_the_same_rows_have_the_same_name(yard: Yard):
    keys = [await yard.end_job(number) for number in range(3)]
    first = await yard.archive.batch(Archived.JOBS, older_than=NOTHING, limit=2)
    again = await yard.archive.batch(Archived.JOBS, older_than=NOTHING, limit=2)
    assert first == again
    assert first is not None
    assert first.keys == tuple(keys[:2])
    assert first.name.endswith(".parquet")


async def test_exactly_what_was_read_is_removed_and_only_once(yard: Yard):
    for number in range(3):
        await yard.end_job(number)
    batch = await yard.archive.batch(Archived.JOBS, older_than=NOTHING, limit=2)
    assert batch is not None
    await yard.end_job(3)
    assert await yard.archive.remove(batch) == 2
    assert await yard.archive.remove(batch) == 0
    assert await yard.left(Archived.JOBS) == 2


async def test_events_are_archived_as_jobs_are(yard: Yard):
    await yard.end_job(1)
    batch = await yard.archive.batch(Archived.EVENTS, older_than=NOTHING, limit=100)
    assert batch is not None
    assert await yard.archive.remove(batch) == len(batch.keys) == 2
    assert await yard.left(Archived.EVENTS) == 0


async def test_archived_job_is_in_the_file_as_it_was(database_url: str):
    database = Database(database_url)
    yard = PostgresYard(database)
    key = await yard.end_job(7)
    batch = await yard.archive.batch(Archived.JOBS, older_than=NOTHING, limit=10)
    await database.close()
    assert batch is not None
    [row] = pl.read_parquet(io.BytesIO(batch.content)).to_dicts()
    assert (row["id"], row["type"], row["state"]) == (key, "report", "cancelled")
    assert json.loads(row["params"]) == {"n": 7}
    assert row["finished_at"].tzinfo is not None
