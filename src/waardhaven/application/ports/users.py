"""Accounts, inside a unit of work."""

from abc import abstractmethod
from typing import Protocol

from waardhaven.domain.errors import Conflict
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import UserId


class EmailTaken(Conflict):
    """An account with that e-mail address exists already."""


class UsernameTaken(Conflict):
    """An account with that username exists already."""


class Users(Protocol):
    """Accounts by id, e-mail or username; soft-deleted ones are never returned."""

    @abstractmethod
    async def add(self, user: User) -> None:
        """Add a new account; raise EmailTaken or UsernameTaken."""

    @abstractmethod
    async def by_id(self, user: UserId) -> User | None:
        """Return the account or None."""

    @abstractmethod
    async def by_login(self, login: str) -> User | None:
        """Return the account whose e-mail or username equals ``login``, ignoring case, or None."""

    @abstractmethod
    async def update_password(self, user: UserId, password_hash: str) -> None:
        """Replace the password hash."""

    @abstractmethod
    async def administrators(self) -> int:
        """Return how many active administrators there are."""
