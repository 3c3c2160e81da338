"""Assets, what happened to them, and their prices."""

from datetime import date
from typing import Annotated, Any, Final

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, delete, get, post, put
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from waardhaven.adapters.inbound.http.documents import PageDocument, PricesDocument
from waardhaven.adapters.inbound.http.params import (
    DEFAULT_LIMIT,
    NO_CONTROLS,
    AsOf,
    Currency,
    Cursor,
    End,
    Fields,
    Limit,
    Start,
    Symbol,
    checked_window,
    instant,
    listed,
    upper,
)
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_page, answer_record, answer_series
from waardhaven.adapters.inbound.http.tags import ALSO, MARKET
from waardhaven.application.market.asset_views import ActionView, AssetView, SymbolView
from waardhaven.application.market.assets import ListActions, ListAssets, ListSymbols, ViewAsset
from waardhaven.application.market.enter_action import ActionDraft, EnterAction
from waardhaven.application.market.live_quotes import LiveQuoteView, ReadLiveQuotes
from waardhaven.application.market.manage_assets import ASSET_TYPES, ArchiveAsset, ChangeAsset, CreateAsset
from waardhaven.application.market.read_prices import ReadPrices
from waardhaven.application.ports.market_facts import Listing
from waardhaven.application.pricing.choose_series import Adjust
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.market.actions import ActionKind, ActionStatus
from waardhaven.domain.market.calendar import Frequency

Asked = Request[Any, Any, Any]
READS: Final = needs(Permission.READ_INDICES)
QUOTES: Final = needs(Permission.READ_INDICES, per_minute=120)
OPERATES: Final = needs(Permission.OPERATE)
CODE: Final = r"^[A-Za-z]{3}$"

Symbols = Annotated[
    str,
    QueryParameter(
        name="symbols",
        min_length=1,
        max_length=20_000,
        pattern=NO_CONTROLS,
        description="Comma-separated: ``SYM``, ``SYM:MIC`` or an asset id; at most 500.",
    ),
]
Adjusting = Annotated[
    Adjust,
    QueryParameter(name="adjust", description="`raw`: as traded. `splits`. `all`: and distributions."),
]
Periods = Annotated[
    Frequency, QueryParameter(name="frequency", description="One bar for each period that has any.")
]
Source = Annotated[
    str | None,
    QueryParameter(
        name="source",
        pattern=r"^[a-z][a-z0-9_-]{0,31}$",
        description="Whose prices; without it those of the preferred source that has them.",
    ),
]
Text = Annotated[
    str | None,
    QueryParameter(
        name="text",
        min_length=1,
        max_length=100,
        pattern=NO_CONTROLS,
        description="Part of a symbol or name.",
    ),
]
OfType = Annotated[
    str | None,
    QueryParameter(
        name="asset_type", pattern=f"^({'|'.join(ASSET_TYPES)})$", description="Only assets of this type."
    ),
]
OnExchange = Annotated[
    str | None,
    QueryParameter(name="mic", pattern=r"^[A-Z0-9]{4}$", description="Only assets of this exchange."),
]
InUniverse = Annotated[
    str | None,
    QueryParameter(
        name="universe",
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        description="Only members of this universe today.",
    ),
]
Archived = Annotated[
    str,
    QueryParameter(
        name="archived", pattern="^(true|false|all)$", description="Archived assets: `false` leaves them out."
    ),
]


class AssetBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """An asset that no source brought."""

    symbol: Annotated[str, Meta(max_length=40, examples=["ACME"])]
    mic: Annotated[
        str, Meta(pattern=r"^[A-Z0-9]{4}$", examples=["XNYS"], description="Exchange (ISO 10383).")
    ]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    asset_type: Annotated[str, Meta(pattern=f"^({'|'.join(ASSET_TYPES)})$")] = "equity"
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$", examples=["USD"])]
    sector: Annotated[str, Meta(max_length=100)] | None = None
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] | None = None


class AssetChanges(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is to be another; what is left out stays. ``since``: from when another symbol or mic holds."""

    symbol: Annotated[str, Meta(max_length=40)] | None = None
    mic: Annotated[str, Meta(pattern=r"^[A-Z0-9]{4}$")] | None = None
    name: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    asset_type: Annotated[str, Meta(pattern=f"^({'|'.join(ASSET_TYPES)})$")] | None = None
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] | None = None
    sector: Annotated[str, Meta(max_length=100)] | None = None
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] | None = None
    since: date | None = None
    archived: bool | None = None


class ActionBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A corporate action. Numbers are exact decimals as text; ``ratio``: new shares for an old one."""

    kind: ActionKind
    ex_date: date
    ratio: Annotated[str, Meta(max_length=22, examples=["2"])] | None = None
    amount: Annotated[str, Meta(max_length=22)] | None = None
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] | None = None
    record_date: date | None = None
    pay_date: date | None = None
    status: ActionStatus = ActionStatus.CONFIRMED
    other: Annotated[str, Meta(max_length=64, description="Spun-off or acquiring asset.")] | None = None


@get("/symbols", opt={POLICY: READS}, operation_id="symbols", summary="Symbols with prices", tags=[MARKET])
async def symbols(
    request: Asked,
    *,
    text: Text = None,
    asset_type: OfType = None,
    mic: OnExchange = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    fields: Fields = None,
) -> Response[PageDocument[SymbolView]]:
    """Page through the symbols and the days there are prices of."""
    wanted = {"text": text, "asset_type": asset_type, "mic": mic, "limit": limit, "cursor": cursor}
    return await answer_page(request, ListSymbols, SymbolView, fields, **wanted)


@get("/prices", opt={POLICY: READS}, operation_id="prices", summary="Prices of many symbols", tags=[MARKET])
async def prices(
    request: Asked,
    *,
    symbols: Symbols,
    start: Start = None,
    end: End = None,
    adjust: Adjusting = Adjust.RAW,
    currency: Currency = None,
    frequency: Periods = Frequency.DAILY,
    source: Source = None,
    as_of: AsOf = None,
    fields: Fields = None,
) -> Response[PricesDocument]:
    """Read daily bars by column, adjusted, converted at each day's rate and gathered as asked.

    Each symbol's bars come from one source, which ``series`` names; symbols without prices are in
    ``missing`` with the reason. At most 500,000 bars in one answer.
    """
    return await answer_series(
        request,
        ReadPrices,
        fields,
        symbols=listed(symbols),
        adjust=str(adjust),
        currency=upper(currency),
        frequency=str(frequency),
        source=source,
        as_of=instant(as_of),
        **checked_window(start, end),
    )


@get("/assets", opt={POLICY: READS}, operation_id="assets", summary="All assets", tags=[MARKET])
async def assets(
    request: Asked,
    *,
    text: Text = None,
    asset_type: OfType = None,
    mic: OnExchange = None,
    currency: Currency = None,
    universe: InUniverse = None,
    archived: Archived = "false",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    fields: Fields = None,
) -> Response[PageDocument[AssetView]]:
    """Page through the assets by id, with what prices there are of each."""
    return await answer_page(
        request,
        ListAssets,
        AssetView,
        fields,
        text=text,
        asset_type=asset_type,
        mic=mic,
        currency=upper(currency),
        universe=universe,
        archived={"true": True, "false": False, "all": None}[archived],
        limit=limit,
        cursor=cursor,
    )


@get("/assets/{symbol:str}", opt={POLICY: READS}, operation_id="asset", summary="One asset", tags=[MARKET])
async def asset(request: Asked, symbol: Symbol, fields: Fields = None) -> Response[AssetView]:
    """Show an asset, every name it has had, and what prices there are of it."""
    return await answer_record(request, ViewAsset, fields, symbol=symbol)


@get(
    "/assets/{symbol:str}/actions",
    opt={POLICY: READS},
    operation_id="assetActions",
    summary="What happened to an asset",
    tags=[MARKET],
)
async def asset_actions(
    request: Asked, symbol: Symbol, fields: Fields = None
) -> Response[PageDocument[ActionView]]:
    """List splits, dividends and other corporate actions, oldest first, each with who states it."""
    return await answer_page(request, ListActions, ActionView, fields, symbol=symbol)


@post(
    "/assets",
    status_code=201,
    opt={POLICY: OPERATES, ALSO: (409,)},
    operation_id="createAsset",
    summary="Register an asset",
    tags=[MARKET],
)
async def create_asset(
    request: Asked, data: JSONBody[AssetBody], create: FromDishka[CreateAsset]
) -> AssetView:
    """Register an asset that no source brought; its prices come by import."""
    return await create(
        request.user,
        Listing(
            symbol=data.symbol.upper(),
            mic=data.mic,
            name=data.name,
            asset_type=data.asset_type,
            currency=data.currency,
            sector=data.sector,
            country=data.country,
        ),
    )


@put(
    "/assets/{symbol:str}",
    opt={POLICY: OPERATES},
    operation_id="changeAsset",
    summary="Change an asset",
    tags=[MARKET],
)
async def change_asset(
    request: Asked,
    symbol: Symbol,
    data: JSONBody[AssetChanges],
    change: FromDishka[ChangeAsset],
    archive: FromDishka[ArchiveAsset],
) -> AssetView:
    """Change what is known of an asset. Its id, its prices and its former names stay."""
    names = ("symbol", "mic", "name", "asset_type", "currency", "sector", "country")
    changes = {name: value for name in names if (value := getattr(data, name)) is not None}
    view = await change(request.user, symbol=symbol, changes=changes, since=data.since)
    if data.archived is None or data.archived == view.archived:
        return view
    return await archive(request.user, symbol=str(view.id), archived=data.archived)


@delete(
    "/assets/{symbol:str}",
    status_code=200,
    opt={POLICY: OPERATES},
    operation_id="archiveAsset",
    summary="Archive an asset",
    tags=[MARKET],
)
async def archive_asset(request: Asked, symbol: Symbol, archive: FromDishka[ArchiveAsset]) -> AssetView:
    """Take an asset out of lists and refreshes. Nothing is removed: a change brings it back."""
    return await archive(request.user, symbol=symbol)


@post(
    "/assets/{symbol:str}/actions",
    status_code=201,
    opt={POLICY: OPERATES},
    operation_id="enterAction",
    summary="Enter a corporate action",
    tags=[MARKET],
)
async def enter_action(
    request: Asked, symbol: Symbol, data: JSONBody[ActionBody], enter: FromDishka[EnterAction]
) -> PageDocument[ActionView]:
    """Record what happened to an asset; it replaces what sources say of that kind on that day.

    A dividend or split entered as `cancelled` takes a wrong one of a source out.
    """
    draft = ActionDraft(
        kind=str(data.kind),
        ex_date=data.ex_date,
        ratio=data.ratio,
        amount=data.amount,
        currency=data.currency,
        record_date=data.record_date,
        pay_date=data.pay_date,
        status=str(data.status),
        other=data.other,
    )
    return PageDocument(items=list(await enter(request.user, symbol=symbol, draft=draft)), next_cursor=None)


@get(
    "/quotes",
    opt={POLICY: QUOTES, ALSO: (404, 409)},
    operation_id="quotes",
    summary="Last prices",
    tags=[MARKET],
)
async def live_quotes(
    request: Asked, symbols: Symbols, read: FromDishka[ReadLiveQuotes], currency: Currency = None
) -> PageDocument[LiveQuoteView]:
    """Read the last price a provider knows of at most fifty symbols, else the last stored close.

    Each says its source and age. Answers of providers are kept for a while: asking again costs nothing.
    """
    found = await read(request.user, symbols=listed(symbols), currency=upper(currency))
    return PageDocument(items=list(found), next_cursor=None)


HANDLERS = (
    symbols,
    prices,
    assets,
    asset,
    asset_actions,
    create_asset,
    change_asset,
    archive_asset,
    enter_action,
)
UNKEPT = (live_quotes,)
"""What no cache may keep."""
