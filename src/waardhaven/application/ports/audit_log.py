"""A trail of who did what."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Protocol

from waardhaven.domain.types import UserId


class AuditLog(Protocol):
    """Append-only, written in the transaction of the act."""

    @abstractmethod
    async def record(
        self, action: str, *, actor: UserId | None, target: str, detail: Mapping[str, object] | None = None
    ) -> None:
        """Append an entry; ``actor`` None means the operator or the system. Never holds a secret."""
