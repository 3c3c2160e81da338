"""Assets, their dated facts, series, sessions, universes and foreign exchange."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import numpy as np

from waardhaven.application.ports.market_facts import SessionColumns
from waardhaven.domain.index.definition import Adjustment, SeriesPolicy
from waardhaven.domain.market.actions import CorporateAction
from waardhaven.domain.market.asset import AmbiguousSymbol, Asset, SymbolRef, UnknownAsset
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
    """Shares outstanding from ``day`` on: parallel arrays ordered by asset, then day.

    ``float_factor``: the fraction that is freely traded, NaN unknown.
    """

    asset: Ids
    day: Days
    shares: Floats
    float_factor: Floats

    @property
    def free(self) -> Floats:
        """Shares that are freely traded; all of them where the fraction is not known."""
        return self.shares * np.where(np.isnan(self.float_factor), 1.0, self.float_factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameFact:
    """A ticker of an asset on an exchange; ``until`` is exclusive, None: still."""

    symbol: str
    mic: str
    since: date | None
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAction:
    """A corporate action in the store, with who states it."""

    source: str
    key: str
    action: CorporateAction


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberColumns:
    """Memberships from ``since`` to ``until`` (exclusive, NaT: it lasts), by asset, then since."""

    asset: Ids
    since: Days
    until: Days


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseFacts:
    """What is known of a universe: what the methods of ReferenceStore named so return, read at one instant.

    ``members``: see ``universe``; ``series`` (see ``series_of``) of them and of the assets named besides, by
    increasing asset; ``shares`` and ``actions`` of the assets with a series.
    """

    members: MemberColumns
    series: dict[AssetId, SeriesRef]
    sessions: Days
    shares: SharesColumns
    actions: list[KnownAction]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesCoverage:
    """A series and the bars there are of it now; without bars ``first`` and ``last`` are None."""

    id: SeriesId
    asset: AssetId
    source: str
    adjustment: Adjustment
    currency: str
    quote_unit: str
    bars: int
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFilter:
    """Which assets. ``text`` is part of a symbol or name, in letters of any case; ``archived`` None: both.

    ``universe``: its members without an end.
    """

    text: str | None = None
    asset_type: str | None = None
    mic: str | None = None
    currency: str | None = None
    universe: str | None = None
    archived: bool | None = False


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
        """Return the asset meant; raise UnknownAsset, or AmbiguousSymbol with the candidates.

        A former name answers, for who had it last, when nobody has it now. Archived assets answer too.
        """

    @abstractmethod
    async def resolve_all(self, refs: Sequence[SymbolRef]) -> list[Asset | UnknownAsset | AmbiguousSymbol]:
        """Return for each of ``refs`` what ``resolve`` returns or raises."""

    @abstractmethod
    async def assets(self, ids: Sequence[AssetId]) -> list[Asset]:
        """Return the assets with their present names, ordered by id; unknown ids are absent."""

    @abstractmethod
    async def find_assets(
        self, wanted: AssetFilter, *, limit: int, after: AssetId | None = None
    ) -> list[Asset]:
        """Return assets that match, ordered by id, those after ``after``."""

    @abstractmethod
    async def names(self, asset: AssetId) -> list[NameFact]:
        """Return every ticker the asset has had, oldest first."""

    @abstractmethod
    async def actions(
        self, assets: Sequence[AssetId], *, vintage: Vintage | None = None
    ) -> list[KnownAction]:
        """Return corporate actions of any status, ordered by asset, ex-date, source, key."""

    @abstractmethod
    async def coverage(self, assets: Sequence[AssetId]) -> list[SeriesCoverage]:
        """Return the series of the assets, ordered by asset, then id."""

    @abstractmethod
    async def refreshed(self, assets: Sequence[AssetId]) -> dict[AssetId, date]:
        """Return the days that refreshes marked; an asset that was never wholly refreshed is absent."""

    @abstractmethod
    async def session_times(
        self, mics: Sequence[str], *, start: date, end: date
    ) -> dict[str, SessionColumns]:
        """Return sessions known now with their hours within the days; an unknown exchange is absent."""

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
    async def universe_facts(
        self,
        universe: str,
        policy: SeriesPolicy,
        *,
        calendar: str,
        also: Sequence[AssetId] = (),
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> UniverseFacts:
        """Return the facts of a universe and of the assets ``also``, with the sessions of ``calendar``.

        ``start`` and ``end``: of the sessions alone.
        """

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
        """Return rates of ``currencies`` against the euro; the euro itself has no rows.

        One series for each currency, the oldest of ``fixing``; without any, the oldest of another fixing.
        """
