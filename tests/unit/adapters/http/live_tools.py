"""Endless answers and sockets over the fakes: what a client sees of them, message by message."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import uvicorn
from tests.fakes.event_log import FakeEventLog
from tests.fakes.jobs import FakeJobLedger
from tests.fakes.market import FakeMarket
from tests.fakes.progress import FakeProgressStream
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.adapters.http.world import SOMEBODY, World

from waardhaven.adapters.inbound.http.live.hub import Hub
from waardhaven.application.jobs.queries import ReadJob
from waardhaven.application.market.quotes import FindAssets, ReadQuotes
from waardhaven.application.ports.event_log import EventLog
from waardhaven.application.ports.progress import ProgressStream, ProgressUpdate
from waardhaven.bootstrap.bounded_protocol import BoundedProtocol
from waardhaven.bootstrap.http import bind
from waardhaven.bootstrap.live_server import LARGEST_MESSAGE, BoundedWebSocket, LiveServer
from waardhaven.domain.events import JobChanged, PricesCommitted
from waardhaven.domain.jobs.job import Progress
from waardhaven.domain.types import JobId, UserId

SECONDS = 5.0
JOB = JobId(UUID(int=41))
OTHERS = UserId(UUID(int=99))
PRICES = PricesCommitted(vintage=1, inserted=1, changed=0, series=1)


SERVED: dict[str, Any] = {
    "loop": "none",
    "http": BoundedProtocol,
    "ws": BoundedWebSocket,
    "ws_max_size": LARGEST_MESSAGE,
    "ws_per_message_deflate": False,
}


def job_changed(state: str = "running", owner: UserId | None = SOMEBODY, job: JobId = JOB) -> JobChanged:
    return JobChanged(job=job, type="refresh", state=state, attempt=1, owner=owner, parent=None, code=None)


@dataclass
class LiveWorld(World):
    """A world in which things happen."""

    uow: FakeUnitOfWork = field(default_factory=FakeUnitOfWork)
    progress: FakeProgressStream = field(default_factory=FakeProgressStream)
    events: FakeEventLog = field(default_factory=FakeEventLog)

    def __post_init__(self) -> None:
        self.market = FakeMarket(log=self.events)
        self.ports = {EventLog: self.events, ProgressStream: self.progress}
        self.asked = {
            ReadJob: ReadJob(FakeJobLedger(self.uow)),
            FindAssets: FindAssets(self.market),
            ReadQuotes: ReadQuotes(self.market, self.clock),
        }
        super().__post_init__()

    @property
    def hub(self) -> Hub:
        return self.app.state.hub

    async def tell_progress(self, done: int, owner: UserId | None = SOMEBODY, job: JobId = JOB) -> None:
        progress = Progress(stage="load", done=done, total=10)
        await self.progress.publish(
            ProgressUpdate(job=job, type="refresh", owner=owner, progress=progress, at=self.clock.now())
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self.client():
            yield

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """Serve by the server and protocols of production on a free port; lend the port."""
        bound = bind("127.0.0.1", 0)
        config = uvicorn.Config(self.app, log_config=None, access_log=False, lifespan="on", **SERVED)
        server = LiveServer(config, self.hub.close)
        task = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            async with asyncio.timeout(SECONDS):
                while not server.started:
                    await asyncio.sleep(0.001)
            yield bound.getsockname()[1]
        finally:
            server.should_exit = True
            await task

    @asynccontextmanager
    async def listening(
        self, path: str = "/api/v1/stream", headers: Mapping[str, str] | None = None, **more: Any
    ) -> AsyncIterator["Listening"]:
        """Open a stream and leave it at the end of the block."""
        one = Listening(self, path, {**self.bearer(), **(headers or {})}, **more)
        task = asyncio.create_task(one.run())
        try:
            yield one
        finally:
            one.leave()
            await asyncio.wait_for(task, SECONDS)


@dataclass
class Event:
    """An event as a browser would get it."""

    id: str
    kind: str
    data: Any


@dataclass
class Listening:
    """A client of an endless answer; ``stalled`` makes it read nothing more."""

    world: LiveWorld
    path: str
    headers: dict[str, str]
    method: str = "GET"
    status: int = 0
    sent: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""
    is_over: bool = False
    cut: bool = False
    last_id: str = ""
    may_read: asyncio.Event = field(default_factory=asyncio.Event)
    _left: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _read: int = 0

    def __post_init__(self) -> None:
        self.may_read.set()

    async def run(self) -> None:
        path, _, query = self.path.partition("?")
        scope = {
            "type": "http",
            "method": self.method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in self.headers.items()],
            "client": ("203.0.113.9", 5000),
            "server": ("here", 80),
            "scheme": "http",
            "http_version": "1.1",
            "extensions": {"waardhaven.abort": self._abort},
        }
        await self.world.app(scope, self._receive, self._send)
        self.is_over = True
        self._changed.set()

    def leave(self) -> None:
        self._left.set()

    def _abort(self) -> None:
        self.cut = True
        self._left.set()

    async def _receive(self) -> dict[str, Any]:
        if self.status == 0:
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        await self.may_read.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.sent = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.raw += message["body"]
        self._changed.set()

    async def answered(self) -> int:
        await self._until(lambda: self.status)
        return self.status

    async def over(self) -> None:
        await self._until(lambda: self.is_over)

    async def body(self) -> Any:
        """Return the document of an answer that is not a stream."""
        await self.over()
        return msgspec.json.decode(self.raw)

    async def begun(self) -> str:
        """Return the id the stream begins with."""
        await self._until(lambda: b"\n\n" in self.raw)
        assert self.raw.startswith(b"retry: 2000\nid: "), self.raw
        return self.raw.split(b"\n")[1].removeprefix(b"id: ").decode()

    async def next(self) -> Event:
        """Return the next event, ids of pings noted on the way."""
        while True:
            await self._until(lambda: b"\n\n" in self.raw[self._read :])
            piece, _, _ = self.raw[self._read :].partition(b"\n\n")
            self._read += len(piece) + 2
            named = dict(line.split(b": ", 1) for line in piece.split(b"\n") if line.strip())
            self.last_id = named.get(b"id", self.last_id.encode()).decode()
            if b"event" in named:
                return Event(self.last_id, named[b"event"].decode(), msgspec.json.decode(named[b"data"]))

    async def kinds(self, count: int) -> list[str]:
        return [(await self.next()).kind for _ in range(count)]

    async def _until(self, condition: Any) -> None:
        async with asyncio.timeout(SECONDS):
            while not condition():
                assert not self.is_over, (self.status, self.raw)
                self._changed.clear()
                await self._changed.wait()
