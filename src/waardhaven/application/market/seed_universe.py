"""Know the assets that settings name: what a refresh covers."""

from collections.abc import Sequence
from dataclasses import dataclass

from waardhaven.application.market.facts import key_of, listing_of
from waardhaven.application.market.refresh_rules import CONFIGURED, RefreshRules
from waardhaven.application.ports.calendars import Calendars
from waardhaven.application.ports.market_data import MarketData, SourceUnavailable
from waardhaven.application.ports.market_facts import Listing, MarketFacts
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.market.asset import AmbiguousSymbol, SymbolRef, UnknownAsset

NAME = "As configured"
MAIN_MICS = frozenset({"XNAS", "XNYS", "ARCX", "BATS", "XASE"})


def _us(symbol: str, mic: str, name: str, asset_type: str = "equity", sector: str | None = None) -> Listing:
    country = "US" if asset_type == "equity" else None
    return Listing(
        symbol=symbol,
        mic=mic,
        name=name,
        asset_type=asset_type,
        currency="USD",
        sector=sector,
        country=country,
    )


DEFAULT_UNIVERSE = (
    _us("AAPL", "XNAS", "Apple Inc.", sector="Information Technology"),
    _us("MSFT", "XNAS", "Microsoft Corporation", sector="Information Technology"),
    _us("GOOGL", "XNAS", "Alphabet Inc. Class A", sector="Communication Services"),
    _us("AMZN", "XNAS", "Amazon.com, Inc.", sector="Consumer Discretionary"),
    _us("META", "XNAS", "Meta Platforms, Inc.", sector="Communication Services"),
    _us("TSLA", "XNAS", "Tesla, Inc.", sector="Consumer Discretionary"),
    _us("NVDA", "XNAS", "NVIDIA Corporation", sector="Information Technology"),
    _us("SPY", "ARCX", "SPDR S&P 500 ETF Trust", "etf"),
    _us("GLD", "ARCX", "SPDR Gold Shares", "etf"),
    _us("SLV", "ARCX", "iShares Silver Trust", "etf"),
    _us("USO", "ARCX", "United States Oil Fund", "etf"),
    _us("TLT", "XNAS", "iShares 20+ Year Treasury Bond ETF", "etf"),
    _us("IEF", "XNAS", "iShares 7-10 Year Treasury Bond ETF", "etf"),
)
"""What is covered when nothing is configured; asking for these by name costs no credit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedReport:
    """``unknown``: what is configured and neither stored nor found at a source, with the reason."""

    assets: int
    unknown: dict[str, str]


@dataclass(frozen=True, slots=True)
class SeedUniverse:
    """Register the assets the settings name, their exchanges' sessions, and the universe they make.

    An asset that is stored already is taken as it is; others are looked up at the sources, by their exchange
    when it is given. What is configured no more leaves the universe and stays in the store. Idempotent.
    """

    source: MarketData
    calendars: Calendars
    reference: ReferenceStore
    facts: MarketFacts
    rules: RefreshRules

    async def __call__(self, by: Principal) -> SeedReport:
        """Return what is covered now."""
        by.require(Permission.OPERATE)
        unknown: dict[str, str] = {}
        listings = await self._listings(unknown)
        if not listings:
            return SeedReport(assets=0, unknown=unknown)
        for sessions in await self.calendars.sessions(sorted({one.mic for one in listings})):
            await self.facts.write_sessions(sessions)
        ids = await self.facts.register_assets(listings)
        since = self.rules.history_start
        members = {ids[key_of(one)]: (since, None) for one in listings}
        await self.facts.write_universe(CONFIGURED, NAME, members)
        return SeedReport(assets=len(members), unknown=unknown)

    async def _listings(self, unknown: dict[str, str]) -> Sequence[Listing]:
        if not self.rules.universe:
            return await self._as_stored(DEFAULT_UNIVERSE)
        found: dict[tuple[str, str], Listing] = {}
        for text in self.rules.universe:
            one = await self._find(text, unknown)
            if one is not None:
                found.setdefault(key_of(one), one)
        return list(found.values())

    async def _as_stored(self, listings: Sequence[Listing]) -> list[Listing]:
        """Return the listings as far as they are not stored otherwise: what people changed stays."""
        found = []
        for one in listings:
            stored = await self._stored(SymbolRef(symbol=one.symbol, mic=one.mic))
            found.append(stored or one)
        return found

    async def _find(self, text: str, unknown: dict[str, str]) -> Listing | None:
        ref = SymbolRef.parse(text)
        try:
            stored = await self._stored(ref)
        except AmbiguousSymbol as error:
            unknown[text] = error.message
            return None
        known = [one for one in DEFAULT_UNIVERSE if _answers(one, ref)]
        if stored or known:
            return stored or known[0]
        return await self._search(ref, text, unknown)

    async def _stored(self, ref: SymbolRef) -> Listing | None:
        try:
            return listing_of(await self.reference.resolve(ref))
        except UnknownAsset:
            return None

    async def _search(self, ref: SymbolRef, text: str, unknown: dict[str, str]) -> Listing | None:
        try:
            found = await self.source.search(str(ref.symbol))
        except SourceUnavailable as error:
            unknown[text] = error.message
            return None
        matching = {key_of(one): one for one in found if _answers(one, ref)}
        chosen = _chosen(list(matching.values()))
        if chosen is None:
            names = ", ".join(f"{symbol}:{mic}" for symbol, mic in matching)
            unknown[text] = f"Name its exchange: {names}." if names else "No source that is set up knows it."
        return chosen


def _chosen(matching: Sequence[Listing]) -> Listing | None:
    """Return the only one, or else the only one of a main exchange of the United States; None: unclear."""
    main = [one for one in matching if one.mic in MAIN_MICS]
    few = matching if len(matching) == 1 else main
    return few[0] if len(few) == 1 else None


def _answers(listing: Listing, ref: SymbolRef) -> bool:
    return listing.symbol == ref.symbol and ref.mic in (None, listing.mic)
