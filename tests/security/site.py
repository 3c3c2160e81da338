"""The whole application over real servers, people with accounts in it, and a socket to reach it by."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from socket import socket
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import uvicorn
from dishka import AsyncContainer, Provider, Scope
from litestar import Litestar
from tests.fakes.identity import FakeNotifier

from waardhaven.adapters.inbound.http.app import create_app
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.security.passwords import Argon2Parameters
from waardhaven.application.identity.manage_users import CreateUser
from waardhaven.application.identity.send_mails import SendMails
from waardhaven.application.ports.generation import Generation
from waardhaven.application.ports.notifier import Message, Notifier
from waardhaven.application.ports.revocations import Revocations
from waardhaven.bootstrap.bounded_protocol import BoundedProtocol
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.http import bind
from waardhaven.bootstrap.settings import Settings
from waardhaven.domain.identity.roles import OPERATOR, Role

T = TypeVar("T")
V1 = "/api/v1"
ME, LOGIN, REGISTER = f"{V1}/auth/me", f"{V1}/auth/login", f"{V1}/auth/register"
REFRESH, LOGOUT = f"{V1}/auth/refresh", f"{V1}/auth/logout"
STRONG = "quiet orchard lantern 47"
UNLIMITED = {
    "register_per_minute": 0,
    "login_per_minute": 0,
    "login_name_per_minute": 0,
    "mails_per_quarter_hour": 0,
    "rate_limit_per_minute": 0,
    "rate_limit_authenticated": 0,
}
"""Most attacks are many requests: limits are switched on where they are what is tested."""


@dataclass
class Person:
    """Somebody with an account and a session."""

    id: UUID
    email: str
    username: str
    password: str
    session: dict[str, Any] = field(default_factory=dict)

    @property
    def bearer(self) -> dict[str, str]:
        return bearer(self.session["access_token"])

    @property
    def refresh_token(self) -> str:
        return str(self.session["refresh_token"])


@dataclass
class Site:
    """One API process' worth of objects."""

    container: AsyncContainer
    app: Litestar
    config: HttpConfig
    client: httpx.AsyncClient
    notifier: FakeNotifier
    log: io.StringIO

    async def person(self, role: Role = Role.VIEWER, name: str | None = None) -> Person:
        """Return somebody who just signed in."""
        name = name or f"p{uuid4().hex[:12]}"
        create = await self.use_case(CreateUser)
        made = await create(OPERATOR, email=f"{name}@example.org", username=name, role=role)
        person = Person(made.id, made.email, made.username, made.password)
        person.session = await self.sign_in(person)
        return person

    async def sign_in(self, person: Person, **more: Any) -> dict[str, Any]:
        """Open a new session and return its tokens."""
        body = {"email": person.email, "password": person.password, **more}
        answer = await self.client.post(LOGIN, json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def use_case(self, kind: type[T]) -> Any:
        """Return a use case in a scope of its own for every call."""

        async def call(*args: Any, **kwargs: Any) -> Any:
            async with self.container() as scope:
                return await (await scope.get(kind))(*args, **kwargs)

        return call

    async def inbox(self) -> list[Message]:
        """Send all that waits, in the batches it is sent in; return what arrived since the last look."""
        before, send = len(self.notifier.sent), await self.use_case(SendMails)
        waiting = "SELECT EXISTS (SELECT FROM mail WHERE done_at IS NULL AND due_at <= now()) AS more"
        while (await self.rows(waiting))[0]["more"]:
            await send(OPERATOR)
        return self.notifier.sent[before:]

    async def rows(self, query: str, *args: object) -> list[dict[str, Any]]:
        """Ask the database behind everybody's back."""
        database = await self.container.get(Database)
        async with database.transaction() as connection:
            return [dict(row) for row in await connection.fetch(query, *args)]

    def at(self, address: str, **more: Any) -> httpx.AsyncClient:
        """Return a client that comes from an address."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 50_000))
        return httpx.AsyncClient(transport=transport, **({"base_url": "http://here"} | more))

    async def operations(self) -> dict[str, Any]:
        """Return the API document."""
        return dict((await self.client.get("/openapi.json")).json())


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def overriding(**ports: Any) -> Provider:
    """Return a provider that puts objects in the place of ports; keys are only for reading."""
    provider = Provider(scope=Scope.APP)
    for kind, value in ports.values():
        provider.provide(_returning(value), provides=kind, override=True)
    return provider


def _returning(value: Any) -> Any:
    return lambda: value


CHEAP = Argon2Parameters(passes=1, memory_kib=8, concurrent=4)


@asynccontextmanager
async def running(
    settings: Settings, *, hashes: Argon2Parameters = CHEAP, address: str = "203.0.113.9", **config: Any
) -> AsyncIterator[Site]:
    """Run the application over ``settings`` in a task of its own until the block ends."""
    notifier, log = FakeNotifier(), io.StringIO()
    overrides = overriding(hashes=(Argon2Parameters, hashes), notifier=(Notifier, notifier))
    container = make_container(settings, overrides)
    given = await container.get(HttpConfig)
    chosen = replace(
        given,
        access_log_stream=log,
        **{
            **UNLIMITED,
            "quiet_seconds": 0.0,
            "cache_namespace": str(settings.database_url),
            **config,
        },
    )
    app = create_app(container, chosen)
    started, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await stop.wait()

    task = asyncio.create_task(live())
    try:
        await started.wait()
        await _current(container)
        site = Site(container, app, chosen, httpx.AsyncClient(), notifier, log)
        await site.client.aclose()
        async with site.at(address) as client:
            site.client = client
            yield site
    finally:
        stop.set()
        await task
        await container.close()


async def _current(container: AsyncContainer) -> None:
    """Wait until the process hears of revocations and commits."""
    revocations, generation = await container.get(Revocations), await container.get(Generation)
    async with asyncio.timeout(20):
        while not revocations.is_current() or generation.known() is None:
            await asyncio.sleep(0.001)


@dataclass(frozen=True)
class Raw:
    """An answer as it came over the wire."""

    status: int
    head: bytes
    body: bytes

    @property
    def headers(self) -> Mapping[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


@dataclass(frozen=True)
class Socket:
    """A real listening server."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def send(self, *parts: bytes, seconds: float = 20) -> Raw:
        """Send bytes as they are and return what came back until the server closed the connection."""
        loop, received = asyncio.get_running_loop(), b""
        with socket() as connection:
            connection.setblocking(False)
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                await loop.sock_connect(connection, ("127.0.0.1", self.port))
                group.create_task(self._write(connection, parts))
                with suppress(ConnectionError):
                    while piece := await loop.sock_recv(connection, 65_536):
                        received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        return Raw(int(head.split(b" ")[1]) if head else 0, head, body)

    async def _write(self, connection: socket, parts: Sequence[bytes]) -> None:
        """Write for as long as the other side listens."""
        with suppress(OSError):
            for part in parts:
                await asyncio.get_running_loop().sock_sendall(connection, part)

    async def ask(
        self, target: str | bytes, *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Raw:
        """Ask for a target exactly as written."""
        raw = target.encode("latin-1") if isinstance(target, str) else target
        lines = [f"{name}: {value}".encode("latin-1") for name, value in (headers or {}).items()]
        head = [method.encode() + b" " + raw + b" HTTP/1.1", b"Host: here", b"Connection: close", *lines]
        return await self.send(b"\r\n".join(head) + b"\r\n\r\n")


@asynccontextmanager
async def listening(site: Site) -> AsyncIterator[Socket]:
    """Serve the site by the server and protocol of production, on a free port of this machine."""
    bound = bind("127.0.0.1", 0)
    options = {"http": BoundedProtocol, "ws": "none", "lifespan": "off", "log_config": None}
    server = uvicorn.Server(
        uvicorn.Config(site.app, loop="none", access_log=False, server_header=False, **options)  # type: ignore[arg-type]
    )
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        async with asyncio.timeout(10):
            while not server.started:
                await asyncio.sleep(0.001)
        yield Socket(bound.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        bound.close()
