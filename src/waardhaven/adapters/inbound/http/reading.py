"""The three kinds of answers of the reading routes: a record, a page, a series."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from litestar import Request

from waardhaven.adapters.inbound.http.answers import Answers, Reading, Ready
from waardhaven.adapters.inbound.http.encode import page_json, record_json, series_arrow, series_json
from waardhaven.adapters.inbound.http.negotiation import ARROW, JSON
from waardhaven.adapters.inbound.http.params import listed

Query = type[Callable[..., Awaitable[Any]]]


async def answer_record(
    request: Request[Any, Any, Any], query: Query, fields: str | None, **params: object
) -> Ready[Any]:
    """Answer with one object."""
    wanted = listed(fields)
    return await _answer(request, query, wanted, params, {JSON: partial(record_json, wanted=wanted)})


async def answer_page(
    request: Request[Any, Any, Any], query: Query, kind: type, fields: str | None, **params: object
) -> Ready[Any]:
    """Answer with a list of ``kind``, whether the query pages it or not."""
    wanted = listed(fields)
    return await _answer(request, query, wanted, params, {JSON: partial(page_json, kind, wanted=wanted)})


async def answer_series(
    request: Request[Any, Any, Any], query: Query, fields: str | None, **params: object
) -> Ready[Any]:
    """Answer with columns, as JSON or as an Arrow stream."""
    wanted = listed(fields)
    writers = {JSON: partial(series_json, wanted=wanted), ARROW: partial(series_arrow, wanted=wanted)}
    return await _answer(request, query, wanted, params, writers)


async def _answer(
    request: Request[Any, Any, Any],
    query: Query,
    wanted: tuple[str, ...],
    params: Mapping[str, object],
    writers: Mapping[str, Callable[[Any], bytes]],
) -> Ready[Any]:
    answers: Answers = request.app.state.answers
    return await answers.answer(
        request, Reading(use_case=query, params=params, writers=writers, fields=wanted)
    )
