"""PostgresJobs: jobs as rows, changed in the transaction of a unit of work."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.contextvars import get_contextvars

from waardhaven.adapters.outbound.postgres.errors import ConcurrentChange
from waardhaven.adapters.outbound.postgres.job_rows import (
    PLAIN,
    SETTLE,
    WHOLE,
    job_of,
    require_end,
    settle_values,
    settled,
    unknown_job,
)
from waardhaven.adapters.outbound.postgres.statements import fetch
from waardhaven.application.ports.jobs import JobDraft, Jobs, Lease, LeaseLost, Settlement
from waardhaven.domain.jobs.job import IllegalTransition, Job, JobState, KeyReused, check_transition
from waardhaven.domain.types import JobId

_ADD = f"""
INSERT INTO job AS j (id, type, params, queue, max_attempts, owner_id, credential, scopes, idempotency_key,
                      parent_id, correlation_id, created_at, due_at)
SELECT $1, $2, $3::jsonb, $4, $5, $6::uuid, $7, $8::text[], $9, $10::uuid, $11, t.at, t.at
FROM (SELECT clock_timestamp() AS at) t
ON CONFLICT (owner_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
RETURNING {PLAIN}
"""
_WITH_KEY = f"""
SELECT {WHOLE}, j.type = $1 AND j.params = $2::jsonb AS same
FROM job j WHERE j.idempotency_key = $3 AND j.owner_id
"""
_FIND = f"SELECT {WHOLE} FROM job j WHERE j.id = $1 FOR UPDATE"
_CANCEL = f"""
UPDATE job j SET
    state = CASE j.state WHEN 'queued' THEN 'cancelled' ELSE j.state END,
    finished_at = CASE j.state WHEN 'queued' THEN clock_timestamp() END,
    cancel_requested_at = coalesce(j.cancel_requested_at, clock_timestamp())
WHERE j.id = $1 RETURNING {PLAIN}
"""
_REQUEUE = f"""
UPDATE job j SET
    state = 'queued', attempts = 0, delivery = j.delivery + 1, due_at = clock_timestamp(),
    finished_at = NULL, result = NULL, error_code = NULL, error_message = NULL, cancel_requested_at = NULL,
    archived_at = NULL
WHERE j.id = $1 RETURNING {PLAIN}
"""


class PostgresJobs(Jobs):
    """Rows of job; triggers refuse illegal transitions and write the events."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, draft: JobDraft) -> Job:
        """See Jobs. Of two that add the same key at once, the second waits for the first."""
        params = msgspec.json.encode(draft.params).decode()
        rows = await fetch(
            self._connection,
            _ADD,
            draft.id,
            draft.type,
            params,
            str(draft.queue),
            draft.max_attempts,
            draft.owner,
            str(draft.credential),
            None if draft.scopes is None else sorted(str(one) for one in draft.scopes),
            draft.idempotency_key,
            draft.parent,
            get_contextvars().get("correlation_id"),
        )
        return job_of(rows[0]) if rows else await self._with_key(draft, params)

    async def _with_key(self, draft: JobDraft, params: str) -> Job:
        values = (draft.type, params, draft.idempotency_key)
        if draft.owner is None:
            rows = await fetch(self._connection, f"{_WITH_KEY} IS NULL", *values)
        else:
            rows = await fetch(self._connection, f"{_WITH_KEY} = $4", *values, draft.owner)
        if not rows:
            raise ConcurrentChange("The job with this key was removed just now. Try again.")
        if not rows[0]["same"]:
            raise KeyReused(
                "The idempotency key belongs to a job of another type or with other parameters.",
                context={"job": str(rows[0]["id"])},
            )
        return job_of(rows[0])

    async def find(self, job: JobId) -> Job | None:
        """See Jobs."""
        rows = await fetch(self._connection, _FIND, job)
        return job_of(rows[0]) if rows else None

    async def cancel(self, job: JobId) -> Job:
        """See Jobs."""
        present = await self._known(job)
        if present.state is not JobState.RUNNING:
            check_transition(present.state, JobState.CANCELLED)
        return job_of(await self._changed(_CANCEL, job))

    async def requeue(self, job: JobId) -> Job:
        """See Jobs."""
        present = await self._known(job)
        if not present.state.is_terminal:
            raise IllegalTransition(
                f"A job that is {present.state} can not be queued again.",
                context={"state": str(present.state), "wanted": str(JobState.QUEUED)},
            )
        check_transition(present.state, JobState.QUEUED)
        return job_of(await self._changed(_REQUEUE, job))

    async def settle(self, lease: Lease, settlement: Settlement) -> Job:
        """See Jobs."""
        require_end(settlement)
        ends = [(lease, settlement)]
        rows = await fetch(self._connection, SETTLE, *settle_values(ends))
        (job,) = settled(rows, ends)
        if job is None:
            raise lease_lost(lease)
        return job

    async def _known(self, job: JobId) -> Job:
        found = await self.find(job)
        if found is None:
            raise unknown_job(job)
        return found

    async def _changed(self, statement: str, job: JobId) -> Mapping[str, Any]:
        return (await fetch(self._connection, statement, job))[0]


def lease_lost(lease: Lease) -> LeaseLost:
    """Return the error for a lease that is not held any more."""
    return LeaseLost("The job was taken from this worker.", context={"job": str(lease.job)})
