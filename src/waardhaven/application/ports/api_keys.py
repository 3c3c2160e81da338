"""API keys, inside a unit of work."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from waardhaven.domain.identity.api_key import ApiKey
from waardhaven.domain.types import ApiKeyId, UserId


class ApiKeys(Protocol):
    """Keys by prefix or owner; revoked ones stay listed."""

    @abstractmethod
    async def add(self, key: ApiKey) -> None:
        """Add a new key."""

    @abstractmethod
    async def by_prefix(self, prefix: str) -> ApiKey | None:
        """Return the key with that prefix or None."""

    @abstractmethod
    async def of_user(self, user: UserId) -> Sequence[ApiKey]:
        """Return all keys of a person, the newest first."""

    @abstractmethod
    async def used(self, key: ApiKeyId, at: datetime) -> None:
        """Remember the last use."""

    @abstractmethod
    async def revoke(self, user: UserId, *, at: datetime, only: ApiKeyId | None = None) -> int:
        """Revoke the usable keys of a person, or ``only`` one of them; return how many."""
