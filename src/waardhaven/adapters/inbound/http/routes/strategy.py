"""The strategies on offer and the configuration of the default index."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, get, put
from litestar.params import JSONBody, QueryParameter

from waardhaven.adapters.inbound.http.answers import PERSONAL
from waardhaven.adapters.inbound.http.definition_bodies import StrategyConfigBody
from waardhaven.adapters.inbound.http.documents import PageDocument
from waardhaven.adapters.inbound.http.job_answers import LOCATION
from waardhaven.adapters.inbound.http.params import DEFAULT_LIMIT, Cursor, Fields, Limit
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_page, answer_record
from waardhaven.adapters.inbound.http.tags import ALSO, STRATEGIES
from waardhaven.application.indexes import DEFAULT_SLUG
from waardhaven.application.indexes.rule_views import VersionView
from waardhaven.application.indexes.strategy_config import ChangeStrategyConfig, ListStrategyChanges
from waardhaven.application.indexes.strategy_queries import ListStrategies, ReadStrategyConfig
from waardhaven.application.indexes.views import StrategyConfigView, StrategyView
from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.application.jobs.views import JobView, job_view
from waardhaven.domain.identity.roles import Permission

Asked = Request[Any, Any, Any]
READS: Final = needs(Permission.READ_INDICES)
WRITES: Final = needs(Permission.BUILD_INDICES, per_minute=60)
Recompute = Annotated[
    bool,
    QueryParameter(name="recompute", description="Have the new days computed by the new rules, as a job."),
]
Restate = Annotated[
    bool,
    QueryParameter(
        name="restate",
        description="Have published days computed again by the new rules and published as a restatement.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedConfigView:
    """The configuration in force now, and the job that computes by it; None: none was asked for."""

    config: StrategyConfigView
    job: JobView | None


@get(
    "/strategies",
    opt={POLICY: READS},
    operation_id="strategies",
    summary="The catalogue of strategies",
    tags=[STRATEGIES],
)
async def strategies(request: Asked, fields: Fields = None) -> Response[PageDocument[StrategyView]]:
    """List the strategies with their parameters, defaults and bounds."""
    return await answer_page(request, ListStrategies, StrategyView, fields)


@get(
    "/strategy/config",
    opt={POLICY: READS},
    operation_id="strategyConfig",
    summary="The strategy of the default index",
    tags=[STRATEGIES],
)
async def strategy_config(request: Asked, fields: Fields = None) -> Response[StrategyConfigView]:
    """Show the configuration of the default index in force."""
    return await answer_record(request, ReadStrategyConfig, fields)


@get(
    "/strategy/config/history",
    opt={POLICY: READS, PERSONAL: True},
    operation_id="strategyConfigHistory",
    summary="How the strategy changed",
    tags=[STRATEGIES],
)
async def strategy_config_history(
    request: Asked, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, fields: Fields = None
) -> Response[PageDocument[VersionView]]:
    """Page through the versions of the configuration, newest first: who, when, why, from and to."""
    return await answer_page(request, ListStrategyChanges, VersionView, fields, limit=limit, cursor=cursor)


@put(
    "/strategy/config",
    status_code=202,
    opt={POLICY: WRITES, ALSO: (404, 409)},
    operation_id="changeStrategyConfig",
    summary="Change the strategy of the default index",
    tags=[STRATEGIES],
)
async def change_strategy_config(
    request: Asked,
    data: JSONBody[StrategyConfigBody],
    change: FromDishka[ChangeStrategyConfig],
    submit: FromDishka[SubmitJob],
    *,
    recompute: Recompute = True,
    restate: Restate = False,
) -> Response[ChangedConfigView]:
    """Merge parameters into the stored ones, check the whole, and have the index computed by them.

    A change of rules never rewrites what is published, unless `restate` asks for that.
    """
    config = await change(request.user, changes=data.changes(), reason=data.why())
    if not (recompute or restate):
        return Response(ChangedConfigView(config=config, job=None), status_code=202)
    params = {"index": DEFAULT_SLUG, "mode": "restate" if restate else "extend"}
    job = await submit(request.user, job_type=str(JobName.COMPUTE), params=params)
    view = ChangedConfigView(config=config, job=job_view(job))
    return Response(view, status_code=202, headers={"Location": f"{LOCATION}{job.id}"})


HANDLERS = (strategies, strategy_config, strategy_config_history, change_strategy_config)
