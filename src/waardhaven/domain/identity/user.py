"""A person with an account."""

from dataclasses import dataclass
from datetime import datetime

from waardhaven.domain.identity.roles import Role
from waardhaven.domain.types import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. ``email`` is lower-cased; ``deleted_at`` marks a soft delete."""

    id: UserId
    email: str
    username: str
    password_hash: str
    role: Role
    is_active: bool
    is_verified: bool
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
