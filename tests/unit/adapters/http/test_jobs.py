"""Jobs over HTTP: submitting, listing, showing, cancelling, requeueing, files and schedules."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import World

from waardhaven.application.ports.jobs import Delivery, Settlement
from waardhaven.domain.identity.roles import Credential, Permission, Principal, Role
from waardhaven.domain.jobs.job import Artifact, JobFailure, JobState, Progress, Queue
from waardhaven.domain.types import JobId, UserId

JOBS = "/api/v1/jobs"
OTHER = UserId(UUID(int=99))


@pytest.fixture
def me(world: World) -> dict[str, str]:
    return world.bearer(Role.ANALYST)


@pytest.fixture
def admin(world: World) -> dict[str, str]:
    return world.bearer(Role.ADMIN)


async def submitted(client: AsyncClient, headers: dict[str, str], **body: Any) -> dict[str, Any]:
    response = await client.post(JOBS, json={"type": "report", **body}, headers=headers)
    assert response.status_code == 202, response.text
    found: dict[str, Any] = response.json()
    return found


async def ended(world: World, job: str, settlement: Settlement, *, progress: Progress | None = None) -> None:
    delivery = Delivery(job=JobId(UUID(job)), number=1, queue=Queue.INTERACTIVE)
    claimed = await world.ledger.claim(delivery, worker="host:1", lease=timedelta(seconds=10))
    assert claimed is not None
    if progress is not None:
        await world.ledger.beat(claimed[1], length=timedelta(seconds=10), progress=progress)
    await world.ledger.settle(claimed[1], settlement)


async def test_submitted_job_is_accepted_with_where_it_can_be_watched(
    world: World, client: AsyncClient, me: dict[str, str]
):
    response = await client.post(JOBS, json={"type": "report", "params": {}}, headers=me)
    job = response.json()
    assert response.status_code == 202
    assert response.headers["location"] == f"{JOBS}/{job['id']}"
    assert response.headers["cache-control"] == "no-store"
    assert UUID(job["id"]).version == 7
    assert (job["state"], job["type"], job["queue"]) == ("queued", "report", "interactive")
    assert job["params"] == {"report_type": "performance", "period_days": 30, "index": "autoindex"}
    assert job["progress"] == {"stage": "", "done": 0, "total": None, "fraction": None, "message": ""}
    shown = await client.get(response.headers["location"], headers=me)
    assert shown.json() == {**job, "result": None, "artifacts": [], "worker": None}
    assert len(world.queue.waiting) == 1


async def test_key_in_header_or_body_gives_the_same_job(client: AsyncClient, me: dict[str, str]):
    first = await submitted(client, me, idempotency_key="monday")
    again = await client.post(JOBS, json={"type": "report"}, headers={**me, "Idempotency-Key": "monday"})
    assert again.status_code == 202
    assert again.json()["id"] == first["id"]
    clash = await client.post(
        JOBS, json={"type": "report", "params": {"period_days": 9}, "idempotency_key": "monday"}, headers=me
    )
    assert problem(clash, 409)["code"] == "key_reused"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"type": "nothing"}, ["type"]),
        ({}, ["type"]),
        ({"type": 5}, ["type"]),
        ({"type": "report", "params": []}, ["params"]),
        ({"type": "report", "params": {"period_days": 0}}, ["params.period_days"]),
        ({"type": "report", "params": {"since": 1}}, ["params.since"]),
        ({"type": "report", "idempotency_key": ""}, ["idempotency_key"]),
        ({"type": "report", "idempotency_key": "a b"}, ["idempotency_key"]),
        ({"type": "report", "owner": "me"}, ["owner"]),
    ],
)
async def test_bad_job_is_refused_with_every_field(
    world: World, client: AsyncClient, me: dict[str, str], body: dict[str, Any], fields: list[str]
):
    refused = problem(await client.post(JOBS, json=body, headers=me), 422)
    assert [one["field"] for one in refused["errors"]] == fields
    assert not world.uow.jobs.rows


async def test_type_that_takes_more_than_the_caller_has_is_forbidden(
    world: World, client: AsyncClient, me: dict[str, str]
):
    for job_type in ("cleanup", "refresh"):
        refused = await client.post(JOBS, json={"type": job_type}, headers=me)
        assert problem(refused, 403)["code"] == "permission_denied"
    narrow = Principal(
        user=OTHER,
        role=Role.ADMIN,
        credential=Credential.API_KEY,
        scopes=frozenset({Permission.READ_INDICES}),
    )
    refused = await client.post(JOBS, json={"type": "compute"}, headers=world.credential(narrow))
    problem(refused, 403)


async def test_jobs_of_others_do_not_exist_except_for_administrators(
    world: World, client: AsyncClient, me: dict[str, str], admin: dict[str, str]
):
    job = await submitted(client, me)
    other = world.bearer(Role.ANALYST, user=OTHER)
    missing = problem(await client.get(f"{JOBS}/{UUID(int=5)}", headers=other), 404)
    for response in (
        await client.get(f"{JOBS}/{job['id']}", headers=other),
        await client.delete(f"{JOBS}/{job['id']}", headers=other),
        await client.post(f"{JOBS}/{job['id']}/requeue", headers=other),
        await client.get(f"{JOBS}/{job['id']}/artifacts/report.json", headers=other),
        await client.get(f"/api/v1/background/status/{job['id']}", headers=other),
    ):
        assert problem(response, 404)["code"] == missing["code"] == "unknown_job"
    assert (await client.get(JOBS, headers=other)).json()["items"] == []
    assert [one["id"] for one in (await client.get(JOBS, headers=admin)).json()["items"]] == [job["id"]]
    assert (await client.get(f"{JOBS}/{job['id']}", headers=admin)).status_code == 200


async def test_list_pages_newest_first_and_filters(world: World, client: AsyncClient, me: dict[str, str]):
    made = []
    for days in range(1, 6):
        made.append((await submitted(client, me, params={"period_days": days}))["id"])
        world.clock.advance(timedelta(seconds=1))
    await submitted(client, me, type="compute")
    first = (await client.get(JOBS, params={"type": "report", "limit": 3}, headers=me)).json()
    assert [one["id"] for one in first["items"]] == made[:1:-1]
    rest = (
        await client.get(
            JOBS, params={"type": "report", "limit": 3, "cursor": first["next_cursor"]}, headers=me
        )
    ).json()
    assert [one["id"] for one in rest["items"]] == made[1::-1]
    assert rest["next_cursor"] is None
    await client.delete(f"{JOBS}/{made[0]}", headers=me)
    found = await client.get(JOBS, params={"state": ["cancelled", "dead"]}, headers=me)
    assert [one["id"] for one in found.json()["items"]] == [made[0]]
    problem(await client.get(JOBS, params={"state": "sleeping"}, headers=me), 422)
    problem(await client.get(JOBS, params={"cursor": "abc"}, headers=me), 422)
    problem(await client.get(JOBS, params={"since": "x"}, headers=me), 422)


async def test_finished_job_shows_result_progress_and_files(
    world: World, client: AsyncClient, me: dict[str, str]
):
    job = await submitted(client, me)
    artifact = Artifact(
        name="report.json", media_type="application/json", size=2, digest="ab" * 32, key="jobs/1/report.json"
    )
    await world.files.put(artifact.key, b"{}")
    await ended(
        world,
        job["id"],
        Settlement(state=JobState.SUCCEEDED, result={"level": 1.5}, artifacts=(artifact,)),
        progress=Progress(stage="writing", done=1, total=2),
    )
    shown = (await client.get(f"{JOBS}/{job['id']}", headers=me)).json()
    assert shown["state"] == "succeeded"
    assert shown["result"] == {"level": 1.5}
    assert shown["progress"]["fraction"] == 1.0
    assert shown["worker"] == "host:1"
    assert shown["artifacts"] == [
        {"name": "report.json", "media_type": "application/json", "size": 2, "sha256": "ab" * 32}
    ]
    file = await client.get(f"{JOBS}/{job['id']}/artifacts/report.json", headers=me)
    assert (file.status_code, file.content) == (200, b"{}")
    assert file.headers["content-type"].startswith("application/json")
    assert file.headers["etag"] == f'"{"ab" * 32}"'
    assert file.headers["content-disposition"] == 'attachment; filename="report.json"'
    problem(await client.get(f"{JOBS}/{job['id']}/artifacts/other.json", headers=me), 404)
    await world.files.remove(artifact.key)
    gone = await client.get(f"{JOBS}/{job['id']}/artifacts/report.json", headers=me)
    assert problem(gone, 404)["code"] == "unknown_file"
    problem(await client.get(f"{JOBS}/{job['id']}/artifacts/..%2Fsecret", headers=me), 404)
    problem(await client.delete(f"{JOBS}/{job['id']}", headers=me), 409)


async def test_dead_job_shows_why_and_can_be_requeued(world: World, client: AsyncClient, me: dict[str, str]):
    job = await submitted(client, me)
    failure = JobFailure(code="worker_lost", message="The worker was lost.")
    await ended(world, job["id"], Settlement(state=JobState.DEAD, failure=failure))
    [letter] = (await client.get(JOBS, params={"state": "dead"}, headers=me)).json()["items"]
    assert letter["error"] == {"code": "worker_lost", "detail": "The worker was lost."}
    again = await client.post(f"{JOBS}/{job['id']}/requeue", headers=me)
    assert again.status_code == 202
    assert (again.json()["state"], again.json()["attempts"], again.json()["error"]) == ("queued", 0, None)
    problem(await client.post(f"{JOBS}/{job['id']}/requeue", headers=me), 409)


async def test_schedules_are_shown_and_changed_by_administrators_alone(
    client: AsyncClient, me: dict[str, str], admin: dict[str, str]
):
    problem(await client.get(f"{JOBS}/schedules", headers=me), 403)
    shown = {
        one["name"]: one for one in (await client.get(f"{JOBS}/schedules", headers=admin)).json()["items"]
    }
    assert shown["cleanup"]["rule"] == "weekly sun 03:00"
    assert shown["cleanup"]["next_runs"] == [
        "2024-06-09T03:00:00Z",
        "2024-06-16T03:00:00Z",
        "2024-06-23T03:00:00Z",
    ]
    assert shown["refresh"]["reason"].startswith("No coming session of XNYS")
    changed = await client.put(f"{JOBS}/schedules/cleanup", json={"rule": "daily 04:00"}, headers=admin)
    assert changed.json()["next_runs"][0] == "2024-06-04T04:00:00Z"
    bad = await client.put(f"{JOBS}/schedules/cleanup", json={"rule": "often"}, headers=admin)
    assert problem(bad, 422)["errors"][0]["field"] == "rule"
    problem(await client.put(f"{JOBS}/schedules/report", json={"rule": "daily 04:00"}, headers=admin), 404)


# --- under older names


@pytest.mark.parametrize(
    ("path", "job_type"),
    [
        ("background/refresh", "refresh"),
        ("background/refresh-market-data", "refresh"),
        ("tasks/refresh", "refresh"),
        ("background/compute", "compute"),
        ("background/compute-index", "compute"),
        ("background/report", "report"),
        ("background/generate-report", "report"),
        ("background/cleanup", "cleanup"),
        ("background/cleanup-old-data", "cleanup"),
    ],
)
@pytest.mark.parametrize("body", [None, {}], ids=["without_body", "empty_body"])
async def test_older_names_submit_the_same_jobs_with_or_without_a_body(
    client: AsyncClient, admin: dict[str, str], path: str, job_type: str, body: dict[str, Any] | None
):
    sent: dict[str, Any] = {} if body is None else {"json": body}
    response = await client.post(f"/api/v1/{path}", headers=admin, **sent)
    assert response.status_code == 202, response.text
    task = response.json()
    assert (task["status"], task["message"]) == ("started", f"The {job_type} job is queued.")
    assert response.headers["location"] == f"{JOBS}/{task['task_id']}"
    shown = await client.get(f"{JOBS}/{task['task_id']}", headers=admin)
    assert shown.json()["type"] == job_type


async def test_older_names_check_parameters_and_permissions(
    client: AsyncClient, me: dict[str, str], admin: dict[str, str]
):
    for days in (0, -5, 29):
        refused = await client.post("/api/v1/background/cleanup", json={"days_to_keep": days}, headers=admin)
        assert problem(refused, 422)["errors"][0]["field"] == "days_to_keep"
    for path in ("background/cleanup", "background/refresh", "tasks/refresh"):
        problem(await client.post(f"/api/v1/{path}", json={}, headers=me), 403)
    risky = await client.post("/api/v1/background/report", json={"report_type": "risk"}, headers=me)
    assert problem(risky, 422)["errors"][0]["field"] == "report_type"


@pytest.mark.parametrize(
    ("settlement", "expected"),
    [
        (None, ("PENDING", False, None)),
        (Settlement(state=JobState.SUCCEEDED, result={"a": 1}), ("SUCCESS", True, True)),
        (
            Settlement(state=JobState.FAILED, failure=JobFailure(code="no", message="No.")),
            ("FAILURE", True, False),
        ),
        (
            Settlement(state=JobState.DEAD, failure=JobFailure(code="no", message="No.")),
            ("FAILURE", True, False),
        ),
        (Settlement(state=JobState.CANCELLED), ("REVOKED", True, False)),
    ],
    ids=["queued", "succeeded", "failed", "dead", "cancelled"],
)
async def test_task_status_speaks_of_states_as_task_queues_do(
    world: World,
    client: AsyncClient,
    me: dict[str, str],
    settlement: Settlement | None,
    expected: tuple[Any, ...],
):
    job = await submitted(client, me)
    if settlement is not None:
        await ended(world, job["id"], settlement)
    for path in ("status", "task"):
        found = (await client.get(f"/api/v1/background/{path}/{job['id']}", headers=me)).json()
        assert (found["state"], found["ready"], found["successful"]) == expected
        assert found["task_id"] == job["id"]
        assert found["result"] == (settlement.result if settlement else None)
        assert found["error"] == ("No." if expected[0] == "FAILURE" else None)


async def test_active_tasks_are_told_by_worker(world: World, client: AsyncClient, me: dict[str, str]):
    running = await submitted(client, me)
    waiting = await submitted(client, me)
    delivery = Delivery(job=JobId(UUID(running["id"])), number=1, queue=Queue.INTERACTIVE)
    claimed = await world.ledger.claim(delivery, worker="host:1", lease=timedelta(seconds=10))
    assert claimed is not None
    await world.ledger.beat(
        claimed[1], length=timedelta(seconds=10), progress=Progress(stage="reading", done=1, total=4)
    )
    status = (await client.get(f"/api/v1/background/status/{running['id']}", headers=me)).json()
    assert status["state"] == "PROGRESS"
    assert status["info"] == {"status": "reading", "stage": "reading", "done": 1, "total": 4}
    active = (await client.get("/api/v1/background/active", headers=me)).json()
    assert [one["task_id"] for one in active["active"]["host:1"]] == [running["id"]]
    assert [one["task_id"] for one in active["reserved"]["waiting"]] == [waiting["id"]]
    assert active["scheduled"] == {}
    assert active["stats"] == {"total_active": 1, "total_scheduled": 0, "total_reserved": 1}
