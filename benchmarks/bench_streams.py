"""Two hundred clients of server-sent events on one API process over real PostgreSQL and Valkey.

    python -m benchmarks streams

The server is a process of its own, as ``waardhaven serve`` runs it. This process tells events (rows of the
outbox, committed one by one) and progress (entries of the stream) at a steady rate; each carries the
instant at which it was told, and all clients note when it arrives. Every client must get every message.
Memory is the server's, taken once the clients are connected and warm, and after each fifth of the messages.
"""

import asyncio
import multiprocessing
import os
import re
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import psutil
from dishka import AsyncContainer

from waardhaven.adapters.outbound.embedded import EmbeddedServers
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.migrations import migrate
from waardhaven.application.ports.progress import ProgressStream, ProgressUpdate
from waardhaven.application.ports.security import AccessTokens
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.http import bind, serve
from waardhaven.bootstrap.logging import configure_logging
from waardhaven.bootstrap.loop import run_fast
from waardhaven.bootstrap.settings import Settings
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.jobs.job import Progress
from waardhaven.domain.types import JobId, SessionId, UserId

CLIENTS, OF_ONE_CALLER, MESSAGES, ROUNDS, PER_SECOND = 200, 20, 2_000, 5, 40
WARM = 200
TARGETS = {"progress": 20.0, "health": 50.0}
SECRET = "a secret key for benchmarks, 32 chars"
TOLD_AT = re.compile(rb'event: (market|progress)[^\n]*\ndata: [^\n]*"(?:vintage|done)":(\d+)')
TELL = (
    "INSERT INTO outbox (kind, payload) VALUES ('market.prices_committed',"
    " jsonb_build_object('vintage', $1::bigint, 'inserted', 1, 'changed', 0, 'series', 1))"
)


@dataclass
class Client(asyncio.Protocol):
    """One stream; notes the milliseconds each message took, by its kind."""

    request: bytes
    took: dict[bytes, list[float]]
    received: int = 0
    rest: bytes = b""
    began: bool = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        whole, end, self.rest = (self.rest + data).rpartition(b"\n\n")
        self.began = self.began or b"retry: " in whole
        for kind, at in TOLD_AT.findall(whole + end):
            self.received += 1
            self.took[kind].append((now - int(at)) / 1e6)


@dataclass
class Bench:
    """The server, its clients, and what was measured."""

    container: AsyncContainer
    server: psutil.Process
    port: int
    clients: list[Client] = field(default_factory=list)
    took: dict[bytes, list[float]] = field(default_factory=lambda: {b"market": [], b"progress": []})
    health: list[float] = field(default_factory=list)
    told: int = 0

    async def connect(self) -> None:
        tokens = await self.container.get(AccessTokens)
        loop = asyncio.get_running_loop()
        for number in range(CLIENTS):
            if number % OF_ONE_CALLER == 0:
                user, session = UserId(uuid4()), SessionId(uuid4())
                token = tokens.issue(user, Role.ADMIN, session=session, version=1).value
            head = f"GET /api/v1/stream HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token}\r\n\r\n"
            client = Client(head.encode(), self.took)
            await loop.create_connection(lambda client=client: client, "127.0.0.1", self.port)
            self.clients.append(client)
        async with asyncio.timeout(60):
            while not all(one.began for one in self.clients):
                await asyncio.sleep(0.01)

    async def tell(self, count: int) -> None:
        """Tell so many messages, events and progress in turn, and wait until all clients have them."""
        database = await self.container.get(Database)
        stream = await self.container.get(ProgressStream)
        for number in range(count):
            due = time.monotonic() + 1 / PER_SECOND
            if number % 2:
                async with database.acquire() as connection:
                    await connection.execute(TELL, time.monotonic_ns())
            else:
                await stream.publish(_update(time.monotonic_ns()))
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        self.told += count
        async with asyncio.timeout(60):
            while any(one.received < self.told for one in self.clients):
                await asyncio.sleep(0.01)

    async def watch_health(self) -> None:
        request = b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            while True:
                began = time.perf_counter()
                writer.write(request)
                await reader.readuntil(b'"ok"}')
                self.health.append((time.perf_counter() - began) * 1000)
                await asyncio.sleep(0.02)
        finally:
            writer.close()

    def memory(self) -> float:
        return float(self.server.memory_info().rss) / 2**20


def _update(at: int) -> ProgressUpdate:
    progress = Progress(stage="load", done=at)
    return ProgressUpdate(
        job=JobId(UUID(int=1)), type="refresh", owner=None, progress=progress, at=datetime.now(UTC)
    )


def _serve(settings: Settings, descriptor: int) -> None:
    import socket

    configure_logging("WARNING", process="api")
    run_fast(serve(settings, socket.socket(fileno=descriptor)))


@asynccontextmanager
async def running() -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="wh-bench-") as folder:
        servers = EmbeddedServers(Path(folder) / "data")
        endpoints = await servers.start()
        settings = Settings(
            database_url=endpoints.database_url,
            redis_url=endpoints.redis_url,
            secret_key=SECRET,
            log_level="WARNING",
        )
        container = make_container(settings)
        await migrate(await container.get(Database))
        bound = bind("127.0.0.1", 0)
        context = multiprocessing.get_context("fork")
        process = context.Process(target=_serve, args=(settings, os.dup(bound.fileno())), daemon=True)
        process.start()
        try:
            port = bound.getsockname()[1]
            await _ready(port)
            yield Bench(container, psutil.Process(process.pid), port)
        finally:
            process.terminate()
            process.join(20)
            bound.close()
            await container.close()
            await servers.stop()


async def _ready(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /health/ready HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            status = await reader.readline()
            writer.close()
            if b" 200 " in status:
                return
            await asyncio.sleep(0.1)


def quantiles(values: Sequence[float]) -> str:
    cuts = statistics.quantiles(values, n=100)
    return f"p50 {cuts[49]:6.1f} ms   p99 {cuts[98]:6.1f} ms"


async def measure() -> None:
    async with running() as bench:
        alone = bench.memory()
        await bench.connect()
        await bench.tell(WARM)
        memory = [bench.memory()]
        for kind in bench.took:
            bench.took[kind].clear()
        watching = asyncio.create_task(bench.watch_health())
        began, busy = time.perf_counter(), sum(bench.server.cpu_times()[:2])
        for _ in range(ROUNDS):
            await bench.tell(MESSAGES // ROUNDS)
            memory.append(bench.memory())
        seconds, cpu = time.perf_counter() - began, sum(bench.server.cpu_times()[:2]) - busy
        watching.cancel()
        got = {one.received for one in bench.clients}
        sent = MESSAGES * CLIENTS
        market, progress = bench.took[b"market"], bench.took[b"progress"]
        print(f"{CLIENTS} clients, {MESSAGES} messages each, all of them: {got == {WARM + MESSAGES}}")
        print(
            f"memory of the server, MiB: alone {alone:.1f}, with clients", *(f"{one:.1f}" for one in memory)
        )
        print(f"event, commit to socket      {quantiles(market)}")
        print(f"progress, publish to socket  {quantiles(progress)}   target p50 ≤ {TARGETS['progress']:g}")
        print(f"/health meanwhile            {quantiles(bench.health)}   target p99 ≤ {TARGETS['health']:g}")
        print(f"messages a second {sent / seconds:,.0f}, CPU a message {cpu / sent * 1e6:.1f} us")


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
