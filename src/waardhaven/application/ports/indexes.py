"""Index definitions, versioned."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.index.build_record import IndexRecord
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.types import IndexId


class IndexStore(Protocol):
    """Definitions are immutable; a change is a new version. Whom they may be shown to the caller checks."""

    @abstractmethod
    async def define(self, definition: IndexDefinition, *, by: Principal) -> IndexRecord:
        """Store a definition as the next version of its slug; an equal one changes nothing.

        A new index belongs to the caller and is private; one of nobody (the operator) is public. Raises
        SlugTaken or NotYours when the index of that slug is not the caller's to change.
        What changes something is recorded in the audit trail as done ``by`` the caller.
        """

    @abstractmethod
    async def get(self, slug: str, *, version: int | None = None) -> IndexRecord:
        """Return an index at a version (None: newest); raise UnknownIndex."""

    @abstractmethod
    async def by_id(self, index: IndexId) -> IndexRecord:
        """Return the newest version of an index; raise UnknownIndex."""

    @abstractmethod
    async def list(self, *, by: Principal, limit: int, after: str | None = None) -> Sequence[IndexRecord]:
        """Return the indices the caller may read by slug, at most ``limit``, after ``after`` when given."""
