"""What the use cases of identity answer with. No view ever holds a hash."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from waardhaven.domain.identity.api_key import ApiKey
from waardhaven.domain.identity.session import LoginSession
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    """An account; ``deleted_at`` is set for closed ones."""

    id: UUID
    email: str
    username: str
    role: str
    is_active: bool
    is_verified: bool
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None

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
            updated_at=user.updated_at,
            deleted_at=user.deleted_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MeView:
    """The caller's own account, what it may do, and how its owner can sign in."""

    id: UUID
    email: str
    username: str
    role: str
    permissions: tuple[str, ...]
    is_verified: bool
    has_password: bool
    providers: tuple[str, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPage:
    """A page of accounts; ``next_cursor`` None: it is the last."""

    items: tuple[UserView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInView:
    """Fresh tokens and whose they are; times in seconds. A cookie may carry the refresh token instead."""

    access_token: str
    token_type: str
    expires_in: int
    expires_at: datetime
    refresh_token: str | None
    refresh_expires_in: int
    session: SessionId
    user: UserView


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """An open session. ``current``: the one that asks."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    device: str | None
    address: str | None
    current: bool

    @classmethod
    def of(cls, session: LoginSession, current: SessionId | None) -> Self:
        """Return the view of a session."""
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.expires_at,
            device=session.device,
            address=session.address,
            current=session.id == current,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyView:
    """An API key without its secret. ``requests_per_minute`` None: the limit everybody has."""

    id: UUID
    name: str
    prefix: str
    scopes: tuple[str, ...]
    requests_per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """Return the view of a key."""
        return cls(
            id=key.id,
            name=key.name,
            prefix=key.prefix,
            scopes=tuple(sorted(key.scopes)),
            requests_per_minute=key.per_minute,
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKeyView:
    """A new API key; ``secret`` is the whole key, told once and stored nowhere."""

    secret: str
    key: ApiKeyView


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """An account made by an operator; ``password`` is told once and stored nowhere."""

    id: UUID
    email: str
    username: str
    role: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAdministrator:
    """The first administrator; ``password`` is told once and stored nowhere."""

    email: str
    username: str
    password: str
