"""Jobs: long work, submitted here and done elsewhere."""

from typing import Annotated, Any, Final
from uuid import UUID

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, delete, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter
from litestar.response import Stream
from msgspec import Meta, Struct

from waardhaven.adapters.inbound.http.documents import PageDocument
from waardhaven.adapters.inbound.http.job_answers import accepted
from waardhaven.adapters.inbound.http.job_bodies import JobBody
from waardhaven.adapters.inbound.http.params import (
    DEFAULT_LIMIT,
    IDENTIFIER,
    Cursor,
    Limit,
    Since,
    Until,
    checked_period,
)
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.tags import ALSO, JOBS
from waardhaven.application.jobs.manage_jobs import CancelJob, RequeueJob
from waardhaven.application.jobs.queries import ListJobs, ReadArtifact, ReadJob
from waardhaven.application.jobs.schedules import ChangeSchedule, ListSchedules, ScheduleView
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.application.jobs.views import JobDetailView, JobView, job_view
from waardhaven.application.ports.jobs import JobFilter
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.jobs.job import JobState, Queue
from waardhaven.domain.types import JobId, UserId

Asked = Request[Any, Any, Any]
READS: Final = needs(Permission.READ_INDICES)
SUBMITS: Final = needs(Permission.READ_INDICES, per_minute=60)
OPERATES: Final = needs(Permission.OPERATE)

JobPath = Annotated[UUID, PathParameter(description="Id of a job.")]
Name = Annotated[
    str, PathParameter(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$", description="Name of a file of the job.")
]
ScheduleName = Annotated[
    str, PathParameter(pattern=r"^[a-z][a-z0-9_]{0,59}$", description="Type of a recurring job.")
]
State = Annotated[
    list[JobState] | None, QueryParameter(name="state", max_items=6, description="Only jobs in these states.")
]
Type = Annotated[
    list[Annotated[str, Meta(max_length=60)]] | None,
    QueryParameter(name="type", max_items=20, description="Only jobs of these types."),
]
Owner = Annotated[
    str | None,
    QueryParameter(
        name="owner", pattern=IDENTIFIER, description="Only jobs of this account (administrators)."
    ),
]
Parent = Annotated[
    str | None, QueryParameter(name="parent", pattern=IDENTIFIER, description="Only followers of this job.")
]
InQueue = Annotated[
    str | None,
    QueryParameter(name="queue", pattern=f"^({'|'.join(Queue)})$", description="Only jobs of this queue."),
]
Key = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key", max_length=200, description="The same key again gives the same job."
    ),
]


class ScheduleBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """When a job recurs."""

    rule: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            description="`every 15m`, `daily 03:00`, `weekly sun 03:00 Europe/Paris` or `XNYS close + 45m`.",
            examples=["XNYS close + 45m"],
        ),
    ]
    enabled: bool = True


@post(
    "/jobs",
    status_code=202,
    opt={POLICY: SUBMITS, ALSO: (409,)},
    operation_id="submitJob",
    summary="Have something done",
    tags=[JOBS],
)
async def submit_job(
    request: Asked, data: JSONBody[JobBody], submit: FromDishka[SubmitJob], key: Key = None
) -> Response[JobView]:
    """Queue a job: it survives restarts of everything and is done exactly once in effect.

    What a type needs is checked here: a job that can not run is not queued.
    """
    found = await submit(
        request.user, job_type=data.type, params=data.params, key=data.idempotency_key or key
    )
    return accepted(found)


@get("/jobs", opt={POLICY: READS}, operation_id="jobs", summary="Your jobs", tags=[JOBS])
async def jobs(
    request: Asked,
    find: FromDishka[ListJobs],
    *,
    in_states: State = None,
    of_types: Type = None,
    owner: Owner = None,
    parent: Parent = None,
    queue: InQueue = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> PageDocument[JobView]:
    """Page through your jobs, newest first; administrators see everybody's. `state=dead`: dead letters."""
    wanted = JobFilter(
        states=in_states or (),
        types=of_types or (),
        owner=None if owner is None else UserId(UUID(owner)),
        parent=None if parent is None else JobId(UUID(parent)),
        queue=None if queue is None else Queue(queue),
        **checked_period(since, until),
    )
    page = await find(request.user, wanted=wanted, limit=limit, cursor=cursor)
    return PageDocument(items=list(page.items), next_cursor=page.next_cursor)


@get("/jobs/{job_id:uuid}", opt={POLICY: READS}, operation_id="job", summary="One job", tags=[JOBS])
async def job(request: Asked, job_id: JobPath, read: FromDishka[ReadJob]) -> JobDetailView:
    """Show a job with its progress, its result, its error and its files."""
    return await read(request.user, job=JobId(job_id))


@delete(
    "/jobs/{job_id:uuid}",
    status_code=200,
    opt={POLICY: READS},
    operation_id="cancelJob",
    summary="Cancel a job",
    tags=[JOBS],
)
async def cancel_job(request: Asked, job_id: JobPath, cancel: FromDishka[CancelJob]) -> JobView:
    """Cancel a job that waits, or ask a running one to end: `cancel_requested` is true until it did."""
    return job_view(await cancel(request.user, job=JobId(job_id)))


@post(
    "/jobs/{job_id:uuid}/requeue",
    status_code=202,
    opt={POLICY: SUBMITS},
    operation_id="requeueJob",
    summary="Try a failed job again",
    tags=[JOBS],
)
async def requeue_job(request: Asked, job_id: JobPath, requeue: FromDishka[RequeueJob]) -> Response[JobView]:
    """Queue a failed or dead job again, with all its attempts."""
    return accepted(await requeue(request.user, job=JobId(job_id)))


@get(
    "/jobs/{job_id:uuid}/artifacts/{name:str}",
    opt={POLICY: needs(Permission.READ_INDICES, streaming=True)},
    operation_id="jobArtifact",
    summary="A file of a job",
    tags=[JOBS],
    responses={200: ResponseSpec(bytes, description="The file.", media_type="application/octet-stream")},
)
async def job_artifact(request: Asked, job_id: JobPath, name: Name, read: FromDishka[ReadArtifact]) -> Stream:
    """Download a file that a job left; the `ETag` is its SHA-256."""
    artifact, content = await read(request.user, job=JobId(job_id), name=name)
    return Stream(
        content,
        media_type=artifact.media_type,
        headers={
            "ETag": f'"{artifact.digest}"',
            "Content-Length": str(artifact.size),
            "Content-Disposition": f'attachment; filename="{artifact.name}"',
        },
    )


@get(
    "/jobs/schedules",
    opt={POLICY: OPERATES},
    operation_id="schedules",
    summary="What recurs",
    tags=[JOBS],
)
async def schedules(request: Asked, find: FromDishka[ListSchedules]) -> PageDocument[ScheduleView]:
    """List recurring jobs with their rules and next runs."""
    return PageDocument(items=list(await find(request.user)), next_cursor=None)


@put(
    "/jobs/schedules/{name:str}",
    opt={POLICY: OPERATES},
    operation_id="changeSchedule",
    summary="Change when a job recurs",
    tags=[JOBS],
)
async def change_schedule(
    request: Asked, name: ScheduleName, data: JSONBody[ScheduleBody], change: FromDishka[ChangeSchedule]
) -> ScheduleView:
    """Give a recurring job another rule, or switch it off. Known to every worker at once."""
    return await change(request.user, name=name, rule=data.rule, enabled=data.enabled)


HANDLERS = (
    submit_job,
    jobs,
    job,
    cancel_job,
    requeue_job,
    job_artifact,
    schedules,
    change_schedule,
)
