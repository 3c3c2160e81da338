"""Two workers over one database: who gets a job, whose word counts, and what a lost database leaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
import pytest
from tests.contract.jobs import AGAIN, DONE, FAILURE, MINUTE, JobHouse, a_draft, a_house, message

from waardhaven.adapters.outbound.postgres.engine import Database, PoolSettings
from waardhaven.adapters.outbound.postgres.errors import (
    ConstraintBroken,
    DatabaseUnavailable,
    UnstorableValue,
)
from waardhaven.adapters.outbound.postgres.event_log import PostgresEventLog
from waardhaven.adapters.outbound.postgres.job_ledger import PostgresJobLedger
from waardhaven.application.ports.jobs import LeaseLost, Settlement
from waardhaven.domain.jobs.job import Artifact, Job, JobState


@dataclass(frozen=True, slots=True)
class Pair:
    """Two houses over one database, each with a pool and a ledger of its own."""

    one: JobHouse
    two: JobHouse


@pytest.fixture
async def pair(database_url: str) -> AsyncIterator[Pair]:
    async with a_house(database_url) as one, a_house(database_url) as two:
        yield Pair(one, two)


async def queued(house: JobHouse, count: int, **changes: object) -> list[Job]:
    """Queue many jobs in one transaction."""
    async with house.uow() as tx:
        made = [await tx.jobs.add(a_draft(**changes)) for _ in range(count)]
        await tx.commit()
    return made


async def test_of_two_workers_exactly_one_gets_each_job_whatever_the_order(pair: Pair):
    made = await queued(pair.one, 40)
    asked = [
        house.ledger.claim(message(job), worker=name, lease=MINUTE)
        for house, name, order in ((pair.one, "one", made), (pair.two, "two", made[::-1]))
        for job in (*order, *order[::3])
    ]
    async with asyncio.timeout(50):
        found = [one for one in await asyncio.gather(*asked) if one is not None]
    assert sorted(job.id for job, _ in found) == sorted(one.id for one in made)
    for job, lease in found:
        assert (job.attempts, lease.token) == (1, 1)
        assert (await pair.one.ledger.get(job.id)).worker == job.worker


async def test_worker_that_comes_back_late_has_no_say(pair: Pair):
    (job,) = await queued(pair.one, 1)
    _, old = await pair.one.claimed(job)
    await pair.two.passes(2 * MINUTE)
    (taken,) = await pair.two.ledger.reclaim(limit=9)
    _, new = await pair.two.claimed(taken)

    async def late() -> None:
        async with pair.one.uow() as tx:
            await tx.jobs.settle(old, DONE)
            await tx.commit()

    for asked in (
        pair.one.ledger.settle(old, DONE),
        pair.one.ledger.beat(old, length=MINUTE, progress=None),
        late(),
    ):
        with pytest.raises(LeaseLost):
            await asked
    assert (await pair.two.ledger.settle(new, DONE)).attempts == 2
    assert [state for state, _, _ in await pair.one.told(job.id)] == [
        "queued",
        "running",
        "queued",
        "running",
        "succeeded",
    ]


async def test_jobs_end_once_when_workers_settle_and_reclaim_at_the_same_time(pair: Pair):
    made = await queued(pair.one, 30, max_attempts=1)
    leases = [(await pair.one.claimed(job))[1] for job in made]
    await pair.one.passes(2 * MINUTE)
    ends = [pair.one.ledger.settle(lease, DONE) for lease in leases]
    takes = [pair.two.ledger.reclaim(limit=7) for _ in range(6)]
    async with asyncio.timeout(50):
        found = await asyncio.gather(*ends, *takes, return_exceptions=True)
    assert {type(one) for one in found[:30]} <= {Job, LeaseLost}
    done = {one.id for one in found[:30] if isinstance(one, Job)}
    dead = {job.id for some in found[30:] for job in some}
    assert not done & dead
    assert done | dead == {one.id for one in made}
    for job in made:
        assert len(await pair.two.told(job.id)) == 3


async def test_cancel_and_end_of_an_attempt_come_one_after_the_other(pair: Pair):
    made = await queued(pair.one, 20)
    begun = [await pair.one.claimed(job) for job in made]

    async def cancel(job: Job) -> object:
        return await pair.two.cancel(job.id)

    asked = [work for job, lease in begun for work in (pair.one.ledger.settle(lease, AGAIN), cancel(job))]
    async with asyncio.timeout(50):
        await asyncio.gather(*asked)
    states = [(await pair.one.ledger.get(job.id)).state for job in made]
    assert states == [JobState.CANCELLED] * 20


async def test_two_transactions_with_one_key_make_one_job_and_the_second_waits(pair: Pair):
    first = a_draft(idempotency_key="one")
    async with pair.one.uow() as tx:
        job = await tx.jobs.add(first)
        other = asyncio.create_task(pair.two.queued(idempotency_key="one"))
        await _until_waiting(pair.one)
        await tx.commit()
    assert (await other).id == job.id
    async with pair.one.uow() as tx:
        gone = await tx.jobs.add(a_draft(idempotency_key="two"))
        other = asyncio.create_task(pair.two.queued(idempotency_key="two"))
        await _until_waiting(pair.one)
    assert (await other).id != gone.id


async def _until_waiting(house: JobHouse) -> None:
    """Return when some statement waits for the transaction of another."""
    assert house.database is not None
    locked = "wait_event_type = 'Lock' AND datname = current_database()"
    query = f"SELECT count(*) FROM pg_stat_activity WHERE {locked}"
    async with asyncio.timeout(20), house.database.acquire() as connection:
        while not await connection.fetchval(query):
            await asyncio.sleep(0.005)


async def test_recurring_job_taken_by_one_is_skipped_by_others_until_it_is_done(pair: Pair):
    async with pair.one.uow() as tx:
        await tx.schedules.ensure({"refresh": "every 15m", "cleanup": "daily 03:00"})
        await tx.commit()
    async with pair.one.uow() as tx:
        assert [one.name for one in await tx.schedules.take_due()] == ["cleanup", "refresh"]
        assert await _due(pair.two) == []
        await tx.schedules.planned("refresh", next_at=await tx.schedules.now() + MINUTE, job=None)
        await tx.commit()
    assert await _due(pair.two) == ["cleanup"]


async def _due(house: JobHouse) -> list[str]:
    async with house.uow() as tx:
        return [one.name for one in await tx.schedules.take_due()]


# --- batches and failures


async def test_end_that_can_not_be_stored_costs_no_other_its_answer(pair: Pair):
    begun = [await pair.one.claimed(job) for job in await queued(pair.one, 5)]
    bad = Settlement(state=JobState.SUCCEEDED, result={"text": "a\x00b"})
    ends = [
        pair.one.ledger.settle(lease, bad if place == 2 else DONE) for place, (_, lease) in enumerate(begun)
    ]
    found = await asyncio.gather(*ends, return_exceptions=True)
    assert [type(one) for one in found] == [Job, Job, UnstorableValue, Job, Job]
    assert (await pair.two.ledger.get(begun[2][0].id)).state is JobState.RUNNING


async def test_files_go_to_their_jobs_when_many_end_at_once(pair: Pair):
    begun = [await pair.one.claimed(job) for job in await queued(pair.one, 12)]

    def files(place: int) -> tuple[Artifact, ...]:
        return tuple(
            Artifact(name=f"{n}.csv", media_type="text/csv", size=place, digest="00" * 32, key=f"{place}/{n}")
            for n in range(place % 4)
        )

    await asyncio.gather(
        *(
            pair.one.ledger.settle(lease, Settlement(state=JobState.SUCCEEDED, artifacts=files(place)))
            for place, (_, lease) in enumerate(begun)
        )
    )
    for place, (job, _) in enumerate(begun):
        assert (await pair.two.ledger.get(job.id)).artifacts == files(place)


async def test_claims_of_a_database_out_of_reach_all_fail_and_later_ones_work(database_url: str):
    async with a_house(database_url) as house:
        made = await queued(house, 3)
    nowhere = Database("postgresql://@/x?host=/nonexistent", PoolSettings(connect_timeout=2.0))
    ledger = PostgresJobLedger(nowhere)
    asked = [ledger.claim(message(job), worker="w", lease=MINUTE) for job in made]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in found] == [DatabaseUnavailable] * 3
    await ledger.close()
    await nowhere.close()


async def test_connections_cut_between_batches_cost_nothing(pair: Pair):
    made = await queued(pair.one, 2)
    assert pair.two.database is not None
    await pair.one.claimed(made[0])
    async with pair.two.database.acquire() as connection:
        await _cut(connection, "state <> 'active'")
    _, lease = await pair.one.claimed(made[1])
    failed = Settlement(state=JobState.FAILED, failure=FAILURE)
    assert (await pair.one.ledger.settle(lease, failed)).failure == FAILURE


async def _cut(connection: asyncpg.Connection, condition: str) -> int:
    """End the other connections of this database; return how many there were."""
    rows = await connection.fetch(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
        f" AND usename = current_user AND pid <> pg_backend_pid() AND {condition}"
    )
    return len(rows)


async def test_notices_go_on_when_their_connection_is_lost_and_news_is_heard_again(pair: Pair):
    assert pair.one.database is not None
    log = PostgresEventLog(pair.one.database, retry=0.05)
    try:
        async with asyncio.timeout(30), aclosing(log.notices()) as notices:  # type: ignore[type-var]
            await anext(notices)  # the first one comes before anything is known
            await _until_listening(pair.two, notices)
            assert pair.two.database is not None
            async with pair.two.database.acquire() as connection:
                assert await _cut(connection, "query LIKE 'LISTEN%' OR query = 'SELECT 1'") >= 1
            for _ in range(2):
                await anext(notices)
            await _until_listening(pair.two, notices)
            job = await pair.two.queued()
            while not await log.since(0, limit=1, job=str(job.id)):
                await anext(notices)
                await log.head()
    finally:
        await log.stop()


async def _until_listening(house: JobHouse, notices: object) -> None:
    """Return when a notice came sooner than the heartbeat would bring one."""
    assert house.database is not None
    clock = asyncio.get_running_loop().time
    while True:
        began = clock()
        async with house.database.acquire() as connection:
            await connection.execute("SELECT pg_notify('waardhaven_outbox', '')")
        await anext(notices)  # type: ignore[call-overload]
        if clock() - began < 0.5:
            return


async def test_notices_come_every_second_while_the_database_is_away():
    nowhere = Database("postgresql://@/x?host=/nonexistent", PoolSettings(connect_timeout=2.0))
    log = PostgresEventLog(nowhere)
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(20), aclosing(log.notices()) as notices:  # type: ignore[type-var]
        for _ in range(3):
            await anext(notices)
    assert asyncio.get_running_loop().time() - began < 4
    await log.stop()
    await nowhere.close()


async def test_unknown_owner_or_parent_is_refused_as_invalid(pair: Pair):
    for unknown in ("owner", "parent"):
        with pytest.raises(ConstraintBroken, match="rule fk_job_"):
            await pair.one.queued(**{unknown: uuid4()})


async def test_archived_job_can_be_queued_again(pair: Pair):
    job = await pair.one.ended(Settlement(state=JobState.FAILED, failure=FAILURE))
    assert pair.one.database is not None
    async with pair.one.database.acquire() as connection:
        await connection.execute("UPDATE job SET archived_at = now() WHERE id = $1", job.id)
    assert (await pair.one.requeue(job.id)).state is JobState.QUEUED
