"""Which assets there are, and what happened to them."""

from dataclasses import dataclass

from waardhaven.application.answers import Page, cursor_number
from waardhaven.application.market.asset_views import (
    ActionView,
    AssetView,
    SymbolView,
    action_view,
    asset_views,
    symbol_view,
    whole_asset,
)
from waardhaven.application.ports.reference_store import AssetFilter, ReferenceStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.market.asset import SymbolRef
from waardhaven.domain.types import AssetId


@dataclass(frozen=True, slots=True)
class ListAssets:
    """The assets there are, with what prices there are of each."""

    reference: ReferenceStore

    async def __call__(
        self,
        by: Principal,
        *,
        limit: int = 50,
        cursor: str | None = None,
        text: str | None = None,
        asset_type: str | None = None,
        mic: str | None = None,
        currency: str | None = None,
        universe: str | None = None,
        archived: bool | None = False,
    ) -> Page[AssetView]:
        """Return a page by id; ``cursor`` is the last id of the page before."""
        by.require(Permission.READ_INDICES)
        wanted = AssetFilter(
            text=text, asset_type=asset_type, mic=mic, currency=currency, universe=universe, archived=archived
        )
        number = cursor_number(cursor)
        found = await self.reference.find_assets(
            wanted, limit=limit + 1, after=None if number is None else AssetId(number)
        )
        shown = found[:limit]
        views = await asset_views(self.reference, shown)
        return Page(items=views, next_cursor=str(shown[-1].id) if len(found) > limit else None)


@dataclass(frozen=True, slots=True)
class ListSymbols:
    """The symbols models and charts can be fed with."""

    reference: ReferenceStore

    async def __call__(
        self,
        by: Principal,
        *,
        limit: int = 50,
        cursor: str | None = None,
        text: str | None = None,
        asset_type: str | None = None,
        mic: str | None = None,
    ) -> Page[SymbolView]:
        """Return a page by id of the assets that are not archived."""
        page = await ListAssets(self.reference)(
            by, limit=limit, cursor=cursor, text=text, asset_type=asset_type, mic=mic
        )
        return Page(items=tuple(symbol_view(one) for one in page.items), next_cursor=page.next_cursor)


@dataclass(frozen=True, slots=True)
class ViewAsset:
    """One asset, with every name it has had."""

    reference: ReferenceStore

    async def __call__(self, by: Principal, *, symbol: str) -> AssetView:
        """Raise UnknownAsset or AmbiguousSymbol."""
        by.require(Permission.READ_INDICES)
        asset = await self.reference.resolve(SymbolRef.parse(symbol))
        return await whole_asset(self.reference, asset)


@dataclass(frozen=True, slots=True)
class ListActions:
    """What happened to an asset: splits, dividends and the rest, oldest first."""

    reference: ReferenceStore

    async def __call__(self, by: Principal, *, symbol: str) -> tuple[ActionView, ...]:
        """Return the actions of every source; raise UnknownAsset or AmbiguousSymbol."""
        by.require(Permission.READ_INDICES)
        asset = await self.reference.resolve(SymbolRef.parse(symbol))
        return tuple(action_view(one) for one in await self.reference.actions([asset.id]))
