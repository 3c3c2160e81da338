"""Refreshes under the names older clients know."""

from typing import Annotated, Any, Final

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, post
from litestar.params import QueryParameter

from waardhaven.adapters.inbound.http.job_answers import accepted
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.tags import ALSO, BACKGROUND
from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.application.jobs.views import JobView
from waardhaven.application.market.refresh_rules import RefreshMode
from waardhaven.domain.identity.roles import Permission

Asked = Request[Any, Any, Any]
OPERATES: Final = needs(Permission.OPERATE, per_minute=30)
Mode = Annotated[
    RefreshMode,
    QueryParameter(name="mode", description="How much to ask for; `auto`: as the provider's plan says."),
]


async def _queued(request: Asked, submit: SubmitJob, mode: RefreshMode) -> Response[JobView]:
    return accepted(await submit(request.user, job_type=str(JobName.REFRESH), params={"mode": str(mode)}))


@post(
    "/manual/trigger-refresh",
    status_code=202,
    opt={POLICY: OPERATES, ALSO: (409,)},
    operation_id="triggerRefresh",
    summary="Refresh everything",
    tags=[BACKGROUND],
)
async def trigger_refresh(request: Asked, submit: FromDishka[SubmitJob]) -> Response[JobView]:
    """Queue a refresh from the start of history; nothing that is there already is written again."""
    return await _queued(request, submit, RefreshMode.FULL)


@post(
    "/manual/smart-refresh",
    status_code=202,
    opt={POLICY: OPERATES, ALSO: (409, 422)},
    operation_id="smartRefresh",
    summary="Refresh what is missing",
    tags=[BACKGROUND],
)
async def smart_refresh(
    request: Asked, submit: FromDishka[SubmitJob], mode: Mode = RefreshMode.SMART
) -> Response[JobView]:
    """Queue a refresh of the days that are missing or may be revised."""
    return await _queued(request, submit, mode)


@post(
    "/manual/minimal-refresh",
    status_code=202,
    opt={POLICY: OPERATES, ALSO: (409,)},
    operation_id="minimalRefresh",
    summary="Refresh a little",
    tags=[BACKGROUND],
)
async def minimal_refresh(request: Asked, submit: FromDishka[SubmitJob]) -> Response[JobView]:
    """Queue a refresh of three symbols and a week, to see whether it works."""
    return await _queued(request, submit, RefreshMode.MINIMAL)


HANDLERS = (trigger_refresh, smart_refresh, minimal_refresh)
