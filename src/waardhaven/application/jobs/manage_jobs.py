"""End jobs, and give ended ones another chance."""

from contextlib import suppress
from dataclasses import dataclass

from waardhaven.application.jobs.specs import JobTypes
from waardhaven.application.ports.job_queue import JobQueue, QueueUnavailable
from waardhaven.application.ports.jobs import Delivery
from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.jobs.job import Job, JobState, UnknownJob
from waardhaven.domain.types import JobId


def unknown_job(job: JobId) -> UnknownJob:
    """Return the error for a job that is not there, or not the caller's."""
    return UnknownJob("There is no such job.", context={"job": str(job)})


@dataclass(frozen=True, slots=True)
class CancelJob:
    """End a job that waits or runs.

    One that waits is cancelled at once. A running one is asked to end: what it did in its own
    transactions stays, its result and its effects do not. Asking twice changes nothing.
    """

    uow: UnitOfWork
    queue: JobQueue

    async def __call__(self, by: Principal, *, job: JobId) -> Job:
        """Return the job as it is then; raise UnknownJob, NotYours or IllegalTransition."""
        by.require(Permission.READ_INDICES)
        async with self.uow() as tx:
            await _own(tx, by, job)
            found = await tx.jobs.cancel(job)
            await tx.audit.record("job.cancelled", by=by, target=f"job:{job}")
            await tx.commit()
        if found.state is JobState.RUNNING:
            with suppress(QueueUnavailable):
                await self.queue.nudge(job)
        return found


@dataclass(frozen=True, slots=True)
class RequeueJob:
    """Give a failed or dead job all its attempts again, under the same id and parameters."""

    uow: UnitOfWork
    queue: JobQueue
    types: JobTypes

    async def __call__(self, by: Principal, *, job: JobId) -> Job:
        """Return the job, queued; raise UnknownJob, NotYours, PermissionDenied or IllegalTransition."""
        by.require(Permission.READ_INDICES)
        async with self.uow() as tx:
            found = await _own(tx, by, job)
            by.require(self.types.of(found.type).permission)
            found = await tx.jobs.requeue(job)
            await tx.audit.record("job.requeued", by=by, target=f"job:{job}")
            await tx.commit()
        with suppress(QueueUnavailable):
            await self.queue.deliver([Delivery(job=found.id, number=found.delivery, queue=found.queue)])
        return found


async def _own(tx: Transaction, by: Principal, job: JobId) -> Job:
    found = await tx.jobs.find(job)
    if found is None:
        raise unknown_job(job)
    found.access.require_manage(by, unknown_job(job))
    return found
