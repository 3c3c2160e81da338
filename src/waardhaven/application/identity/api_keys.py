"""Keys for programs: made, listed, revoked by their owner."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from waardhaven.application.identity.owner import AccountClosed
from waardhaven.application.identity.secrets import digest_of, new_secret
from waardhaven.application.identity.views import ApiKeyView, NewApiKeyView
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.errors import Conflict, Invalid, NotFound
from waardhaven.domain.identity.api_key import MARK, ApiKey, broken_key_rules
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.types import ApiKeyId

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
PREFIX_LENGTH = 10
MOST_KEYS = 50


class InvalidApiKey(Invalid):
    """The name, scopes or end of the key break a rule."""


class UnknownApiKey(NotFound):
    """You have no usable key with that id."""


class TooManyApiKeys(Conflict):
    """The account has as many usable keys as one may have."""


@dataclass(frozen=True, slots=True)
class CreateApiKey:
    """Make a key for a program; the whole key is shown once and only its digest is kept.

    The scopes narrow the owner's role and can not widen it: what the role loses the key loses, too.
    """

    uow: UnitOfWork
    clock: Clock

    async def __call__(
        self,
        by: Principal,
        *,
        name: str,
        scopes: Collection[Permission],
        expires_at: datetime | None = None,
        per_minute: int | None = None,
    ) -> NewApiKeyView:
        """Raise InvalidApiKey or TooManyApiKeys."""
        user, now = by.person(), self.clock.now()
        errors = broken_key_rules(name=name, scopes=scopes, role=by.role, expires_at=expires_at, now=now)
        if errors:
            raise InvalidApiKey("The key breaks a rule.", errors=errors)
        prefix = "".join(secrets.choice(LETTERS) for _ in range(PREFIX_LENGTH))
        secret = f"{MARK}{prefix}_{new_secret()}"
        key = ApiKey(
            id=ApiKeyId(uuid4()),
            user=user,
            name=name.strip(),
            prefix=prefix,
            digest=digest_of(secret),
            scopes=frozenset(scopes),
            per_minute=per_minute,
            created_at=now,
            expires_at=expires_at,
        )
        async with self.uow() as tx:
            if await tx.users.by_id(user, lock=True) is None:
                raise AccountClosed("The account of this token is closed.")
            if sum(one.is_usable(now) for one in await tx.api_keys.of_user(user)) >= MOST_KEYS:
                raise TooManyApiKeys(f"An account has at most {MOST_KEYS} usable keys. Revoke one first.")
            await tx.api_keys.add(key)
            ends = expires_at.isoformat() if expires_at else None
            detail = {"key": str(key.id), "scopes": sorted(key.scopes), "expires_at": ends}
            await tx.audit.record("api_key.created", by=by, target=f"user:{user}", detail=detail)
            await tx.commit()
        return NewApiKeyView(secret=secret, key=ApiKeyView.of(key))


@dataclass(frozen=True, slots=True)
class RevokeApiKey:
    """End a key of the caller; it stays listed. It stops working within a few seconds everywhere."""

    uow: UnitOfWork
    clock: Clock

    async def __call__(self, by: Principal, key: ApiKeyId) -> None:
        """Raise UnknownApiKey."""
        user = by.person()
        async with self.uow() as tx:
            if not await tx.api_keys.revoke(user, at=self.clock.now(), only=key):
                raise UnknownApiKey("You have no usable key with that id.")
            await tx.audit.record("api_key.revoked", by=by, target=f"user:{user}", detail={"key": str(key)})
            await tx.commit()
