"""Assets, their dated facts, series, sessions, universes and foreign exchange."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from waardhaven.domain.index.definition import SeriesPolicy
from waardhaven.domain.market.asset import Asset, SymbolRef
from waardhaven.domain.market.currency import RateColumns
from waardhaven.domain.types import AssetId, Days, Floats, Ids, SeriesId, Vintage


@dataclass(frozen=True, slots=True, kw_only=True)
class VintagePoint:
    """A vintage and the instant it was committed."""

    id: Vintage
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRef:
    """A series and the unit its prices are quoted in (``GBX`` is a hundredth of a pound)."""

    id: SeriesId
    quote_unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesColumns:
    """Shares outstanding from ``day`` on: parallel arrays ordered by asset, then day."""

    asset: Ids
    day: Days
    shares: Floats


class ReferenceStore(Protocol):
    """Reads of reference facts at a vintage (None: now). Absence is an empty answer unless stated."""

    @abstractmethod
    async def latest_vintage(self) -> VintagePoint | None:
        """Return the newest committed vintage, None in an empty store."""

    @abstractmethod
    async def vintage_at(self, instant: datetime) -> VintagePoint | None:
        """Return the newest vintage committed at or before ``instant``, None when there is none."""

    @abstractmethod
    async def resolve(self, ref: SymbolRef) -> Asset:
        """Return the asset meant; raise UnknownAsset, or AmbiguousSymbol with the candidates."""

    @abstractmethod
    async def assets(self, ids: Sequence[AssetId]) -> list[Asset]:
        """Return the assets with their present names, ordered by id; unknown ids are absent."""

    @abstractmethod
    async def series_of(self, assets: Sequence[AssetId], policy: SeriesPolicy) -> dict[AssetId, SeriesRef]:
        """Return the one series of each asset that the policy names; an asset without one is absent."""

    @abstractmethod
    async def sessions(
        self, mic: str, *, start: date | None = None, end: date | None = None, vintage: Vintage | None = None
    ) -> Days:
        """Return the sessions of an exchange, increasing."""

    @abstractmethod
    async def universe(
        self, slug: str, *, vintage: Vintage | None = None
    ) -> list[tuple[AssetId, date, date | None]]:
        """Return the memberships (asset, from, until exclusive or None), ordered by asset, then from."""

    @abstractmethod
    async def shares(self, assets: Sequence[AssetId], *, vintage: Vintage | None = None) -> SharesColumns:
        """Return what is known of shares outstanding."""

    @abstractmethod
    async def fx(
        self,
        currencies: Sequence[str],
        *,
        fixing: str,
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> RateColumns:
        """Return rates of ``currencies`` against the fixing's base; the base itself has no rows."""
