"""PostgresOneTimeTokens: digests of secrets sent by mail."""

from datetime import datetime

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from waardhaven.adapters.outbound.postgres.tables.people import one_time_token
from waardhaven.application.ports.one_time_tokens import OneTimeTokens
from waardhaven.domain.identity.one_time_token import OneTimeToken, Purpose
from waardhaven.domain.types import UserId


class PostgresOneTimeTokens(OneTimeTokens):
    """Used tokens stay, so that a second use is told from an unknown one by whoever looks."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def issue(self, token: OneTimeToken) -> None:
        """See OneTimeTokens."""
        table = one_time_token
        await self._connection.execute(
            update(table)
            .where(
                table.c.user_id == token.user,
                table.c.purpose == str(token.purpose),
                table.c.used_at.is_(None),
            )
            .values(used_at=token.issued_at)
        )
        await self._connection.execute(
            insert(table).values(
                digest=token.digest,
                purpose=str(token.purpose),
                user_id=token.user,
                email=token.email,
                issued_at=token.issued_at,
                expires_at=token.expires_at,
            )
        )

    async def spend(self, digest: bytes, purpose: Purpose, *, at: datetime) -> OneTimeToken | None:
        """See OneTimeTokens. One statement, so that two can not spend the same."""
        table = one_time_token
        spent = (
            update(table)
            .where(
                table.c.digest == digest,
                table.c.purpose == str(purpose),
                table.c.used_at.is_(None),
                table.c.expires_at > at,
            )
            .values(used_at=at)
            .returning(table)
        )
        row = (await self._connection.execute(spent)).one_or_none()
        if row is None:
            return None
        return OneTimeToken(
            digest=row.digest,
            purpose=Purpose(row.purpose),
            user=UserId(row.user_id),
            email=row.email,
            issued_at=row.issued_at,
            expires_at=row.expires_at,
        )

    async def void(self, user: UserId, *, at: datetime) -> None:
        """See OneTimeTokens."""
        table = one_time_token
        await self._connection.execute(
            update(table).where(table.c.user_id == user, table.c.used_at.is_(None)).values(used_at=at)
        )
        await self._connection.execute(update(table).where(table.c.user_id == user).values(email=None))
