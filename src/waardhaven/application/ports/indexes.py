"""Index definitions, versioned."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import date
from typing import Protocol

from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.index.build_record import ForcedReview, IndexRecord
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.types import IndexId


class IndexStore(Protocol):
    """Definitions are immutable; a change is a new version. Whom they may be shown to the caller checks.

    An archived index is unknown by its slug and in no list; nothing of it is removed, so that its
    publications are there again when its owner defines it again.
    """

    @abstractmethod
    async def define(
        self, definition: IndexDefinition, *, by: Principal, reason: str | None = None
    ) -> IndexRecord:
        """Store a definition as the next version of its slug; an equal one changes nothing.

        A new index belongs to the caller and is private; one of nobody (the operator) is public. Raises
        SlugTaken or NotYours when the index of that slug is not the caller's to change. An archived index
        is brought back by whoever may manage it; for everybody else its slug is taken.
        The own universe of an index (see ``own_universe``) is created with it, without members.
        What changes something is recorded in the audit trail as done ``by`` the caller.
        """

    @abstractmethod
    async def get(self, slug: str, *, version: int | None = None) -> IndexRecord:
        """Return an index at a version (None: newest); raise UnknownIndex."""

    @abstractmethod
    async def by_id(self, index: IndexId) -> IndexRecord:
        """Return the newest version of an index, archived or not; raise UnknownIndex."""

    @abstractmethod
    async def list(self, *, by: Principal, limit: int, after: str | None = None) -> Sequence[IndexRecord]:
        """Return the indices the caller may read by slug, at most ``limit``, after ``after`` when given."""

    @abstractmethod
    async def versions(
        self, index: IndexId, *, limit: int, before: int | None = None
    ) -> Sequence[IndexRecord]:
        """Return versions newest first, at most ``limit``, those before version ``before`` when given."""

    @abstractmethod
    async def archive(self, slug: str, *, by: Principal) -> None:
        """Take an index out of sight, with an audit entry; nothing is removed.

        Raises UnknownIndex (also when it is archived already, or hidden from the caller) or NotYours unless
        the caller may manage it.
        """

    @abstractmethod
    async def force_review(
        self, index: IndexId, *, after_day: date, reason: str, by: Principal
    ) -> ForcedReview:
        """Keep that a review takes effect at the first session after ``after_day``.

        Asked for again of the same day, the first one is returned and nothing changes.
        """

    @abstractmethod
    async def forced_reviews(self, index: IndexId) -> Sequence[ForcedReview]:
        """Return the reviews that people asked for, by day."""
