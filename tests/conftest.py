"""Real servers for the tests: one PostgreSQL and one Valkey for each test process, on fresh data."""

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from redis import Redis

from waardhaven.adapters.outbound.embedded import EmbeddedServers
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.migrations import migrate
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.prepare import prepare
from waardhaven.bootstrap.settings import Settings

T = TypeVar("T")
SECRET = "a secret key for tests only, 32 chars"
settings.register_profile("waardhaven", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("waardhaven")


class Background:
    """An event loop in a thread of its own, alive as long as the test session."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="servers", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(timeout=120)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where the servers of this test process are, and how to make databases on them."""

    background: Background
    admin_url: str
    valkey_url: str

    def database(self, template: str) -> str:
        """Return the address of a new database copied from a template."""
        name = f"t_{uuid4().hex}"
        self.background.run(self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        return self.address(name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever of ours is connected.

        WITH (FORCE) would also end an autovacuum worker, which only a superuser may; a plain DROP asks
        it to leave and waits.
        """
        name = url.split("@/")[1].split("?", maxsplit=1)[0]
        ours = f"datname = '{name}' AND usename = current_user AND pid <> pg_backend_pid()"
        end = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {ours}"
        self.background.run(self._execute(end))
        self.background.run(self._execute(f'DROP DATABASE IF EXISTS "{name}"'))

    def address(self, name: str) -> str:
        head, tail = self.admin_url.split("@/")
        return f"{head}@/{name}?{tail.split('?', 1)[1]}"

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Fail a test that leaves logs configured: loggers used meanwhile would keep that for good."""
    yield
    cached = structlog.get_config()["cache_logger_on_first_use"]
    structlog.reset_defaults()
    assert not cached, "the test left logs configured as a process does"


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    folder = Path(tempfile.mkdtemp(prefix="wh-test-"))
    background = Background()
    embedded = EmbeddedServers(folder / "data")
    endpoints = background.run(embedded.start())
    assert endpoints.database_url
    assert endpoints.redis_url
    try:
        yield Servers(background=background, admin_url=endpoints.database_url, valkey_url=endpoints.redis_url)
    finally:
        background.run(embedded.stop())
        background.close()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def schema_template(servers: Servers) -> str:
    """A database with the schema and nothing else."""
    url = servers.database("template1")

    async def fill() -> None:
        database = Database(url)
        await migrate(database)
        await database.close()

    servers.background.run(fill())
    return url.split("@/")[1].split("?")[0]


@pytest.fixture(scope="session")
def published_template(servers: Servers) -> str:
    """A database with the sample market loaded and the default index published."""
    url = servers.database("template1")

    async def fill() -> None:
        container = make_container(make_settings(url, servers.valkey_url))
        try:
            await prepare(container, tries=3, sample=True, progress=lambda *_: None)
        finally:
            await container.close()

    servers.background.run(fill())
    return url.split("@/")[1].split("?")[0]


@pytest.fixture
def database_url(servers: Servers, schema_template: str) -> Iterator[str]:
    """A fresh database with the schema and nothing else."""
    url = servers.database(schema_template)
    yield url
    servers.drop(url)


@pytest.fixture
def published_url(servers: Servers, published_template: str) -> Iterator[str]:
    """A fresh database with the sample market loaded and the default index published."""
    url = servers.database(published_template)
    yield url
    servers.drop(url)


@pytest.fixture
def valkey_url(servers: Servers) -> str:
    """An empty Valkey."""
    with Redis.from_url(servers.valkey_url) as client:
        client.flushall()
    return servers.valkey_url


def make_settings(database_url: str, redis_url: str, **changes: Any) -> Settings:
    """Settings over given servers, with a secret key for tests."""
    return Settings(database_url=database_url, redis_url=redis_url, secret_key=SECRET, **changes)


@pytest.fixture
def settings_for(servers: Servers) -> Callable[..., Settings]:
    """Return a function from a database address to settings."""
    return lambda url, **changes: make_settings(url, **({"redis_url": servers.valkey_url} | changes))
