"""True figures about the service, for administrators."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta, Struct

from waardhaven.adapters.inbound.http.answers import Answers, LocalStatistics
from waardhaven.adapters.inbound.http.job_answers import accepted
from waardhaven.adapters.inbound.http.params import (
    DEFAULT_LIMIT,
    NO_CONTROLS,
    Cursor,
    End,
    Limit,
    Start,
    checked_window,
)
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.tags import ADMINISTRATION, ALSO
from waardhaven.application.diagnostics.invalidate_cache import (
    CacheScope,
    InvalidateCache,
    InvalidationView,
)
from waardhaven.application.diagnostics.status import (
    DatabaseStatusView,
    ReadCacheStatus,
    ReadDatabaseStatus,
    ReadSystem,
    SystemView,
)
from waardhaven.application.indexes import DEFAULT_SLUG
from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.application.jobs.views import JobView
from waardhaven.application.market.data_quality import DataQualityView, ReadDataQuality, ReviewFlag
from waardhaven.application.market.providers import ProvidersView, ReadProviders, TrialView, TryRefresh
from waardhaven.application.market.refresh_status import ReadRefreshStatus, RefreshStatusView
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.quality_flags import QualityFlag
from waardhaven.application.ports.statistics import SharedCacheStatistics
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.market.quality import FindingKind, ReviewState

Asked = Request[Any, Any, Any]
OPERATES: Final = needs(Permission.OPERATE)
WITH_COUNTS: Final = needs(Permission.OPERATE, per_minute=30)
Which = Annotated[CacheScope, QueryParameter(name="scope", description="Which cached answers to end.")]


class RecalculateBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which index, and from which day on; without a day from its base date."""

    index: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", examples=[DEFAULT_SLUG])] = DEFAULT_SLUG
    restate_from: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStatusView:
    """Both caches. ``status``: `connected`, or `disconnected` while the shared one does not answer.

    Hit rates are fractions of what this process asked since it began, null before the first question.
    """

    timestamp: datetime
    status: str
    local: LocalStatistics
    local_hit_rate: float | None
    shared: SharedCacheStatistics
    shared_hit_rate: float | None


@get(
    "/diagnostics/database-status",
    opt={POLICY: WITH_COUNTS},
    operation_id="databaseStatus",
    summary="What the database holds",
    tags=[ADMINISTRATION],
)
async def database_status(request: Asked, read: FromDishka[ReadDatabaseStatus]) -> DatabaseStatusView:
    """Count rows exactly, with the days they are about, the latency and the use of the pool."""
    return await read(request.user)


@get(
    "/diagnostics/cache-status",
    opt={POLICY: OPERATES},
    operation_id="cacheStatus",
    summary="How the caches do",
    tags=[ADMINISTRATION],
)
async def cache_status(
    request: Asked, read: FromDishka[ReadCacheStatus], clock: FromDishka[Clock]
) -> CacheStatusView:
    """Show memory and hit rates of the cache of the answering process and of the one all share."""
    shared = await read(request.user)
    answers: Answers = request.app.state.answers
    local = answers.statistics()
    return CacheStatusView(
        timestamp=clock.now(),
        status="connected" if shared.reachable else "disconnected",
        local=local,
        local_hit_rate=_rate(local.hits, local.misses),
        shared=shared,
        shared_hit_rate=_rate(shared.hits, shared.misses),
    )


@get(
    "/diagnostics/system",
    opt={POLICY: OPERATES},
    operation_id="system",
    summary="How the whole service is",
    tags=[ADMINISTRATION],
)
async def system(request: Asked, read: FromDishka[ReadSystem]) -> SystemView:
    """Show dependencies, queues and workers. Something outside that is down makes it `degraded`."""
    return await read(request.user)


@post(
    "/diagnostics/cache-invalidate",
    status_code=200,
    opt={POLICY: OPERATES},
    operation_id="invalidateCache",
    summary="End cached answers",
    tags=[ADMINISTRATION],
)
async def invalidate_cache(
    request: Asked, invalidate: FromDishka[InvalidateCache], which: Which = CacheScope.ALL
) -> InvalidationView:
    """End the cached answers of every process."""
    return await invalidate(request.user, scope=which)


@post(
    "/diagnostics/recalculate-index",
    status_code=202,
    opt={POLICY: needs(Permission.OPERATE, per_minute=10), ALSO: (409,)},
    operation_id="recalculateIndex",
    summary="Compute an index again",
    tags=[ADMINISTRATION],
)
async def recalculate_index(
    request: Asked, submit: FromDishka[SubmitJob], data: JSONBody[RecalculateBody | None] = None
) -> Response[JobView]:
    """Compute an index again from today's facts and publish that as a restatement, as a job.

    Nothing is overwritten: what was published before stays readable with `as_of`.
    """
    asked = data or RecalculateBody()
    day = None if asked.restate_from is None else asked.restate_from.isoformat()
    params = {"index": asked.index, "mode": "restate", "restate_from": day}
    return accepted(await submit(request.user, job_type=str(JobName.COMPUTE), params=params))


Kind = Annotated[
    str | None,
    QueryParameter(
        name="kind", pattern=f"^({'|'.join(FindingKind)})$", description="Only flags of this kind."
    ),
]
Verdict = Annotated[
    str | None,
    QueryParameter(
        name="verdict",
        pattern=f"^({'|'.join(ReviewState)})$",
        description="Only flags in this state of review.",
    ),
]
OfSymbol = Annotated[
    str | None,
    QueryParameter(
        name="symbol", max_length=64, pattern=NO_CONTROLS, description="Only flags about this asset."
    ),
]
FlagPath = Annotated[int, PathParameter(ge=1, le=2**53, description="Id of a flag.")]


class ReviewBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What somebody made of a flag: `accepted`: the bar is right, `rejected`: it is wrong, or `open`."""

    verdict: ReviewState
    note: Annotated[str, Meta(min_length=1, max_length=500, examples=["Results were published that day."])]


@get(
    "/diagnostics/refresh-status",
    opt={POLICY: WITH_COUNTS},
    operation_id="refreshStatus",
    summary="How fresh prices are",
    tags=[ADMINISTRATION],
)
async def refresh_status(request: Asked, read: FromDishka[ReadRefreshStatus]) -> RefreshStatusView:
    """Compare the newest price of every asset with the sessions of its exchange that are over."""
    return await read(request.user)


@get(
    "/diagnostics/providers",
    opt={POLICY: OPERATES},
    operation_id="marketProviders",
    summary="Sources of market data",
    tags=[ADMINISTRATION],
)
async def providers(request: Asked, read: FromDishka[ReadProviders]) -> ProvidersView:
    """Show the sources that are set up, the credits they have left, and whether they are left alone."""
    return await read(request.user)


@post(
    "/diagnostics/test-refresh",
    status_code=200,
    opt={POLICY: needs(Permission.OPERATE, per_minute=5, streaming=True)},
    operation_id="testRefresh",
    summary="Try a refresh",
    tags=[ADMINISTRATION],
)
async def test_refresh(request: Asked, attempt: FromDishka[TryRefresh]) -> TrialView:
    """Ask the sources for a few days of one asset and write nothing; it spends what one request costs."""
    return await attempt(request.user)


@get(
    "/diagnostics/data-quality",
    opt={POLICY: needs(Permission.READ_INDICES, per_minute=120), ALSO: (404, 409)},
    operation_id="dataQuality",
    summary="What is odd about prices",
    tags=[ADMINISTRATION],
)
async def data_quality(
    request: Asked,
    read: FromDishka[ReadDataQuality],
    *,
    kind: Kind = None,
    verdict: Verdict = None,
    symbol: OfSymbol = None,
    start: Start = None,
    end: End = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> DataQualityView:
    """List flags of stored bars with the figures they were judged by, newest first. No bar was changed."""
    days = checked_window(start, end)
    wanted = {"kind": kind, "state": verdict, "symbol": symbol, "limit": limit, "cursor": cursor}
    return await read(request.user, **wanted, **days)  # type: ignore[arg-type]


@post(
    "/diagnostics/data-quality/{flag_id:int}/review",
    status_code=200,
    opt={POLICY: OPERATES},
    operation_id="reviewFlag",
    summary="Review a flag",
    tags=[ADMINISTRATION],
)
async def review_flag(
    request: Asked, flag_id: FlagPath, data: JSONBody[ReviewBody], review: FromDishka[ReviewFlag]
) -> QualityFlag:
    """Record what you made of a flag. The bar stays as it is; definitions that hold flagged bars use it."""
    return await review(request.user, id_=flag_id, state=str(data.verdict), note=data.note)


def _rate(hits: int, misses: int) -> float | None:
    return hits / (hits + misses) if hits + misses else None


HANDLERS = (
    database_status,
    cache_status,
    system,
    invalidate_cache,
    recalculate_index,
    refresh_status,
    providers,
    test_refresh,
    data_quality,
    review_flag,
)
