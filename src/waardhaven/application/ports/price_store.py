"""Where daily bars live, with every superseded value kept."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from waardhaven.domain.errors import Conflict, Invalid
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.close_matrix import CloseMatrix
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.types import AssetId, Days, Floats, Ids, ImportId, SeriesId, Vintage


class UnknownSeries(Invalid):
    """Prices were offered for a series that does not exist."""


class ChangedSince(Conflict):
    """Bars were written again after what is to be undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReport:
    """What a write changed. ``vintage`` is None when every row was already so.

    ``touched``: of a write of bars, the series with a bar inserted or changed.
    """

    inserted: int
    changed: int
    unchanged: int
    vintage: Vintage | None
    touched: frozenset[SeriesId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseColumns:
    """Closes in long form, ordered by series then day: parallel arrays of equal length."""

    series: Ids
    day: Days
    close: Floats

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastClose:
    """The newest bar of an asset. ``closed_at``: when its session closed, None when that is not known."""

    asset: AssetId
    source: str
    adjustment: Adjustment
    quote_unit: str
    day: date
    close: float
    closed_at: datetime | None


class PriceStore(Protocol):
    """Bars by (series, day). A missing bar is absent, never null, never zero.

    Writes are idempotent and atomic: one transaction, one vintage, one event. Nothing is lost: a
    superseded or withdrawn bar stays readable at the vintages at which it was known.
    """

    @abstractmethod
    async def write(
        self, prices: PriceColumns, *, note: str = "", for_import: ImportId | None = None
    ) -> WriteReport:
        """Insert new bars, supersede differing ones, leave equal ones alone.

        Raises MalformedPrices for rows that break the rules of a bar and UnknownSeries for a series
        that does not exist; then nothing is written. ``for_import``: the import becomes committed in the
        same transaction, also when no bar differed; raises UnknownImport or ImportNotReady.
        """

    @abstractmethod
    async def undo(self, import_: ImportId, *, reason: str) -> WriteReport:
        """Restore what was known before a committed import, bit for bit, as a new vintage.

        Bars it changed get their former values, bars it added are withdrawn. Raises ImportNotReady when
        the import is not committed, ChangedSince when one of its bars is no longer as it wrote it, Invalid
        without a reason, and UnknownImport. Imports over the same bars are undone the last one first.
        """

    @abstractmethod
    async def withdraw(self, series: SeriesId, days: Sequence[date], *, reason: str) -> WriteReport:
        """Remove bars that should never have existed; days without a bar are counted unchanged."""

    @abstractmethod
    async def bars(
        self,
        series: Sequence[SeriesId],
        *,
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> PriceColumns:
        """Return the bars known at ``vintage`` (None: now), ordered by series, then day."""

    @abstractmethod
    async def closes(
        self,
        series: Sequence[SeriesId],
        *,
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> CloseColumns:
        """Return the closes alone, the same rows as ``bars``, by the fastest path the store has."""

    @abstractmethod
    async def close_matrix(
        self,
        series: Sequence[SeriesId],
        *,
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> CloseMatrix:
        """Return what ``closes`` returns as a matrix, a column for each of ``series``, which has each once.

        The column of a series without a bar is NaN.
        """

    @abstractmethod
    async def last_closes(self, assets: Sequence[AssetId]) -> list[LastClose]:
        """Return the newest close of each asset known now, ordered by asset; without bars it is absent.

        It is of a raw series, else of one adjusted for splits, else of any; among several of a kind of
        the one with the newest bar.
        """
