"""From an index to money: what an amount would have become, and what to hold for one."""

from typing import Any, Final

from litestar import Request, Response, post
from litestar.params import JSONBody

from waardhaven.adapters.inbound.http.answers import PERSONAL
from waardhaven.adapters.inbound.http.money_bodies import SimulationBody, SimulationDocument, TargetsBody
from waardhaven.adapters.inbound.http.params import AsOf, Fields, Slug, instant
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_record, answer_series
from waardhaven.adapters.inbound.http.tags import DEFAULT_INDEX, INDICES
from waardhaven.application.indexes import DEFAULT_SLUG
from waardhaven.application.indexes.money_views import TargetsView
from waardhaven.application.indexes.simulate import Simulate
from waardhaven.application.indexes.target_units import TargetUnits
from waardhaven.domain.identity.roles import Permission

Asked = Request[Any, Any, Any]
COMPUTES: Final = needs(Permission.READ_INDICES, per_minute=120)
"""Counted, as each computes; so no answer is remembered by its address, which says nothing of the body."""


@post(
    "/index/simulate",
    status_code=200,
    opt={POLICY: COMPUTES},
    operation_id="simulateIndex",
    summary="Money in the default index",
    tags=[DEFAULT_INDEX],
)
async def index_simulate(
    request: Asked, data: JSONBody[SimulationBody], as_of: AsOf = None, fields: Fields = None
) -> Response[SimulationDocument]:
    """Compute what money in the default index would have become, at dated rates of exchange, less fees."""
    at, order = instant(as_of), data.order()
    return await answer_series(request, Simulate, fields, slug=DEFAULT_SLUG, order=order, as_of=at)


@post(
    "/indices/{slug:str}/simulate",
    status_code=200,
    opt={POLICY: COMPUTES, PERSONAL: True},
    operation_id="simulate",
    summary="Money in an index",
    tags=[INDICES],
)
async def indices_simulate(
    request: Asked, slug: Slug, data: JSONBody[SimulationBody], as_of: AsOf = None, fields: Fields = None
) -> Response[SimulationDocument]:
    """Compute what money in an index would have become, at dated rates of exchange, less fees."""
    at, order = instant(as_of), data.order()
    return await answer_series(request, Simulate, fields, slug=slug, order=order, as_of=at)


@post(
    "/index/targets",
    status_code=200,
    opt={POLICY: COMPUTES},
    operation_id="indexTargets",
    summary="Units of the default index for an amount",
    tags=[DEFAULT_INDEX],
)
async def index_targets(
    request: Asked, data: JSONBody[TargetsBody], as_of: AsOf = None, fields: Fields = None
) -> Response[TargetsView]:
    """Compute what to hold at the newest published close, so that an amount follows the default index."""
    at, order = instant(as_of), data.order()
    return await answer_record(request, TargetUnits, fields, slug=DEFAULT_SLUG, order=order, as_of=at)


@post(
    "/indices/{slug:str}/targets",
    status_code=200,
    opt={POLICY: COMPUTES, PERSONAL: True},
    operation_id="targets",
    summary="Units of an index for an amount",
    tags=[INDICES],
)
async def indices_targets(
    request: Asked, slug: Slug, data: JSONBody[TargetsBody], as_of: AsOf = None, fields: Fields = None
) -> Response[TargetsView]:
    """Compute what to hold at the newest published close, so that an amount follows an index."""
    at, order = instant(as_of), data.order()
    return await answer_record(request, TargetUnits, fields, slug=slug, order=order, as_of=at)


HANDLERS = (index_simulate, indices_simulate, index_targets, indices_targets)
