"""Immutable builds and append-only publications."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import numpy as np

from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.index.build_record import BuildRecord, Publication, PublicationKind
from waardhaven.domain.index.composition import CompositionColumns, IndexState, LevelColumns
from waardhaven.domain.index.publishing import Segment
from waardhaven.domain.index.restating import Comparison, Decision
from waardhaven.domain.provenance import Provenance
from waardhaven.domain.types import BuildId, Days, IndexId, Vintage


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationDraft:
    """A publication about to be made, in force from ``effective_at`` (None: at once) on.

    ``follows`` is the newest publication seen, None when there was none.
    """

    index: IndexId
    build: BuildId
    kind: PublicationKind
    from_day: date
    through_day: date
    reason: str
    effective_at: datetime | None
    follows: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSegment:
    """A publication with the columns of its build, its forced reviews, and what it was made from."""

    publication: Publication
    made_from: Provenance
    levels: LevelColumns
    compositions: CompositionColumns
    forced: Days

    @property
    def segment(self) -> Segment:
        """What the splicing of official history needs of it."""
        return Segment(
            sequence=self.publication.id,
            from_day=np.datetime64(self.publication.from_day),
            through_day=np.datetime64(self.publication.through_day),
            levels=self.levels,
            compositions=self.compositions,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest publication in force and what its build closed with; ``closing``: see BuildStore.closing."""

    publication: Publication
    closing: IndexState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSummary:
    """A build without its columns, and whether it was published."""

    id: BuildId
    provenance: Provenance
    start: date
    through: date
    sessions: int
    restates: bool
    opened_from: date | None
    created_at: datetime
    published: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A comparison of what was published up to a publication with what was known at a vintage.

    ``id`` and ``checked_at`` are None before it is stored.
    """

    index: IndexId
    publication: int
    vintage: Vintage
    found: Comparison
    decision: Decision
    id: int | None = None
    checked_at: datetime | None = None


class BuildStore(Protocol):
    """Builds never change; publications are only ever added.

    What changes something is recorded in the audit trail as done ``by`` the caller.
    """

    @abstractmethod
    async def save(self, build: BuildRecord, *, by: Principal) -> None:
        """Store a build in one transaction; storing the same id again changes nothing.

        Its rules count as a variant that was tried (see TrialLog), with the Sharpe ratio of its levels.
        """

    @abstractmethod
    async def load(self, build: BuildId) -> BuildRecord:
        """Return a build bit for bit as stored; raise UnknownBuild."""

    @abstractmethod
    async def summary(self, build: BuildId) -> BuildSummary:
        """Return a build without its columns; raise UnknownBuild."""

    @abstractmethod
    async def summaries(
        self, index: IndexId, *, limit: int, before: BuildId | None = None
    ) -> list[BuildSummary]:
        """Return the newest builds first, at most ``limit``, created before ``before`` when given."""

    @abstractmethod
    async def publish(self, draft: PublicationDraft, *, by: Principal) -> Publication:
        """Append a publication with its event in one transaction; its risk is to be measured then.

        Raises StaleBuild when a newer publication than ``follows`` exists; publishing the same build
        again returns the publication it already has.
        """

    @abstractmethod
    async def publish_new(self, build: BuildRecord, draft: PublicationDraft, *, by: Principal) -> Publication:
        """Do what ``save`` and then ``publish`` do, in one transaction.

        The build is stored also where StaleBuild is raised.
        """

    @abstractmethod
    async def published(
        self, index: IndexId, *, as_of: datetime | None = None, compositions: bool = False
    ) -> Sequence[PublishedSegment]:
        """Return the publications in force at ``as_of`` (None: now), oldest first.

        Without ``compositions`` those columns are empty. No publication: an empty sequence.
        """

    @abstractmethod
    async def chain(self, index: IndexId) -> list[Publication]:
        """Return the publications in force now, oldest first, without their columns."""

    @abstractmethod
    async def head(self, index: IndexId) -> Head | None:
        """Return the newest publication in force now with the closing state of its build; None: none is."""

    @abstractmethod
    async def closing(self, build: BuildId) -> IndexState | None:
        """Return the closing state of a build bit for bit.

        None where there is no such build, and of one stored before the weights of the last review were
        part of a state.
        """

    @abstractmethod
    async def log_revision(self, revision: Revision, *, by: Principal) -> None:
        """Keep a comparison; one publication is compared once at a vintage, again changes nothing."""

    @abstractmethod
    async def revisions(self, index: IndexId, *, limit: int, before: int | None = None) -> list[Revision]:
        """Return comparisons, newest first, at most ``limit``, those older than the one of id ``before``."""

    @abstractmethod
    async def coverage(self, indexes: Sequence[IndexId]) -> dict[IndexId, tuple[date, date, float]]:
        """Return first official day, last official day and last level; an unpublished index is absent."""
