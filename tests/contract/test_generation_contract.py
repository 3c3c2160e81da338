"""Generation: what every implementation must do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from tests.fakes.generation import FakeGeneration

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.generation import PostgresGeneration
from waardhaven.application.ports.generation import Generation

COMMIT = "INSERT INTO outbox (kind, payload) VALUES ('market.changed', '{}')"


@dataclass
class Watched:
    """A generation, a commit that grows it, and what starts and ends its listening."""

    generation: Generation
    commit: Callable[[], Awaitable[None]]
    listen: Callable[[], Awaitable[None]]
    stop: Callable[[], Awaitable[None]]

    async def settled(self, value: int) -> None:
        """Wait until the generation knows ``value``."""
        async with asyncio.timeout(20):
            while self.generation.known() != value:
                await asyncio.sleep(0.005)


@pytest.fixture
async def watched(backing_url: str | None) -> AsyncIterator[Watched]:
    if backing_url is None:
        yield _fake()
        return
    database = Database(backing_url)
    generation = PostgresGeneration(database, heartbeat=30.0)

    async def commit() -> None:
        async with database.acquire() as connection:
            await connection.execute(COMMIT)

    yield Watched(generation, commit, generation.start, generation.stop)
    await generation.stop()
    await database.close()


def _fake() -> Watched:
    fake = FakeGeneration(listening=False)

    async def commit() -> None:
        fake.number += 1

    async def listen() -> None:
        fake.listening = True

    async def stop() -> None:
        fake.listening = False

    return Watched(fake, commit, listen, stop)


async def test_nothing_is_known_before_listening_and_the_database_can_be_read(watched: Watched):
    assert watched.generation.known() is None
    assert await watched.generation.read() >= 1


async def test_what_is_known_follows_every_commit(watched: Watched):
    await watched.listen()
    await watched.settled(await watched.generation.read())
    for _ in range(3):
        before = await watched.generation.read()
        await watched.commit()
        assert await watched.generation.read() == before + 1
        await watched.settled(before + 1)


async def test_nothing_is_known_once_listening_ended(watched: Watched):
    first = await watched.generation.read()
    await watched.listen()
    await watched.settled(first)
    await watched.stop()
    assert watched.generation.known() is None
    await watched.commit()
    assert await watched.generation.read() == first + 1
    await watched.listen()
    await watched.settled(first + 1)


async def test_generation_that_is_advanced_is_another_one_and_everybody_hears_of_it(watched: Watched):
    before = await watched.generation.read()
    await watched.listen()
    await watched.settled(before)
    advanced = await watched.generation.advance()
    assert advanced > before
    assert await watched.generation.read() == advanced
    await watched.settled(advanced)
