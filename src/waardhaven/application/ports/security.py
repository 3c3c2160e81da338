"""Proofs of identity."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from waardhaven.domain.errors import Unauthenticated
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.types import SessionId, UserId


class InvalidToken(Unauthenticated):
    """The bearer token is missing, malformed, expired, or not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A signed token and when it ends."""

    value: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a valid access token says. ``version`` is the account's token version when it was issued."""

    user: UserId
    role: Role
    session: SessionId
    version: int
    token_id: str
    expires_at: datetime


class PasswordHasher(Protocol):
    """Slow, salted hashes; the work happens off the event loop, a few at once."""

    @abstractmethod
    async def hash(self, password: str) -> str:
        """Return a hash that carries its own parameters."""

    @abstractmethod
    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Tell whether the password matches; None costs the same time and is False."""

    @abstractmethod
    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether the hash was made with other parameters than today's."""


class PasswordStrength(Protocol):
    """How many guesses a password withstands."""

    @abstractmethod
    async def score(self, password: str, *, personal: Sequence[str]) -> int:
        """Return 0 (guessed at once) to 4 (out of reach); ``personal`` are words an attacker tries first."""


class AccessTokens(Protocol):
    """Short-lived signed tokens."""

    @abstractmethod
    def issue(self, user: UserId, role: Role, *, session: SessionId, version: int) -> AccessToken:
        """Return a new token for a user."""

    @abstractmethod
    def read(self, token: str) -> Claims:
        """Return the claims of a valid token; raise InvalidToken. Says nothing of revocation."""

    @abstractmethod
    def public_keys(self) -> list[dict[str, str]]:
        """Return the keys others may verify tokens with, as a JSON Web Key Set has them; secrets never."""
