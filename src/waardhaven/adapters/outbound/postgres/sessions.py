"""PostgresSessions: logins and the digests of their refresh tokens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from waardhaven.adapters.outbound.postgres.tables.people import login_session, refresh_token
from waardhaven.application.ports.sessions import FoundSession, Sessions
from waardhaven.domain.identity.session import EndReason, LoginSession
from waardhaven.domain.types import SessionId, UserId


class PostgresSessions(Sessions):
    """Rows of login_session and refresh_token; a trigger writes the revocation when a session ends."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def open(self, session: LoginSession, digest: bytes) -> None:
        """See Sessions."""
        await self._connection.execute(
            insert(login_session).values(
                id=session.id,
                user_id=session.user,
                created_at=session.created_at,
                last_used_at=session.last_used_at,
                expires_at=session.expires_at,
                device=session.device,
                address=session.address,
            )
        )
        await self._issue(session.id, digest, session.created_at)

    async def by_token(self, digest: bytes) -> FoundSession | None:
        """See Sessions."""
        query = (
            select(login_session, refresh_token.c.used_at)
            .join(refresh_token, refresh_token.c.session_id == login_session.c.id)
            .where(refresh_token.c.digest == digest)
            .with_for_update()
        )
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return None
        return FoundSession(session=_session(row), token_was_used=row.used_at is not None)

    async def rotate(self, session: SessionId, *, used: bytes, issued: bytes, at: datetime) -> None:
        """See Sessions."""
        await self._connection.execute(
            update(refresh_token).where(refresh_token.c.digest == used).values(used_at=at)
        )
        await self._connection.execute(
            update(login_session).where(login_session.c.id == session).values(last_used_at=at)
        )
        await self._issue(session, issued, at)

    async def of_user(self, user: UserId, *, now: datetime) -> Sequence[LoginSession]:
        """See Sessions."""
        query = (
            select(login_session)
            .where(
                login_session.c.user_id == user,
                login_session.c.ended_at.is_(None),
                login_session.c.expires_at > now,
            )
            .order_by(login_session.c.last_used_at.desc(), login_session.c.id)
        )
        return [_session(row) for row in (await self._connection.execute(query)).all()]

    async def end(
        self,
        user: UserId,
        reason: EndReason,
        *,
        at: datetime,
        only: SessionId | None = None,
        but: SessionId | None = None,
    ) -> int:
        """See Sessions."""
        chosen = [login_session.c.user_id == user, login_session.c.ended_at.is_(None)]
        if only is not None:
            chosen.append(login_session.c.id == only)
        if but is not None:
            chosen.append(login_session.c.id != but)
        ended = update(login_session).where(*chosen).values(ended_at=at, end_reason=str(reason))
        return int((await self._connection.execute(ended)).rowcount)

    async def forget(self, user: UserId) -> None:
        """See Sessions."""
        await self._connection.execute(
            update(login_session).where(login_session.c.user_id == user).values(device=None, address=None)
        )

    async def _issue(self, session: SessionId, digest: bytes, at: datetime) -> None:
        await self._connection.execute(
            insert(refresh_token).values(digest=digest, session_id=session, issued_at=at)
        )


def _session(row: Row[Any]) -> LoginSession:
    return LoginSession(
        id=SessionId(row.id),
        user=UserId(row.user_id),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        device=row.device,
        address=row.address,
        ended_at=row.ended_at,
        end_reason=EndReason(row.end_reason) if row.end_reason else None,
    )
