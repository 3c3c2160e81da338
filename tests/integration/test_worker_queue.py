"""QueueWorker and Listener over a real Valkey, and over one that is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from arq.connections import ArqRedis
from structlog.testing import capture_logs
from tests.integration.worker_tools import until

from waardhaven.adapters.inbound.worker.listener import Listener
from waardhaven.adapters.inbound.worker.queue_worker import QueueWorker
from waardhaven.adapters.outbound.arq_queue.di import QueueSettings, connect
from waardhaven.adapters.outbound.arq_queue.queue import ArqJobQueue
from waardhaven.application.ports.jobs import Delivery
from waardhaven.bootstrap.worker import NAMES
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.jobs.job import Queue
from waardhaven.domain.types import JobId

NOWHERE = "unix:///nonexistent/valkey.sock"


class Handling:
    """Remembers messages; each waits until ``open`` is set."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.refusing = False

    async def __call__(self, job: str, number: int) -> None:
        self.seen.append((job, number))
        if self.refusing:
            raise Unavailable("The ledger is away.")
        await self.open.wait()


@asynccontextmanager
async def reached(url: str) -> AsyncIterator[ArqRedis]:
    client = connect(QueueSettings(url=url))
    yield client
    await client.aclose(close_connection_pool=True)


@asynccontextmanager
async def working(client: ArqRedis, handle: Handling, concurrency: int = 3) -> AsyncIterator[QueueWorker]:
    worker = QueueWorker(
        client,
        queue=NAMES.queues[Queue.BULK],
        function=NAMES.function,
        concurrency=concurrency,
        handle=handle,
    )
    running = asyncio.create_task(worker.main())
    yield worker
    worker.drain()
    async with asyncio.timeout(5):
        await running


def a_message(job: int, **changes: object) -> Delivery:
    plain = {"job": JobId(UUID(int=job)), "number": 1, "queue": Queue.BULK}
    return Delivery(**(plain | changes))


async def test_more_messages_than_there_is_room_for_are_taken_as_others_end(valkey_url: str):
    handle = Handling()
    handle.open.clear()
    async with reached(valkey_url) as client, working(client, handle) as worker:
        queue = ArqJobQueue(client)
        await queue.deliver([a_message(n) for n in range(1, 51)])
        worker.wake()
        await until(lambda: len(handle.seen) == 3)
        assert (await queue.depth())[Queue.BULK] == 47
        handle.open.set()
        await until(lambda: len(handle.seen) == 50)
        assert len(set(handle.seen)) == 50
        await until(lambda: worker.running == 0)
        left = [one async for one in client.scan_iter("*")]
        assert left == []


async def test_message_is_taken_by_one_worker_only(valkey_url: str):
    one, other = Handling(), Handling()
    async with (
        reached(valkey_url) as client,
        working(client, one, 10) as first,
        working(client, other, 10) as second,
    ):
        await ArqJobQueue(client).deliver([a_message(n) for n in range(1, 201)])
        first.wake()
        second.wake()
        await until(lambda: len(one.seen) + len(other.seen) == 200)
    assert len(set(one.seen) | set(other.seen)) == 200


async def test_deferred_message_is_taken_when_it_is_due_and_not_before(valkey_url: str):
    handle = Handling()
    async with reached(valkey_url) as client, working(client, handle) as worker:
        await ArqJobQueue(client).deliver([a_message(1, after=timedelta(milliseconds=300)), a_message(2)])
        worker.wake()
        await until(lambda: handle.seen)
        assert handle.seen == [(UUID(int=2).hex, 1)]
        await until(lambda: len(handle.seen) == 2)


async def test_worker_takes_nothing_for_a_moment_after_jobs_can_not_be_claimed(valkey_url: str):
    handle = Handling()
    handle.refusing = True
    async with reached(valkey_url) as client, working(client, handle, 1) as worker:
        with capture_logs() as logs:
            await ArqJobQueue(client).deliver([a_message(1), a_message(2)])
            worker.wake()
            await until(lambda: handle.seen)
            await until(lambda: worker.running == 0)
            worker.wake()
            await asyncio.sleep(0.05)
            assert len(handle.seen) == 1
            handle.refusing = False
            await until(lambda: len(handle.seen) == 2)
    assert [one["event"] for one in logs] == ["jobs can not be claimed"]


async def test_worker_waits_for_a_server_that_is_away_and_says_so_once():
    with capture_logs() as logs:
        async with reached(NOWHERE) as client, working(client, Handling()) as worker:
            for _ in range(3):
                worker.wake()
                await asyncio.sleep(0.02)
    assert [one["event"] for one in logs if one["log_level"] == "warning"] == ["queue unreachable"]


@pytest.mark.parametrize("data", [b"", b"\xff", b"no job"])
async def test_listener_wakes_queues_passes_nudges_on_and_comes_back(valkey_url: str, data: bytes):
    woken, nudged = [], []
    async with reached(valkey_url) as client:
        queue = ArqJobQueue(client)
        listener = Listener(client, NAMES, wake={Queue.BULK: lambda: woken.append(1)}, nudge=nudged.append)
        running = asyncio.create_task(listener.run())
        async with asyncio.timeout(5):
            await listener.subscribed.wait()
        woken.clear()
        await queue.deliver([a_message(1)])
        await until(lambda: woken)
        await client.publish(NAMES.nudges, data)
        await queue.nudge(JobId(UUID(int=9)))
        await until(lambda: UUID(int=9).hex in nudged)
        await client.client_kill_filter(_type="pubsub")
        woken.clear()
        await until(lambda: woken)  # it may have missed something
        await until(listener.subscribed.is_set)
        await queue.nudge(JobId(UUID(int=8)))
        await until(lambda: UUID(int=8).hex in nudged)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
