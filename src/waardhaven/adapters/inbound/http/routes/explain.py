"""Why figures are what they are, and where they come from."""

from datetime import date
from typing import Annotated, Any, Final

from litestar import Request, Response, get
from litestar.params import PathParameter, QueryParameter

from waardhaven.adapters.inbound.http.answers import PERSONAL
from waardhaven.adapters.inbound.http.params import (
    AsOf,
    End,
    Fields,
    LevelVariant,
    Slug,
    checked_window,
    instant,
)
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_record
from waardhaven.adapters.inbound.http.routes.compositions import Session
from waardhaven.adapters.inbound.http.tags import ALSO, INDICES
from waardhaven.application.indexes.contribution import (
    ContributionOrder,
    ContributionView,
    Grouping,
    ReadContributions,
)
from waardhaven.application.indexes.explain import Explain
from waardhaven.application.indexes.explanation_views import ExplanationView, FigureProvenanceView
from waardhaven.application.indexes.figures import PATTERN
from waardhaven.application.indexes.provenance import ReadProvenance
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.market.calendar import Frequency

Asked = Request[Any, Any, Any]
READS: Final = needs(Permission.READ_INDICES)
MEASURES: Final = needs(Permission.READ_INDICES, per_minute=120)
Base = Annotated[
    date | None,
    QueryParameter(
        name="start",
        description="The close on or after which the return begins (ISO date); without it the base date.",
    ),
]
Periods = Annotated[
    Frequency, QueryParameter(name="frequency", description="How long the periods are that are taken apart.")
]
By = Annotated[
    Grouping,
    QueryParameter(
        name="by", description="Each name for itself, or names summed as they are classified now."
    ),
]
Name = Annotated[
    str | None,
    QueryParameter(
        name="symbol",
        max_length=64,
        pattern=r"^[^\x00-\x20\x7f/]+$",
        description="``SYM``, ``SYM:MIC`` or an asset id, whose weight to explain; without it the level.",
    ),
]
FigureId = Annotated[
    str, PathParameter(pattern=PATTERN, description="The ``id`` of a figure, from any answer that has one.")
]


@get(
    "/indices/{slug:str}/explain",
    opt={POLICY: READS, PERSONAL: True, ALSO: (409,)},
    operation_id="explain",
    summary="Why a level and a weight",
    tags=[INDICES],
)
async def explain(
    request: Asked,
    *,
    slug: Slug,
    day: Session = None,
    symbol: Name = None,
    as_of: AsOf = None,
    fields: Fields = None,
) -> Response[ExplanationView]:
    """Take a change of level apart by name, and a weight by signals, sleeves, constraints and drift."""
    at = instant(as_of)
    return await answer_record(request, Explain, fields, slug=slug, day=day, symbol=symbol, as_of=at)


@get(
    "/indices/{slug:str}/contributions",
    opt={POLICY: MEASURES, PERSONAL: True},
    operation_id="contributions",
    summary="What each name added",
    tags=[INDICES],
)
async def contributions(
    request: Asked,
    *,
    slug: Slug,
    start: Base = None,
    end: End = None,
    frequency: Periods = Frequency.MONTHLY,
    by: By = Grouping.NAME,
    variant: LevelVariant = None,
    as_of: AsOf = None,
    fields: Fields = None,
) -> Response[ContributionView]:
    """Take the return of an index apart by name or group and by period; the parts add up to it."""
    checked_window(start, end)
    order = ContributionOrder(
        slug=slug, start=start, end=end, frequency=frequency, by=by, variant=variant, as_of=instant(as_of)
    )
    return await answer_record(request, ReadContributions, fields, order=order)


@get(
    "/provenance/{figure:str}",
    opt={POLICY: READS, PERSONAL: True},
    operation_id="provenance",
    summary="Where a figure comes from",
    tags=[INDICES],
)
async def provenance(
    request: Asked, figure: FigureId, fields: Fields = None
) -> Response[FigureProvenanceView]:
    """Resolve a figure: formula, inputs, rules, data, code, and the line that computes it again."""
    return await answer_record(request, ReadProvenance, fields, figure=figure)


HANDLERS = (explain, contributions, provenance)
