"""What careful readers should know about stored prices."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from waardhaven.domain.errors import NotFound
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.market.quality import Finding, FindingKind, ReviewState
from waardhaven.domain.types import AssetId, Days, Ids, SeriesId, Vintage


class UnknownFlag(NotFound):
    """There is no such flag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityFlag:
    """A finding about a bar, as it is recorded. ``detail`` holds the figures it was made from.

    The id stays through reviews and other details; a finding that ended and comes back has another.
    """

    id: int
    series: SeriesId
    asset: AssetId
    symbol: str
    mic: str
    source: str
    adjustment: str
    day: date
    kind: FindingKind
    detail: str
    state: ReviewState
    found_at: datetime
    reviewed_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagFilter:
    """Which flags; None: whatever it is."""

    kind: FindingKind | None = None
    state: ReviewState | None = None
    asset: AssetId | None = None
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagCount:
    """How many current flags of a kind in a state, and the newest day they are about."""

    kind: FindingKind
    state: ReviewState
    count: int
    latest: date


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldColumns:
    """Bars whose flags of the kinds asked for are not accepted: parallel arrays by series, then day."""

    series: Ids
    day: Days


class QualityFlags(Protocol):
    """Flags on (series, day, kind). They never change a bar; every state stays readable at its vintage."""

    @abstractmethod
    async def record(
        self,
        findings: Sequence[Finding],
        *,
        series: Sequence[SeriesId],
        kinds: Sequence[FindingKind],
        start: date | None = None,
    ) -> Vintage | None:
        """Make the open flags of ``series`` from ``start`` on, of ``kinds``, those of ``findings``.

        What is found again stays; an open flag not found again ends; a reviewed one stays reviewed, found
        or not, unless its detail is another: then it is open again. Return the vintage, None: no change.
        """

    @abstractmethod
    async def page(
        self, wanted: FlagFilter, *, limit: int, before: int | None = None
    ) -> Sequence[QualityFlag]:
        """Return current flags, newest id first."""

    @abstractmethod
    async def counts(self) -> Sequence[FlagCount]:
        """Return how many current flags there are, ordered by kind, then state."""

    @abstractmethod
    async def review(self, id_: int, *, state: ReviewState, note: str, by: Principal) -> QualityFlag:
        """Record a verdict as a new version of the flag, with an audit entry; raise UnknownFlag.

        ``open`` takes a verdict back: then nobody reviewed it. An empty note is none.
        """

    @abstractmethod
    async def held(
        self, series: Sequence[SeriesId], *, kinds: Sequence[FindingKind], vintage: Vintage | None = None
    ) -> HeldColumns:
        """Return the bars flagged so at ``vintage`` and not accepted."""
