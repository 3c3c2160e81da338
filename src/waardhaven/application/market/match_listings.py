"""The assets that a file of prices speaks of."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from waardhaven.application.market.facts import key_of, listing_of
from waardhaven.application.ports.calendars import Calendars
from waardhaven.application.ports.market_data import BarColumns
from waardhaven.application.ports.market_facts import Listing
from waardhaven.application.ports.price_files import ParsedFile
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.market.asset import AmbiguousSymbol, Asset, SymbolRef, UnknownAsset
from waardhaven.domain.types import AssetId


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Bars with the listings of known assets and of ``new`` ones; ``problems`` name symbol and reason."""

    bars: tuple[BarColumns, ...]
    known: Mapping[tuple[str, str], AssetId]
    new: tuple[Listing, ...]
    problems: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MatchListings:
    """Finds the asset of each symbol: by its exchange, or else the only one of that name.

    A symbol with an exchange that is not known yet is a new asset; one without is a problem, and so is a
    currency other than the asset's.
    """

    reference: ReferenceStore
    calendars: Calendars

    async def __call__(self, parsed: ParsedFile) -> Matched:
        """Return what the symbols of a file mean."""
        exchanges = {one.listing.mic for one in parsed.bars if one.listing.mic}
        known_exchanges = {one.mic for one in await self.calendars.sessions(sorted(exchanges))}
        bars, problems = list[BarColumns](), list[tuple[str, str]]()
        known, new = dict[tuple[str, str], AssetId](), list[Listing]()
        refs = [SymbolRef(symbol=one.listing.symbol, mic=one.listing.mic or None) for one in parsed.bars]
        answers = await self.reference.resolve_all(refs)
        for one, found in zip(parsed.bars, answers, strict=True):
            problem = _problem(found, one, known_exchanges)
            if problem is not None:
                problems.append((one.listing.symbol, problem))
            elif isinstance(found, Asset):
                listing = listing_of(found)
                bars.append(replace(one, listing=listing))
                known[key_of(listing)] = found.id
            else:
                bars.append(one)
                new.append(one.listing)
        return Matched(bars=tuple(bars), known=known, new=tuple(new), problems=tuple(problems))


def _problem(
    found: Asset | UnknownAsset | AmbiguousSymbol, bars: BarColumns, exchanges: set[str]
) -> str | None:
    listing = bars.listing
    if isinstance(found, AmbiguousSymbol):
        return found.message
    if isinstance(found, Asset):
        wrong = found.currency != listing.currency
        return f"It trades in {found.currency}, the file says {listing.currency}." if wrong else None
    if not listing.mic:
        return "No asset has this symbol, and without an exchange (mic) none can be made."
    if listing.mic not in exchanges:
        return f"No exchange with a calendar has the code {listing.mic}."
    return None
