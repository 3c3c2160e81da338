"""Jobs in memory: inside a unit of work, and for the worker over what is committed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from structlog.contextvars import get_contextvars
from tests.fakes.clock import FakeClock

from waardhaven.adapters.outbound.postgres.errors import ConstraintBroken, DatabaseUnavailable
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.jobs import (
    Delivery,
    JobDraft,
    JobFilter,
    JobLedger,
    Jobs,
    Lease,
    LeaseLost,
    Settlement,
)
from waardhaven.domain.events import Event, JobChanged
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.jobs.job import (
    IllegalTransition,
    Job,
    JobFailure,
    JobState,
    KeyReused,
    Progress,
    Queue,
    UnknownJob,
    check_transition,
)
from waardhaven.domain.types import JobId

WORKER_LOST = JobFailure(code="worker_lost", message="The worker was lost.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A job with its lease."""

    job: Job
    token: int = 0
    lease_until: datetime | None = None


@dataclass
class FakeJobs(Jobs):
    """Jobs by id; each change of state is told in ``events``, as the triggers do."""

    clock: Clock = field(default_factory=FakeClock)
    events: list[Event] = field(default_factory=list)
    rows: dict[JobId, Kept] = field(default_factory=dict)

    async def add(self, draft: JobDraft) -> Job:
        known = self._with_key(draft)
        if known is not None:
            if (known.type, dict(known.params)) != (draft.type, dict(draft.params)):
                raise KeyReused("The idempotency key belongs to another job.")
            return known
        if draft.id in self.rows:
            raise ConstraintBroken("The database refused the change: rule pk_job.")
        now = self.clock.now()
        job = Job(
            **{name: getattr(draft, name) for name in JobDraft.__slots__},
            state=JobState.QUEUED,
            correlation_id=get_contextvars().get("correlation_id"),
            attempts=0,
            delivery=1,
            created_at=now,
            due_at=now,
        )
        self.rows[job.id] = Kept(job=job)
        self._tell(job)
        return job

    def _with_key(self, draft: JobDraft) -> Job | None:
        if draft.idempotency_key is None:
            return None
        wanted = (draft.owner, draft.idempotency_key)
        found = (one.job for one in self.rows.values())
        return next((one for one in found if (one.owner, one.idempotency_key) == wanted), None)

    async def find(self, job: JobId) -> Job | None:
        return self.rows[job].job if job in self.rows else None

    async def cancel(self, job: JobId) -> Job:
        found = self.known(job)
        asked = {"cancel_requested_at": found.cancel_requested_at or self.clock.now()}
        if found.state is JobState.RUNNING:
            return self.change(job, **asked)
        return self.change(job, state=JobState.CANCELLED, finished_at=self.clock.now(), **asked)

    async def requeue(self, job: JobId) -> Job:
        found = self.known(job)
        if not found.state.is_terminal:
            raise IllegalTransition(f"A job that is {found.state} can not be queued again.")
        again = {"attempts": 0, "delivery": found.delivery + 1, "due_at": self.clock.now()}
        cleared = dict.fromkeys(("finished_at", "result", "failure", "cancel_requested_at"))
        return self.change(job, state=JobState.QUEUED, **again, **cleared)

    async def settle(self, lease: Lease, settlement: Settlement) -> Job:
        check_transition(JobState.RUNNING, settlement.state)
        found = self.held(lease).job
        counted = found.attempts - (0 if settlement.counts else 1)
        changes: dict[str, Any] = {"failure": _cut(settlement.failure), "attempts": counted}
        if settlement.state is JobState.QUEUED:
            changes |= self._again(found, counted, settlement.pause)
        else:
            changes |= {"state": settlement.state, "finished_at": self.clock.now()}
        if changes["state"] is JobState.SUCCEEDED:
            changes["result"] = dict(settlement.result or {})
            changes["artifacts"] = tuple(sorted(settlement.artifacts, key=lambda one: one.name))
        return self.change(lease.job, lease_until=None, **changes)

    def _again(self, job: Job, attempts: int, pause: timedelta) -> dict[str, Any]:
        now = self.clock.now()
        if attempts >= job.max_attempts:
            return {"state": JobState.DEAD, "finished_at": now}
        if job.cancel_requested_at is not None:
            return {"state": JobState.CANCELLED, "finished_at": now}
        return {"state": JobState.QUEUED, "delivery": job.delivery + 1, "due_at": now + pause}

    def reclaim(self, job: JobId) -> Job:
        found = self.rows[job].job
        changes = {"failure": WORKER_LOST, **self._again(found, found.attempts, timedelta(0))}
        return self.change(job, lease_until=None, **changes)

    def known(self, job: JobId) -> Job:
        if job not in self.rows:
            raise UnknownJob("There is no such job.")
        return self.rows[job].job

    def held(self, lease: Lease) -> Kept:
        found = self.rows.get(lease.job)
        if found is None or found.job.state is not JobState.RUNNING or found.token != lease.token:
            raise LeaseLost("The job was taken away.")
        return found

    def change(self, job: JobId, **changes: Any) -> Job:
        """Change a job and its lease; a change of state is checked and told."""
        kept = self.rows[job]
        lease = {name: changes.pop(name) for name in ("token", "lease_until") if name in changes}
        changed = replace(kept.job, **changes)
        if "state" in changes:
            check_transition(kept.job.state, changed.state)
        self.rows[job] = replace(kept, job=changed, **lease)
        if changed.state is not kept.job.state:
            self._tell(changed)
        return changed

    def _tell(self, job: Job) -> None:
        self.events.append(
            JobChanged(
                job=job.id,
                type=job.type,
                state=str(job.state),
                attempt=job.attempts,
                owner=job.owner,
                parent=job.parent,
                code=None if job.failure is None else job.failure.code,
            )
        )


def _cut(failure: JobFailure | None) -> JobFailure | None:
    return failure and replace(failure, message=failure.message[:2000])


class HasJobs(Protocol):
    """The committed state: a FakeUnitOfWork."""

    jobs: FakeJobs


@dataclass
class FakeJobLedger(JobLedger):
    """What is committed in a FakeUnitOfWork; ``failing`` makes it behave as a lost database does."""

    uow: HasJobs
    failing: bool = False

    @property
    def _jobs(self) -> FakeJobs:
        if self.failing:
            raise DatabaseUnavailable("The database is out of reach.")
        return self.uow.jobs

    async def claim(self, delivery: Delivery, *, worker: str, lease: timedelta) -> tuple[Job, Lease] | None:
        jobs = self._jobs
        kept = jobs.rows.get(delivery.job)
        if kept is None or (kept.job.state, kept.job.delivery) != (JobState.QUEUED, delivery.number):
            return None
        now = jobs.clock.now()
        job = jobs.change(
            delivery.job,
            state=JobState.RUNNING,
            attempts=kept.job.attempts + 1,
            started_at=kept.job.started_at or now,
            worker=worker,
            progress=Progress(),
            failure=None,
            token=kept.token + 1,
            lease_until=now + lease,
        )
        return job, Lease(job=job.id, token=kept.token + 1)

    async def beat(self, lease: Lease, *, length: timedelta, progress: Progress | None) -> bool:
        jobs = self._jobs
        kept = jobs.held(lease)
        told = kept.job.progress if progress is None else progress
        total = None if told.total is None else max(told.total, 0)
        told = Progress(
            stage=told.stage[:60], done=max(told.done, 0), total=total, message=told.message[:300]
        )
        job = jobs.change(lease.job, progress=told, lease_until=jobs.clock.now() + length)
        return job.cancel_requested_at is not None

    async def settle(self, lease: Lease, settlement: Settlement) -> Job:
        return await self._jobs.settle(lease, settlement)

    async def reclaim(self, *, limit: int) -> Sequence[Job]:
        jobs = self._jobs
        now = jobs.clock.now()
        leased = [(one.lease_until, one.job.id) for one in jobs.rows.values() if one.lease_until is not None]
        expired = sorted(one for one in leased if one[0] < now)
        return [jobs.reclaim(job) for _, job in expired[:limit]]

    async def waiting(self, *, older_than: timedelta, limit: int) -> Sequence[Delivery]:
        before = self._jobs.clock.now() - older_than
        queued = [one.job for one in self._jobs.rows.values() if one.job.state is JobState.QUEUED]
        due = sorted((one.due_at, one.id) for one in queued if one.due_at <= before)
        return [_delivery(self._jobs.rows[job].job) for _, job in due[:limit]]

    async def redeliver(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        jobs = self._jobs
        found = [(jobs.rows[one.job].job, one.number) for one in deliveries if one.job in jobs.rows]
        lost = [job for job, number in found if (job.state, job.delivery) == (JobState.QUEUED, number)]
        now = jobs.clock.now()
        return [_delivery(jobs.change(one.id, delivery=one.delivery + 1, due_at=now)) for one in lost]

    async def get(self, job: JobId) -> Job:
        return self._jobs.known(job)

    async def page(
        self, wanted: JobFilter, *, by: Principal, limit: int, before: JobId | None = None
    ) -> Sequence[Job]:
        found = sorted((one.job for one in self._jobs.rows.values()), key=lambda one: one.id, reverse=True)
        seen = [one for one in found if one.access.may_read(by) and _matches(one, wanted)]
        page = [one for one in seen if before is None or one.id < before][:limit]
        return [replace(one, result=None, artifacts=()) for one in page]

    async def counts(self) -> Mapping[tuple[Queue, JobState], int]:
        found = {
            (queue, state): 0
            for queue in Queue
            for state in (JobState.QUEUED, JobState.RUNNING, JobState.DEAD)
        }
        for one in self._jobs.rows.values():
            key = one.job.queue, one.job.state
            if key in found:
                found[key] += 1
        return found


def _delivery(job: Job) -> Delivery:
    return Delivery(job=job.id, number=job.delivery, queue=job.queue)


def _matches(job: Job, wanted: JobFilter) -> bool:
    return (
        (not wanted.states or job.state in wanted.states)
        and (not wanted.types or job.type in wanted.types)
        and wanted.owner in {None, job.owner}
        and wanted.parent in {None, job.parent}
        and wanted.queue in {None, job.queue}
        and (wanted.since is None or job.created_at >= wanted.since)
        and (wanted.until is None or job.created_at < wanted.until)
    )
