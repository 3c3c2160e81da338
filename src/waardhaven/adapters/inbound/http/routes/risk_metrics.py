"""Risk metrics of published indices: measured now, and as they were stored with each publication."""

from typing import Any

from litestar import Request, Response, get

from waardhaven.adapters.inbound.http.answers import PERSONAL
from waardhaven.adapters.inbound.http.comparison_params import (
    COMPUTES,
    Against,
    Confidence,
    Draws,
    Interval,
    Periods,
    RiskFree,
    Seed,
    Sessions,
)
from waardhaven.adapters.inbound.http.documents import PageDocument
from waardhaven.adapters.inbound.http.params import (
    DEFAULT_LIMIT,
    AsOf,
    Currency,
    Cursor,
    End,
    Fields,
    LevelVariant,
    Limit,
    Slug,
    Start,
    checked_window,
    instant,
    upper,
)
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_page, answer_record
from waardhaven.adapters.inbound.http.tags import INDICES, STRATEGIES
from waardhaven.application.indexes import DEFAULT_SLUG
from waardhaven.application.indexes.metric_views import RiskMetricsView
from waardhaven.application.indexes.risk_history import ListRiskMetrics, RiskSetView
from waardhaven.application.indexes.risk_metrics import ReadRiskMetrics
from waardhaven.application.indexes.risk_windows import RiskOrder
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.metrics.uncertainty import Resampling

Asked = Request[Any, Any, Any]
READS = needs(Permission.READ_INDICES)


@get(
    "/strategy/risk-metrics",
    opt={POLICY: READS},
    operation_id="strategyRiskMetrics",
    summary="Stored risk metrics of the default index",
    tags=[STRATEGIES],
)
async def strategy_risk_metrics(
    request: Asked, *, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, fields: Fields = None
) -> Response[PageDocument[RiskSetView]]:
    """Page through the risk metrics stored with each publication of the default index, newest first."""
    return await answer_page(
        request, ListRiskMetrics, RiskSetView, fields, slug=DEFAULT_SLUG, limit=limit, cursor=cursor
    )


@get(
    "/indices/{slug:str}/risk-metrics/history",
    opt={POLICY: READS, PERSONAL: True},
    operation_id="riskMetricsHistory",
    summary="Stored risk metrics of an index",
    tags=[INDICES],
)
async def risk_metrics_history(
    request: Asked, *, slug: Slug, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, fields: Fields = None
) -> Response[PageDocument[RiskSetView]]:
    """Page through the risk metrics stored with each publication of an index, newest first."""
    return await answer_page(
        request, ListRiskMetrics, RiskSetView, fields, slug=slug, limit=limit, cursor=cursor
    )


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
    interval: Interval = None,
    draws: Draws = 1000,
    seed: Seed = 0,
    fields: Fields = None,
) -> Response[RiskMetricsView]:
    """Measure the official levels of an index: each metric is a value, or null with a reason.

    A benchmark that only the definition names, and that is not stored, leaves its metrics null and a note.
    With ``interval`` each metric has an interval of that level and what it says about zero.
    """
    checked_window(start, end)
    order = RiskOrder(
        slug=slug,
        start=start,
        end=end,
        sessions=sessions,
        frequency=frequency,
        benchmark=benchmark,
        as_of=instant(as_of),
        currency=upper(currency),
        variant=variant,
        risk_free_rate=risk_free_rate,
        confidence=confidence,
        interval=None if interval is None else Resampling(draws=draws, level=interval),
        seed=seed,
    )
    return await answer_record(request, ReadRiskMetrics, fields, order=order)


HANDLERS = (strategy_risk_metrics, risk_metrics_history, indices_risk_metrics)
