"""What the use cases of identity answer with. No view ever holds a hash."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from waardhaven.domain.identity.user import User


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    """An account as its owner sees it."""

    id: UUID
    email: str
    username: str
    role: str
    is_active: bool
    is_verified: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        """Return the view of an account."""
        return cls(
            id=user.id,
            email=user.email,
            username=user.username,
            role=str(user.role),
            is_active=user.is_active,
            is_verified=user.is_verified,
            created_at=user.created_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInView:
    """A fresh access token and whose it is; ``expires_in`` in seconds."""

    access_token: str
    token_type: str
    expires_in: int
    expires_at: datetime
    user: UserView


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAdministrator:
    """The first administrator; ``password`` is told once and stored nowhere."""

    email: str
    username: str
    password: str
