"""PostgresUnitOfWork: one SQLAlchemy connection, rolled back unless committed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.contextvars import get_contextvars

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.errors import translated
from waardhaven.adapters.outbound.postgres.tables import people, system
from waardhaven.adapters.outbound.postgres.users import PostgresUsers
from waardhaven.application.ports.audit_log import AuditLog
from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork
from waardhaven.domain.types import UserId


class PostgresAuditLog(AuditLog):
    """Rows of audit_entry; a trigger refuses to change them."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def record(
        self, action: str, *, actor: UserId | None, target: str, detail: Mapping[str, object] | None = None
    ) -> None:
        """See AuditLog."""
        await self._connection.execute(
            insert(people.audit_entry).values(
                action=action,
                actor_id=actor,
                target=target,
                detail=dict(detail or {}),
                correlation_id=get_contextvars().get("correlation_id"),
            )
        )


class PostgresTransaction(Transaction):
    """Repositories over one connection."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.users = PostgresUsers(connection)
        self.audit = PostgresAuditLog(connection)

    async def emit(self, kind: str, payload: Mapping[str, object]) -> None:
        """See Transaction."""
        await self._connection.execute(
            insert(system.outbox).values(
                kind=kind,
                payload=dict(payload),
                correlation_id=get_contextvars().get("correlation_id"),
            )
        )

    async def commit(self) -> None:
        """See Transaction."""
        await self._connection.commit()


class PostgresUnitOfWork(UnitOfWork):
    """Opens transactions on the pool."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self) -> AbstractAsyncContextManager[Transaction]:
        """See UnitOfWork."""
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Transaction]:
        with translated():
            async with self._database.engine.connect() as connection:
                yield PostgresTransaction(connection)
