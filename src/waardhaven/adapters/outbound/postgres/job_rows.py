"""Rows of the job table as jobs, and how an attempt ends as one statement for many of them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from waardhaven.application.ports.jobs import Delivery, Lease, Settlement
from waardhaven.domain.identity.roles import Credential, Permission
from waardhaven.domain.jobs.job import (
    Artifact,
    Job,
    JobFailure,
    JobState,
    Progress,
    Queue,
    UnknownJob,
    check_transition,
)
from waardhaven.domain.types import JobId, UserId

LONGEST_MESSAGE = 2_000
"""Letters kept of the message of a failure."""

BARE = """
    j.id, j.type, j.params::text AS params, j.queue, j.state, j.owner_id, j.credential, j.scopes,
    j.idempotency_key, j.parent_id, j.correlation_id, j.attempts, j.max_attempts, j.delivery, j.created_at,
    j.due_at, j.started_at, j.finished_at, j.cancel_requested_at, j.worker, j.stage, j.done, j.total,
    j.message, j.error_code, j.error_message
"""
"""The columns of ``job j`` without its result and artifacts."""
PLAIN = f"{BARE}, j.result::text AS result"
"""Those of a job that has no artifacts, or whose artifacts are at hand."""
WHOLE = f"""{PLAIN}, (
    SELECT jsonb_agg(jsonb_build_object('name', a.name, 'media_type', a.media_type, 'size', a.size,
                                        'digest', encode(a.digest, 'hex'), 'key', a.key) ORDER BY a.name)
    FROM job_artifact a WHERE a.job_id = j.id)::text AS artifacts
"""

AGAIN = """
    CASE WHEN {attempts} >= j.max_attempts THEN 'dead' WHEN j.cancel_requested_at IS NOT NULL THEN 'cancelled'
         ELSE 'queued' END
"""
"""What becomes of a job that wants another attempt."""
SETTLE = f"""
WITH offered AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[],
                         $7::interval[], $8::bool[])
    WITH ORDINALITY AS t (id, token, state, result, code, message, pause, counts, place)
), locked AS (
    SELECT j.id, j.state, j.lease_token, j.attempts, j.max_attempts, j.cancel_requested_at
    FROM job j WHERE j.id = ANY($1) ORDER BY j.id FOR UPDATE
), held AS (
    SELECT o.*, j.attempts - (NOT o.counts)::int AS attempts,
           CASE o.state WHEN 'queued' THEN {AGAIN.format(attempts="j.attempts - (NOT o.counts)::int")}
           ELSE o.state END AS verdict
    FROM offered o JOIN locked j ON j.id = o.id AND j.lease_token = o.token AND j.state = 'running'
), settled AS (
    UPDATE job j SET
        state = h.verdict,
        attempts = h.attempts,
        delivery = j.delivery + (h.verdict = 'queued')::int,
        due_at = CASE h.verdict WHEN 'queued' THEN clock_timestamp() + h.pause ELSE j.due_at END,
        finished_at = CASE h.verdict WHEN 'queued' THEN NULL ELSE clock_timestamp() END,
        lease_until = NULL,
        result = CASE h.verdict WHEN 'succeeded' THEN coalesce(h.result, '{{}}')::jsonb END,
        error_code = h.code,
        error_message = h.message
    FROM held h WHERE j.id = h.id
    RETURNING h.place, {PLAIN}
), kept AS (
    INSERT INTO job_artifact (job_id, name, media_type, size, digest, key)
    SELECT s.id, a.name, a.media_type, a.size, decode(a.digest, 'hex'), a.key
    FROM unnest($9::bigint[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::text[])
        AS a (place, name, media_type, size, digest, key)
    JOIN settled s ON s.place = a.place AND s.state = 'succeeded'
)
SELECT * FROM settled
"""
"""Ends attempts whose leases are held, and keeps the files of those that succeeded.

Rows are locked in the order of their ids, so that two batches never wait for each other, and found by
their ids alone: a partial index on the state would be read once a row while its statistics are old.
"""


def settle_values(ends: Sequence[tuple[Lease, Settlement]]) -> list[list[object]]:
    """Return the values of SETTLE."""
    jobs = [
        (
            lease.job,
            lease.token,
            str(one.state),
            None if one.result is None else msgspec.json.encode(one.result).decode(),
            None if one.failure is None else one.failure.code,
            None if one.failure is None else one.failure.message[:LONGEST_MESSAGE],
            one.pause,
            one.counts,
        )
        for lease, one in ends
    ]
    files = [
        (place, file.name, file.media_type, file.size, file.digest, file.key)
        for place, (_, one) in enumerate(ends, start=1)
        for file in one.artifacts
    ]
    return [*columns(jobs, 8), *columns(files, 6)]


def settled(rows: Sequence[Mapping[str, Any]], ends: Sequence[tuple[Lease, Settlement]]) -> list[Job | None]:
    """Return the job of each end in order, None where the lease was not held."""
    found = {row["place"]: row for row in rows}
    return [
        job_of(found[place], one.artifacts) if place in found else None
        for place, (_, one) in enumerate(ends, start=1)
    ]


def require_end(settlement: Settlement) -> None:
    """Raise IllegalTransition unless an attempt can end so."""
    check_transition(JobState.RUNNING, settlement.state)


def columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    """Return the columns of rows of a width, as arrays for a statement."""
    return [list(one) for one in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def job_of(row: Mapping[str, Any], artifacts: Sequence[Artifact] | None = None) -> Job:
    """Return the job in a row with the columns BARE, PLAIN or WHOLE; ``artifacts``: those it got just now."""
    owner, parent, scopes = row["owner_id"], row["parent_id"], row["scopes"]
    result, code = row.get("result"), row["error_code"]
    state = JobState(row["state"])
    if artifacts is None:
        files = tuple(Artifact(**one) for one in json.loads(row.get("artifacts") or "[]"))
    else:
        kept = artifacts if state is JobState.SUCCEEDED else ()
        files = tuple(sorted(kept, key=lambda one: one.name))
    return Job(
        id=JobId(row["id"]),
        type=row["type"],
        params=json.loads(row["params"]),
        queue=Queue(row["queue"]),
        state=state,
        owner=None if owner is None else UserId(owner),
        credential=Credential(row["credential"]),
        scopes=None if scopes is None else frozenset(Permission(one) for one in scopes),
        idempotency_key=row["idempotency_key"],
        parent=None if parent is None else JobId(parent),
        correlation_id=row["correlation_id"],
        attempts=row["attempts"],
        max_attempts=row["max_attempts"],
        delivery=row["delivery"],
        created_at=row["created_at"],
        due_at=row["due_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        cancel_requested_at=row["cancel_requested_at"],
        worker=row["worker"],
        progress=Progress(stage=row["stage"], done=row["done"], total=row["total"], message=row["message"]),
        result=None if result is None else json.loads(result),
        failure=None if code is None else JobFailure(code=code, message=row["error_message"]),
        artifacts=files,
    )


def delivery_of(row: Mapping[str, Any]) -> Delivery:
    """Return the present message about the job in a row."""
    return Delivery(job=JobId(row["id"]), number=row["delivery"], queue=Queue(row["queue"]))


def unknown_job(job: JobId) -> UnknownJob:
    """Return the error for a job that is not there."""
    return UnknownJob(f"There is no job {job}.", context={"job": str(job)})
