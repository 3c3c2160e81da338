"""A person with an account."""

from dataclasses import dataclass
from datetime import datetime

from waardhaven.domain.identity.roles import Role
from waardhaven.domain.types import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. ``email`` is lower-cased; ``deleted_at`` marks a soft delete.

    ``password_hash`` is None for those who only come through an identity provider. ``token_version``
    counts the times that tokens issued before were ended: a change of role, deactivation, closing.
    """

    id: UserId
    email: str
    username: str
    password_hash: str | None
    role: Role
    is_active: bool
    is_verified: bool
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    token_version: int = 1

    @property
    def may_sign_in(self) -> bool:
        """Whether the account is open."""
        return self.is_active and self.deleted_at is None

    def audited(self) -> dict[str, object]:
        """Return the state that the audit trail keeps a digest of."""
        return {
            "email": self.email,
            "username": self.username,
            "role": str(self.role),
            "is_active": self.is_active,
            "is_verified": self.is_verified,
            "has_password": self.password_hash is not None,
            "deleted_at": self.deleted_at,
        }
