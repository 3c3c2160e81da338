"""Accounts, inside a unit of work."""

from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import Protocol

from waardhaven.domain.errors import Conflict
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import UserId


class EmailTaken(Conflict):
    """An account with that e-mail address exists already."""


class UsernameTaken(Conflict):
    """An account with that username exists already."""


class Users(Protocol):
    """Accounts by id, e-mail or username; soft-deleted ones are only found by ``any_by_id``."""

    @abstractmethod
    async def add(self, user: User) -> None:
        """Add a new account; raise EmailTaken or UsernameTaken."""

    @abstractmethod
    async def by_id(self, user: UserId, *, lock: bool = False) -> User | None:
        """Return the account or None; ``lock`` keeps others from changing it until the transaction ends."""

    @abstractmethod
    async def any_by_id(self, user: UserId, *, lock: bool = False) -> User | None:
        """Like by_id, the deleted ones included."""

    @abstractmethod
    async def by_login(self, login: str) -> User | None:
        """Return the account whose e-mail or username equals ``login``, ignoring case, or None."""

    @abstractmethod
    async def save(self, user: User) -> User:
        """Replace the account with ``user`` and return it as stored; raise EmailTaken or UsernameTaken.

        A change of role, of ``is_active`` or of deletion raises ``token_version`` and ends the tokens
        issued before, whatever ``user`` says of it.
        """

    @abstractmethod
    async def lock_administrators(self) -> int:
        """Return how many active administrators there are, and keep others from changing the number."""

    @abstractmethod
    async def by_usernames(self, names: Collection[str]) -> Mapping[str, UserId]:
        """Return whose usernames these are; unknown ones are absent."""

    @abstractmethod
    async def usernames(self, users: Collection[UserId]) -> Mapping[UserId, str]:
        """Return the usernames of open accounts; others are absent."""

    @abstractmethod
    async def page(
        self,
        *,
        limit: int,
        after: UserId | None = None,
        role: Role | None = None,
        active: bool | None = None,
        deleted: bool = False,
        search: str | None = None,
    ) -> list[User]:
        """Return at most ``limit`` accounts by id after ``after``.

        ``search`` is a part of the address or username, taken literally.
        """
