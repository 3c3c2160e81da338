"""The jobs of the registry under the names and in the words of older clients."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from waardhaven.adapters.inbound.http.job_bodies import PARAMS
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.routes.jobs import LOCATION, READS, JobPath
from waardhaven.adapters.inbound.http.tags import ALSO, BACKGROUND
from waardhaven.application.jobs.background import (
    ActiveTasksView,
    ListActiveTasks,
    ReadTaskStatus,
    TaskStatusView,
)
from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.types import JobId

Asked = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedView:
    """A task that was queued: `/background/status/{task_id}` tells how it is."""

    task_id: UUID
    status: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Address:
    path: str
    operation: str
    job: JobName
    permission: Permission
    summary: str


ADDRESSES: Final = (
    _Address(
        path="/background/refresh",
        operation="backgroundRefresh",
        job=JobName.REFRESH,
        permission=Permission.OPERATE,
        summary="Bring market data in",
    ),
    _Address(
        path="/background/refresh-market-data",
        operation="refreshMarketData",
        job=JobName.REFRESH,
        permission=Permission.OPERATE,
        summary="Bring market data in, by its older name",
    ),
    _Address(
        path="/tasks/refresh",
        operation="tasksRefresh",
        job=JobName.REFRESH,
        permission=Permission.OPERATE,
        summary="Bring market data in, by its older name",
    ),
    _Address(
        path="/background/compute",
        operation="backgroundCompute",
        job=JobName.COMPUTE,
        permission=Permission.BUILD_INDICES,
        summary="Bring an index up to date",
    ),
    _Address(
        path="/background/compute-index",
        operation="computeIndex",
        job=JobName.COMPUTE,
        permission=Permission.BUILD_INDICES,
        summary="Bring an index up to date, by its older name",
    ),
    _Address(
        path="/background/report",
        operation="backgroundReport",
        job=JobName.REPORT,
        permission=Permission.READ_INDICES,
        summary="Report on an index",
    ),
    _Address(
        path="/background/generate-report",
        operation="generateReport",
        job=JobName.REPORT,
        permission=Permission.READ_INDICES,
        summary="Report on an index, by its older name",
    ),
    _Address(
        path="/background/cleanup",
        operation="backgroundCleanup",
        job=JobName.CLEANUP,
        permission=Permission.OPERATE,
        summary="Archive what is old",
    ),
    _Address(
        path="/background/cleanup-old-data",
        operation="cleanupOldData",
        job=JobName.CLEANUP,
        permission=Permission.OPERATE,
        summary="Archive what is old, by its older name",
    ),
)


def _submitting(address: _Address) -> HTTPRouteHandler:
    """Return the handler that submits one type of jobs."""

    async def submit(
        request: Asked, submit_job: FromDishka[SubmitJob], data: Any = None
    ) -> Response[StartedView]:
        """Queue a job with the parameters of the body; each has a default, so the body may be missing."""
        params = {} if data is None else msgspec.to_builtins(data)
        job = await submit_job(request.user, job_type=str(address.job), params=params)
        view = StartedView(task_id=job.id, status="started", message=f"The {job.type} job is queued.")
        return Response(view, status_code=202, headers={"Location": f"{LOCATION}{job.id}"})

    submit.__annotations__["data"] = JSONBody[PARAMS[str(address.job)] | None]  # type: ignore[misc]
    submit.__name__ = address.operation
    return post(
        address.path,
        status_code=202,
        opt={POLICY: needs(address.permission, per_minute=60), ALSO: (409,)},
        operation_id=address.operation,
        summary=address.summary,
        tags=[BACKGROUND],
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


HANDLERS = (*(_submitting(one) for one in ADDRESSES), task_status, task, active_tasks)
