"""Figures of data that a caller sends, and the catalogue of what can be computed."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, get, post
from litestar.params import QueryParameter

from waardhaven.adapters.inbound.http.analytics_bodies import RiskBody
from waardhaven.adapters.inbound.http.answers import NotAcceptable
from waardhaven.adapters.inbound.http.cash_flow_bodies import (
    TwrBody,
    XirrBody,
    flows_of_json,
    values_of_json,
)
from waardhaven.adapters.inbound.http.documents import PageDocument
from waardhaven.adapters.inbound.http.encode import json_bytes
from waardhaven.adapters.inbound.http.negotiation import ARROW, JSON, media_type
from waardhaven.adapters.inbound.http.params import NO_CONTROLS, Fields, InvalidParameters
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_page
from waardhaven.adapters.inbound.http.risk_wire import risk_arrow, risk_of_arrow, risk_of_json
from waardhaven.adapters.inbound.http.sent_bodies import body_of, media_of
from waardhaven.adapters.inbound.http.tags import ALSO, ANALYTICS, OFFERS, UPLOAD
from waardhaven.application.answers import Sent
from waardhaven.application.metrics.analyse_risk import AnalyseRisk
from waardhaven.application.metrics.cash_flow_returns import (
    MeasureMoneyWeighted,
    MeasureTimeWeighted,
    MoneyWeightedView,
    TimeWeightedView,
)
from waardhaven.application.metrics.catalogue import ListMetrics, MetricView
from waardhaven.application.metrics.risk_question import RiskQuestion
from waardhaven.application.metrics.risk_views import RiskView
from waardhaven.domain.errors import FieldError
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.market.imports import LARGEST_FILE

Asked = Request[Any, Any, Any]
READS: Final = needs(Permission.READ_INDICES)
COMPUTES: Final = needs(Permission.READ_INDICES, per_minute=120, streaming=True)
"""Without a limit of time: a large body has its own, and a computation is bounded by what may be asked."""
Settings = Annotated[
    str | None,
    QueryParameter(
        name="settings",
        max_length=4_000,
        pattern=NO_CONTROLS,
        description=(
            "For an Arrow stream alone: JSON of what a JSON body says beside its series, in the same words, "
            "and `kind`, `returns` or `levels`."
        ),
    ),
]


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
    opt={
        POLICY: COMPUTES,
        UPLOAD: {JSON: RiskBody, ARROW: None},
        OFFERS: (ARROW,),
        ALSO: (406,),
    },
    request_max_body_size=LARGEST_FILE,
    operation_id="analyseRisk",
    summary="Metrics of series you send",
    tags=[ANALYTICS],
)
async def analyse_risk(
    request: Asked, analyse: FromDishka[AnalyseRisk], settings: Settings = None
) -> Response[RiskView]:
    """Measure series that are sent as returns or as levels; nothing is stored.

    Each metric is a value or null with a reason. Returns that look like per cent are measured as they are,
    and a warning says so. With `interval`, a stationary bootstrap tells how far each figure can be trusted.

    Up to 500 series of 5,000 days are sent as JSON, or as an Arrow IPC stream (uncompressed) with a column
    of numbers for each series and, if there are any, the columns `date`, `benchmark` and `risk_free` (per
    period); what JSON says beside the series is then in the parameter `settings`. The answer is JSON, or an
    Arrow stream with a row for each series, a column for each metric and, in `reason`, why one is null.
    """
    media = media_type(request.headers.get("accept", ""), (JSON, ARROW))
    if media is None:
        raise NotAcceptable(f"On offer: {JSON}, {ARROW}.")
    write = risk_arrow if media == ARROW else json_bytes
    sent = media_of(request, JSON, ARROW)
    read = _reader(sent, settings)
    async with body_of(request, sent) as content:
        answer = await analyse(request.user, content=content, read=read, write=write)
    return _written(answer, media)


@post(
    "/analytics/xirr",
    status_code=200,
    opt={POLICY: COMPUTES, UPLOAD: {JSON: XirrBody}},
    request_max_body_size=LARGEST_FILE,
    operation_id="xirr",
    summary="Money-weighted returns of cash flows you send",
    tags=[ANALYTICS],
)
async def xirr(request: Asked, measure: FromDishka[MeasureMoneyWeighted]) -> Response[MoneyWeightedView]:
    """Find the annual rate (actual/365) at which the payments of each set are worth nothing in sum.

    Each rate is a value or null with a reason. Where several rates solve a set, the one nearest 0 is told,
    and a warning says how many there are.
    """
    async with body_of(request, media_of(request, JSON)) as content:
        answer = await measure(request.user, content=content, read=flows_of_json, write=json_bytes)
    return _written(answer, JSON)


@post(
    "/analytics/twr",
    status_code=200,
    opt={POLICY: COMPUTES, UPLOAD: {JSON: TwrBody}},
    request_max_body_size=LARGEST_FILE,
    operation_id="twr",
    summary="Time-weighted returns of values and cash flows you send",
    tags=[ANALYTICS],
)
async def twr(request: Asked, measure: FromDishka[MeasureTimeWeighted]) -> Response[TimeWeightedView]:
    """Link the returns between known values, so that payments in and out do not matter.

    Payments in count at the start of their day and payments out at its end; each return is a value or null
    with a reason.
    """
    async with body_of(request, media_of(request, JSON)) as content:
        answer = await measure(request.user, content=content, read=values_of_json, write=json_bytes)
    return _written(answer, JSON)


def _reader(media: str, settings: str | None) -> Callable[[Sent], RiskQuestion]:
    """Return what reads a body of a type; raise InvalidParameters."""
    if media == ARROW:
        if settings is None:
            raise _of_settings('is required beside an Arrow stream, at least {"kind": "returns"} or "levels"')
        return partial(risk_of_arrow, settings=settings)
    if settings is not None:
        raise _of_settings("must be left out where the body is JSON, which says it itself")
    return risk_of_json


def _of_settings(rule: str) -> InvalidParameters:
    return InvalidParameters("The request breaks a rule.", errors=[FieldError(field="settings", rule=rule)])


def _written(answer: bytes, media: str) -> Response[Any]:
    return Response(answer, media_type=media, headers={"Vary": "Accept"})


HANDLERS = (metrics_catalogue,)
UNKEPT = (analyse_risk, xirr, twr)
