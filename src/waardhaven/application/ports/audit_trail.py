"""Reading the trail of acts, and sealing it into a chain."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from waardhaven.domain.identity.audit import AuditEntry, ChainHead, ChainLink
from waardhaven.domain.types import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are asked for; what is None does not matter.

    ``action`` is a prefix: ``user.`` finds ``user.registered``. ``since`` is included, ``until`` is not.
    """

    actor: UserId | None = None
    action: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    correlation_id: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEntry:
    """An entry, and its position in the chain: None until it is sealed."""

    entry: AuditEntry
    position: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedHead:
    """The head of the chain after ``sealed`` entries were added to it."""

    head: ChainHead
    sealed: int


class AuditTrail(Protocol):
    """Entries as they were recorded, and the chain over them. Entries never change; links never do."""

    @abstractmethod
    async def page(
        self, wanted: AuditFilter, *, limit: int, before: int | None = None
    ) -> list[RecordedEntry]:
        """Return entries by id, newest first, at most ``limit``, older than the id ``before`` when given."""

    @abstractmethod
    async def head(self) -> ChainHead:
        """Return the head of the chain, GENESIS while nothing is sealed."""

    @abstractmethod
    async def seal(self, *, limit: int) -> SealedHead | None:
        """Add at most ``limit`` entries that are not sealed yet to the chain, in the order of their ids.

        One sealer works at a time: None when another one does. All or nothing: a seal that is cut off
        leaves no trace, and the next one begins where it began. An entry whose transaction commits
        later than those of higher ids is found by a later call, and sealed behind them.
        """

    @abstractmethod
    def walk(self, *, batch: int = 1_000) -> AsyncIterator[list[ChainLink]]:
        """Give the chain in the order of positions, ``batch`` links at a time.

        Links that are added meanwhile may or may not be seen.
        """

    @abstractmethod
    async def unsealed(self, *, until: datetime) -> int:
        """Return how many entries recorded before ``until`` are not in the chain."""
