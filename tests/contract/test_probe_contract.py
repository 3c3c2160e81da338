"""Probe: what every implementation must do."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from tests.fakes.health import FakeProbe

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.migrations import migrate
from waardhaven.adapters.outbound.postgres.probe import PostgresProbe
from waardhaven.adapters.outbound.valkey.di import ValkeySettings, connect
from waardhaven.adapters.outbound.valkey.probe import ValkeyProbe
from waardhaven.application.ports.health import Probe

NOWHERE = f"postgresql://someone:sekret@/nothing?host={quote('/nonexistent')}"


@dataclass(frozen=True, slots=True)
class Pair:
    """A probe of something that is there, and one of something out of reach."""

    there: Probe
    lost: Probe
    name: str


@pytest.fixture(params=["fake", "postgres", "valkey"])
def address(request: pytest.FixtureRequest) -> tuple[str, str]:
    fixture = {"postgres": "database_url", "valkey": "valkey_url"}.get(request.param)
    return request.param, str(request.getfixturevalue(fixture)) if fixture else ""


@pytest.fixture
async def pair(address: tuple[str, str]) -> AsyncIterator[Pair]:
    kind, url = address
    async with AsyncExitStack() as stack:
        if kind == "valkey":
            urls = (url, "unix://:sekret@/nonexistent/valkey.sock")
            clients = [connect(ValkeySettings(url=one, timeout_seconds=5.0)) for one in urls]
            for one in clients:
                stack.push_async_callback(one.aclose)
            yield Pair(*(ValkeyProbe(one, 5.0) for one in clients), "valkey")
        elif kind == "postgres":
            databases = [Database(one) for one in (url, NOWHERE)]
            for one in databases:
                stack.push_async_callback(one.close)
            yield Pair(*(PostgresProbe(one, timeout=20) for one in databases), "postgres")
        else:
            yield Pair(FakeProbe(), FakeProbe(ready=False), "postgres")


async def test_dependency_that_answers_is_ready(pair: Pair):
    found = await pair.there.check()
    assert (found.ready, found.name) == (True, pair.name)
    assert found.latency_ms is not None
    assert found.latency_ms >= 0


async def test_dependency_out_of_reach_is_not_ready_and_the_detail_holds_no_secret(pair: Pair):
    found = await pair.lost.check()
    assert (found.ready, found.name, found.latency_ms) == (False, pair.name, None)
    assert found.detail
    assert "sekret" not in found.detail


async def test_database_with_another_schema_is_not_ready_and_says_what_is_needed(database_url):
    database = Database(database_url)
    for revision, present in (("0001", "schema 0001"), ("base", "schema missing")):
        await migrate(database, to=revision)
        found = await PostgresProbe(database, timeout=20).check()
        assert not found.ready
        assert found.detail.startswith(present)
    await database.close()
