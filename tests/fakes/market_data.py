from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from waardhaven.application.ports.market_data import (
    BarColumns,
    ListedAction,
    MarketData,
    QuotedRates,
    SessionTimes,
    SharesOutstanding,
    SourceUnavailable,
    UniverseMembers,
)
from waardhaven.application.ports.market_facts import Listing


@dataclass
class FakeMarketData(MarketData):
    """A scripted source. ``breaks_after``: how many bar columns it yields before it is out of reach."""

    known: list[Listing] = field(default_factory=list)
    prices: list[BarColumns] = field(default_factory=list)
    quoted: list[QuotedRates] = field(default_factory=list)
    counts: list[SharesOutstanding] = field(default_factory=list)
    events: list[ListedAction] = field(default_factory=list)
    calendars: list[SessionTimes] = field(default_factory=list)
    lists: list[UniverseMembers] = field(default_factory=list)
    breaks_after: int | None = None
    asked: list[str] = field(default_factory=list)
    name: str = "sample"

    async def listings(self) -> Sequence[Listing]:
        self.asked.append("listings")
        return self.known

    async def bars(
        self, listings: Sequence[Listing], *, start: date | None = None, end: date | None = None
    ) -> AsyncIterator[BarColumns]:
        self.asked.append("bars")
        for place, one in enumerate(bars for bars in self.prices if bars.listing in listings):
            if place == self.breaks_after:
                raise SourceUnavailable("The source is out of reach.")
            yield _within(one, start, end)

    async def rates(self) -> Sequence[QuotedRates]:
        self.asked.append("rates")
        return self.quoted

    async def shares(self) -> Sequence[SharesOutstanding]:
        self.asked.append("shares")
        return self.counts

    async def actions(self) -> Sequence[ListedAction]:
        self.asked.append("actions")
        return self.events

    async def sessions(self) -> Sequence[SessionTimes]:
        self.asked.append("sessions")
        return self.calendars

    async def universes(self) -> Sequence[UniverseMembers]:
        self.asked.append("universes")
        return self.lists


def _within(bars: BarColumns, start: date | None, end: date | None) -> BarColumns:
    keep = (bars.day >= np.datetime64(start or date.min)) & (bars.day <= np.datetime64(end or date.max))
    names = ("day", "open", "high", "low", "close", "volume")
    return replace(bars, **{name: getattr(bars, name)[keep] for name in names})
