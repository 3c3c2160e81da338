from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from waardhaven.application.ports.calendars import Calendars
from waardhaven.application.ports.fx_rates import FxRates, QuotedRates, SpotRate
from waardhaven.application.ports.market_data import (
    ActionsOf,
    BarColumns,
    Capability,
    ListedAction,
    MarketData,
    NotDelivered,
    Quote,
    Reason,
    SharesOutstanding,
    SourceUnavailable,
    Wanted,
)
from waardhaven.application.ports.market_facts import Listing, SessionColumns
from waardhaven.application.ports.market_package import MarketPackage, UniverseMembers


@dataclass
class FakeMarketData(MarketData):
    """A scripted source. ``breaks_after``: how many answers about bars it gives before it is out of reach.

    ``undelivered``: symbols it has nothing of, with the reason.
    """

    prices: list[BarColumns] = field(default_factory=list)
    counts: list[SharesOutstanding] = field(default_factory=list)
    events: list[ListedAction] = field(default_factory=list)
    last: list[Quote] = field(default_factory=list)
    found: list[Listing] = field(default_factory=list)
    undelivered: dict[str, Reason] = field(default_factory=dict)
    breaks_after: int | None = None
    asked: list[str] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)
    name: str = "sample"
    capabilities: frozenset[Capability] = frozenset(Capability)

    async def bars(self, wanted: Sequence[Wanted]) -> AsyncIterator[BarColumns | NotDelivered]:
        self.asked.append("bars")
        self.wanted += wanted
        answers = [answer for one in wanted for answer in self._bars_of(one)]
        for place, answer in enumerate(answers):
            if place == self.breaks_after:
                raise SourceUnavailable("The source is out of reach.")
            yield answer

    def _bars_of(self, one: Wanted) -> list[BarColumns | NotDelivered]:
        known = [bars for bars in self.prices if _same(bars.listing, one.listing)]
        if one.listing.symbol in self.undelivered or not known:
            return [self._nothing(one.listing)]
        return [_within(bars, one.of(self.name)) for bars in known]

    async def actions(self, wanted: Sequence[Wanted]) -> AsyncIterator[ActionsOf | NotDelivered]:
        self.asked.append("actions")
        for one in wanted:
            if one.listing.symbol in self.undelivered or Capability.ACTIONS not in self.capabilities:
                yield self._nothing(one.listing)
                continue
            known = [each for each in self.events if _same(each.listing, one.listing)]
            inside = tuple(each for each in known if _inside(each.ex_date, one))
            yield ActionsOf(listing=one.listing, source=self.name, actions=inside)

    async def shares(self, listings: Sequence[Listing]) -> AsyncIterator[SharesOutstanding | NotDelivered]:
        self.asked.append("shares")
        for listing in listings:
            known = [one for one in self.counts if _same(one.listing, listing)]
            for one in known:
                yield one
            if not known:
                yield self._nothing(listing)

    async def quotes(self, listings: Sequence[Listing]) -> Sequence[Quote | NotDelivered]:
        self.asked.append("quotes")
        return [
            next((one for one in self.last if _same(one.listing, listing)), self._nothing(listing))
            for listing in listings
        ]

    async def search(self, text: str, *, limit: int = 30) -> Sequence[Listing]:
        self.asked.append("search")
        return [one for one in self.found if text.upper() in (one.symbol, one.name.upper())][:limit]

    def _nothing(self, listing: Listing) -> NotDelivered:
        reason = self.undelivered.get(listing.symbol, Reason.UNKNOWN_SYMBOL)
        return NotDelivered(
            listing=listing, source=self.name, reason=reason, detail=f"Nothing of {listing.symbol}."
        )


@dataclass
class FakeFxRates(FxRates):
    """Scripted rates of one fixing."""

    quoted: list[QuotedRates] = field(default_factory=list)
    spots: dict[tuple[str, str], SpotRate] = field(default_factory=dict)
    broken: bool = False
    asked: list[str] = field(default_factory=list)
    name: str = "sample"
    fixing: str = "ECB"

    async def rates(self, *, start: date | None = None, end: date | None = None) -> Sequence[QuotedRates]:
        self.asked.append("rates")
        if self.broken:
            raise SourceUnavailable("The source is out of reach.")
        return [_rates_within(one, start, end) for one in self.quoted]

    async def spot(self, base: str, quote: str) -> SpotRate | None:
        self.asked.append("spot")
        return self.spots.get((base, quote))


@dataclass
class FakeMarketPackage(FakeMarketData, FakeFxRates, MarketPackage):
    """A scripted market that comes whole."""

    known: list[Listing] = field(default_factory=list)
    lists: list[UniverseMembers] = field(default_factory=list)

    async def listings(self) -> Sequence[Listing]:
        self.asked.append("listings")
        return self.known

    async def universes(self) -> Sequence[UniverseMembers]:
        self.asked.append("universes")
        return self.lists


@dataclass
class FakeCalendars(Calendars):
    """Scripted calendars."""

    known: list[SessionColumns] = field(default_factory=list)

    async def sessions(self, mics: Sequence[str]) -> Sequence[SessionColumns]:
        every = {one.mic: one for one in self.known}
        return [every[one] for one in dict.fromkeys(mics) if one in every]


def _same(one: Listing, other: Listing) -> bool:
    return (one.symbol, one.mic) == (other.symbol, other.mic)


def _inside(day: date, wanted: Wanted) -> bool:
    return (wanted.start or date.min) <= day <= (wanted.end or date.max)


def _within(bars: BarColumns, wanted: Wanted) -> BarColumns:
    start, end = wanted.start or date.min, wanted.end or date.max
    keep = (bars.day >= np.datetime64(start)) & (bars.day <= np.datetime64(end))
    names = ("day", "open", "high", "low", "close", "volume")
    return replace(bars, **{name: getattr(bars, name)[keep] for name in names})


def _rates_within(rates: QuotedRates, start: date | None, end: date | None) -> QuotedRates:
    first, last = np.datetime64(start or date.min), np.datetime64(end or date.max)
    keep = (rates.day >= first) & (rates.day <= last)
    return replace(rates, day=rates.day[keep], rate=rates.rate[keep])
