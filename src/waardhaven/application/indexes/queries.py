"""Reads of indices: levels, the current composition, definitions, builds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from waardhaven.application.answers import Page, SeriesView, check_range, clip, cursor_uuid
from waardhaven.application.indexes.conversion import level_factor, rates, target_currency
from waardhaven.application.indexes.official import OfficialHistory, read_official
from waardhaven.application.indexes.views import AllocationView, CurrencyView, CurrentView, IndexView
from waardhaven.application.indexes.visible import readable
from waardhaven.application.ports.build_store import BuildStore, BuildSummary
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.autoindex import default_definition
from waardhaven.domain.index.build_record import IndexRecord, InputsUnavailable
from waardhaven.domain.index.composition import Composition, LevelColumns
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.holdings import daily_returns, drifted_weights, last_closes, ytd_returns
from waardhaven.domain.index.publishing import composition_in_force, official_levels
from waardhaven.domain.market.asset import Asset, SymbolRef
from waardhaven.domain.market.currency import CARRIED_DAYS, CURRENCIES
from waardhaven.domain.market.panel import to_panel
from waardhaven.domain.market.prices import PricePanel
from waardhaven.domain.types import AssetId, BuildId, Floats, as_date

DEFAULT_SLUG = "autoindex"


class NoPrices(Invalid):
    """The asset has no prices in the range asked for."""


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
    ) -> SeriesView:
        """Return columns ``dates`` and ``values``; raise UnknownIndex, NothingPublished or Invalid."""
        by.require(Permission.READ_INDICES)
        check_range(start, end)
        history = await read_official(self.indexes, self.builds, by, slug, as_of=as_of)
        definition = history.index.definition
        levels = official_levels(history.segments)
        target = target_currency(currency, definition.currency)
        vintage = history.newest.made_from.vintage
        factor = await level_factor(self.reference, definition, target, levels.day, vintage)
        inside = clip(levels.day, start, end)
        values = np.round(levels.level[inside] * factor[inside], definition.decimals)
        return SeriesView(
            columns={"dates": levels.day[inside], "values": values},
            head={
                "index": definition.slug,
                "name": definition.name,
                "currency": target,
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
        levels = official_levels(history.segments)
        day = levels.day[-1]
        held = composition_in_force(history.segments, day)
        if held is None:
            raise InputsUnavailable(f"Index {slug!r} has no composition in force on {day}.")
        assets = await self.reference.assets([AssetId(one) for one in held.asset.tolist()])
        panel, fx = await self._panel(history, held, day)
        return _current(history, levels, held, assets, panel, fx)

    async def _panel(
        self, history: OfficialHistory, held: Composition, day: np.datetime64
    ) -> tuple[PricePanel, Floats]:
        definition, vintage = history.index.definition, history.newest.made_from.vintage
        ids = [AssetId(one) for one in held.asset.tolist()]
        series = await self.reference.series_of(ids, definition.series)
        year = day.astype("datetime64[Y]").astype("datetime64[D]")
        start, end = as_date(year - np.timedelta64(31, "D")), as_date(day)
        closes = await self.prices.closes(
            [one.id for one in series.values()], start=start, end=end, vintage=vintage
        )
        panel = to_panel(
            series=closes.series,
            day=closes.day,
            close=closes.close,
            series_ids=np.array([one.id for one in series.values()], dtype=np.int64),
            asset_ids=np.array(list(series), dtype=np.int64),
            sessions=np.unique(closes.day),
        )
        at = panel.days[-1:]
        units = [series[AssetId(one)].quote_unit for one in panel.assets.tolist()]
        return panel, await rates(self.reference, definition, units, definition.currency, at, vintage)


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


def _current(
    history: OfficialHistory,
    levels: LevelColumns,
    held: Composition,
    assets: Sequence[Asset],
    panel: PricePanel,
    fx: Floats,
) -> CurrentView:
    day = levels.day[-1]
    weights = drifted_weights(held.units, last_closes(panel, day), fx[0])
    daily, ytd = daily_returns(panel, day), ytd_returns(panel, day)
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
        for i, asset in enumerate(assets)
    ]
    definition = history.index.definition
    return CurrentView(
        date=as_date(day),
        level=round(float(levels.level[-1]), definition.decimals),
        currency=definition.currency,
        effective=as_date(held.effective),
        selection=as_date(held.selection),
        allocations=tuple(sorted(allocations, key=lambda one: -one.weight)),
        total_assets=len(allocations),
        provenance=history.provenance,
    )


def _known(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)


def _no_prices(asset: Asset, definition: IndexDefinition) -> NoPrices:
    return NoPrices(
        f"{asset.symbol} has no closes of source {definition.series.source!r} in that range.",
        errors=[FieldError(field="symbol", rule="must have prices in the range asked for")],
    )
