"""Assets and their actions as they are shown."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from waardhaven.application.ports.reference_store import KnownAction, NameFact, ReferenceStore
from waardhaven.domain.market.actions import ActionKind, ActionStatus
from waardhaven.domain.market.asset import Asset


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesSummary:
    """Prices of an asset from one source in one adjustment mode."""

    source: str
    adjustment: str
    currency: str
    quote_unit: str
    bars: int
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetView:
    """An asset. ``mic``: its exchange (ISO 10383); ``archived``: left out of lists and refreshes."""

    id: int
    symbol: str
    mic: str
    name: str
    asset_type: str
    currency: str
    sector: str | None
    country: str | None
    archived: bool
    series: tuple[SeriesSummary, ...]
    names: tuple[NameFact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolView:
    """A symbol and the days there are prices of; ``sources`` in the order they were first seen."""

    id: int
    symbol: str
    mic: str
    name: str
    asset_type: str
    currency: str
    sources: tuple[str, ...]
    first: date | None
    last: date | None
    bars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionView:
    """A corporate action. ``ratio``: new shares for an old one; both numbers are exact decimals as text."""

    source: str
    key: str
    kind: ActionKind
    status: ActionStatus
    ex_date: date
    record_date: date | None
    pay_date: date | None
    ratio: str | None
    amount: str | None
    currency: str | None
    other_asset: int | None


async def asset_views(reference: ReferenceStore, assets: list[Asset]) -> tuple[AssetView, ...]:
    """Return the assets with what prices there are of each."""
    coverage = await reference.coverage([one.id for one in assets])
    return tuple(
        AssetView(
            id=one.id,
            symbol=one.symbol,
            mic=one.mic,
            name=one.name,
            asset_type=one.asset_type,
            currency=one.currency,
            sector=one.sector,
            country=one.country,
            archived=one.archived,
            series=tuple(
                SeriesSummary(
                    source=each.source,
                    adjustment=str(each.adjustment),
                    currency=each.currency,
                    quote_unit=each.quote_unit,
                    bars=each.bars,
                    first=each.first,
                    last=each.last,
                )
                for each in coverage
                if each.asset == one.id
            ),
        )
        for one in assets
    )


def symbol_view(asset: AssetView) -> SymbolView:
    """Return an asset as a symbol with prices; ``bars`` are those of its longest series."""
    priced = [one for one in asset.series if one.bars]
    return SymbolView(
        id=asset.id,
        symbol=asset.symbol,
        mic=asset.mic,
        name=asset.name,
        asset_type=asset.asset_type,
        currency=asset.currency,
        sources=tuple(dict.fromkeys(one.source for one in priced)),
        first=min((one.first for one in priced if one.first), default=None),
        last=max((one.last for one in priced if one.last), default=None),
        bars=max((one.bars for one in priced), default=0),
    )


async def whole_asset(reference: ReferenceStore, asset: Asset) -> AssetView:
    """Return an asset with every name it has had."""
    (view,) = await asset_views(reference, [asset])
    return replace(view, names=tuple(await reference.names(asset.id)))


def action_view(known: KnownAction) -> ActionView:
    """Return an action as it is shown."""
    one = known.action
    return ActionView(
        source=known.source,
        key=known.key,
        kind=one.kind,
        status=one.status,
        ex_date=one.ex_date,
        record_date=one.record_date,
        pay_date=one.pay_date,
        ratio=None if one.ratio is None else _text(one.ratio),
        amount=None if one.amount is None else _text(one.amount),
        currency=one.currency,
        other_asset=one.other_asset,
    )


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}"
