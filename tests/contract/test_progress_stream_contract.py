"""Every ProgressStream keeps these promises: the fake and the one in Valkey."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from tests.fakes.progress import FakeProgressStream

from waardhaven.adapters.outbound.valkey.di import ValkeyProvider, ValkeySettings, connect
from waardhaven.adapters.outbound.valkey.progress import STREAM, ValkeyProgressStream
from waardhaven.application.ports.progress import ProgressStream, ProgressUnavailable, ProgressUpdate
from waardhaven.domain.jobs.job import Progress
from waardhaven.domain.types import JobId, UserId

JOB, OWNER = JobId(UUID(int=1)), UserId(UUID(int=2))
AT = datetime(2024, 5, 31, 16, 0, 0, 123456, tzinfo=UTC)


def update(done: int, owner: UserId | None = OWNER) -> ProgressUpdate:
    progress = Progress(stage="load", done=done, total=None, message="žluť\n")
    return ProgressUpdate(job=JOB, type="refresh", owner=owner, progress=progress, at=AT)


@pytest.fixture(params=["fake", "valkey"])
async def stream(request: pytest.FixtureRequest) -> AsyncIterator[ProgressStream]:
    if request.param == "fake":
        yield FakeProgressStream()
        return
    settings = ValkeySettings(url=request.getfixturevalue("valkey_url"), timeout_seconds=5.0)
    client = connect(settings)
    lent = ValkeyProvider().progress(client, settings)
    yield await anext(lent)
    assert await anext(lent, None) is None
    await client.aclose()


@pytest.fixture(params=["fake", "valkey"])
async def broken(request: pytest.FixtureRequest, servers: object) -> AsyncIterator[ProgressStream]:
    """A stream whose server is away."""
    if request.param == "fake":
        yield FakeProgressStream(failing=True)
        return
    client = connect(ValkeySettings(url="redis://127.0.0.1:1"))
    yield ValkeyProgressStream(client, client, timeout_seconds=0.25)
    await client.aclose()


async def test_an_empty_stream_begins_at_zero_and_gives_nothing(stream: ProgressStream) -> None:
    assert await stream.newest() == "0-0"
    assert list(await stream.since("0-0", limit=10)) == []
    assert list(await stream.since("0-0", limit=10, wait_seconds=0.02)) == []


async def test_updates_come_whole_in_order_and_in_pages(stream: ProgressStream) -> None:
    for done in range(5):
        await stream.publish(update(done, None if done == 3 else OWNER))
    first = await stream.since("0-0", limit=3)
    rest = await stream.since(first[-1].cursor, limit=3)
    assert [one.progress.done for one in (*first, *rest)] == [0, 1, 2, 3, 4]
    assert [one.owner for one in (*first, *rest)] == [OWNER, OWNER, OWNER, None, OWNER]
    assert len({one.cursor for one in (*first, *rest)}) == 5
    assert (first[0].job, first[0].type, first[0].at) == (JOB, "refresh", AT)
    assert first[0].progress == update(0).progress
    assert await stream.newest() == rest[-1].cursor
    assert list(await stream.since(rest[-1].cursor, limit=3)) == []


async def test_whoever_waits_hears_of_the_first_update_at_once(stream: ProgressStream) -> None:
    await stream.publish(update(1))
    waiting = asyncio.create_task(stream.since(await stream.newest(), limit=10, wait_seconds=20))
    await asyncio.sleep(0)
    await stream.publish(update(2))
    async with asyncio.timeout(5):
        assert [one.progress.done for one in await waiting] == [2]


async def test_waiting_can_be_given_up_and_begun_again(stream: ProgressStream) -> None:
    for _ in range(3):
        assert list(await stream.since("0-0", limit=10, wait_seconds=0.01)) == []
        waiting = asyncio.create_task(stream.since("0-0", limit=10, wait_seconds=20))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await stream.publish(update(1))
    assert [one.progress.done for one in await stream.since("0-0", limit=10, wait_seconds=1)] == [1]


@pytest.mark.parametrize(
    "ask",
    [
        lambda stream: stream.publish(update(1)),
        lambda stream: stream.newest(),
        lambda stream: stream.since("0-0", limit=1),
        lambda stream: stream.since("0-0", limit=1, wait_seconds=1),
    ],
    ids=["publish", "newest", "since", "wait"],
)
async def test_a_server_that_is_away_makes_progress_unavailable(
    broken: ProgressStream, ask: Callable[[ProgressStream], object]
) -> None:
    with pytest.raises(ProgressUnavailable):
        await ask(broken)  # type: ignore[misc]


async def test_valkey_keeps_about_the_newest_ten_thousand(valkey_url: str) -> None:
    settings = ValkeySettings(url=valkey_url, timeout_seconds=5.0)
    client = connect(settings)
    stream = ValkeyProgressStream(client, client, timeout_seconds=5.0)
    async with client.pipeline(transaction=False) as pipeline:
        for number in range(12_000):
            pipeline.xadd(STREAM, {"old": number})
        await pipeline.execute()
    await stream.publish(update(1))
    length = await client.xlen(STREAM)
    await client.aclose()
    assert 10_000 <= length <= 10_200
