"""The whole HTTP path over PostgreSQL and Valkey: statements, plans, pool, freshness."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from random import Random
from uuid import UUID

import httpx
import numpy as np
import polars as pl
import pytest
from dishka import AsyncContainer
from tests.integration.conftest import Service

from waardhaven.adapters.inbound.http.app import create_app
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.ports.generation import Generation
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.security import AccessTokens
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.settings import Settings
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.types import SessionId, UserId

HISTORY, CURRENT = "/api/v1/index/history", "/api/v1/index/current"


@dataclass(frozen=True, slots=True)
class Api:
    """One API process' worth of objects, reached without a socket."""

    client: httpx.AsyncClient
    container: AsyncContainer
    database: Database
    generation: Generation


Begin = Callable[[], AbstractAsyncContextManager[Api]]


@asynccontextmanager
async def running(settings: Settings, **config: object) -> AsyncIterator[Api]:
    """Run the application over ``settings`` until the block ends."""
    container = make_container(settings)
    app = create_app(container, HttpConfig(version="test", **{"rate_limit_authenticated": 0, **config}))
    token = (
        (await container.get(AccessTokens))
        .issue(UserId(UUID(int=1)), Role.VIEWER, session=SessionId(UUID(int=2)), version=1)
        .value
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client,
    ):
        generation = await container.get(Generation)
        async with asyncio.timeout(10):
            while generation.known() is None:
                await asyncio.sleep(0.001)
        yield Api(client, container, await container.get(Database), generation)
    await container.close()


@pytest.fixture
def begin(published_url: str, valkey_url: str, settings_for: Callable[..., Settings]) -> Begin:
    """Return a function that runs an application over the published sample."""
    return lambda: running(
        settings_for(published_url, redis_url=valkey_url, database_pool_size=5, database_max_overflow=10),
        cache_namespace=published_url,
    )


STATEMENTS = {
    "/health": 0,
    "/": 0,
    "/openapi.json": 0,
    HISTORY: 2,
    CURRENT: 8,
    "/api/v1/index/currencies": 0,
    "/api/v1/index/assets/AAPL/history": 7,
    "/api/v1/indices": 2,
    "/api/v1/indices/autoindex": 2,
    "/api/v1/indices/autoindex/history": 2,
    "/api/v1/indices/autoindex/current": 8,
    "/api/v1/indices/autoindex/builds": 2,
    "/api/v1/indices/autoindex/compositions": 3,
    "/api/v1/indices/autoindex/compositions/file?date=2020-03-16": 6,
    "/api/v1/indices/autoindex/compositions/file?date=2020-03-16&at=opening": 10,
    "/api/v1/indices/autoindex/rebalances": 5,
    "/api/v1/indices/autoindex/explain": 5,
    "/api/v1/indices/autoindex/explain?date=2020-03-18&symbol=AAPL": 8,
    "/api/v1/indices/autoindex/pro-forma": 8,
    "/api/v1/strategies": 0,
    "/api/v1/strategy/config": 2,
}


def _is_driver_own(statement: str) -> bool:
    """Tell whether asyncpg asked for itself: the types of arrays, once for each connection."""
    return "typeinfo_tree" in statement or "set_config('jit'" in statement


@pytest.mark.parametrize(("path", "expected"), STATEMENTS.items())
async def test_route_runs_as_many_statements_as_pinned(begin: Begin, path: str, expected: int):
    seen: list[str] = []
    async with begin() as api:
        api.database.observer = lambda query: (
            None if _is_driver_own(query.query) else seen.append(query.query)
        )
        response = await api.client.get(path)
        first = len(seen)
        again = await api.client.get(path)
    assert response.status_code == again.status_code == 200
    assert (first, len(seen)) == (expected, expected), seen


PLANS = {
    "price_chunk": (
        "SELECT series_id, n, days, closes FROM price_chunk "
        "WHERE series_id = ANY(ARRAY[1, 2, 3]) AND year BETWEEN 2020 AND 2022 ORDER BY series_id, year",
        "pk_price_chunk",
    ),
    "price": (
        "SELECT series_id, day, close FROM price WHERE series_id = ANY(ARRAY[3]::bigint[]) "
        "AND day >= DATE '2022-01-01' ORDER BY series_id, day",
        "pk_price",
    ),
    "one day of every series": (
        "SELECT close FROM price WHERE day = DATE '2022-12-28' AND series_id = ANY(ARRAY[1, 2, 3]::bigint[])",
        "pk_price",
    ),
    "rates": (
        "SELECT day, rate FROM fx_rate WHERE fx_series_id = ANY(ARRAY[1]::bigint[]) ORDER BY 1",
        "pk_fx_rate",
    ),
    "build columns": (
        "SELECT name, data FROM build_column WHERE build_id = '6d0f6f0e-6a39-5a5c-9d0e-7a1f9c3a7f10' "
        "AND name = ANY(ARRAY['level.day', 'level.level'])",
        "pk_build_column",
    ),
    "login": (
        "SELECT * FROM app_user WHERE email = 'a@b.example' AND deleted_at IS NULL",
        "uq_app_user_email",
    ),
    "events without a position": (
        "SELECT id FROM outbox WHERE position IS NULL ORDER BY id",
        "ix_outbox_unnumbered",
    ),
    "events of one job": (
        "SELECT payload FROM outbox WHERE kind = 'job.changed' AND payload ->> 'job' = 'x' AND position > 5"
        " ORDER BY position LIMIT 500",
        "ix_outbox_job",
    ),
    "jobs of one owner": (
        "SELECT * FROM job WHERE owner_id = '6d0f6f0e-6a39-5a5c-9d0e-7a1f9c3a7f10' ORDER BY id DESC LIMIT 50",
        "ix_job_owner_id",
    ),
    "dead letters": ("SELECT * FROM job WHERE state = 'dead' ORDER BY id DESC LIMIT 50", "ix_job_dead"),
    "leases that ran out": (
        "SELECT id FROM job WHERE state = 'running' AND lease_until < now() ORDER BY lease_until LIMIT 50",
        "ix_job_leased",
    ),
    "jobs that wait": (
        "SELECT id FROM job WHERE state = 'queued' AND due_at < now() ORDER BY due_at LIMIT 50",
        "ix_job_queued",
    ),
}


@pytest.mark.parametrize(("query", "index"), PLANS.values(), ids=PLANS)
async def test_hot_query_uses_its_index(published: Service, query: str, index: str):
    database = await published.database
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")  # small tables would be scanned
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query}"))
    assert index in plan, plan


@pytest.mark.timeout(240)
async def test_pool_is_full_again_after_ten_thousand_requests_a_third_of_them_cancelled(begin: Begin):
    random = Random(20260101)
    gate = asyncio.Semaphore(40)
    statuses: dict[object, int] = {}

    async with begin() as api:

        async def request(number: int) -> None:
            async with gate:
                ask = asyncio.create_task(api.client.get(f"/api/v1/indices?limit=1&cursor=a{number}"))
                if number % 3 == 0:
                    await asyncio.wait({ask}, timeout=random.uniform(0.0, 0.02))
                    ask.cancel()
                try:
                    status: object = (await ask).status_code
                except asyncio.CancelledError:
                    status = "cancelled"
                statuses[status] = statuses.get(status, 0) + 1

        await asyncio.gather(*(request(number) for number in range(10_000)))
        async with asyncio.timeout(20):
            while api.database.checked_out:
                await asyncio.sleep(0.01)
        assert (await api.client.get(CURRENT)).status_code == 200
    assert set(statuses) <= {200, "cancelled"}, statuses
    assert statuses["cancelled"] > 1_000


async def test_answer_is_fresh_within_100_ms_of_a_price_commit_in_every_process(begin: Begin):
    async with begin() as one, begin() as other:
        path = "/api/v1/index/assets/PFE/history?start=2022-12-28"
        before = [(await api.client.get(path)).json()["close"] for api in (one, other)]
        async with one.database.transaction() as connection:
            series = await connection.fetchval(
                "SELECT s.id FROM series s JOIN asset_identifier i USING (asset_id) "
                "WHERE i.value = 'PFE' AND s.adjustment = 'all'"
            )
        prices = await one.container.get(PriceStore)
        await prices.write(_bar(series, "2022-12-28", 77.25))
        await asyncio.sleep(0.1)  # the promise itself
        after = [(await api.client.get(path)).json()["close"] for api in (one, other)]
    assert before == [before[0], before[0]] != after
    assert after == [[77.25], [77.25]]


async def test_bytes_are_the_same_without_valkey(begin: Begin, published_url: str, settings_for):
    nowhere = settings_for(published_url, redis_url="unix:///nonexistent/valkey.sock")
    async with begin() as with_valkey, running(nowhere) as without:
        for path in (HISTORY, CURRENT, "/api/v1/indices", "/api/v1/strategies"):
            one, other = [await api.client.get(path) for api in (with_valkey, without)]
            assert one.status_code == other.status_code == 200
            assert one.content == other.content
            assert one.headers["etag"] == other.headers["etag"]


async def test_lost_listener_disables_the_local_cache_until_it_is_back(begin: Begin):
    async with begin() as api:
        await api.client.get(CURRENT)
        async with api.database.acquire() as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE 'LISTEN%' OR query = 'SELECT value FROM generation' "
                "AND pid <> pg_backend_pid() AND datname = current_database()"
            )
        async with asyncio.timeout(5):
            while api.generation.known() is not None:
                await asyncio.sleep(0.001)
        assert (await api.client.get(CURRENT)).status_code == 200
        async with asyncio.timeout(10):
            while api.generation.known() is None:
                await asyncio.sleep(0.01)
        assert (await api.client.get(CURRENT)).status_code == 200


async def test_history_over_http_is_complete_and_starts_at_exactly_100(begin: Begin):
    async with begin() as api:
        body = (await api.client.get(HISTORY)).json()
    assert (body["dates"][0], body["dates"][-1]) == ("2000-01-03", "2022-12-28")
    assert len(body["dates"]) == len(body["values"]) == 5785
    assert body["values"][0] == 100.0


async def test_arrow_and_json_carry_the_same_levels(begin: Begin):
    async with begin() as api:
        body = (await api.client.get(HISTORY)).json()
        stream = await api.client.get(HISTORY, headers={"Accept": "application/vnd.apache.arrow.stream"})
    table = pl.read_ipc_stream(io.BytesIO(stream.content))
    assert table["values"].to_list() == body["values"]
    assert [str(day) for day in table["dates"].to_list()] == body["dates"]
    assert table.schema["dates"] == pl.Date


def _bar(series: int, day: str, close: float) -> PriceColumns:
    unknown = np.full(1, np.nan)
    return PriceColumns(
        series=np.array([series]),
        day=np.array([day], dtype="datetime64[D]"),
        open=unknown,
        high=unknown,
        low=unknown,
        close=np.array([close]),
        volume=unknown,
    )
