"""Risk metrics of published indices."""

from datetime import date
from typing import Any

from litestar import Request, Response, get

from waardhaven.adapters.inbound.http.comparison_params import (
    COMPUTES,
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
from waardhaven.adapters.inbound.http.reading import answer_record
from waardhaven.adapters.inbound.http.tags import INDICES, STRATEGIES
from waardhaven.application.indexes import DEFAULT_SLUG
from waardhaven.application.indexes.metric_views import RiskMetricsView
from waardhaven.application.indexes.risk_metrics import ReadRiskMetrics, RiskOrder
from waardhaven.domain.market.calendar import Frequency

Asked = Request[Any, Any, Any]


def _order(
    slug: str, start: date | None, end: date | None, as_of: str | None, currency: str | None, **asked: Any
) -> RiskOrder:
    """Return what is asked, its range checked and its texts as the use case takes them."""
    checked_window(start, end)
    return RiskOrder(slug=slug, start=start, end=end, currency=upper(currency), as_of=instant(as_of), **asked)


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
    order = _order(
        DEFAULT_SLUG,
        start,
        end,
        as_of,
        currency,
        sessions=sessions,
        frequency=frequency,
        benchmark=benchmark,
        variant=variant,
        risk_free_rate=risk_free_rate,
        confidence=confidence,
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
    order = _order(
        slug,
        start,
        end,
        as_of,
        currency,
        sessions=sessions,
        frequency=frequency,
        benchmark=benchmark,
        variant=variant,
        risk_free_rate=risk_free_rate,
        confidence=confidence,
    )
    return await answer_record(request, ReadRiskMetrics, fields, order=order)


HANDLERS = (strategy_risk_metrics, indices_risk_metrics)
