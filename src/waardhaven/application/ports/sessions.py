"""Logins and their refresh tokens, inside a unit of work."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from waardhaven.domain.identity.session import EndReason, LoginSession
from waardhaven.domain.types import SessionId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSession:
    """A session and whether the refresh token that led to it was used before."""

    session: LoginSession
    token_was_used: bool


class Sessions(Protocol):
    """Tokens are known by their SHA-256 alone. An ended session revokes its access tokens by itself."""

    @abstractmethod
    async def open(self, session: LoginSession, digest: bytes) -> None:
        """Add a session with its first refresh token."""

    @abstractmethod
    async def by_token(self, digest: bytes) -> FoundSession | None:
        """Return the session of a refresh token, locked against others, or None."""

    @abstractmethod
    async def rotate(self, session: SessionId, *, used: bytes, issued: bytes, at: datetime) -> None:
        """Mark the old token used and add the new one."""

    @abstractmethod
    async def of_user(self, user: UserId, *, now: datetime) -> Sequence[LoginSession]:
        """Return the open sessions of a person, the last used first."""

    @abstractmethod
    async def end(
        self,
        user: UserId,
        reason: EndReason,
        *,
        at: datetime,
        only: SessionId | None = None,
        but: SessionId | None = None,
    ) -> int:
        """End the open sessions of a person (``only`` one, or all ``but`` one); return how many."""

    @abstractmethod
    async def forget(self, user: UserId) -> None:
        """Erase the devices and addresses of all sessions of a person."""
