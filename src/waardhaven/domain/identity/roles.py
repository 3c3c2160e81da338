"""Who may do what: roles are named sets of permissions."""

from dataclasses import dataclass
from enum import StrEnum

from waardhaven.domain.errors import Forbidden
from waardhaven.domain.types import UserId


class Permission(StrEnum):
    """What a use case may ask for."""

    READ_INDICES = "indices:read"
    BUILD_INDICES = "indices:build"
    MANAGE_USERS = "users:manage"
    OPERATE = "system:operate"


class Role(StrEnum):
    """A viewer reads, an analyst also builds, an administrator may do everything."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    ADMIN = "admin"


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ_INDICES}),
    Role.ANALYST: frozenset({Permission.READ_INDICES, Permission.BUILD_INDICES}),
    Role.ADMIN: frozenset(Permission),
}


class PermissionDenied(Forbidden):
    """The caller's role lacks the permission the action needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is asking. ``user`` is None for the operator at the command line."""

    user: UserId | None
    role: Role

    def require(self, permission: Permission) -> None:
        """Raise PermissionDenied unless the role holds ``permission``."""
        if permission not in PERMISSIONS[self.role]:
            raise PermissionDenied(
                f"This needs the permission {permission}, which the role {self.role} lacks.",
                context={"permission": str(permission), "role": str(self.role)},
            )


OPERATOR = Principal(user=None, role=Role.ADMIN)
"""The person at the command line of the machine that holds the data."""
