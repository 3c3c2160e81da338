"""Index definitions, versioned."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from waardhaven.domain.index.build_record import IndexRecord
from waardhaven.domain.index.definition import IndexDefinition


class IndexStore(Protocol):
    """Definitions are immutable; a change is a new version."""

    @abstractmethod
    async def define(self, definition: IndexDefinition) -> IndexRecord:
        """Store a definition as the next version of its slug; an equal one changes nothing."""

    @abstractmethod
    async def get(self, slug: str, *, version: int | None = None) -> IndexRecord:
        """Return an index at a version (None: newest); raise UnknownIndex."""

    @abstractmethod
    async def list(self, *, limit: int, after: str | None = None) -> Sequence[IndexRecord]:
        """Return indices by slug, at most ``limit``, after ``after`` when given."""
