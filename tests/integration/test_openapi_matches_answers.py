"""What the API document says of every answer, held against the answers of the running service."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from dishka import AsyncContainer
from tests.unit.adapters.http.shapes import body_schema, deviations

from waardhaven.adapters.inbound.http.app import create_app
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.application.identity.manage_users import CreateUser
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.settings import Settings
from waardhaven.domain.identity.roles import OPERATOR, Role

PROBLEM = "application/problem+json"
EVE = {"email": "eve@example.org", "password": "correct horse battery"}
STREAMS = {"/api/v1/stream", "/api/v1/jobs/{job_id}/events"}
"""Answers without an end, tested in test_streams.py."""
ASKED = {path: {"symbols": "AAPL,MSFT"} for path in ("/api/v1/prices", "/api/v1/quotes")}
FILLED = {
    "{import_id}": "01903f6a-5c1e-7a52-9d0c-4b1f0d9e2a77",
    "{slug}": "autoindex",
    "{symbol}": "AAPL",
    "{benchmark}": "SPX:0.6,QUAL:0.4",
    "{provider}": "github",
}


@dataclass(frozen=True, slots=True)
class Service:
    """A running application and a client of it, signed in as an administrator when asked to be."""

    client: httpx.AsyncClient
    container: AsyncContainer

    async def sign_in(self) -> httpx.Response:
        async with self.container() as scope:
            create = await scope.get(CreateUser)
            made = await create(OPERATOR, email="ada@example.org", role=Role.ADMIN)
        credentials = {"email": made.email, "password": made.password}
        response = await self.client.post("/api/v1/auth/login", json=credentials)
        self.client.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
        return response


Begin = Callable[[], AbstractAsyncContextManager[Service]]


@pytest.fixture
def begin(published_url: str, valkey_url: str, settings_for: Callable[..., Settings]) -> Begin:
    """Return a function that runs an application over the published sample."""

    @asynccontextmanager
    async def running() -> AsyncIterator[Service]:
        container = make_container(settings_for(published_url, redis_url=valkey_url))
        app = create_app(container, HttpConfig(version="test", cache_namespace=published_url))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 50_000))
        async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            yield Service(client, container)
        await container.close()

    return running


def checked(document: dict[str, Any], path: str, response: httpx.Response) -> list[str]:
    media = response.headers["content-type"].partition(";")[0]
    schema = body_schema(document, path, response.request.method.lower(), response.status_code, media)
    if media in {"text/plain", "application/toml"}:
        return [] if schema == {"type": "string"} else [f"{path}: {schema}"]
    return [f"{path} {one}" for one in deviations(document, schema, response.json())]


async def test_every_answer_has_the_documented_shape(begin: Begin) -> None:
    async with begin() as service:
        client = service.client
        document = (await client.get("/openapi.json")).json()
        register = await client.post("/api/v1/auth/register", json=EVE)
        found = checked(document, "/api/v1/auth/register", register)
        login = await service.sign_in()
        found += checked(document, "/api/v1/auth/login", login)
        submitted = await client.post("/api/v1/jobs", json={"type": "report"})
        found += checked(document, "/api/v1/jobs", submitted)
        job = submitted.json()["id"]
        explained = (await client.get("/api/v1/indices/autoindex/explain")).json()
        filled = FILLED | {
            "{figure}": explained["level"]["level"]["id"],
            "{user}": login.json()["user"]["id"],
            "{job_id}": job,
            "{task_id}": job,
            "{name}": "report.json",
        }
        asked = [path for path, item in document["paths"].items() if "get" in item and path not in STREAMS]
        assert len(asked) >= 25
        for path in asked:
            address = path
            for name, value in filled.items():
                address = address.replace(name, value)
            response = await client.get(address, params=ASKED.get(path))
            missing = "{provider}" in path or "{name}" in path or "{import_id}" in path
            assert response.status_code == (404 if missing else 200), (path, response.text)
            if (
                "{name}" not in path and "{import_id}" not in path
            ):  # its problem tells job and name, which no schema lists
                found += checked(document, path, response)
            if path.startswith("/api/v1/i"):
                assert response.text.strip("{}[]"), path
        assert found == []


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/api/v1/index/history", "currency=EURO", 422),
        ("/api/v1/index/history", "fields=x", 422),
        ("/api/v1/index/current", "as_of=1999-01-01", 404),
        ("/api/v1/indices/{slug}", "", 404),
        ("/api/v1/indices", "limit=0", 422),
    ],
)
async def test_every_error_has_the_documented_shape(begin: Begin, path: str, query: str, status: int) -> None:
    async with begin() as service:
        client = service.client
        document = (await client.get("/openapi.json")).json()
        response = await client.get(path.replace("{slug}", "x"))
        assert response.status_code == 401
        assert checked(document, path, response) == []
        await service.sign_in()
        response = await client.get(path.replace("{slug}", "nope"), params=query)
        assert response.status_code == status
        undocumented = {f"{path} $: {name} is not documented" for name in ("slug", "symbol")}
        assert set(checked(document, path, response)) <= undocumented, "context may stand beside"
