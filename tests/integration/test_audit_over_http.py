"""The audit trail over HTTP and PostgreSQL: statements, and refusals that become entries."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest

from waardhaven.adapters.inbound.http.app import create_app
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.audit.seal_audit import SealAudit
from waardhaven.application.ports.generation import Generation
from waardhaven.application.ports.revocations import Revocations
from waardhaven.application.ports.security import AccessTokens
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.settings import Settings
from waardhaven.domain.identity.roles import SYSTEM, Role
from waardhaven.domain.types import SessionId, UserId

AUDIT, HEAD = "/api/v1/admin/audit", "/api/v1/admin/audit/head"


@dataclass(frozen=True, slots=True)
class Api:
    """An API process reached without a socket by an administrator."""

    client: httpx.AsyncClient
    database: Database
    seal: Callable[[], object]


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Api]:
    container = make_container(settings)
    app = create_app(container, HttpConfig(version="test"))
    tokens = await container.get(AccessTokens)
    token = tokens.issue(UserId(UUID(int=1)), Role.ADMIN, session=SessionId(UUID(int=2)), version=1).value
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("203.0.113.9", 50_000))

    async def seal() -> None:
        async with container() as scope:
            await (await scope.get(SealAudit))(SYSTEM)

    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        generation, revocations = await container.get(Generation), await container.get(Revocations)
        async with asyncio.timeout(20):
            while generation.known() is None or not revocations.is_current():
                await asyncio.sleep(0.001)
        client.headers["Authorization"] = f"Bearer {token}"
        yield Api(client, await container.get(Database), seal)
    await container.close()


@pytest.fixture
def settings(database_url: str, valkey_url: str, settings_for, tmp_path) -> Settings:
    return settings_for(database_url, redis_url=valkey_url, data_dir=tmp_path)


@pytest.mark.parametrize(
    "path",
    [
        AUDIT,
        HEAD,
        f"{AUDIT}?action=user.&actor={UUID(int=1)}&since=2024-01-01&until=2024-02-01&cursor=9&limit=200",
    ],
)
async def test_route_runs_one_statement_every_time(settings: Settings, path: str):
    seen: list[str] = []
    async with running(settings) as api:
        await api.client.get(path)
        api.database.observer = lambda query: seen.append(query.query)
        answers = [await api.client.get(path) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert len([one for one in seen if "typeinfo" not in one and "set_config" not in one]) == 2, seen


async def test_refusals_are_entries_after_the_process_ends_and_are_sealed(settings: Settings):
    async with running(settings) as api:
        anonymous = {"Authorization": ""}
        for _ in range(3):
            assert (await api.client.get(AUDIT, headers=anonymous)).status_code == 401
        login = {"email": "nobody@x.org", "password": "not the password"}
        refused = await api.client.post("/api/v1/auth/login", json=login, headers=anonymous)
        assert refused.status_code == 401
    async with running(settings) as api:
        await api.seal()
        items = (await api.client.get(AUDIT)).json()["items"]
        head = (await api.client.get(HEAD)).json()
    found = {(one["action"], one["target"], one["credential"], one["occurrences"]) for one in items}
    assert found == {
        ("access.unauthenticated", f"GET {AUDIT}", "anonymous", 3),
        ("login.failed", "POST /api/v1/auth/login", "anonymous", 1),
    }
    assert {one["position"] for one in items} == {1, 2}
    assert head["position"] == 2
    assert "nobody" not in str(items)
    assert "203.0" not in str(items)
