"""Attempts to log in are counted over all processes, and in each while Valkey is away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
from dishka import Provider, Scope
from tests.fakes.failure_delays import FakeFailureDelays

from waardhaven.adapters.inbound.http.app import create_app
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.outbound.security.passwords import Argon2Parameters
from waardhaven.application.ports.failure_delays import FailureDelays
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.settings import Settings

LOGIN = "/api/v1/auth/login"
WRONG = {"email": "ada@example.org", "password": "wrong horse battery"}


@asynccontextmanager
async def process(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Run one API process' worth of objects, with hashes that cost little and without delays."""
    cheap = Provider(scope=Scope.APP)
    cheap.provide(lambda: Argon2Parameters(passes=1, memory_kib=8), provides=Argon2Parameters, override=True)
    cheap.provide(lambda: FakeFailureDelays(free=1_000), provides=FailureDelays, override=True)
    container = make_container(settings, cheap)
    app = create_app(container, HttpConfig(version="test"))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("203.0.113.9", 50_000))
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        yield client
    await container.close()


async def statuses(*clients: httpx.AsyncClient, each: int) -> list[int]:
    tries = [client.post(LOGIN, json=WRONG) for _ in range(each) for client in clients]
    return sorted(answer.status_code for answer in await asyncio.gather(*tries))


async def test_two_processes_allow_ten_tries_of_a_login_together(
    database_url: str, valkey_url: str, settings_for: Callable[..., Settings]
) -> None:
    settings = settings_for(database_url, redis_url=valkey_url, redis_timeout=5.0)
    async with process(settings) as one, process(settings) as other:
        assert await statuses(one, other, each=10) == [401] * 10 + [429] * 10


async def test_without_valkey_a_process_allows_ten_by_itself(
    database_url: str, settings_for: Callable[..., Settings]
) -> None:
    settings = settings_for(database_url, redis_url="unix:///nonexistent/valkey.sock")
    async with process(settings) as alone:
        assert await statuses(alone, each=15) == [401] * 10 + [429] * 5
