"""Which identities elsewhere belong to which account, inside a unit of work."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from waardhaven.domain.errors import Conflict, Unauthenticated
from waardhaven.domain.types import UserId


class IdentityTaken(Conflict):
    """That identity belongs to another account already."""


class ProofSpent(Unauthenticated):
    """The same proof of identity was used before."""


class IdentityLinks(Protocol):
    """Links by provider and subject."""

    @abstractmethod
    async def find(self, provider: str, subject: str) -> UserId | None:
        """Return whose identity it is, or None."""

    @abstractmethod
    async def add(self, provider: str, subject: str, user: UserId, *, at: datetime) -> None:
        """Link an identity; linking it to the same account twice changes nothing. Raise IdentityTaken."""

    @abstractmethod
    async def of_user(self, user: UserId) -> Sequence[str]:
        """Return the providers a person can come through, by name."""

    @abstractmethod
    async def spend_proof(self, digest: bytes, *, expires_at: datetime) -> None:
        """Remember that a proof was used; raise ProofSpent when it was before."""

    @abstractmethod
    async def forget(self, user: UserId) -> None:
        """Make the links of an erased account lead nowhere."""
