"""JobQueue: what every implementation must do."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from arq.constants import default_queue_name
from arq.jobs import Job
from tests.fakes.job_queue import FakeJobQueue

from waardhaven.adapters.outbound.arq_queue.di import QueueSettings, connect
from waardhaven.adapters.outbound.arq_queue.queue import ArqJobQueue, decode
from waardhaven.application.ports.job_queue import JobQueue
from waardhaven.domain.errors import Unavailable


@dataclass
class Watched:
    """A queue, a look inside, and the same out of reach."""

    queue: JobQueue
    out_of_reach: JobQueue
    look: Callable[[str], object]
    count: Callable[[], object]


@pytest.fixture(params=["fake", "arq"])
def queue_url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "fake" else str(request.getfixturevalue("valkey_url"))


@pytest.fixture
async def watched(queue_url: str | None) -> AsyncIterator[Watched]:
    if queue_url is None:
        fake = FakeJobQueue()

        async def queued(job: str) -> tuple[str, Mapping[str, object]]:
            return fake.jobs[job]

        async def fake_count() -> int:
            return len(fake.jobs)

        yield Watched(fake, FakeJobQueue(failing=True), queued, fake_count)
        return
    client = connect(QueueSettings(url=queue_url))
    lost = connect(QueueSettings(url="unix:///nonexistent/valkey.sock"))

    async def info(job: str) -> tuple[str, Mapping[str, object]]:
        found = await Job(job, client, _deserializer=decode).info()
        return found.function, found.args[0]

    async def count() -> int:
        return await client.zcard(default_queue_name)

    async with AsyncExitStack() as stack:
        stack.push_async_callback(client.aclose, close_connection_pool=True)
        stack.push_async_callback(lost.aclose, close_connection_pool=True)
        yield Watched(ArqJobQueue(client), ArqJobQueue(lost), info, count)


async def test_job_is_queued_with_its_name_and_arguments(watched: Watched):
    args = {"slug": "autoindex", "n": 3, "nested": {"a": [1, None]}}
    job = await watched.queue.enqueue("update_index", args)
    assert await watched.look(job) == ("update_index", args)


async def test_equal_jobs_are_queued_under_ids_of_their_own(watched: Watched):
    ids = {await watched.queue.enqueue("update_index", {"slug": "autoindex"}) for _ in range(3)}
    assert len(ids) == 3
    assert await watched.count() == 3


async def test_queue_out_of_reach_raises_unavailable(watched: Watched):
    with pytest.raises(Unavailable):
        await watched.out_of_reach.enqueue("update_index", {})
    assert await watched.count() == 0
