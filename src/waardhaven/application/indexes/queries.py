"""Reads of indices: levels, the current composition, definitions, builds."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from waardhaven.application.answers import Page, SeriesView, check_range, clip, cursor_uuid
from waardhaven.application.indexes.closing import OfficialClose, read_close
from waardhaven.application.indexes.conversion import level_factor, rates, target_currency
from waardhaven.application.indexes.official import read_official
from waardhaven.application.indexes.views import AllocationView, CurrencyView, CurrentView, IndexView
from waardhaven.application.indexes.visible import readable
from waardhaven.application.ports.build_store import BuildStore, BuildSummary
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.autoindex import default_definition
from waardhaven.domain.index.build_record import IndexRecord
from waardhaven.domain.index.composition import LevelColumns
from waardhaven.domain.index.definition import IndexDefinition, Variant
from waardhaven.domain.index.holdings import daily_returns, ytd_returns
from waardhaven.domain.index.publishing import official_levels
from waardhaven.domain.market.asset import Asset, SymbolRef
from waardhaven.domain.market.currency import CARRIED_DAYS, CURRENCIES
from waardhaven.domain.types import BuildId, Floats, as_date

DEFAULT_SLUG = "autoindex"


class NoPrices(Invalid):
    """The asset has no prices in the range asked for."""


class UnknownVariant(Invalid):
    """A variant of levels that the index does not compute."""


def variant_levels(levels: LevelColumns, variant: Variant) -> Floats:
    """Return the levels of a variant, (n,); raise UnknownVariant where the index does not compute it."""
    found = levels.of(variant)
    if found is None:
        raise UnknownVariant(
            f"The index has no {variant} variant: total returns need raw prices, net ones withholding too.",
            errors=[FieldError(field="variant", rule="must be computed by the index: price always is")],
        )
    return found


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """The official levels of an index, in its own or another currency.

    In another currency each level is converted at that day's reference rate (the last known one) and
    the series keeps the base value on the base date. Unknown rates give an unknown level.
    """

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore

    async def __call__(
        self,
        by: Principal,
        *,
        slug: str,
        start: date | None = None,
        end: date | None = None,
        as_of: datetime | None = None,
        currency: str | None = None,
        variant: Variant | None = None,
    ) -> SeriesView:
        """Return columns ``dates`` and ``values``; raise UnknownIndex, NothingPublished or Invalid."""
        by.require(Permission.READ_INDICES)
        check_range(start, end)
        history = await read_official(self.indexes, self.builds, by, slug, as_of=as_of)
        definition = history.index.definition
        levels = official_levels(history.segments)
        shown = variant or definition.variant
        known = variant_levels(levels, shown)
        target = target_currency(currency, definition.currency)
        vintage = history.newest.made_from.vintage
        factor = await level_factor(self.reference, definition, target, levels.day, vintage)
        inside = clip(levels.day, start, end)
        values = np.round(known[inside] * factor[inside], definition.decimals)
        return SeriesView(
            columns={"dates": levels.day[inside], "values": values},
            head={
                "index": definition.slug,
                "name": definition.name,
                "currency": target,
                "variant": str(shown),
                "base_date": definition.base_date,
                "base_value": definition.base_value,
                "provenance": history.provenance,
            },
        )


@dataclass(frozen=True, slots=True)
class ReadCurrent:
    """The composition of an index at its newest official close, with drifted weights."""

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore
    prices: PriceStore

    async def __call__(self, by: Principal, *, slug: str, as_of: datetime | None = None) -> CurrentView:
        """Return the heaviest name first; raise UnknownIndex or NothingPublished."""
        by.require(Permission.READ_INDICES)
        history = await read_official(self.indexes, self.builds, by, slug, as_of=as_of, compositions=True)
        return _current(await read_close(self.reference, self.prices, history))


@dataclass(frozen=True, slots=True)
class ReadAssetHistory:
    """The closes of one asset in the series the default index reads, also rebased to 100."""

    reference: ReferenceStore
    prices: PriceStore

    async def __call__(
        self,
        by: Principal,
        *,
        symbol: str,
        start: date | None = None,
        end: date | None = None,
        as_of: datetime | None = None,
        currency: str | None = None,
    ) -> SeriesView:
        """Return columns ``dates``, ``values`` and ``close``; ``as_of`` selects the data vintage."""
        by.require(Permission.READ_INDICES)
        check_range(start, end)
        definition = default_definition()
        asset = await self.reference.resolve(SymbolRef.parse(symbol))
        point = await self.reference.vintage_at(as_of) if as_of else await self.reference.latest_vintage()
        series = (await self.reference.series_of([asset.id], definition.series)).get(asset.id)
        if series is None or point is None:
            raise _no_prices(asset, definition)
        closes = await self.prices.closes([series.id], start=start, end=end, vintage=point.id)
        if not len(closes):
            raise _no_prices(asset, definition)
        target = target_currency(currency, asset.currency)
        fx = await rates(
            self.reference,
            definition,
            [series.quote_unit],
            target,
            closes.day,
            point.id,
            carried_days=CARRIED_DAYS,
        )
        close = closes.close * fx[:, 0]
        return SeriesView(
            columns={"dates": closes.day, "values": 100.0 * close / close[0], "close": close},
            head={
                "symbol": asset.symbol,
                "mic": asset.mic,
                "name": asset.name,
                "currency": target,
                "source": definition.series.source,
                "adjustment": str(definition.series.adjustment),
                "vintage": int(point.id),
            },
        )


@dataclass(frozen=True, slots=True)
class ListCurrencies:
    """The currencies a level can be read in."""

    async def __call__(self, by: Principal) -> tuple[CurrencyView, ...]:
        """Return code and name, the index's own currency first."""
        by.require(Permission.READ_INDICES)
        return tuple(CurrencyView(code=code, name=name) for code, name in CURRENCIES.items())


@dataclass(frozen=True, slots=True)
class ListIndices:
    """The indices a caller may see, by slug."""

    indexes: IndexStore
    builds: BuildStore

    async def __call__(self, by: Principal, *, limit: int = 50, cursor: str | None = None) -> Page[IndexView]:
        """Return a page; ``cursor`` is the last slug of the page before."""
        by.require(Permission.READ_INDICES)
        found = await self.indexes.list(by=by, limit=limit + 1, after=cursor)
        shown = found[:limit]
        coverage = await self.builds.coverage([one.id for one in shown])
        items = tuple(_view(one, coverage.get(one.id)) for one in shown)
        more = len(found) > limit
        return Page(items=items, next_cursor=shown[-1].definition.slug if more else None)


@dataclass(frozen=True, slots=True)
class ViewIndex:
    """One index and what is published of it."""

    indexes: IndexStore
    builds: BuildStore

    async def __call__(self, by: Principal, *, slug: str) -> IndexView:
        """Raise UnknownIndex."""
        by.require(Permission.READ_INDICES)
        index = await readable(self.indexes, by, slug)
        coverage = await self.builds.coverage([index.id])
        return _view(index, coverage.get(index.id))


@dataclass(frozen=True, slots=True)
class ListBuilds:
    """The builds of an index, newest first, with what each was made from."""

    indexes: IndexStore
    builds: BuildStore

    async def __call__(
        self, by: Principal, *, slug: str, limit: int = 50, cursor: str | None = None
    ) -> Page[BuildSummary]:
        """Return a page; ``cursor`` is the id of the last build of the page before."""
        by.require(Permission.READ_INDICES)
        index = await readable(self.indexes, by, slug)
        before = None if cursor is None else BuildId(cursor_uuid(cursor))
        found = await self.builds.summaries(index.id, limit=limit + 1, before=before)
        more = len(found) > limit
        return Page(items=tuple(found[:limit]), next_cursor=str(found[limit - 1].id) if more else None)


def _view(index: IndexRecord, coverage: tuple[date, date, float] | None) -> IndexView:
    definition = index.definition
    first, last, level = coverage or (None, None, None)
    return IndexView(
        slug=definition.slug,
        name=definition.name,
        description=definition.description,
        currency=definition.currency,
        base_date=definition.base_date,
        base_value=definition.base_value,
        benchmark=definition.benchmark,
        version=index.version,
        visibility=str(index.access.visibility),
        first_day=first,
        last_day=last,
        level=None if level is None else round(level, definition.decimals),
    )


def _current(close: OfficialClose) -> CurrentView:
    held, weights = close.held, close.weights
    daily, ytd = daily_returns(close.panel, close.day), ytd_returns(close.panel, close.day)
    allocations = [
        AllocationView(
            symbol=asset.symbol,
            name=asset.name,
            sector=asset.sector,
            weight=float(weights[i]),
            units=float(held.units[i]),
            daily_return=_known(daily[i]),
            ytd_return=_known(ytd[i]),
        )
        for i, asset in enumerate(close.assets)
    ]
    definition = close.history.index.definition
    return CurrentView(
        date=as_date(close.day),
        level=round(close.level, definition.decimals),
        currency=definition.currency,
        effective=as_date(held.effective),
        selection=as_date(held.selection),
        allocations=tuple(sorted(allocations, key=lambda one: -one.weight)),
        total_assets=len(allocations),
        provenance=close.history.provenance,
    )


def _known(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)


def _no_prices(asset: Asset, definition: IndexDefinition) -> NoPrices:
    return NoPrices(
        f"{asset.symbol} has no closes of source {definition.series.source!r} in that range.",
        errors=[FieldError(field="symbol", rule="must have prices in the range asked for")],
    )
