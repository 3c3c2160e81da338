"""The worker process over real servers: jobs run, are cancelled and come back, and no outage ends it."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

from redis.asyncio import Redis
from tests.integration.worker_tools import plant, until

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.domain.events import IndexAccessChanged
from waardhaven.domain.jobs.job import JobState, Queue
from waardhaven.domain.types import JobId


async def effects(database: Database, job: JobId) -> int:
    """Return how often the effect of a stepping job happened."""
    async with database.acquire() as connection:
        return await connection.fetchval(
            "SELECT count(*) FROM outbox WHERE kind = $1 AND (payload ->> 'index')::int = $2",
            IndexAccessChanged.kind,
            job.int % 1_000_003,
        )


async def test_jobs_of_both_queues_run_to_their_end(database_url: str, valkey_url: str, tmp_path: Path):
    async with plant(database_url, valkey_url, data_dir=tmp_path) as one:
        await one.start()
        jobs = [await one.submit("stepping", steps=2), await one.submit("bulky"), await one.submit()]
        ended = [await one.until(delivery.job, JobState.SUCCEEDED) for delivery in jobs]
        assert ended[0].result == {"steps": 2}
        assert {job.attempts for job in ended} == {1}
        assert await effects(await one.container.get(Database), jobs[0].job) == 1
        async with asyncio.timeout(5):
            while sum((await one.queue.depth()).values()):
                await asyncio.sleep(0.01)
        (alive,) = await one.workers.alive(within=timedelta(seconds=15))
        assert alive.queues == tuple(Queue)


async def test_worker_serves_only_its_queues(database_url: str, valkey_url: str, tmp_path: Path):
    async with plant(database_url, valkey_url, data_dir=tmp_path) as one:
        await one.start((Queue.INTERACTIVE,))
        bulky, quick = await one.submit("bulky"), await one.submit()
        await one.until(quick.job, JobState.SUCCEEDED)
        assert (await one.ledger.get(bulky.job)).state is JobState.QUEUED


async def test_running_job_ends_soon_after_somebody_cancels_it(
    database_url: str, valkey_url: str, tmp_path: Path
):
    async with plant(database_url, valkey_url, data_dir=tmp_path, job_lease_seconds=60) as one:
        await one.start()
        slow = await one.submit("stepping", steps=10_000)
        await one.until(slow.job, JobState.RUNNING)
        async with one.uow() as tx:
            await tx.jobs.cancel(slow.job)
            await tx.commit()
        asked = time.monotonic()
        await one.queue.nudge(slow.job)
        await one.until(slow.job, JobState.CANCELLED)
        assert time.monotonic() - asked < 5
        assert await effects(await one.container.get(Database), slow.job) == 0


async def test_job_waits_for_more_room_than_there_is(database_url: str, valkey_url: str, tmp_path: Path):
    async with plant(database_url, valkey_url, data_dir=tmp_path, worker_concurrency=2) as one:
        jobs = [await one.submit("stepping", steps=1, milliseconds=20) for _ in range(15)]
        process = await one.start()
        most = 0
        for delivery in jobs:
            async with asyncio.timeout(20):
                while (await one.ledger.get(delivery.job)).state is not JobState.SUCCEEDED:
                    most = max(most, process.running)
                    await asyncio.sleep(0.002)
        assert 0 < most <= 2


async def test_stopping_worker_lets_short_jobs_end_and_puts_long_ones_back(
    database_url: str, valkey_url: str, tmp_path: Path
):
    async with plant(database_url, valkey_url, data_dir=tmp_path, worker_drain_seconds=0.6) as one:
        await one.start(chores=())
        short = await one.submit("stepping", steps=10, milliseconds=20)
        long = await one.submit("stepping", steps=10_000)
        for delivery in (short, long):
            await one.until(delivery.job, JobState.RUNNING)
        began = time.monotonic()
        await one.stop()
        assert time.monotonic() - began < 5
        assert (await one.ledger.get(short.job)).state is JobState.SUCCEEDED
        put_back = await one.ledger.get(long.job)
        assert (put_back.state, put_back.attempts, put_back.delivery) == (JobState.QUEUED, 0, 2)
        assert (await one.queue.depth())[Queue.INTERACTIVE] == 1
        assert await one.workers.alive(within=timedelta(seconds=15)) == []


async def test_stopping_worker_takes_nothing_more(database_url: str, valkey_url: str, tmp_path: Path):
    async with plant(database_url, valkey_url, data_dir=tmp_path) as one:
        await one.start(chores=())
        await one.stop()
        late = await one.submit()
        assert (await one.queue.depth())[late.queue] == 1


async def test_jobs_survive_a_valkey_that_is_emptied(database_url: str, valkey_url: str, tmp_path: Path):
    async with plant(database_url, valkey_url, data_dir=tmp_path) as one:
        jobs = [await one.submit("stepping", steps=5) for _ in range(20)]
        async with Redis.from_url(valkey_url) as client:
            await client.flushall()
        await one.start()
        for delivery in jobs:
            ended = await one.until(delivery.job, JobState.SUCCEEDED)
            assert ended.attempts == 1
            assert await effects(await one.container.get(Database), delivery.job) == 1


async def test_job_whose_message_was_never_sent_runs_all_the_same(
    database_url: str, valkey_url: str, tmp_path: Path
):
    async with plant(database_url, valkey_url, data_dir=tmp_path) as one:
        await one.start()
        silent = await one.submit(deliver=False)
        await one.until(silent.job, JobState.SUCCEEDED)


async def test_job_of_a_worker_that_is_gone_runs_again_with_one_effect(
    database_url: str, valkey_url: str, tmp_path: Path
):
    async with plant(database_url, valkey_url, data_dir=tmp_path) as one:
        orphan = await one.submit("stepping", steps=3, deliver=False)
        assert await one.ledger.claim(orphan, worker="gone", lease=timedelta(seconds=1))
        await one.start()
        ended = await one.until(orphan.job, JobState.SUCCEEDED)
        assert ended.attempts == 2
        assert await effects(await one.container.get(Database), orphan.job) == 1


async def test_worker_survives_losing_every_connection_to_both_servers(
    database_url: str, valkey_url: str, tmp_path: Path
):
    async with plant(database_url, valkey_url, data_dir=tmp_path) as one:
        process = await one.start()
        slow = await one.submit("stepping", steps=60, milliseconds=20)
        await one.until(slow.job, JobState.RUNNING)
        async with Redis.from_url(valkey_url) as client:
            await client.client_kill_filter(_type="pubsub")
            await client.client_kill_filter(_type="normal", skipme=True)
        database = await one.container.get(Database)
        async with database.acquire() as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
            )
        await until(process.listener.subscribed.is_set)
        after = await one.submit(deliver=False)
        await one.until(slow.job, JobState.SUCCEEDED)
        await one.until(after.job, JobState.SUCCEEDED)
        assert await effects(database, slow.job) == 1
