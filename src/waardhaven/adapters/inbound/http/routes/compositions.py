"""What an index held: its compositions, what reviews changed, and composition files."""

from datetime import date
from functools import partial
from typing import Annotated, Any, Final

from litestar import Request, Response, get
from litestar.params import QueryParameter

from waardhaven.adapters.inbound.http.answers import PERSONAL, Answers, Reading
from waardhaven.adapters.inbound.http.documents import PageDocument
from waardhaven.adapters.inbound.http.encode import series_arrow, series_csv, series_json
from waardhaven.adapters.inbound.http.negotiation import ARROW, CSV, JSON
from waardhaven.adapters.inbound.http.params import (
    DEFAULT_LIMIT,
    AsOf,
    Cursor,
    End,
    Fields,
    Limit,
    Slug,
    Start,
    checked_window,
    instant,
    listed,
)
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_page
from waardhaven.adapters.inbound.http.tags import ALSO, INDICES
from waardhaven.adapters.inbound.http.working_documents import CompositionFileDocument
from waardhaven.application.indexes.composition_file import FileKind, ReadCompositionFile
from waardhaven.application.indexes.composition_views import CompositionView, RebalanceView
from waardhaven.application.indexes.compositions import ListCompositions, ListRebalances
from waardhaven.domain.identity.roles import Permission

Asked = Request[Any, Any, Any]
READS: Final = needs(Permission.READ_INDICES)
Session = Annotated[
    date | None,
    QueryParameter(name="date", description="A published session (ISO date); without it the newest."),
]
At = Annotated[
    FileKind,
    QueryParameter(
        name="at",
        description="`closing`: after the close of the session; `opening`: as it is held into the next one.",
    ),
]


@get(
    "/indices/{slug:str}/compositions",
    opt={POLICY: READS, PERSONAL: True},
    operation_id="compositions",
    summary="What an index held",
    tags=[INDICES],
)
async def compositions(
    request: Asked,
    *,
    slug: Slug,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    fields: Fields = None,
) -> Response[PageDocument[CompositionView]]:
    """Page through the published compositions, newest first: reviews, and what companies did."""
    days, at = checked_window(start, end), instant(as_of)
    return await answer_page(
        request,
        ListCompositions,
        CompositionView,
        fields,
        slug=slug,
        as_of=at,
        limit=limit,
        cursor=cursor,
        **days,
    )


@get(
    "/indices/{slug:str}/compositions/file",
    opt={POLICY: READS, PERSONAL: True, ALSO: (409,)},
    operation_id="compositionFile",
    summary="A composition file",
    tags=[INDICES],
)
async def composition_file(
    request: Asked,
    *,
    slug: Slug,
    day: Session = None,
    at: At = FileKind.CLOSING,
    as_of: AsOf = None,
    fields: Fields = None,
) -> Response[CompositionFileDocument]:
    """Read what an index holds at a close, or into the next session, name by name; also as CSV."""
    wanted = listed(fields)
    writers = {
        JSON: partial(series_json, wanted=wanted),
        ARROW: partial(series_arrow, wanted=wanted),
        CSV: partial(series_csv, wanted=wanted),
    }
    params = {"slug": slug, "day": day, "at": at, "as_of": instant(as_of)}
    answers: Answers = request.app.state.answers
    reading = Reading(use_case=ReadCompositionFile, params=params, writers=writers, fields=wanted)
    return await answers.answer(request, reading)


@get(
    "/indices/{slug:str}/rebalances",
    opt={POLICY: READS, PERSONAL: True},
    operation_id="rebalances",
    summary="What reviews changed",
    tags=[INDICES],
)
async def rebalances(
    request: Asked,
    *,
    slug: Slug,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    fields: Fields = None,
) -> Response[PageDocument[RebalanceView]]:
    """Page through the reviews, newest first: turnover, cost, who came and went, the largest changes."""
    days, at = checked_window(start, end), instant(as_of)
    return await answer_page(
        request,
        ListRebalances,
        RebalanceView,
        fields,
        slug=slug,
        as_of=at,
        limit=limit,
        cursor=cursor,
        **days,
    )


HANDLERS = (compositions, composition_file, rebalances)
