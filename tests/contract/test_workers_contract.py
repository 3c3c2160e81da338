"""Workers: what every implementation must do."""

from tests.contract.jobs import MINUTE, JobHouse

from waardhaven.application.ports.jobs import Workers
from waardhaven.domain.jobs.job import Queue

BOTH = (Queue.INTERACTIVE, Queue.BULK)


async def test_nobody_works_at_first(jobs: JobHouse):
    workers: Workers = jobs.workers
    assert await workers.alive(within=MINUTE) == []


async def test_worker_is_as_it_last_told_since_it_first_did(jobs: JobHouse):
    await jobs.workers.beat("one", queues=BOTH, concurrency=8, running=0)
    (first,) = await jobs.workers.alive(within=MINUTE)
    assert first.started_at == first.beat_at
    await jobs.passes(MINUTE / 2)
    await jobs.workers.beat("one", queues=(Queue.BULK,), concurrency=4, running=3)
    (later,) = await jobs.workers.alive(within=MINUTE)
    assert (later.id, later.queues, later.concurrency, later.running) == ("one", (Queue.BULK,), 4, 3)
    assert later.beat_at - later.started_at >= MINUTE / 2
    assert later.ended_at is None


async def test_worker_that_is_silent_or_stopped_is_not_alive_and_others_come_oldest_first(jobs: JobHouse):
    for name in ("silent", "two", "one", "stopped"):
        await jobs.workers.beat(name, queues=BOTH, concurrency=8, running=0)
        await jobs.passes(MINUTE / 4)
    await jobs.passes(MINUTE)
    for name in ("one", "two", "stopped"):
        await jobs.workers.beat(name, queues=BOTH, concurrency=8, running=0)
    await jobs.workers.beat("stopped", queues=BOTH, concurrency=8, running=0, ended=True)
    assert [one.id for one in await jobs.workers.alive(within=MINUTE)] == ["two", "one"]
    assert [one.id for one in await jobs.workers.alive(within=5 * MINUTE)] == ["silent", "two", "one"]
