"""Secrets sent by mail, inside a unit of work."""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol

from waardhaven.domain.identity.one_time_token import OneTimeToken, Purpose
from waardhaven.domain.types import UserId


class OneTimeTokens(Protocol):
    """Known by their SHA-256 alone; each works once, before it expires."""

    @abstractmethod
    async def issue(self, token: OneTimeToken) -> None:
        """Add a token; those issued to the same person for the same purpose before work no more."""

    @abstractmethod
    async def spend(self, digest: bytes, purpose: Purpose, *, at: datetime) -> OneTimeToken | None:
        """Use a token up and return it; None when it is unknown, used, expired, or for another purpose."""

    @abstractmethod
    async def void(self, user: UserId, *, at: datetime) -> None:
        """Use up all tokens of a person, and forget the addresses they were sent to."""
