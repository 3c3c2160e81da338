"""What the database itself holds about jobs and events: which state follows which, and what is told."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from waardhaven.domain.jobs.job import TRANSITIONS, JobState

NOW = "clock_timestamp()"
ENDED = f"finished_at = {NOW}, lease_until = NULL"
BECOMES = {
    JobState.QUEUED: "finished_at = NULL, lease_until = NULL, result = NULL, delivery = delivery + 1",
    JobState.RUNNING: f"lease_until = {NOW}, lease_token = lease_token + 1, finished_at = NULL",
    JobState.SUCCEEDED: f"{ENDED}, result = '{{}}'",
    JobState.FAILED: f"{ENDED}, result = NULL, error_code = 'x', error_message = 'x'",
    JobState.CANCELLED: f"{ENDED}, result = NULL",
    JobState.DEAD: f"{ENDED}, result = NULL, error_code = 'x', error_message = 'x'",
}
"""What has to change with each state for every CHECK to hold."""
ENDS = [one for one in JobState if one.is_terminal]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    made = await asyncpg.connect(database_url)
    yield made
    await made.close()


async def a_job(connection: asyncpg.Connection, state: JobState = JobState.QUEUED) -> UUID:
    """Bring a job into a state by legal steps."""
    job = uuid4()
    await connection.execute(
        "INSERT INTO job (id, type, params, queue, credential, max_attempts)"
        " VALUES ($1, 'report', '{}', 'bulk', 'system', 3)",
        job,
    )
    steps = [] if state is JobState.QUEUED else [JobState.RUNNING]
    for step in [*steps, *([state] if state.is_terminal else [])]:
        await change(connection, job, step)
    return job


async def change(connection: asyncpg.Connection, job: UUID, state: JobState) -> None:
    await connection.execute(f"UPDATE job SET state = '{state}', {BECOMES[state]} WHERE id = $1", job)


async def refusal(connection: asyncpg.Connection, statement: str, *values: Any) -> str:
    """Return the rule that refuses a statement, "" when none does; it is taken back either way."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement, *values)
    except asyncpg.IntegrityConstraintViolationError as error:
        return str(error.constraint_name)
    finally:
        await transaction.rollback()
    return ""


async def told(connection: asyncpg.Connection) -> list[dict[str, Any]]:
    rows = await connection.fetch("SELECT kind, payload::text AS payload FROM outbox ORDER BY id")
    assert {row["kind"] for row in rows} <= {"job.changed"}
    return [json.loads(row["payload"]) for row in rows]


@pytest.mark.parametrize("present", JobState)
async def test_states_follow_each_other_as_the_domain_says(connection: asyncpg.Connection, present: JobState):
    job = await a_job(connection, present)
    for wanted in set(JobState) - {present}:
        update = f"UPDATE job SET state = '{wanted}', {BECOMES[wanted]} WHERE id = $1"
        expected = "" if wanted in TRANSITIONS[present] else "job_transition"
        assert await refusal(connection, update, job) == expected, wanted


@pytest.mark.parametrize("state", [one for one in JobState if one is not JobState.QUEUED])
async def test_job_begins_as_queued(connection: asyncpg.Connection, state: JobState):
    insert = (
        "INSERT INTO job (id, type, params, queue, credential, max_attempts, state)"
        f" VALUES ($1, 'report', '{{}}', 'bulk', 'system', 3, '{state}')"
    )
    assert await refusal(connection, insert, uuid4()) == "job_transition"


@pytest.mark.parametrize("state", ENDS)
async def test_ended_job_stays_as_it_is_but_may_be_archived_and_lose_its_parent(
    connection: asyncpg.Connection, state: JobState
):
    job = await a_job(connection, state)
    changes = (
        "finished_at = now()",
        "message = 'x'",
        "done = 1",
        "attempts = 1",
        "delivery = 9",
        "worker = 'x'",
    )
    for one in changes:
        assert await refusal(connection, f"UPDATE job SET {one} WHERE id = $1", job) == "job_transition", one
    for one in ("archived_at = now()", "parent_id = NULL", "message = message"):
        assert await refusal(connection, f"UPDATE job SET {one} WHERE id = $1", job) == "", one


@pytest.mark.parametrize("state", JobState)
async def test_job_is_archived_before_it_is_removed(connection: asyncpg.Connection, state: JobState):
    job = await a_job(connection, state)
    assert await refusal(connection, "DELETE FROM job WHERE id = $1", job) == "job_archived"
    if state.is_terminal:
        await connection.execute("UPDATE job SET archived_at = now() WHERE id = $1", job)
        assert await refusal(connection, "DELETE FROM job WHERE id = $1", job) == ""


async def test_removed_parent_leaves_its_children_and_takes_its_files(connection: asyncpg.Connection):
    parent, child = await a_job(connection, JobState.SUCCEEDED), uuid4()
    await connection.execute(
        "INSERT INTO job (id, type, params, queue, credential, max_attempts, parent_id)"
        " VALUES ($1, 'report', '{}', 'bulk', 'system', 3, $2)",
        child,
        parent,
    )
    await connection.execute(
        "INSERT INTO job_artifact VALUES ($1, 'a.csv', 'text/csv', 0, sha256(''), 'k')", parent
    )
    await change(connection, child, JobState.CANCELLED)
    await connection.execute("UPDATE job SET archived_at = now() WHERE id = $1", parent)
    await connection.execute("DELETE FROM job WHERE id = $1", parent)
    assert await connection.fetchval("SELECT parent_id FROM job WHERE id = $1", child) is None
    assert await connection.fetchval("SELECT count(*) FROM job_artifact") == 0


@pytest.mark.parametrize(
    "changed",
    [
        "id = gen_random_uuid()",
        "type = 'compute'",
        "params = '{\"a\": 1}'",
        "queue = 'interactive'",
        "credential = 'session'",
        "scopes = '{}'",
        "idempotency_key = 'a'",
        "created_at = now() - interval '1 day'",
    ],
)
async def test_what_was_asked_for_stays_as_it_is(connection: asyncpg.Connection, changed: str):
    job = await a_job(connection)
    assert await refusal(connection, f"UPDATE job SET {changed} WHERE id = $1", job) == "job_request"


async def test_owner_of_a_job_stays(connection: asyncpg.Connection):
    await connection.execute(
        "INSERT INTO app_user (id, email, username, password_hash)"
        " VALUES ($1, 'ada@x.org', 'ada', '$argon2id$x')",
        UUID(int=1),
    )
    job = await a_job(connection)
    assert (
        await refusal(connection, "UPDATE job SET owner_id = $2 WHERE id = $1", job, UUID(int=1))
        == "job_request"
    )


async def test_leases_and_messages_count_up(connection: asyncpg.Connection):
    queued, running = await a_job(connection), await a_job(connection, JobState.RUNNING)
    for changed in ("lease_token = lease_token - 1", "delivery = delivery - 1"):
        assert await refusal(connection, f"UPDATE job SET {changed} WHERE id = $1", running) == "job_fencing"
    begin = "UPDATE job SET state = 'running', lease_until = now() WHERE id = $1"
    assert await refusal(connection, begin, queued) == "job_fencing"


async def test_one_statement_over_many_jobs_tells_each_change_of_state_once(connection: asyncpg.Connection):
    jobs = sorted([await a_job(connection) for _ in range(3)])
    await change(connection, jobs[0], JobState.RUNNING)
    before = len(await told(connection))
    await connection.execute("UPDATE job SET message = 'x'")
    assert len(await told(connection)) == before
    await connection.execute(
        f"UPDATE job SET state = 'cancelled', {BECOMES[JobState.CANCELLED]}, message = 'y'"
    )
    news = (await told(connection))[before:]
    assert [(one["job"], one["state"]) for one in news] == [(str(job), "cancelled") for job in jobs]


async def test_event_of_a_job_carries_where_it_comes_from(connection: asyncpg.Connection):
    parent = await a_job(connection)
    await connection.execute(
        "INSERT INTO job (id, type, params, queue, credential, max_attempts, parent_id, correlation_id)"
        " VALUES ($1, 'report', '{}', 'bulk', 'system', 3, $2, 'a-request')",
        uuid4(),
        parent,
    )
    assert (await told(connection))[-1]["parent"] == str(parent)
    ids = await connection.fetch("SELECT correlation_id FROM outbox ORDER BY id")
    assert [row["correlation_id"] for row in ids] == [None, "a-request"]


# --- events


async def test_event_stays_as_it_is_and_keeps_its_place(connection: asyncpg.Connection):
    await a_job(connection)
    for changed in (
        "kind = 'a.b'",
        "payload = '{}'",
        "correlation_id = 'x'",
        "created_at = now()",
        "id = DEFAULT",
    ):
        assert await refusal(connection, f"UPDATE outbox SET {changed}") == "outbox_kept", changed
    assert await connection.fetchval("SELECT number_events()") == 1
    for changed in ("position = 2", "position = NULL"):
        assert await refusal(connection, f"UPDATE outbox SET {changed}") == "outbox_kept", changed
    assert await refusal(connection, "UPDATE outbox SET archived_at = now()") == ""


async def test_event_is_numbered_and_archived_before_it_is_removed(connection: asyncpg.Connection):
    await a_job(connection)
    assert await refusal(connection, "DELETE FROM outbox") == "outbox_archived"
    await connection.execute("UPDATE outbox SET archived_at = now()")
    assert await refusal(connection, "DELETE FROM outbox") == "outbox_archived"
    await connection.execute("SELECT number_events()")
    assert await refusal(connection, "DELETE FROM outbox") == ""


async def test_places_go_on_after_the_events_were_removed(connection: asyncpg.Connection):
    await a_job(connection)
    await connection.execute("SELECT number_events()")
    await connection.execute("UPDATE outbox SET archived_at = now()")
    await connection.execute("DELETE FROM outbox")
    assert await connection.fetchval("SELECT number_events()") == 1
    await a_job(connection)
    assert await connection.fetchval("SELECT number_events()") == 2
