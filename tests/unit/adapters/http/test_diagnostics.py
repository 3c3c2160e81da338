"""Diagnostics over HTTP: true figures for administrators, nothing for others."""

import pytest
from httpx import AsyncClient
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import World

from waardhaven.domain.identity.roles import Role
from waardhaven.domain.jobs.job import Queue

AT = "/api/v1/diagnostics"
READS = ("database-status", "cache-status", "system")
ACTS = ("cache-invalidate", "recalculate-index")


@pytest.fixture
def admin(world: World) -> dict[str, str]:
    return world.bearer(Role.ADMIN)


async def test_diagnostics_are_closed_to_everybody_else(world: World, client: AsyncClient):
    for path in READS:
        problem(await client.get(f"{AT}/{path}"), 401)
        problem(await client.get(f"{AT}/{path}", headers=world.bearer(Role.ANALYST)), 403)
    for path in ACTS:
        problem(await client.post(f"{AT}/{path}"), 401)
        problem(await client.post(f"{AT}/{path}", headers=world.bearer(Role.ANALYST)), 403)
    assert world.generation.number == 1
    assert not world.uow.jobs.rows


async def test_database_status_tells_rows_days_latency_and_pool(
    world: World, client: AsyncClient, admin: dict[str, str]
):
    found = (await client.get(f"{AT}/database-status", headers=admin)).json()
    assert found["tables"]["prices"] == {
        "count": 0,
        "status": "EMPTY",
        "earliest_date": None,
        "latest_date": None,
    }
    assert (found["simulation_ready"], found["message"]) == (False, "Load prices and build an index.")
    world.database_report.rows = {"prices": 5, "publications": 1}
    found = (await client.get(f"{AT}/database-status", headers=admin)).json()
    assert found["simulation_ready"] is True
    assert found["tables"]["prices"]["status"] == "OK"
    assert found["pool"] == {"size": 20, "limit": 60, "in_use": 1}
    assert found["latency_ms"] > 0


async def test_database_that_is_away_is_said_to_be(world: World, client: AsyncClient, admin: dict[str, str]):
    world.database_report.failing = True
    assert problem(await client.get(f"{AT}/database-status", headers=admin), 503)["code"] == (
        "database_unavailable"
    )


async def test_cache_status_counts_what_both_caches_gave(
    world: World, client: AsyncClient, admin: dict[str, str]
):
    before = (await client.get(f"{AT}/cache-status", headers=admin)).json()
    assert (before["local_hit_rate"], before["shared_hit_rate"]) == (None, None)
    for _ in range(4):
        await client.get("/api/v1/index/current", headers=admin)
    world.cache_report.hits, world.cache_report.misses = 3, 1
    after = (await client.get(f"{AT}/cache-status", headers=admin)).json()
    assert (after["local"]["hits"], after["local"]["misses"]) == (3, 1)
    assert (after["local_hit_rate"], after["shared_hit_rate"]) == (0.75, 0.75)
    assert 0 < after["local"]["bytes"] <= after["local"]["capacity_bytes"]
    assert after["status"] == "connected"
    world.cache_report.reachable = False
    away = (await client.get(f"{AT}/cache-status", headers=admin)).json()
    assert (away["status"], away["shared"]["memory_bytes"]) == ("disconnected", None)


async def test_invalidated_answers_are_made_anew(world: World, client: AsyncClient, admin: dict[str, str]):
    await client.get("/api/v1/index/current", headers=admin)
    world.base = 200.0
    assert (await client.get("/api/v1/index/current", headers=admin)).json()["level"] == 100.0
    done = await client.post(f"{AT}/cache-invalidate", params={"scope": "index"}, headers=admin)
    assert (done.status_code, done.json()["generation"]) == (200, 2)
    assert (await client.get("/api/v1/index/current", headers=admin)).json()["level"] == 200.0
    assert [action for action, _, _ in world.uow.audit.entries] == ["cache.invalidated"]
    problem(await client.post(f"{AT}/cache-invalidate", params={"scope": "*"}, headers=admin), 422)


async def test_recalculating_is_a_job_that_restates(world: World, client: AsyncClient, admin: dict[str, str]):
    response = await client.post(f"{AT}/recalculate-index", headers=admin)
    assert response.status_code == 202
    plain = {"mode": "restate", "also": ""}
    assert response.json()["params"] == {**plain, "index": "autoindex", "restate_from": None}
    body = {"index": "other", "restate_from": "2024-05-31"}
    response = await client.post(f"{AT}/recalculate-index", json=body, headers=admin)
    assert response.json()["params"] == {**plain, **body}
    assert len(world.queue.waiting) == 2


async def test_system_is_degraded_without_workers_and_ok_with_one(
    world: World, client: AsyncClient, admin: dict[str, str]
):
    found = (await client.get(f"{AT}/system", headers=admin)).json()
    assert found["state"] == "degraded"
    assert found["problems"] == ["no worker was heard of in the last 15 seconds"]
    await world.workers.beat("host:1", queues=(Queue.INTERACTIVE, Queue.BULK), concurrency=16, running=1)
    await client.post("/api/v1/jobs", json={"type": "report"}, headers=admin)
    found = (await client.get(f"{AT}/system", headers=admin)).json()
    assert (found["state"], found["problems"], found["dead_jobs"]) == ("ok", [], 0)
    assert found["queues"]["interactive"] == {"depth": 1, "queued": 1, "running": 0}
    assert [one["id"] for one in found["workers"]] == ["host:1"]


async def test_dependency_outside_that_is_down_degrades_and_never_makes_unready(
    world: World, client: AsyncClient, admin: dict[str, str]
):
    await world.workers.beat("host:1", queues=(Queue.BULK,), concurrency=1, running=0)
    world.probe.ready, world.probe.required = False, False
    assert (await client.get(f"{AT}/system", headers=admin)).json()["state"] == "degraded"
    assert (await client.get("/health/ready")).status_code == 200
    world.probe.required = True
    assert (await client.get(f"{AT}/system", headers=admin)).json()["state"] == "unready"
    assert (await client.get("/health/ready")).status_code == 503


async def test_system_is_told_while_queue_and_ledger_are_away(
    world: World, client: AsyncClient, admin: dict[str, str]
):
    world.queue.failing = world.ledger.failing = True
    found = (await client.get(f"{AT}/system", headers=admin)).json()
    assert found["queues"]["bulk"] == {"depth": None, "queued": 0, "running": 0}
