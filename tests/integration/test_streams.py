"""Live streams over real servers: two hundred clients, resuming, and what is left when they go."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import uvicorn
from dishka import AsyncContainer
from tests.unit.adapters.http.live_tools import SERVED
from websockets.asyncio.client import connect

from waardhaven.adapters.inbound.http.app import create_app
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.inbound.http.live import hub as hub_module
from waardhaven.adapters.inbound.http.live.hub import Hub
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.ports.progress import ProgressStream, ProgressUpdate
from waardhaven.application.ports.revocations import Revocations
from waardhaven.application.ports.security import AccessTokens
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.http import bind
from waardhaven.bootstrap.live_server import LiveServer
from waardhaven.bootstrap.settings import Settings
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.jobs.job import Progress
from waardhaven.domain.types import JobId, SessionId, UserId

pytestmark = pytest.mark.timeout(120)
CLIENTS, EVENTS = 200, 60
SECONDS = 60.0
TELL = (
    "INSERT INTO outbox (kind, payload) SELECT 'market.prices_committed',"
    " jsonb_build_object('vintage', n, 'inserted', 1, 'changed', 0, 'series', 1)"
    " FROM generate_series($1::int, $2) n"
)


@dataclass
class Site:
    """An API process over a database of its own."""

    container: AsyncContainer
    port: int
    hub: Hub

    async def token(self, role: Role = Role.VIEWER) -> str:
        tokens = await self.container.get(AccessTokens)
        return tokens.issue(UserId(uuid4()), role, session=SessionId(uuid4()), version=1).value

    async def tell(self, first: int, last: int) -> None:
        database = await self.container.get(Database)
        async with database.transaction() as connection:
            await connection.execute(TELL, first, last)

    async def tell_progress(self, done: int) -> None:
        stream = await self.container.get(ProgressStream)
        database = await self.container.get(Database)
        async with database.transaction() as connection:
            now = await connection.fetchval("SELECT now()")
        progress = Progress(stage="load", done=done)
        await stream.publish(
            ProgressUpdate(job=JobId(UUID(int=1)), type="refresh", owner=None, progress=progress, at=now)
        )


@dataclass
class Reader:
    """A client that keeps what it is told."""

    port: int
    token: str
    told: list[tuple[str, str, dict[str, Any]]]
    last_id: str = ""

    async def read(self, enough: Callable[[], object], begun: asyncio.Event | None = None) -> None:
        """Connect, read until it is enough, and leave without a word."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = ["GET /api/v1/stream HTTP/1.1", "Host: here", f"Authorization: Bearer {self.token}"]
        head += [f"Last-Event-ID: {self.last_id}"] if self.last_id else []
        writer.write("\r\n".join([*head, "", ""]).encode())
        try:
            status = await reader.readline()
            assert b" 200 " in status, status
            await self._follow(reader, enough, begun)
        finally:
            writer.close()

    async def _follow(
        self, reader: asyncio.StreamReader, enough: Callable[[], object], begun: asyncio.Event | None
    ) -> None:
        event = ""
        while not enough():
            name, _, value = (await reader.readline()).decode().rstrip("\r\n").partition(": ")
            if name == "id":
                self.last_id = value
                if begun is not None:
                    begun.set()
            elif name == "event":
                event = value
            elif name == "data":
                self.told.append((self.last_id, event, msgspec.json.decode(value)))

    def vintages(self) -> list[int]:
        return [data["vintage"] for _, kind, data in self.told if kind == "market.prices_committed"]


@pytest.fixture
async def site(
    published_url: str, valkey_url: str, settings_for: Callable[..., Settings]
) -> AsyncIterator[Site]:
    async with serving(settings_for(published_url, redis_url=valkey_url, redis_timeout=5.0)) as found:
        yield found


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Site]:
    container = make_container(settings)
    config = HttpConfig(
        version="test", cache_namespace=str(settings.database_url), access_log_stream=io.StringIO()
    )
    app = create_app(container, config)
    revocations = await container.get(Revocations)
    async with asyncio.timeout(SECONDS):
        await revocations.settled()
    bound = bind("127.0.0.1", 0)
    server = LiveServer(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", **SERVED), app.state.hub.close
    )
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        async with asyncio.timeout(SECONDS):
            while not server.started:
                await asyncio.sleep(0.001)
        yield Site(container, bound.getsockname()[1], app.state.hub)
    finally:
        server.should_exit = True
        await task
        await container.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def test_two_hundred_clients_are_told_everything_in_order_and_leave_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "MOST_OF_ONE", CLIENTS)
    token = await site.token()
    readers = [Reader(site.port, token, []) for _ in range(CLIENTS)]
    begun = [asyncio.Event() for _ in readers]
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
        for one, event in zip(readers, begun, strict=True):
            group.create_task(one.read(lambda told=one.told: len(told) >= EVENTS, event))
        for event in begun:
            await event.wait()
        assert len(site.hub) == CLIENTS
        for first in range(1, EVENTS, 10):
            await site.tell(first, first + 9)
    for one in readers:
        assert one.vintages() == list(range(1, EVENTS + 1))
        positions = [int(mark.partition(".")[0]) for mark, _, _ in one.told]
        assert positions == list(range(positions[0], positions[0] + EVENTS))
    await until(lambda: len(site.hub) == 0)


async def test_a_client_that_comes_and_goes_misses_nothing_and_hears_nothing_twice(site: Site) -> None:
    one, begun = Reader(site.port, await site.token(Role.ADMIN), []), asyncio.Event()

    async def tell() -> None:
        await begun.wait()
        for number in range(1, 101):
            await site.tell(number, number)
            await site.tell_progress(number)

    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
        group.create_task(tell())
        await one.read(begun.is_set, begun)
        while len(one.told) < 200:
            goal = len(one.told) + 7
            await one.read(lambda goal=goal: len(one.told) >= min(goal, 200))
    assert one.vintages() == list(range(1, 101))
    assert [data["done"] for _, kind, data in one.told if kind == "progress"] == list(range(1, 101))


async def test_what_was_committed_late_is_told_late_and_not_lost(site: Site) -> None:
    one, begun = Reader(site.port, await site.token(Role.ADMIN), []), asyncio.Event()
    database = await site.container.get(Database)
    add = "INSERT INTO outbox (kind, payload) VALUES ('user.changed', jsonb_build_object('user', $1::text))"
    early, late = str(uuid4()), str(uuid4())

    def users() -> list[str]:
        return [data["user"] for _, _, data in one.told]

    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
        group.create_task(one.read(lambda: len(one.told) >= 2, begun))
        await begun.wait()
        async with database.transaction() as slow:
            await slow.execute(add, late)
            async with database.transaction() as quick:
                await quick.execute(add, early)
            await until(lambda: users() == [early])
    assert users() == [early, late]


async def test_quotes_of_the_sample_market_tell_source_and_age(site: Site) -> None:
    address = f"ws://127.0.0.1:{site.port}/api/v1/stream/quotes"
    headers = {"Authorization": f"Bearer {await site.token()}"}
    async with asyncio.timeout(SECONDS), connect(address, additional_headers=headers, proxy=None) as socket:
        await socket.send('{"action":"subscribe","symbols":["AAPL","MSFT"]}')
        quotes = [msgspec.json.decode(await socket.recv()) for _ in range(2)]
    assert [one["symbol"] for one in quotes] == ["AAPL", "MSFT"]
    assert {one["source"] for one in quotes} == {"sample"}
    assert all(one["price"] > 0 and one["age_seconds"] > 0 and one["currency"] == "USD" for one in quotes)
    await until(lambda: len(site.hub) == 0)
