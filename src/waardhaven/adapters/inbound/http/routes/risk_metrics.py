"""Risk metrics of published indices."""

from typing import Any, Final

from litestar import Request, Response, get

from waardhaven.adapters.inbound.http.answers import PERSONAL
from waardhaven.adapters.inbound.http.comparison_params import (
    Against,
    Confidence,
    Periods,
    RiskFree,
    Sessions,
)
from waardhaven.adapters.inbound.http.params import (
    AsOf,
    Currency,
    End,
    Fields,
    LevelVariant,
    Slug,
    Start,
    checked_window,
    instant,
    upper,
)
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_record
from waardhaven.adapters.inbound.http.tags import ALSO, INDICES, STRATEGIES
from waardhaven.application.indexes import DEFAULT_SLUG
from waardhaven.application.indexes.metric_views import RiskMetricsView
from waardhaven.application.indexes.risk_metrics import ReadRiskMetrics, RiskOrder
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.market.calendar import Frequency

Asked = Request[Any, Any, Any]
COMPUTES: Final = {
    POLICY: needs(Permission.READ_INDICES, per_minute=120),
    PERSONAL: True,
    ALSO: (409,),
}


@get(
    "/strategy/risk-metrics",
    opt=COMPUTES,
    operation_id="strategyRiskMetrics",
    summary="Risk metrics of the default index",
    tags=[STRATEGIES],
)
async def strategy_risk_metrics(
    request: Asked,
    *,
    start: Start = None,
    end: End = None,
    sessions: Sessions = None,
    frequency: Periods = Frequency.DAILY,
    benchmark: Against = None,
    as_of: AsOf = None,
    currency: Currency = None,
    variant: LevelVariant = None,
    risk_free_rate: RiskFree = 0.0,
    confidence: Confidence = 0.95,
    fields: Fields = None,
) -> Response[RiskMetricsView]:
    """Measure the official levels of the default index: each metric is a value, or null with a reason."""
    checked_window(start, end)
    order = RiskOrder(
        slug=DEFAULT_SLUG,
        start=start,
        end=end,
        sessions=sessions,
        frequency=frequency,
        benchmark=benchmark,
        currency=upper(currency),
        variant=variant,
        risk_free_rate=risk_free_rate,
        confidence=confidence,
        as_of=instant(as_of),
    )
    return await answer_record(request, ReadRiskMetrics, fields, order=order)


@get(
    "/indices/{slug:str}/risk-metrics",
    opt=COMPUTES,
    operation_id="riskMetrics",
    summary="Risk metrics of an index",
    tags=[INDICES],
)
async def indices_risk_metrics(
    request: Asked,
    *,
    slug: Slug,
    start: Start = None,
    end: End = None,
    sessions: Sessions = None,
    frequency: Periods = Frequency.DAILY,
    benchmark: Against = None,
    as_of: AsOf = None,
    currency: Currency = None,
    variant: LevelVariant = None,
    risk_free_rate: RiskFree = 0.0,
    confidence: Confidence = 0.95,
    fields: Fields = None,
) -> Response[RiskMetricsView]:
    """Measure the official levels of an index: each metric is a value, or null with a reason.

    A benchmark that only the definition names, and that is not stored, leaves its metrics null and a note.
    """
    checked_window(start, end)
    order = RiskOrder(
        slug=slug,
        start=start,
        end=end,
        sessions=sessions,
        frequency=frequency,
        benchmark=benchmark,
        currency=upper(currency),
        variant=variant,
        risk_free_rate=risk_free_rate,
        confidence=confidence,
        as_of=instant(as_of),
    )
    return await answer_record(request, ReadRiskMetrics, fields, order=order)


HANDLERS = (strategy_risk_metrics, indices_risk_metrics)
