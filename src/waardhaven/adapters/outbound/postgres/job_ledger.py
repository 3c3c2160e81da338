"""PostgresJobLedger: what workers ask and tell, one statement for as many of them as came together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from waardhaven.adapters.outbound.postgres.batching import Batcher
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.job_rows import (
    AGAIN,
    BARE,
    PLAIN,
    SETTLE,
    WHOLE,
    columns,
    delivery_of,
    job_of,
    require_end,
    settle_values,
    settled,
    unknown_job,
)
from waardhaven.adapters.outbound.postgres.jobs import lease_lost
from waardhaven.application.ports.jobs import Delivery, JobFilter, JobLedger, Lease, Settlement
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.jobs.job import Job, JobState, Progress, Queue
from waardhaven.domain.types import JobId

LONGEST_STAGE = 60
LONGEST_MESSAGE = 300
COUNTED = (JobState.QUEUED, JobState.RUNNING, JobState.DEAD)
_CLAIM = f"""
WITH offered AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::interval[])
    WITH ORDINALITY AS t (id, delivery, worker, lease, place)
), locked AS (
    SELECT j.id, j.delivery, j.state FROM job j WHERE j.id = ANY($1) ORDER BY j.id FOR UPDATE
)
UPDATE job j SET
    state = 'running',
    lease_token = j.lease_token + 1,
    lease_until = clock_timestamp() + o.lease,
    attempts = j.attempts + 1,
    worker = o.worker,
    started_at = coalesce(j.started_at, clock_timestamp()),
    stage = '', done = 0, total = NULL, message = '', error_code = NULL, error_message = NULL
FROM offered o JOIN locked l ON l.id = o.id AND l.delivery = o.delivery AND l.state = 'queued'
WHERE j.id = l.id
RETURNING o.place, j.lease_token, {PLAIN}
"""
_BEAT = """
UPDATE job SET
    lease_until = clock_timestamp() + $3::interval,
    stage = CASE WHEN $4::bool THEN $5::text ELSE stage END,
    done = CASE WHEN $4::bool THEN $6::bigint ELSE done END,
    total = CASE WHEN $4::bool THEN $7::bigint ELSE total END,
    message = CASE WHEN $4::bool THEN $8::text ELSE message END
WHERE id = $1 AND lease_token = $2 AND state = 'running'
RETURNING cancel_requested_at IS NOT NULL AS cancelled
"""
_RECLAIM = f"""
UPDATE job j SET
    state = r.verdict,
    delivery = j.delivery + (r.verdict = 'queued')::int,
    due_at = CASE r.verdict WHEN 'queued' THEN clock_timestamp() ELSE j.due_at END,
    finished_at = CASE r.verdict WHEN 'queued' THEN NULL ELSE clock_timestamp() END,
    lease_until = NULL,
    error_code = 'worker_lost',
    error_message = 'The worker was lost.'
FROM (
    SELECT j.id, {AGAIN.format(attempts="j.attempts")} AS verdict FROM job j
    WHERE j.state = 'running' AND j.lease_until < statement_timestamp()
    ORDER BY j.lease_until LIMIT $1 FOR UPDATE SKIP LOCKED
) r
WHERE j.id = r.id RETURNING {PLAIN}
"""
_WAITING = """
SELECT id, delivery, queue FROM job
WHERE state = 'queued' AND due_at <= statement_timestamp() - $1::interval ORDER BY due_at, id LIMIT $2
"""
_REDELIVER = """
WITH offered AS (
    SELECT * FROM unnest($1::uuid[], $2::int[]) AS t (id, delivery)
), locked AS (
    SELECT j.id, j.delivery, j.state FROM job j WHERE j.id = ANY($1) ORDER BY j.id FOR UPDATE
)
UPDATE job j SET delivery = j.delivery + 1, due_at = clock_timestamp()
FROM offered o JOIN locked l ON l.id = o.id AND l.delivery = o.delivery AND l.state = 'queued'
WHERE j.id = l.id
RETURNING j.id, j.delivery, j.queue
"""
_COUNTS = " UNION ALL ".join(
    f"SELECT queue, state, count(*) AS n FROM job WHERE state = '{state}' GROUP BY queue, state"
    for state in COUNTED
)


@dataclass(frozen=True, slots=True)
class _Claim:
    delivery: Delivery
    worker: str
    lease: timedelta


class PostgresJobLedger(JobLedger):
    """Single statements on the pool; claims, and ends of attempts, that come together share one commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._claims: Batcher[_Claim, tuple[Job, Lease] | None] = Batcher(self._claim)
        self._ends: Batcher[tuple[Lease, Settlement], Job | None] = Batcher(self._settle)

    async def claim(self, delivery: Delivery, *, worker: str, lease: timedelta) -> tuple[Job, Lease] | None:
        """See JobLedger."""
        return await self._claims.ask(_Claim(delivery, worker, lease))

    async def _claim(self, asked: Sequence[_Claim]) -> Sequence[tuple[Job, Lease] | None]:
        offered = [(one.delivery.job, one.delivery.number, one.worker, one.lease) for one in asked]
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_CLAIM, *columns(offered, 4))
        found: dict[int, tuple[Job, Lease]] = {}
        for row in rows:
            job = job_of(row)
            found[row["place"]] = job, Lease(job=job.id, token=row["lease_token"])
        return [found.get(place) for place in range(1, len(asked) + 1)]

    async def beat(self, lease: Lease, *, length: timedelta, progress: Progress | None) -> bool:
        """See JobLedger. Progress is cut to what the columns take."""
        told = progress or Progress()
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(
                _BEAT,
                lease.job,
                lease.token,
                length,
                progress is not None,
                told.stage[:LONGEST_STAGE],
                max(told.done, 0),
                None if told.total is None else max(told.total, 0),
                told.message[:LONGEST_MESSAGE],
            )
        if row is None:
            raise lease_lost(lease)
        return bool(row["cancelled"])

    async def settle(self, lease: Lease, settlement: Settlement) -> Job:
        """See JobLedger."""
        require_end(settlement)
        job = await self._ends.ask((lease, settlement))
        if job is None:
            raise lease_lost(lease)
        return job

    async def _settle(self, ends: Sequence[tuple[Lease, Settlement]]) -> Sequence[Job | None]:
        async with self._database.acquire() as connection:
            rows = await connection.fetch(SETTLE, *settle_values(ends))
        return settled(rows, ends)

    async def reclaim(self, *, limit: int) -> Sequence[Job]:
        """See JobLedger."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_RECLAIM, limit)
        return [job_of(row) for row in rows]

    async def waiting(self, *, older_than: timedelta, limit: int) -> Sequence[Delivery]:
        """See JobLedger."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_WAITING, older_than, limit)
        return [delivery_of(row) for row in rows]

    async def redeliver(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """See JobLedger. A job counts as waiting from then on."""
        offered = [(one.job, one.number) for one in deliveries]
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_REDELIVER, *columns(offered, 2))
        return [delivery_of(row) for row in rows]

    async def get(self, job: JobId) -> Job:
        """See JobLedger."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(f"SELECT {WHOLE} FROM job j WHERE j.id = $1", job)
        if row is None:
            raise unknown_job(job)
        return job_of(row)

    async def page(
        self, wanted: JobFilter, *, by: Principal, limit: int, before: JobId | None = None
    ) -> Sequence[Job]:
        """See JobLedger."""
        conditions, values = _conditions(wanted, by, before)
        query = f"SELECT {BARE} FROM job j WHERE {conditions} ORDER BY j.id DESC LIMIT ${len(values) + 1}"
        async with self._database.acquire() as connection:
            rows = await connection.fetch(query, *values, limit)
        return [job_of(row) for row in rows]

    async def counts(self) -> Mapping[tuple[Queue, JobState], int]:
        """See JobLedger."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_COUNTS)
        found = {(queue, state): 0 for queue in Queue for state in COUNTED}
        return found | {(Queue(row["queue"]), JobState(row["state"])): row["n"] for row in rows}

    async def close(self) -> None:
        """Finish what was asked; later claims and ends are refused."""
        await self._claims.close()
        await self._ends.close()


def _conditions(wanted: JobFilter, by: Principal, before: JobId | None) -> tuple[str, list[object]]:
    """Return the conditions of a page as SQL, and their values."""
    asked: list[tuple[str, object]] = []
    if not by.may(Permission.OPERATE):
        asked.append(("j.owner_id = {}::uuid", by.user))
    if wanted.states:
        asked.append(("j.state = ANY({}::text[])", [str(one) for one in wanted.states]))
    if wanted.types:
        asked.append(("j.type = ANY({}::text[])", list(wanted.types)))
    optional = {
        "j.owner_id = {}": wanted.owner,
        "j.parent_id = {}": wanted.parent,
        "j.queue = {}": None if wanted.queue is None else str(wanted.queue),
        "j.created_at >= {}": wanted.since,
        "j.created_at < {}": wanted.until,
        "j.id < {}": before,
    }
    asked += [(condition, value) for condition, value in optional.items() if value is not None]
    texts = [condition.format(f"${place}") for place, (condition, _) in enumerate(asked, start=1)]
    return " AND ".join(texts) or "true", [value for _, value in asked]
