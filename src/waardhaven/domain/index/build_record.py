"""Builds are immutable, publications append-only; together they are an index's official history."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from waardhaven.domain.errors import Conflict, NotFound, Unavailable
from waardhaven.domain.identity.access import Access
from waardhaven.domain.index.build import IndexResult
from waardhaven.domain.index.composition import IndexState
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.provenance import Provenance
from waardhaven.domain.types import BuildId, Days, Ids, IndexId, UserId, as_date


class UnknownIndex(NotFound):
    """No index with that slug is visible to the caller."""


class SlugTaken(Conflict):
    """An index of somebody else has that short name."""


class UnknownBuild(NotFound):
    """No build with that id belongs to the index."""


class NothingPublished(NotFound):
    """The index has no publication in force at the instant asked for."""


class NothingToBuild(Conflict):
    """No session lies between the published history and the newest prices."""


class StaleBuild(Conflict):
    """Another publication came first, so the build no longer continues the official history."""


class InputsUnavailable(Unavailable):
    """The market data a build needs could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRecord:
    """An index, one version of its definition, and who may see and change it.

    ``author`` wrote this version, None: the system or the operator; ``reason`` is what the author said.
    """

    id: IndexId
    definition: IndexDefinition
    version: int
    defined_at: datetime
    access: Access
    author: UserId | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcedReview:
    """A review that somebody asked for: it takes effect at the first session after ``after_day``."""

    id: int
    index: IndexId
    after_day: date
    reason: str
    requested_by: UserId | None
    requested_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRecord:
    """One computation of an index over ``start`` … ``through``, never changed afterwards.

    ``opening`` is the published state the build continued from, None when it starts at the base date.
    ``restates`` tells that the build recomputes days that were published before. ``forced`` are the
    effective days of reviews a person asked for. ``universe`` (k,) are the asset ids considered.
    """

    id: BuildId
    index: IndexId
    provenance: Provenance
    opening: IndexState | None
    restates: bool
    forced: Days
    universe: Ids
    result: IndexResult
    created_at: datetime

    @property
    def start(self) -> date:
        """First day with a level."""
        return as_date(self.result.levels.day[0])

    @property
    def through(self) -> date:
        """Last day with a level."""
        return as_date(self.result.levels.day[-1])


class PublicationKind(StrEnum):
    """Extend adds days after the official history; restate replaces days from one on."""

    EXTEND = "extend"
    RESTATE = "restate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """The act that makes a build's days official from ``effective_at`` on."""

    id: int
    index: IndexId
    build: BuildId
    kind: PublicationKind
    from_day: date
    through_day: date
    announced_at: datetime
    effective_at: datetime
    reason: str
