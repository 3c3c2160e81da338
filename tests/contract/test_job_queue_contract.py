"""JobQueue: what every implementation must do."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from arq.connections import ArqRedis
from tests.fakes.job_queue import FakeJobQueue

from waardhaven.adapters.inbound.worker.queue_worker import TAKE
from waardhaven.adapters.outbound.arq_queue.di import QueueSettings, connect
from waardhaven.adapters.outbound.arq_queue.names import NUDGES, QUEUES, WAKES
from waardhaven.adapters.outbound.arq_queue.queue import ArqJobQueue, message_id
from waardhaven.application.ports.job_queue import JobQueue, QueueUnavailable
from waardhaven.application.ports.jobs import Delivery
from waardhaven.domain.jobs.job import Queue
from waardhaven.domain.types import JobId


@dataclass
class Watched:
    """A queue, the same out of reach, and what a worker and an accident do to it."""

    queue: JobQueue
    out_of_reach: JobQueue
    take: Callable[[Delivery], Awaitable[None]]
    wipe: Callable[[], Awaitable[None]]


def a_message(job: int = 1, number: int = 1, **changes: object) -> Delivery:
    plain = {"job": JobId(UUID(int=job)), "number": number, "queue": Queue.INTERACTIVE}
    return Delivery(**(plain | changes))


@pytest.fixture(params=["fake", "arq"])
def queue_url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "fake" else str(request.getfixturevalue("valkey_url"))


@pytest.fixture
async def watched(queue_url: str | None) -> AsyncIterator[Watched]:
    if queue_url is None:
        fake = FakeJobQueue()

        async def fake_take(message: Delivery) -> None:
            fake.take(message)

        async def fake_wipe() -> None:
            fake.wipe()

        yield Watched(fake, FakeJobQueue(failing=True), fake_take, fake_wipe)
        return
    client = connect(QueueSettings(url=queue_url))
    lost = connect(QueueSettings(url="unix:///nonexistent/valkey.sock"), retries=1)

    async def take(message: Delivery) -> None:
        found = await client.eval(TAKE, 1, QUEUES[message.queue], 1)
        assert found == [message_id(message).encode()]

    async def wipe() -> None:
        await client.flushall()

    async with AsyncExitStack() as stack:
        stack.push_async_callback(client.aclose, close_connection_pool=True)
        stack.push_async_callback(lost.aclose, close_connection_pool=True)
        yield Watched(ArqJobQueue(client), ArqJobQueue(lost), take, wipe)


async def test_messages_wait_in_their_own_queues(watched: Watched):
    bulk = a_message(3, queue=Queue.BULK)
    await watched.queue.deliver([a_message(1), a_message(2), bulk])
    assert await watched.queue.depth() == {Queue.INTERACTIVE: 2, Queue.BULK: 1}
    await watched.take(bulk)
    assert await watched.queue.depth() == {Queue.INTERACTIVE: 2, Queue.BULK: 0}


async def test_same_message_twice_counts_once_and_a_newer_one_counts_too(watched: Watched):
    await watched.queue.deliver([a_message(), a_message()])
    await watched.queue.deliver([a_message()])
    assert (await watched.queue.depth())[Queue.INTERACTIVE] == 1
    await watched.queue.deliver([a_message(number=2)])
    assert (await watched.queue.depth())[Queue.INTERACTIVE] == 2


async def test_message_that_was_taken_does_not_come_again_under_its_number(watched: Watched):
    await watched.queue.deliver([a_message()])
    await watched.take(a_message())
    await watched.queue.deliver([a_message()])
    assert (await watched.queue.depth())[Queue.INTERACTIVE] == 0


async def test_nothing_to_deliver_and_nothing_to_look_for_is_fine(watched: Watched):
    await watched.queue.deliver([])
    assert list(await watched.queue.lost([])) == []
    assert await watched.queue.depth() == {Queue.INTERACTIVE: 0, Queue.BULK: 0}


async def test_message_that_waits_is_not_lost(watched: Watched):
    messages = [a_message(1), a_message(2, after=timedelta(hours=1)), a_message(3, queue=Queue.BULK)]
    await watched.queue.deliver(messages)
    assert list(await watched.queue.lost(messages)) == []


async def test_message_of_an_emptied_server_is_lost(watched: Watched):
    await watched.queue.deliver([a_message()])
    await watched.wipe()
    assert list(await watched.queue.lost([a_message()])) == [a_message()]


async def test_message_that_was_taken_and_never_claimed_is_lost(watched: Watched):
    await watched.queue.deliver([a_message(1)])
    await watched.take(a_message(1))
    await watched.queue.deliver([a_message(2)])
    assert list(await watched.queue.lost([a_message(1), a_message(2)])) == [a_message(1)]


async def test_message_that_was_never_delivered_is_lost(watched: Watched):
    await watched.queue.deliver([a_message(number=1)])
    assert list(await watched.queue.lost([a_message(number=2)])) == [a_message(number=2)]


@pytest.mark.parametrize(
    "ask",
    [
        lambda queue: queue.deliver([a_message()]),
        lambda queue: queue.lost([a_message()]),
        lambda queue: queue.nudge(JobId(UUID(int=1))),
        lambda queue: queue.depth(),
    ],
    ids=["deliver", "lost", "nudge", "depth"],
)
async def test_queue_out_of_reach_raises_unavailable(
    watched: Watched, ask: Callable[[JobQueue], Awaitable[object]]
):
    with pytest.raises(QueueUnavailable):
        await ask(watched.out_of_reach)


@asynccontextmanager
async def reached(url: str) -> AsyncIterator[ArqRedis]:
    client = connect(QueueSettings(url=url))
    yield client
    await client.aclose(close_connection_pool=True)


async def test_message_is_held_back_until_it_is_due(valkey_url: str):
    async with reached(valkey_url) as client:
        queue, name = ArqJobQueue(client), QUEUES[Queue.BULK]
        later = a_message(1, queue=Queue.BULK, after=timedelta(milliseconds=50))
        await queue.deliver([later])
        assert await client.eval(TAKE, 1, name, 10) == []
        seconds, micros = await client.time()
        due = await client.zscore(name, message_id(later))
        assert 0 < due - (seconds * 1000 + micros / 1000) <= 50


async def test_delivering_wakes_the_workers_of_that_queue_and_a_nudge_names_its_job(valkey_url: str):
    async with reached(valkey_url) as client:
        queue, channel = ArqJobQueue(client), client.pubsub()
        await channel.subscribe(*WAKES.values(), NUDGES)
        for _ in range(3):
            await channel.get_message(timeout=5)
        await queue.deliver([a_message(queue=Queue.BULK)])
        assert (await channel.get_message(timeout=5))["channel"] == WAKES[Queue.BULK].encode()
        await queue.nudge(JobId(UUID(int=7)))
        assert (await channel.get_message(timeout=5))["data"] == UUID(int=7).hex.encode()
        await channel.aclose()
