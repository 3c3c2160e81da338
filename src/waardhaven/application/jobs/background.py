"""Jobs in the words of task queues, for clients that know those."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from waardhaven.application.jobs.queries import own_job
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.jobs import JobFilter, JobLedger
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.jobs.job import Job, JobState
from waardhaven.domain.types import JobId

NOBODY = "waiting"
MOST = 200
STATES = {
    JobState.QUEUED: "PENDING",
    JobState.RUNNING: "STARTED",
    JobState.SUCCEEDED: "SUCCESS",
    JobState.FAILED: "FAILURE",
    JobState.DEAD: "FAILURE",
    JobState.CANCELLED: "REVOKED",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatusView:
    """A task. ``state``: PENDING, STARTED, PROGRESS, SUCCESS, FAILURE or REVOKED.

    ``successful`` is null until the task is ``ready``.
    """

    task_id: UUID
    state: str
    ready: bool
    successful: bool | None
    status: str
    info: Mapping[str, object] | None
    result: Mapping[str, object] | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task that is not finished."""

    task_id: UUID
    name: str
    queue: str
    state: str
    eta: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTotals:
    """How many tasks run, wait for an instant, and wait for a worker; at most 200 are counted."""

    total_active: int
    total_scheduled: int
    total_reserved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveTasksView:
    """Unfinished tasks, by worker."""

    active: Mapping[str, tuple[TaskView, ...]]
    scheduled: Mapping[str, tuple[TaskView, ...]]
    reserved: Mapping[str, tuple[TaskView, ...]]
    stats: TaskTotals


@dataclass(frozen=True, slots=True)
class ReadTaskStatus:
    """The state of a job as a task."""

    ledger: JobLedger

    async def __call__(self, by: Principal, *, job: JobId) -> TaskStatusView:
        """Raise UnknownJob, also for a job of somebody else."""
        found = await own_job(self.ledger, by, job)
        succeeded = found.state is JobState.SUCCEEDED
        return TaskStatusView(
            task_id=found.id,
            state=_state(found),
            ready=found.state.is_terminal,
            successful=succeeded if found.state.is_terminal else None,
            status=_status(found),
            info=_info(found),
            result=found.result,
            error=None if found.failure is None else found.failure.message,
        )


@dataclass(frozen=True, slots=True)
class ListActiveTasks:
    """The caller's unfinished jobs as tasks; administrators see everybody's."""

    ledger: JobLedger
    clock: Clock

    async def __call__(self, by: Principal) -> ActiveTasksView:
        """Return the newest two hundred."""
        by.require(Permission.READ_INDICES)
        wanted = JobFilter(states=(JobState.QUEUED, JobState.RUNNING))
        found = await self.ledger.page(wanted, by=by, limit=MOST)
        now = self.clock.now()
        running = [one for one in found if one.state is JobState.RUNNING]
        later = [one for one in found if one.state is JobState.QUEUED and one.due_at > now]
        waiting = [one for one in found if one.state is JobState.QUEUED and one.due_at <= now]
        return ActiveTasksView(
            active=_by_worker(running),
            scheduled=_by_worker(later),
            reserved=_by_worker(waiting),
            stats=TaskTotals(
                total_active=len(running), total_scheduled=len(later), total_reserved=len(waiting)
            ),
        )


def _by_worker(jobs: list[Job]) -> dict[str, tuple[TaskView, ...]]:
    found: dict[str, tuple[TaskView, ...]] = {}
    for one in jobs:
        worker = one.worker if one.state is JobState.RUNNING and one.worker else NOBODY
        view = TaskView(
            task_id=one.id, name=one.type, queue=str(one.queue), state=_state(one), eta=one.due_at
        )
        found[worker] = (*found.get(worker, ()), view)
    return found


def _state(job: Job) -> str:
    return "PROGRESS" if job.state is JobState.RUNNING and job.progress.stage else STATES[job.state]


def _status(job: Job) -> str:
    if job.state is not JobState.RUNNING:
        return str(job.state)
    return job.progress.message or job.progress.stage or str(job.state)


def _info(job: Job) -> dict[str, object] | None:
    now = job.progress
    if job.state is not JobState.RUNNING or not now.stage:
        return None
    return {"status": _status(job), "stage": now.stage, "done": now.done, "total": now.total}
