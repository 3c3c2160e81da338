"""The strategies on offer and the configuration of the default index."""

from typing import Any, Final

from litestar import Request, Response, get

from waardhaven.adapters.inbound.http.documents import PageDocument
from waardhaven.adapters.inbound.http.params import Fields
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_page, answer_record
from waardhaven.adapters.inbound.http.tags import STRATEGIES
from waardhaven.application.indexes.strategy_queries import ListStrategies, ReadStrategyConfig
from waardhaven.application.indexes.views import StrategyConfigView, StrategyView
from waardhaven.domain.identity.roles import Permission

READS: Final = needs(Permission.READ_INDICES)


@get(
    "/strategies",
    opt={POLICY: READS},
    operation_id="strategies",
    summary="The catalogue of strategies",
    tags=[STRATEGIES],
)
async def strategies(
    request: Request[Any, Any, Any], fields: Fields = None
) -> Response[PageDocument[StrategyView]]:
    """List the strategies with their parameters, defaults and bounds."""
    return await answer_page(request, ListStrategies, StrategyView, fields)


@get(
    "/strategy/config",
    opt={POLICY: READS},
    operation_id="strategyConfig",
    summary="The strategy of the default index",
    tags=[STRATEGIES],
)
async def strategy_config(
    request: Request[Any, Any, Any], fields: Fields = None
) -> Response[StrategyConfigView]:
    """Show the configuration of the default index in force."""
    return await answer_record(request, ReadStrategyConfig, fields)


HANDLERS = (strategies, strategy_config)
