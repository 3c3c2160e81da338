"""Writing reference facts: idempotent, one vintage a call, nothing overwritten."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from waardhaven.application.ports.fx_rates import QuotedRates
from waardhaven.application.ports.price_store import WriteReport
from waardhaven.domain.errors import Conflict
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.types import AssetId, Days, SeriesId


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """An instrument as a source describes it; found again by its ticker and MIC."""

    symbol: str
    mic: str
    name: str
    asset_type: str
    currency: str
    sector: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesKey:
    """What tells one series of an asset from another."""

    asset: AssetId
    source: str
    adjustment: Adjustment
    currency: str
    quote_unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionColumns:
    """Sessions of one exchange: parallel arrays; open and close are UTC ``datetime64[s]``."""

    mic: str
    day: Days
    open_at: Days
    close_at: Days


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesFact:
    """Shares outstanding known from ``day`` on; ``status`` says how well it is known.

    ``float_factor``: the fraction of them that is freely traded, None where the source does not tell.
    """

    asset: AssetId
    day: date
    shares: float
    status: str
    source: str
    float_factor: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFact:
    """A corporate action as a source states it; ``key`` identifies it at that source."""

    asset: AssetId
    key: str
    source: str
    kind: str
    status: str
    ex_date: date
    announced_at: datetime | None = None
    record_date: date | None = None
    pay_date: date | None = None
    amount: str | None = None
    currency: str | None = None
    ratio: str | None = None
    other_asset: AssetId | None = None


class SymbolTaken(Conflict):
    """Another asset has that symbol on that exchange."""


class MarketFacts(Protocol):
    """The write side of ReferenceStore. Equal facts written again change nothing."""

    @abstractmethod
    async def register_assets(self, listings: Sequence[Listing]) -> dict[tuple[str, str], AssetId]:
        """Find or create assets by (symbol, mic) and record identifiers and classification.

        A name that somebody had and nobody has now finds who had it last, under its present name.
        """

    @abstractmethod
    async def rename_asset(self, asset: AssetId, *, symbol: str, mic: str, since: date) -> WriteReport:
        """Give an asset another ticker or exchange from ``since`` on; its series and past names stay.

        The former name is that of the days before ``since`` alone, and free for another asset from then
        on. Raises UnknownAsset, and SymbolTaken when another asset has that name on any day since.
        """

    @abstractmethod
    async def set_archived(self, asset: AssetId, *, archived: bool, by: Principal) -> None:
        """Take an asset out of lists and refreshes, or back in, with an audit entry; nothing is removed.

        An archived asset still answers to its id and to its symbol. Raises UnknownAsset.
        """

    @abstractmethod
    async def mark_refreshed(self, through: Mapping[AssetId, date]) -> None:
        """Remember up to which day everything that a refresh brings of an asset is there.

        Written last: what is not marked was perhaps interrupted, and is asked for again. Makes no vintage.
        An unknown asset is left out.
        """

    @abstractmethod
    async def register_series(self, keys: Sequence[SeriesKey]) -> dict[SeriesKey, SeriesId]:
        """Find or create series."""

    @abstractmethod
    async def write_sessions(self, sessions: SessionColumns) -> WriteReport:
        """Record sessions; other hours supersede, and a session missing inside the range ends."""

    @abstractmethod
    async def write_fx(self, rates: Sequence[QuotedRates]) -> WriteReport:
        """Record rates; differing ones supersede, the former stay readable at their vintages."""

    @abstractmethod
    async def write_shares(self, shares: Sequence[SharesFact]) -> WriteReport:
        """Record share counts by (asset, day, source); an approximate one replaces no reported one."""

    @abstractmethod
    async def write_actions(self, actions: Sequence[ActionFact]) -> WriteReport:
        """Record corporate actions by (asset, source, key)."""

    @abstractmethod
    async def write_universe(
        self, slug: str, name: str, members: Mapping[AssetId, tuple[date, date | None]]
    ) -> WriteReport:
        """Record the memberships of a universe; members left out end (their past stays)."""
