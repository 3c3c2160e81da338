"""Reading indices: the default one under ``/index``, all of them under ``/indices``."""

from typing import Any, Final

from litestar import Request, Response, get

from waardhaven.adapters.inbound.http.answers import PERSONAL
from waardhaven.adapters.inbound.http.documents import AssetSeriesDocument, PageDocument, SeriesDocument
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
    Symbol,
    checked_window,
    instant,
    upper,
)
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_page, answer_record, answer_series
from waardhaven.adapters.inbound.http.tags import DEFAULT_INDEX, INDICES
from waardhaven.application.indexes import DEFAULT_SLUG
from waardhaven.application.indexes.queries import (
    ListBuilds,
    ListCurrencies,
    ListIndices,
    ReadAssetHistory,
    ReadCurrent,
    ReadHistory,
    ViewIndex,
)
from waardhaven.application.indexes.views import CurrencyView, CurrentView, IndexView
from waardhaven.application.ports.build_store import BuildSummary
from waardhaven.domain.identity.roles import Permission

Asked = Request[Any, Any, Any]
READS: Final = needs(Permission.READ_INDICES)


@get(
    "/index/current",
    opt={POLICY: READS},
    operation_id="indexCurrent",
    summary="The default index today",
    tags=[DEFAULT_INDEX],
)
async def index_current(request: Asked, as_of: AsOf = None, fields: Fields = None) -> Response[CurrentView]:
    """Read the allocations of the default index at its newest published close, heaviest first."""
    return await answer_record(request, ReadCurrent, fields, slug=DEFAULT_SLUG, as_of=instant(as_of))


@get(
    "/index/history",
    opt={POLICY: READS},
    operation_id="indexHistory",
    summary="Levels of the default index",
    tags=[DEFAULT_INDEX],
)
async def index_history(
    request: Asked,
    *,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    currency: Currency = None,
    variant: LevelVariant = None,
    fields: Fields = None,
) -> Response[SeriesDocument]:
    """Read the published levels of the default index, by column."""
    days = checked_window(start, end)
    at, code = instant(as_of), upper(currency)
    return await answer_series(
        request, ReadHistory, fields, slug=DEFAULT_SLUG, as_of=at, currency=code, variant=variant, **days
    )


@get(
    "/index/currencies",
    opt={POLICY: READS},
    operation_id="indexCurrencies",
    summary="Currencies a level can be read in",
    tags=[DEFAULT_INDEX],
)
async def index_currencies(request: Asked, fields: Fields = None) -> Response[PageDocument[CurrencyView]]:
    """List the currencies with rates in the store."""
    return await answer_page(request, ListCurrencies, CurrencyView, fields)


@get(
    "/index/assets/{symbol:str}/history",
    opt={POLICY: READS},
    operation_id="assetHistory",
    summary="The history of one asset",
    tags=[DEFAULT_INDEX],
)
async def asset_history(
    request: Asked,
    *,
    symbol: Symbol,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    currency: Currency = None,
    fields: Fields = None,
) -> Response[AssetSeriesDocument]:
    """Read the closes of one asset, and the same rebased to 100."""
    days = checked_window(start, end)
    at, code = instant(as_of), upper(currency)
    return await answer_series(
        request, ReadAssetHistory, fields, symbol=symbol, as_of=at, currency=code, **days
    )


@get(
    "/indices",
    opt={POLICY: READS, PERSONAL: True},
    operation_id="indices",
    summary="All indices",
    tags=[INDICES],
)
async def indices(
    request: Asked, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, fields: Fields = None
) -> Response[PageDocument[IndexView]]:
    """Page through the indices you may see."""
    return await answer_page(request, ListIndices, IndexView, fields, limit=limit, cursor=cursor)


@get(
    "/indices/{slug:str}",
    opt={POLICY: READS, PERSONAL: True},
    operation_id="index",
    summary="One index",
    tags=[INDICES],
)
async def index(request: Asked, slug: Slug, fields: Fields = None) -> Response[IndexView]:
    """Show an index and what is published of it."""
    return await answer_record(request, ViewIndex, fields, slug=slug)


@get(
    "/indices/{slug:str}/current",
    opt={POLICY: READS, PERSONAL: True},
    operation_id="indicesCurrent",
    summary="An index today",
    tags=[INDICES],
)
async def indices_current(
    request: Asked, slug: Slug, as_of: AsOf = None, fields: Fields = None
) -> Response[CurrentView]:
    """Read the allocations of an index at its newest published close, heaviest first."""
    return await answer_record(request, ReadCurrent, fields, slug=slug, as_of=instant(as_of))


@get(
    "/indices/{slug:str}/history",
    opt={POLICY: READS, PERSONAL: True},
    operation_id="indicesHistory",
    summary="Levels of an index",
    tags=[INDICES],
)
async def indices_history(
    request: Asked,
    *,
    slug: Slug,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    currency: Currency = None,
    variant: LevelVariant = None,
    fields: Fields = None,
) -> Response[SeriesDocument]:
    """Read the published levels of an index, by column."""
    days = checked_window(start, end)
    at, code = instant(as_of), upper(currency)
    return await answer_series(
        request, ReadHistory, fields, slug=slug, as_of=at, currency=code, variant=variant, **days
    )


@get(
    "/indices/{slug:str}/builds",
    opt={POLICY: READS, PERSONAL: True},
    operation_id="builds",
    summary="Builds of an index",
    tags=[INDICES],
)
async def builds(
    request: Asked, slug: Slug, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, fields: Fields = None
) -> Response[PageDocument[BuildSummary]]:
    """Page through the builds of an index, newest first, each with what it was made from."""
    return await answer_page(request, ListBuilds, BuildSummary, fields, slug=slug, limit=limit, cursor=cursor)


HANDLERS = (
    index_current,
    index_history,
    index_currencies,
    asset_history,
    indices,
    index,
    indices_current,
    indices_history,
    builds,
)
