"""Probe: what every implementation must do."""

from collections.abc import Callable
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


@pytest.fixture(params=["fake", "postgres", "valkey"])
def probes(request: pytest.FixtureRequest) -> tuple[Callable[[], Probe], Callable[[], Probe], str]:
    """Makers of a probe of something there, and of something out of reach, and its name."""
    if request.param == "fake":
        return FakeProbe, lambda: FakeProbe(ready=False), "postgres"
    if request.param == "valkey":
        url = request.getfixturevalue("valkey_url")
        lost = "unix://:sekret@/nonexistent/valkey.sock"
        return (
            lambda: ValkeyProbe(connect(ValkeySettings(url=url, timeout_seconds=5.0)), 5.0),
            lambda: ValkeyProbe(connect(ValkeySettings(url=lost))),
            "valkey",
        )
    url = request.getfixturevalue("database_url")
    return (
        lambda: PostgresProbe(Database(url), timeout=20),
        lambda: PostgresProbe(Database(NOWHERE)),
        "postgres",
    )


async def test_dependency_that_answers_is_ready(probes):
    found = await probes[0]().check()
    assert (found.ready, found.name) == (True, probes[2])
    assert found.latency_ms >= 0


async def test_dependency_out_of_reach_is_not_ready_and_the_detail_holds_no_secret(probes):
    found = await probes[1]().check()
    assert (found.ready, found.name, found.latency_ms) == (False, probes[2], None)
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
