"""Figures of data that a caller sends, and the catalogue of what can be computed."""

from typing import Any, Final

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, get, post
from litestar.params import JSONBody

from waardhaven.adapters.inbound.http.analytics_bodies import RiskBody
from waardhaven.adapters.inbound.http.documents import PageDocument
from waardhaven.adapters.inbound.http.params import Fields
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_page
from waardhaven.adapters.inbound.http.tags import ANALYTICS
from waardhaven.application.metrics.analyse_risk import AnalyseRisk
from waardhaven.application.metrics.catalogue import ListMetrics, MetricView
from waardhaven.application.metrics.risk_views import RiskView
from waardhaven.domain.identity.roles import Permission

Asked = Request[Any, Any, Any]
READS: Final = needs(Permission.READ_INDICES)
COMPUTES: Final = needs(Permission.READ_INDICES, per_minute=120)


@get(
    "/metrics-catalogue",
    opt={POLICY: READS},
    operation_id="metricsCatalogue",
    summary="The catalogue of metrics",
    tags=[ANALYTICS],
)
async def metrics_catalogue(request: Asked, fields: Fields = None) -> Response[PageDocument[MetricView]]:
    """List the metrics with their units, needs, formulas and sources."""
    return await answer_page(request, ListMetrics, MetricView, fields)


@post(
    "/analytics/risk",
    status_code=200,
    opt={POLICY: COMPUTES},
    operation_id="analyseRisk",
    summary="Metrics of series you send",
    tags=[ANALYTICS],
)
async def analyse_risk(
    request: Asked, analyse: FromDishka[AnalyseRisk], data: JSONBody[RiskBody]
) -> RiskView:
    """Measure series that are sent as returns or as levels; nothing is stored.

    Each metric is a value or null with a reason. Returns that look like per cent are measured as they are,
    and a warning says so. With `interval`, a stationary bootstrap tells how far each figure can be trusted.
    """
    return await analyse(request.user, question=data.question())


HANDLERS = (metrics_catalogue,)
UNKEPT = (analyse_risk,)
