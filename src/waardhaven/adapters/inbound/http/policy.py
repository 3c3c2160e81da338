"""Who may use a route: declared beside its handler, enforced for the whole application, closed by default."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from waardhaven.domain.identity.roles import Permission

POLICY: Final = "policy"
"""Key of a handler's ``opt``: its Policy. A route without one is refused."""
ADMINISTRATIVE: Final = frozenset({Permission.MANAGE_USERS, Permission.READ_AUDIT, Permission.OPERATE})
"""Permissions whose routes answer ADMIN_NETWORKS alone."""


class Access(StrEnum):
    """What a caller has to be."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    PERMITTED = "permitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a route asks of its callers.

    ``permission``: what a permitted caller must hold. ``per_minute``: a limit of this route for each
    caller, within the one all routes share. ``cookie``: the refresh cookie may stand for a credential
    here, with the proof against cross-site requests. ``streaming``: the answer has no time limit.
    """

    access: Access
    permission: Permission | None = None
    per_minute: int | None = None
    cookie: bool = False
    streaming: bool = False

    @property
    def is_public(self) -> bool:
        """Whether anybody may call."""
        return self.access is Access.PUBLIC

    @property
    def is_admin(self) -> bool:
        """Whether callers must come from ADMIN_NETWORKS."""
        return self.permission in ADMINISTRATIVE

    @property
    def is_rememberable(self) -> bool:
        """Whether nothing but who asks decides, so that an answer may be given again without asking."""
        return self.access is Access.PERMITTED and not self.is_admin and self.per_minute is None


def public(*, per_minute: int | None = None, cookie: bool = False, streaming: bool = False) -> Policy:
    """Let everybody in."""
    return Policy(access=Access.PUBLIC, per_minute=per_minute, cookie=cookie, streaming=streaming)


def signed_in(*, per_minute: int | None = None, cookie: bool = False, streaming: bool = False) -> Policy:
    """Let people with a session in: no API keys, no break-glass token, nobody whom scopes limit."""
    return Policy(access=Access.SIGNED_IN, per_minute=per_minute, cookie=cookie, streaming=streaming)


def needs(permission: Permission, *, per_minute: int | None = None, streaming: bool = False) -> Policy:
    """Let those in who hold ``permission``."""
    return Policy(access=Access.PERMITTED, permission=permission, per_minute=per_minute, streaming=streaming)


PUBLIC: Final = public()
SIGNED_IN: Final = signed_in()


def policy_of(opt: Mapping[str, Any]) -> Policy | None:
    """Return the policy in a handler's ``opt``, None when it declares none."""
    found = opt.get(POLICY)
    return found if isinstance(found, Policy) else None
