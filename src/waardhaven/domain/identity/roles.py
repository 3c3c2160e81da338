"""Who may do what: roles are named sets of permissions, and a credential may narrow them."""

from dataclasses import dataclass
from enum import StrEnum

from waardhaven.domain.errors import Forbidden
from waardhaven.domain.types import ApiKeyId, SessionId, UserId


class Permission(StrEnum):
    """What a use case may ask for; also the scopes an API key can have."""

    READ_INDICES = "indices:read"
    BUILD_INDICES = "indices:build"
    MANAGE_USERS = "users:manage"
    READ_AUDIT = "audit:read"
    OPERATE = "system:operate"


class Role(StrEnum):
    """A viewer reads, an analyst also builds, an administrator may do everything."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    ADMIN = "admin"


class Credential(StrEnum):
    """How callers proved who they are; ``job``: work that somebody submitted, done on their behalf."""

    SESSION = "session"
    API_KEY = "api_key"
    JOB = "job"
    BREAK_GLASS = "break_glass"
    OPERATOR = "operator"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ_INDICES}),
    Role.ANALYST: frozenset({Permission.READ_INDICES, Permission.BUILD_INDICES}),
    Role.ADMIN: frozenset(Permission),
}


class PermissionDenied(Forbidden):
    """The caller's role, or the scopes of the API key, lack the permission the action needs."""


class NotAPerson(Forbidden):
    """The caller is a machine, an operator, or has a narrowed credential; this is for account owners."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is asking.

    ``user`` is None for the operator at the command line, the system itself, and the holder of the
    break-glass token. ``scopes`` narrow the role (API keys); None means all the role has.
    ``per_minute`` is the caller's own rate limit; None means the one everybody has.
    """

    user: UserId | None
    role: Role
    credential: Credential = Credential.SESSION
    session: SessionId | None = None
    key: ApiKeyId | None = None
    scopes: frozenset[Permission] | None = None
    per_minute: int | None = None

    def may(self, permission: Permission) -> bool:
        """Tell whether the role holds ``permission`` and the scopes do not take it away."""
        return permission in PERMISSIONS[self.role] and (self.scopes is None or permission in self.scopes)

    def require(self, permission: Permission) -> None:
        """Raise PermissionDenied unless the caller may."""
        if permission not in PERMISSIONS[self.role]:
            raise PermissionDenied(
                f"This needs the permission {permission}, which the role {self.role} lacks.",
                context={"permission": str(permission), "role": str(self.role)},
            )
        if not self.may(permission):
            raise PermissionDenied(
                f"This needs the scope {permission}, which the API key lacks.",
                context={"permission": str(permission)},
            )

    def person(self) -> UserId:
        """Return the account owner who asks, through a session; raise NotAPerson."""
        if self.user is None or self.credential is not Credential.SESSION:
            raise NotAPerson("This is for the owner of an account, after a login.")
        return self.user

    @property
    def audience(self) -> str:
        """The same text for everybody who may read the same: the role, and the scopes that narrow it."""
        return str(self.role) if self.scopes is None else f"{self.role}:{','.join(sorted(self.scopes))}"


OPERATOR = Principal(user=None, role=Role.ADMIN, credential=Credential.OPERATOR)
"""The person at the command line of the machine that holds the data."""
SYSTEM = Principal(user=None, role=Role.ADMIN, credential=Credential.SYSTEM)
"""The worker, when nobody asked."""
ANONYMOUS = Principal(user=None, role=Role.VIEWER, credential=Credential.ANONYMOUS, scopes=frozenset())
"""Somebody who proved nothing: may do nothing that asks for a permission."""
