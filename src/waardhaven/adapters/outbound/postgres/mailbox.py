"""PostgresMailbox: sealed mails that wait to be sent."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from waardhaven.adapters.outbound.postgres.tables.people import mail
from waardhaven.application.ports.mailbox import Mailbox, WaitingMail
from waardhaven.domain.types import UserId


class PostgresMailbox(Mailbox):
    """Rows of mail; what is done keeps no content."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def put(self, user: UserId | None, sealed: bytes, *, due_at: datetime) -> None:
        """See Mailbox."""
        await self._connection.execute(insert(mail).values(user_id=user, sealed=sealed, due_at=due_at))

    async def take_due(self, *, now: datetime, again_at: datetime, limit: int) -> Sequence[WaitingMail]:
        """See Mailbox. Whoever comes at the same time skips what is being taken."""
        due = (
            select(mail.c.id)
            .where(mail.c.done_at.is_(None), mail.c.due_at <= now)
            .order_by(mail.c.due_at, mail.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        taken = (
            update(mail)
            .where(mail.c.id.in_(due.scalar_subquery()))
            .values(due_at=again_at, attempts=mail.c.attempts + 1)
            .returning(mail)
        )
        rows = (await self._connection.execute(taken)).all()
        return [
            WaitingMail(id=row.id, user=row.user_id, sealed=row.sealed or b"", attempts=row.attempts)
            for row in sorted(rows, key=lambda row: row.id)
        ]

    async def done(self, mail_id: int, *, at: datetime) -> None:
        """See Mailbox."""
        await self._connection.execute(
            update(mail).where(mail.c.id == mail_id, mail.c.done_at.is_(None)).values(done_at=at, sealed=None)
        )

    async def forget(self, user: UserId, *, at: datetime) -> None:
        """See Mailbox."""
        await self._connection.execute(
            update(mail)
            .where(mail.c.user_id == user, mail.c.done_at.is_(None))
            .values(done_at=at, sealed=None)
        )
