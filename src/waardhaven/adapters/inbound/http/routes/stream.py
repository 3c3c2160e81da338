"""What happens, as server-sent events: everything the caller may see, or one job."""

from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from waardhaven.adapters.inbound.http.live.mark import Mark
from waardhaven.adapters.inbound.http.live.stream import EventStream, Shown, StreamResponse
from waardhaven.adapters.inbound.http.live.subscription import Wanted
from waardhaven.adapters.inbound.http.params import listed
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.adapters.inbound.http.sse import MEDIA
from waardhaven.adapters.inbound.http.tags import ALSO, JOBS, LIVE
from waardhaven.application.jobs.queries import ReadJob
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.types import JobId

READS: Final = needs(Permission.READ_INDICES, streaming=True)
HEADER: Final = "Last-Event-ID"
PARAMETER: Final = "last_event_id"

Asked = Request[Any, Any, Any]
Kinds = Annotated[
    str | None,
    QueryParameter(
        name="kinds",
        max_length=200,
        pattern=r"^[a-z_.]+(,[a-z_.]+)*$",
        description="Only events whose kind begins with one of these, separated by commas.",
    ),
]
LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name=HEADER,
        max_length=60,
        description="The id of the last message received: what follows it is told.",
    ),
]
LastEventIdParameter = Annotated[
    str | None,
    QueryParameter(
        name=PARAMETER, max_length=60, description=f"The same as the header `{HEADER}`, which goes before it."
    ),
]
JobPath = Annotated[UUID, PathParameter(description="Id of a job.")]


@get(
    "/stream",
    media_type=MEDIA,
    opt={POLICY: READS},
    operation_id="stream",
    summary="What happens, as it happens",
    tags=[LIVE],
)
async def stream(
    request: Asked,
    *,
    kinds: Kinds = None,
    header: LastEventId = None,
    parameter: LastEventIdParameter = None,
) -> Response[str]:
    """Tell of jobs, builds, publications, new prices and progress, as far as you may see them.

    Server-sent events: each has an `id`; a client that connects again with the last one it got as
    `Last-Event-ID` misses nothing and hears nothing twice. `event: reset` says that the id is too old, or
    not of this service: read anew what you show. `event: bye` says why the stream ends.
    """
    wanted = Wanted(kinds=listed(kinds))
    return _answer(_stream(request, wanted, resumed=_mark(header, parameter)))


@get(
    "/jobs/{job_id:uuid}/events",
    media_type=MEDIA,
    opt={POLICY: READS, ALSO: (404,)},
    operation_id="jobEvents",
    summary="A job, as it goes on",
    tags=[JOBS],
    responses={204: ResponseSpec(None, description="The job had ended, and you were told everything.")},
)
async def job_events(
    request: Asked,
    job_id: JobPath,
    *,
    header: LastEventId = None,
    parameter: LastEventIdParameter = None,
) -> Response[str]:
    """Begin with the job as it is (`event: snapshot`), then tell each change and its progress.

    The stream ends by itself with the job. It resumes as `/stream` does.
    """

    async def shown() -> Shown:
        services: Services = request.app.state.services
        by: Principal = request.user
        async with services.container() as scope:
            read = await scope.get(ReadJob)
            view = await read(by, job=JobId(job_id))
        return Shown(view=view, is_over=view.state.is_terminal)

    wanted = Wanted(job=str(job_id))
    return _answer(_stream(request, wanted, resumed=_mark(header, parameter), snapshot=shown))


def _stream(request: Asked, wanted: Wanted, **more: Any) -> EventStream:
    state = request.app.state
    return EventStream(services=state.services, hub=state.hub, wanted=wanted, **more)


def _answer(stream: EventStream) -> StreamResponse:
    return StreamResponse(stream)


def _mark(header: str | None, parameter: str | None) -> Mark | None:
    if header:
        return Mark.parse(header, field=HEADER)
    return Mark.parse(parameter, field=PARAMETER) if parameter else None


HANDLERS = (stream, job_events)
