"""API processes over servers of somebody else: several of them, late ones, and ones that never come."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import psutil
import pytest
from redis import Redis
from tests.conftest import SECRET, Background, Servers, make_settings
from tests.e2e.up_tools import (
    HISTORY,
    PASSWORD,
    Place,
    Running,
    assert_one_line,
    client,
    free_port,
    is_ready,
    new_place,
    register,
    status,
    wait_until,
)

from waardhaven.adapters.outbound.embedded import EmbeddedServers
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.indexes.build_index import BuildIndex
from waardhaven.application.indexes.publish_build import PublishBuild
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.bootstrap.container import make_container
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.market.prices import PriceColumns

pytestmark = pytest.mark.timeout(180)
ASSET = "/api/v1/index/assets/AAPL/history"
STALE_SECONDS = 0.1
UNREACHABLE = "postgresql://nobody:nothing@127.0.0.1:1/nowhere"


@pytest.fixture
def own_valkey() -> Iterator[tuple[str, Callable[[], None]]]:
    """A Valkey of the test's own: its address, and what kills it for good."""
    with new_place() as place:
        background = Background()
        servers = EmbeddedServers(place.data_dir, postgres=False)
        endpoints = background.run(servers.start())
        assert endpoints.redis_url

        def kill() -> None:
            background.run(servers.stop())

        yield endpoints.redis_url, kill
        background.run(servers.stop())
        background.close()


def external(database_url: str, redis_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": SECRET}


@dataclass(frozen=True, slots=True)
class Processes:
    """One kept connection to each API process behind a port."""

    clients: tuple[httpx.AsyncClient, ...]

    async def bodies(self, path: str) -> list[bytes]:
        answers = await asyncio.gather(*(one.get(path) for one in self.clients))
        assert {one.status_code for one in answers} == {200}, [one.text for one in answers]
        return [one.content for one in answers]


@asynccontextmanager
async def connected_to_each(running: Running, port: int, count: int) -> AsyncIterator[Processes]:
    """Open connections until every process has accepted one; each client keeps to its process."""
    url = f"http://127.0.0.1:{port}"
    token = await asyncio.to_thread(register, url, "reader")
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    found: dict[int, httpx.AsyncClient] = {}
    async with AsyncExitStack() as stack:
        for _ in range(200):
            one = await stack.enter_async_context(
                httpx.AsyncClient(
                    base_url=url,
                    headers=headers,
                    timeout=30,
                    trust_env=False,
                    limits=httpx.Limits(max_connections=1, keepalive_expiry=None),
                )
            )
            answer = await one.get("/health")
            local = answer.extensions["network_stream"].get_extra_info("client_addr")[1]
            found.setdefault(_who_serves(running, local), one)
            if len(found) == count:
                break
        assert len(found) == count, "a process accepts no connections"
        yield Processes(tuple(found.values()))


def _who_serves(running: Running, client_port: int) -> int:
    for child in psutil.Process(running.process.pid).children():
        for one in child.net_connections("tcp"):
            if one.raddr and one.raddr.port == client_port:
                return child.pid
    raise AssertionError("no process has accepted the connection")


@dataclass
class Watcher:
    """Reads a path from every process without pause; tells how long old bytes were served."""

    processes: Processes
    path: str

    async def staleness(self, change: Callable[[], "asyncio.Future[None]"]) -> list[float]:
        """Return, for each process, when after the commit the last stale answer was asked for."""
        (old,) = set(await self.processes.bodies(self.path))
        committed: list[float] = []

        async def watch(one: httpx.AsyncClient) -> float:
            last_stale = 0.0
            while True:
                asked = time.monotonic()
                body = (await one.get(self.path)).content
                if not committed:
                    continue
                if body != old and asked > committed[0]:
                    return last_stale
                if body == old:
                    last_stale = max(0.0, asked - committed[0])
                assert asked < committed[0] + 10, "it stays stale"

        watching = [asyncio.create_task(watch(one)) for one in self.processes.clients]
        await change()
        committed.append(time.monotonic())
        return await asyncio.gather(*watching)


class Facts:
    """Writes to the database behind the API's back, as another process would."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        self.container = make_container(make_settings(database_url, redis_url))

    async def change_last_bars(self, factor: float) -> None:
        """Change the newest bar of every series of AAPL by a factor."""
        database = await self.container.get(Database)
        async with database.acquire() as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT ON (p.series_id) p.* FROM price p JOIN series s ON s.id = p.series_id"
                " JOIN asset_identifier i ON i.asset_id = s.asset_id WHERE i.value = 'AAPL'"
                " ORDER BY p.series_id, p.day DESC"
            )
        columns = {
            name: np.array([row[name] * factor for row in rows]) for name in ("open", "high", "low", "close")
        }
        await (await self.container.get(PriceStore)).write(
            PriceColumns(
                series=np.array([row["series_id"] for row in rows], dtype=np.int64),
                day=np.array([row["day"] for row in rows], dtype="datetime64[D]"),
                volume=np.array([row["volume"] for row in rows]),
                **columns,
            )
        )

    async def restate(self) -> Callable[[], "asyncio.Future[None]"]:
        """Build the last days again and return what publishes them."""
        async with self.container() as scope:
            build = await (await scope.get(BuildIndex))(
                OPERATOR, slug="autoindex", restate_from=np.datetime64("2022-12-01").item()
            )

        async def publish() -> None:
            async with self.container() as scope:
                await (await scope.get(PublishBuild))(OPERATOR, build.id, reason="a test")

        return publish


async def test_no_process_serves_stale_bytes_with_or_without_valkey(
    published_url: str, own_valkey: tuple[str, Callable[[], None]], empty_place: Place
):
    redis_url, kill_valkey = own_valkey
    port = free_port()
    serve = empty_place.start(
        "serve", "--workers", "2", "--port", str(port), **external(published_url, redis_url)
    )
    wait_until(lambda: is_ready(f"http://127.0.0.1:{port}"), "it is ready")
    facts = Facts(published_url, redis_url)
    waits: list[float] = []
    try:
        async with connected_to_each(serve, port, 2) as processes:
            asset, history = Watcher(processes, ASSET), Watcher(processes, HISTORY)
            for _ in range(3):
                waits += await asset.staleness(lambda: facts.change_last_bars(1.001))
            waits += await history.staleness(await facts.restate())
            warm = await processes.bodies(HISTORY)
            assert len(set(warm)) == 1

            await asyncio.to_thread(kill_valkey)
            assert await processes.bodies(HISTORY) == warm
            waits += await asset.staleness(lambda: facts.change_last_bars(1.001))
            waits += await history.staleness(await facts.restate())
            for path in (ASSET, HISTORY):
                assert len(set(await processes.bodies(path))) == 1
            assert is_ready(f"http://127.0.0.1:{port}")
    finally:
        await facts.container.close()
    assert serve.stop() == 0
    print("last stale answer, seconds after the commit:", [round(one, 3) for one in waits])  # noqa: T201
    assert max(waits) <= STALE_SECONDS


async def test_cold_and_warm_processes_serve_the_same_bytes(
    published_url: str, valkey_url: str, empty_place: Place
):
    port = free_port()
    serve = empty_place.start(
        "serve", "--workers", "2", "--port", str(port), **external(published_url, valkey_url)
    )
    wait_until(lambda: is_ready(f"http://127.0.0.1:{port}"), "it is ready")
    async with connected_to_each(serve, port, 2) as processes:
        first = await processes.clients[0].get(HISTORY)
        second = await processes.clients[1].get(HISTORY)
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]
    assert first.headers.get("x-correlation-id") != second.headers.get("x-correlation-id")


def test_killed_process_of_several_is_replaced(published_url: str, valkey_url: str, empty_place: Place):
    port = free_port()
    serve = empty_place.start(
        "serve", "--workers", "2", "--port", str(port), **external(published_url, valkey_url)
    )
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: is_ready(url), "it is ready")
    parent = psutil.Process(serve.process.pid)
    victim = parent.children()[0]
    victim.kill()
    wait_until(lambda: len(parent.children()) == 2 and victim not in parent.children(), "there are two again")
    assert Counter(status(url, "/health") for _ in range(20)) == {200: 20}
    assert serve.stop() == 0
    assert [one for one in empty_place.processes() if one.pid != serve.process.pid] == []


def test_serve_alone_ends_with_its_own_servers_on_sigterm(published_place: Place):
    port = free_port()
    serve = published_place.start("serve", "--port", str(port))
    wait_until(lambda: is_ready(f"http://127.0.0.1:{port}"), "it is ready")
    assert serve.stop() == 0
    assert published_place.processes() == []
    assert not (published_place.data_dir / "state.json").exists()
    assert not (published_place.data_dir / "run").exists()


def test_serve_beside_a_running_up_answers_with_the_same_bytes(shared_up: Running):
    port = free_port()
    serve = shared_up.place.start("serve", "--port", str(port))
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: is_ready(url), "it is ready")
    token = register(url, "beside")
    bodies = set()
    for one in (url, shared_up.url()):
        with client(one, token) as http:
            bodies.add(http.get(HISTORY).raise_for_status().content)
    assert len(bodies) == 1
    assert serve.stop() == 0
    assert is_ready(shared_up.url())


@pytest.fixture
def fresh_url(servers: Servers) -> Iterator[str]:
    """A database with nothing in it at all."""
    url = servers.database("template0")
    yield url
    servers.drop(url)


def test_up_over_external_servers_publishes_and_leaves_them_running(
    fresh_url: str, valkey_url: str, empty_place: Place
):
    up = empty_place.up(**external(fresh_url, valkey_url))
    url = up.url()
    assert is_ready(url)
    found = PASSWORD.search(up.said)
    assert found
    assert not empty_place.data_dir.exists()
    assert '"event": "worker started"' in wait_until(
        lambda: "worker started" in up.complained and up.complained, "the worker's log is ours"
    )
    assert up.stop() == 0
    assert empty_place.processes() == []
    with Redis.from_url(valkey_url) as redis:
        assert redis.ping()


def test_api_over_a_late_database_is_alive_at_once_and_ready_when_it_comes(
    published_place: Place, valkey_url: str
):
    with new_place() as elsewhere:
        data_dir = published_place.data_dir
        database_url = asyncio.run(_address(data_dir))
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        elsewhere.start("serve", "--port", str(port), **external(database_url, valkey_url))
        wait_until(lambda: status(url, "/health") == 200, "it is alive")
        assert status(url, "/health/ready") == 503
        background = Background()
        servers = EmbeddedServers(data_dir)
        background.run(servers.start())
        try:
            wait_until(lambda: is_ready(url), "it is ready")
            with client(url, register(url, "late")) as http:
                assert http.get(HISTORY).status_code == 200
        finally:
            background.run(servers.stop())
            background.close()


async def _address(data_dir: Path) -> str:
    """Return the address the database of a directory will have; nothing runs afterwards."""
    async with EmbeddedServers(data_dir, valkey=False) as endpoints:
        assert endpoints.database_url
        return endpoints.database_url


@pytest.mark.parametrize(
    "command", [("up", "--port", "0"), ("migrate",), ("worker",)], ids=lambda one: one[0]
)
def test_database_that_never_comes_ends_the_command_with_one_line(
    empty_place: Place, valkey_url: str, command: tuple[str, ...]
):
    done = empty_place.run(*command, **external(UNREACHABLE, valkey_url), CONNECT_TRIES="3")
    said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(said) == 1, done.stderr
    assert "could not be reached in 3 tries" in said[0]
    assert done.returncode == 6
    assert "nothing" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def has_event_loop(pid: int) -> bool:
    """Tell whether a process has come so far as to wait for events."""
    try:
        return any("eventpoll" in str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:  # a file that was closed meanwhile
        return False


@pytest.mark.skipif(not psutil.LINUX, reason="reads /proc")
def test_worker_waiting_for_its_database_ends_at_once_on_sigterm(empty_place: Place, valkey_url: str):
    worker = empty_place.start("worker", **external(UNREACHABLE, valkey_url))
    wait_until(lambda: has_event_loop(worker.process.pid), "it is under way")
    began = time.monotonic()
    assert worker.stop() in {0, -15}
    assert time.monotonic() - began < 5


def test_worker_without_valkey_waits_for_it_and_stops_in_order(empty_place: Place, published_url: str):
    worker = empty_place.start("worker", **external(published_url, "redis://127.0.0.1:1"))
    wait_until(lambda: "queue unreachable" in worker.complained, "it tells", 30)
    assert not worker.is_over
    assert worker.stop() == 0
    assert "Traceback" not in worker.complained
    assert worker.said == ""


def test_up_beside_other_servers_needs_their_secret(empty_place: Place, valkey_url: str):
    done = empty_place.run(
        "up", "--port", "0", DATABASE_URL="postgresql://someone@127.0.0.1:1/x", REDIS_URL=valkey_url
    )
    assert_one_line(done, "SECRET_KEY is not set")
    assert urlsplit(valkey_url).password not in done.stderr
