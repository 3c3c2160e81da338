"""PostgresApiKeys: keys as rows of api_key."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from waardhaven.adapters.outbound.postgres.tables.people import api_key
from waardhaven.application.ports.api_keys import ApiKeys
from waardhaven.domain.identity.api_key import ApiKey
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.types import ApiKeyId, UserId


class PostgresApiKeys(ApiKeys):
    """Keys are never deleted, only revoked."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, key: ApiKey) -> None:
        """See ApiKeys."""
        await self._connection.execute(
            insert(api_key).values(
                id=key.id,
                user_id=key.user,
                name=key.name,
                prefix=key.prefix,
                digest=key.digest,
                scopes=sorted(key.scopes),
                per_minute=key.per_minute,
                created_at=key.created_at,
                expires_at=key.expires_at,
            )
        )

    async def by_prefix(self, prefix: str) -> ApiKey | None:
        """See ApiKeys."""
        query = select(api_key).where(api_key.c.prefix == prefix)
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else _key(row)

    async def of_user(self, user: UserId) -> Sequence[ApiKey]:
        """See ApiKeys."""
        query = (
            select(api_key)
            .where(api_key.c.user_id == user)
            .order_by(api_key.c.created_at.desc(), api_key.c.id)
        )
        return [_key(row) for row in (await self._connection.execute(query)).all()]

    async def used(self, key: ApiKeyId, at: datetime) -> None:
        """See ApiKeys."""
        await self._connection.execute(update(api_key).where(api_key.c.id == key).values(last_used_at=at))

    async def revoke(self, user: UserId, *, at: datetime, only: ApiKeyId | None = None) -> int:
        """See ApiKeys."""
        usable = or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > at)
        chosen = [api_key.c.user_id == user, api_key.c.revoked_at.is_(None), usable]
        if only is not None:
            chosen.append(api_key.c.id == only)
        revoked = update(api_key).where(*chosen).values(revoked_at=at)
        return int((await self._connection.execute(revoked)).rowcount)


def _key(row: Row[Any]) -> ApiKey:
    known = {str(one) for one in Permission}
    return ApiKey(
        id=ApiKeyId(row.id),
        user=UserId(row.user_id),
        name=row.name,
        prefix=row.prefix,
        digest=row.digest,
        scopes=frozenset(Permission(one) for one in row.scopes if one in known),
        per_minute=row.per_minute,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
