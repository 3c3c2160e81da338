"""Register, change and archive assets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from waardhaven.application.market.asset_views import AssetView, whole_asset
from waardhaven.application.market.facts import key_of, listing_of
from waardhaven.application.ports.calendars import Calendars
from waardhaven.application.ports.market_facts import Listing, MarketFacts
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.errors import Conflict, FieldError, Invalid
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.market.asset import MIC, SYMBOL, SymbolRef, UnknownAsset
from waardhaven.domain.types import AssetId

ASSET_TYPES = ("equity", "etf", "index", "fund", "bond", "commodity", "crypto", "fx", "cash")


class AssetExists(Conflict):
    """There is an asset of that symbol on that exchange already."""


class InvalidAsset(Invalid):
    """An asset that breaks rules; ``errors`` names every bad field."""


@dataclass(frozen=True, slots=True)
class CreateAsset:
    """Register an asset that no source brought, with the sessions of its exchange."""

    reference: ReferenceStore
    facts: MarketFacts
    calendars: Calendars
    uow: UnitOfWork

    async def __call__(self, by: Principal, listing: Listing) -> AssetView:
        """Return it; raise AssetExists or InvalidAsset."""
        by.require(Permission.OPERATE)
        checked_listing(listing)
        ref = SymbolRef(symbol=listing.symbol, mic=listing.mic)
        try:
            known = await self.reference.resolve(ref)
        except UnknownAsset:
            pass
        else:
            raise AssetExists(f"{ref} is asset {known.id} already.", context={"id": int(known.id)})
        for sessions in await self.calendars.sessions([listing.mic]):
            await self.facts.write_sessions(sessions)
        made = (await self.facts.register_assets([listing]))[key_of(listing)]
        await noted(self.uow, by, "asset.created", made, {"symbol": str(ref)})
        return await whole_asset(self.reference, (await self.reference.assets([made]))[0])


@dataclass(frozen=True, slots=True)
class ChangeAsset:
    """Change what is known of an asset. Its former names, classification and prices stay readable."""

    reference: ReferenceStore
    facts: MarketFacts
    calendars: Calendars
    uow: UnitOfWork

    async def __call__(
        self, by: Principal, *, symbol: str, changes: Mapping[str, str | None], since: date | None = None
    ) -> AssetView:
        """Return the asset; another ``symbol`` or ``mic`` holds from ``since`` on.

        Raise UnknownAsset, AmbiguousSymbol, InvalidAsset or SymbolTaken.
        """
        by.require(Permission.OPERATE)
        asset = await self.reference.resolve(SymbolRef.parse(symbol))
        before = listing_of(asset)
        wanted = checked_listing(_replaced(before, changes))
        if key_of(wanted) != key_of(before):
            if since is None:
                errors = [FieldError(field="since", rule="must be given with another symbol or mic")]
                raise InvalidAsset("The day of the change is missing.", errors=errors)
            for sessions in await self.calendars.sessions([wanted.mic]):
                await self.facts.write_sessions(sessions)
            await self.facts.rename_asset(asset.id, symbol=wanted.symbol, mic=wanted.mic, since=since)
        await self.facts.register_assets([wanted])
        await noted(self.uow, by, "asset.changed", asset.id, {name: changes[name] for name in changes})
        return await whole_asset(self.reference, (await self.reference.assets([asset.id]))[0])


@dataclass(frozen=True, slots=True)
class ArchiveAsset:
    """Take an asset out of lists and refreshes, or back in. Nothing of it is removed."""

    reference: ReferenceStore
    facts: MarketFacts

    async def __call__(self, by: Principal, *, symbol: str, archived: bool = True) -> AssetView:
        """Return the asset; raise UnknownAsset or AmbiguousSymbol."""
        by.require(Permission.OPERATE)
        asset = await self.reference.resolve(SymbolRef.parse(symbol))
        await self.facts.set_archived(asset.id, archived=archived, by=by)
        return await whole_asset(self.reference, (await self.reference.assets([asset.id]))[0])


def checked_listing(listing: Listing) -> Listing:
    """Return the listing, or raise InvalidAsset naming every bad field."""
    country = listing.country
    rules = {
        "symbol": (bool(SYMBOL.fullmatch(listing.symbol)), "must be letters, digits and . _ ^ / = -"),
        "mic": (bool(MIC.fullmatch(listing.mic)), "must be four letters or digits (ISO 10383)"),
        "name": (0 < len(listing.name.strip()) <= 200, "must have 1 to 200 characters"),
        "asset_type": (listing.asset_type in ASSET_TYPES, f"must be one of {', '.join(ASSET_TYPES)}"),
        "currency": (is_code(listing.currency, 3), "must be three capital letters (ISO 4217)"),
        "country": (country is None or is_code(country, 2), "must be two capital letters (ISO 3166)"),
        "sector": (listing.sector is None or 0 < len(listing.sector) <= 100, "must have 1 to 100 characters"),
    }
    errors = [FieldError(field=name, rule=rule) for name, (good, rule) in rules.items() if not good]
    if errors:
        raise InvalidAsset("The asset is not valid.", errors=errors)
    return listing


def is_code(text: str, length: int) -> bool:
    """Tell whether a text is that many capital letters."""
    return len(text) == length and text.isascii() and text.isalpha() and text.isupper()


def _replaced(listing: Listing, changes: Mapping[str, str | None]) -> Listing:
    values = {name: getattr(listing, name) for name in Listing.__slots__} | dict(changes)
    return Listing(**values)


async def noted(
    uow: UnitOfWork, by: Principal, action: str, asset: AssetId, detail: Mapping[str, object]
) -> None:
    """Record in the audit trail what somebody did to an asset."""
    async with uow() as tx:
        await tx.audit.record(action, by=by, target=f"asset:{asset}", detail=detail)
        await tx.commit()
