"""A source of market data, whichever it is."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, Self

from waardhaven.application.ports.market_facts import Listing
from waardhaven.domain.errors import Invalid, Unavailable
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.types import Days, Floats


class SourceUnavailable(Unavailable):
    """The source could not be reached or refused for now."""


class CorruptSource(Invalid):
    """What the source delivered is not what it promised (checksum or columns)."""


class Capability(StrEnum):
    """What a source may offer; what it does not offer it answers with ``not_offered``."""

    BARS = "bars"
    QUOTES = "quotes"
    ACTIONS = "actions"
    SHARES = "shares"
    SEARCH = "search"


class Reason(StrEnum):
    """Why a source delivered nothing for an instrument."""

    UNKNOWN_SYMBOL = "unknown_symbol"
    NOT_IN_PLAN = "not_in_plan"
    NOT_OFFERED = "not_offered"
    NO_CREDITS = "no_credits"
    UNAVAILABLE = "unavailable"
    BAD_KEY = "bad_key"
    BAD_DATA = "bad_data"
    WRONG_INSTRUMENT = "wrong_instrument"


LATER = frozenset({Reason.NO_CREDITS, Reason.UNAVAILABLE})
"""Reasons that may be gone another time; for the others asking again alone helps nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDelivered:
    """A source has nothing to give for an instrument; ``detail`` is a sentence without secrets."""

    listing: Listing
    source: str
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An instrument and the days wanted of it: both inclusive, None without bound.

    ``starts``: another first day where a source of that name answers.
    """

    listing: Listing
    start: date | None = None
    end: date | None = None
    starts: Mapping[str, date] = field(default_factory=dict)

    def of(self, source: str) -> Self:
        """Return what is wanted of the source of that name."""
        return replace(self, start=self.starts.get(source, self.start), starts={}) if self.starts else self


@dataclass(frozen=True, slots=True, kw_only=True)
class BarColumns:
    """Bars of one instrument in one adjustment mode, as ``source`` states them: parallel arrays.

    Ordered by day, NaN where unknown. A source may contradict itself: a day may be there twice, and values
    may break the rules of a bar. Judging that is not the source's business (``domain.market.screening``).
    """

    listing: Listing
    source: str
    adjustment: Adjustment
    quote_unit: str
    day: Days
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.day)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesOutstanding:
    """Shares outstanding of a listing from ``day`` on.

    ``float_factor``: the fraction of them that is freely traded, None where it is not told.
    """

    listing: Listing
    source: str
    day: date
    shares: float
    status: str
    float_factor: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAction:
    """A corporate action of a listing; ``amount`` and ``ratio`` are exact decimals as text."""

    listing: Listing
    source: str
    key: str
    kind: str
    ex_date: date
    ratio: str | None = None
    amount: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionsOf:
    """All corporate actions a source knows of one listing within the days wanted."""

    listing: Listing
    source: str
    actions: tuple[ListedAction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The last price a source knows, in ``quote_unit``. ``at`` is when it was made, None unknown."""

    listing: Listing
    source: str
    price: float
    quote_unit: str
    at: datetime | None
    previous_close: float | None = None
    is_open: bool | None = None


class MarketData(Protocol):
    """What a source offers of instruments that are named to it.

    Each instrument wanted is answered, in any order, by what there is of it or by NotDelivered: one that
    fails takes no other with it. Bars may come in several parts, one for each adjustment mode the source
    offers. An empty range of days is an answer without bars, not a failure.
    """

    name: str
    capabilities: frozenset[Capability]

    @abstractmethod
    def bars(self, wanted: Sequence[Wanted]) -> AsyncIterator[BarColumns | NotDelivered]:
        """Yield daily bars; the last one may belong to a session that is not over."""

    @abstractmethod
    def actions(self, wanted: Sequence[Wanted]) -> AsyncIterator[ActionsOf | NotDelivered]:
        """Yield splits and dividends with ex-dates within the days wanted."""

    @abstractmethod
    def shares(self, listings: Sequence[Listing]) -> AsyncIterator[SharesOutstanding | NotDelivered]:
        """Yield shares outstanding, one or more for each listing."""

    @abstractmethod
    async def quotes(self, listings: Sequence[Listing]) -> Sequence[Quote | NotDelivered]:
        """Return one answer for each listing, in the order given."""

    @abstractmethod
    async def search(self, text: str, *, limit: int = 30) -> Sequence[Listing]:
        """Return instruments that match, best first; raise SourceUnavailable.

        A source that offers no search finds nothing.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """A source that is set up. ``plan`` and credits are those of a provider that needs a key."""

    name: str
    capabilities: frozenset[Capability]
    keyed: bool = False
    plan: str | None = None
    per_minute: int | None = None
    per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSetup:
    """The sources in the order they are asked. ``refresh_mode``: what `auto` means with the first one."""

    sources: tuple[SourceInfo, ...] = ()
    refresh_mode: str = "full"

    @property
    def keyed(self) -> bool:
        """Whether any provider is set up, not just the sample market."""
        return any(one.keyed for one in self.sources)

    def rank(self, source: str) -> int:
        """Return how preferred a source is, 0 the most; those not set up come last."""
        names = [one.name for one in self.sources]
        return names.index(source) if source in names else len(names)
