"""A source of market data, whichever it is."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from waardhaven.application.ports.market_facts import Listing
from waardhaven.domain.errors import Invalid, Unavailable
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.types import Days, Floats


class SourceUnavailable(Unavailable):
    """The source could not be reached or refused for now."""


class CorruptSource(Invalid):
    """What the source delivered is not what it promised (checksum, columns, or rules of a bar)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarColumns:
    """Bars of one instrument in one adjustment mode: parallel arrays, NaN where unknown."""

    listing: Listing
    adjustment: Adjustment
    quote_unit: str
    day: Days
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedRates:
    """Reference rates of one quote currency: 1 ``base`` = ``rate`` units of ``quote``."""

    base: str
    quote: str
    fixing: str
    day: Days
    rate: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesOutstanding:
    """Shares outstanding of a listing from ``day`` on."""

    listing: Listing
    day: date
    shares: float
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAction:
    """A corporate action of a listing; ``amount`` and ``ratio`` are exact decimals as text."""

    listing: Listing
    key: str
    kind: str
    ex_date: date
    ratio: str | None = None
    amount: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseMembers:
    """A named list of listings, members from ``start`` on."""

    slug: str
    name: str
    listings: tuple[Listing, ...]
    start: date


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimes:
    """Sessions of one exchange; ``open_at`` and ``close_at`` are UTC ``datetime64[s]``."""

    mic: str
    day: Days
    open_at: Days
    close_at: Days


class MarketData(Protocol):
    """What a source offers. An empty answer means it offers none; failures raise.

    Raises SourceUnavailable (worth another try) and CorruptSource (not worth one).
    """

    name: str

    @abstractmethod
    async def listings(self) -> Sequence[Listing]:
        """Return the instruments the source knows."""

    @abstractmethod
    def bars(
        self, listings: Sequence[Listing], *, start: date | None = None, end: date | None = None
    ) -> AsyncIterator[BarColumns]:
        """Yield the bars of each instrument and adjustment mode, increasing by day."""

    @abstractmethod
    async def rates(self) -> Sequence[QuotedRates]:
        """Return foreign-exchange reference rates."""

    @abstractmethod
    async def shares(self) -> Sequence[SharesOutstanding]:
        """Return shares outstanding."""

    @abstractmethod
    async def actions(self) -> Sequence[ListedAction]:
        """Return corporate actions."""

    @abstractmethod
    async def sessions(self) -> Sequence[SessionTimes]:
        """Return exchange calendars."""

    @abstractmethod
    async def universes(self) -> Sequence[UniverseMembers]:
        """Return named universes."""
