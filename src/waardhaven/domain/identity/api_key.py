"""Keys for programs: a prefix everybody may see, and a secret shown once."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from waardhaven.domain.errors import FieldError
from waardhaven.domain.identity.roles import PERMISSIONS, Permission, Role
from waardhaven.domain.types import ApiKeyId, UserId

MARK = "whk_"
"""Begins every key, so that scanners find leaked ones."""
NAME_MAX = 80
_KEY = re.compile(r"whk_([a-z0-9]{10})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key of a person. ``digest`` is the SHA-256 of the whole key; ``scopes`` narrow the owner's role.

    ``per_minute`` is the key's own rate limit, None the usual one.
    """

    id: ApiKeyId
    user: UserId
    name: str
    prefix: str
    digest: bytes
    scopes: frozenset[Permission]
    per_minute: int | None
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_usable(self, now: datetime) -> bool:
        """Tell whether the key still opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def prefix_of(token: str) -> str | None:
    """Return the prefix of a well-formed key, None for anything else."""
    found = _KEY.fullmatch(token)
    return found[1] if found else None


def broken_key_rules(
    *, name: str, scopes: Iterable[Permission], role: Role, expires_at: datetime | None, now: datetime
) -> list[FieldError]:
    """Return every rule a new key breaks."""
    chosen = frozenset(scopes)
    beyond = ", ".join(sorted(chosen - PERMISSIONS[role]))
    rules = [
        ("name", not name.strip() or len(name) > NAME_MAX, f"must have 1 to {NAME_MAX} characters"),
        ("scopes", not chosen, "must name at least one permission"),
        ("scopes", bool(beyond), f"must be within your role, which lacks {beyond}"),
        ("expires_at", expires_at is not None and expires_at <= now, "must be in the future"),
    ]
    return [FieldError(field=field, rule=rule) for field, broken, rule in rules if broken]
