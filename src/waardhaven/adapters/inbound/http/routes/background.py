"""The jobs of the registry under the names and in the words of older clients."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from waardhaven.adapters.inbound.http.job_answers import LOCATION
from waardhaven.adapters.inbound.http.job_bodies import PARAMS
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.routes.jobs import READS, JobPath
from waardhaven.adapters.inbound.http.tags import ALSO, BACKGROUND
from waardhaven.application.jobs.background import (
    ActiveTasksView,
    ListActiveTasks,
    ReadTaskStatus,
    TaskStatusView,
)
from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.registry import JOBS
from waardhaven.application.jobs.specs import JobTypes
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.domain.types import JobId

Asked = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedView:
    """A task that was queued: `/background/status/{task_id}` tells how it is."""

    task_id: UUID
    status: str
    message: str


SUMMARIES: Final = {
    JobName.REFRESH: "Bring market data in",
    JobName.COMPUTE: "Bring an index up to date",
    JobName.REPORT: "Report on an index",
    JobName.CLEANUP: "Archive what is old",
}
PATHS: Final = {
    "/background/refresh": ("backgroundRefresh", JobName.REFRESH),
    "/background/compute": ("backgroundCompute", JobName.COMPUTE),
    "/background/report": ("backgroundReport", JobName.REPORT),
    "/background/cleanup": ("backgroundCleanup", JobName.CLEANUP),
}
OLDER: Final = {
    "/background/refresh-market-data": ("refreshMarketData", JobName.REFRESH),
    "/tasks/refresh": ("tasksRefresh", JobName.REFRESH),
    "/background/compute-index": ("computeIndex", JobName.COMPUTE),
    "/background/generate-report": ("generateReport", JobName.REPORT),
    "/background/cleanup-old-data": ("cleanupOldData", JobName.CLEANUP),
}
"""Names that older clients use: deprecated in the document, answered all the same."""


def _submitting(path: str, operation: str, job_type: JobName) -> HTTPRouteHandler:
    """Return the handler that submits one type of jobs at an address."""

    async def submit(
        request: Asked, submit_job: FromDishka[SubmitJob], data: Any = None
    ) -> Response[StartedView]:
        """Queue a job with the parameters of the body; each has a default, so the body may be missing."""
        params = {} if data is None else msgspec.to_builtins(data)
        job = await submit_job(request.user, job_type=str(job_type), params=params)
        view = StartedView(task_id=job.id, status="started", message=f"The {job.type} job is queued.")
        return Response(view, status_code=202, headers={"Location": f"{LOCATION}{job.id}"})

    submit.__annotations__["data"] = JSONBody[PARAMS[str(job_type)] | None]  # type: ignore[misc]
    submit.__name__ = operation
    is_older = path in OLDER
    return post(
        path,
        status_code=202,
        opt={POLICY: needs(JobTypes(JOBS).of(job_type).permission, per_minute=60), ALSO: (409,)},
        operation_id=operation,
        summary=SUMMARIES[job_type] + (", by its older name" if is_older else ""),
        tags=[BACKGROUND],
        deprecated=is_older,
    )(submit)


@get(
    "/background/status/{task_id:uuid}",
    opt={POLICY: READS},
    operation_id="taskStatus",
    summary="How a task is",
    tags=[BACKGROUND],
)
async def task_status(request: Asked, task_id: JobPath, read: FromDishka[ReadTaskStatus]) -> TaskStatusView:
    """Show the state of a job in the words of task queues."""
    return await read(request.user, job=JobId(task_id))


@get(
    "/background/task/{task_id:uuid}",
    opt={POLICY: READS},
    operation_id="task",
    summary="How a task is, by its older name",
    tags=[BACKGROUND],
    deprecated=True,
)
async def task(request: Asked, task_id: JobPath, read: FromDishka[ReadTaskStatus]) -> TaskStatusView:
    """Show the state of a job in the words of task queues."""
    return await read(request.user, job=JobId(task_id))


@get(
    "/background/active",
    opt={POLICY: READS},
    operation_id="activeTasks",
    summary="Unfinished tasks",
    tags=[BACKGROUND],
)
async def active_tasks(request: Asked, find: FromDishka[ListActiveTasks]) -> ActiveTasksView:
    """List your unfinished jobs by worker; administrators see everybody's."""
    return await find(request.user)


HANDLERS = (
    *(_submitting(path, *what) for path, what in (PATHS | OLDER).items()),
    task_status,
    task,
    active_tasks,
)
