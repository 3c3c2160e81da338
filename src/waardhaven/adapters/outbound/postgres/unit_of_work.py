"""PostgresUnitOfWork: one SQLAlchemy connection, rolled back unless committed."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.contextvars import get_contextvars

from waardhaven.adapters.outbound.postgres.access import PostgresAccessRules
from waardhaven.adapters.outbound.postgres.api_keys import PostgresApiKeys
from waardhaven.adapters.outbound.postgres.audit import PostgresAuditLog
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.errors import translated
from waardhaven.adapters.outbound.postgres.identity_links import PostgresIdentityLinks
from waardhaven.adapters.outbound.postgres.jobs import PostgresJobs
from waardhaven.adapters.outbound.postgres.mailbox import PostgresMailbox
from waardhaven.adapters.outbound.postgres.one_time_tokens import PostgresOneTimeTokens
from waardhaven.adapters.outbound.postgres.schedules import PostgresSchedules
from waardhaven.adapters.outbound.postgres.sessions import PostgresSessions
from waardhaven.adapters.outbound.postgres.tables import system
from waardhaven.adapters.outbound.postgres.users import PostgresUsers
from waardhaven.application.ports.pseudonyms import Pseudonyms
from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork
from waardhaven.domain.events import Event


class PostgresTransaction(Transaction):
    """Repositories over one connection."""

    def __init__(self, connection: AsyncConnection, pseudonyms: Pseudonyms) -> None:
        self._connection = connection
        self.users = PostgresUsers(connection)
        self.sessions = PostgresSessions(connection)
        self.api_keys = PostgresApiKeys(connection)
        self.one_time_tokens = PostgresOneTimeTokens(connection)
        self.links = PostgresIdentityLinks(connection)
        self.mailbox = PostgresMailbox(connection)
        self.access = PostgresAccessRules(connection)
        self.audit = PostgresAuditLog(connection, pseudonyms)
        self.jobs = PostgresJobs(connection)
        self.schedules = PostgresSchedules(connection)

    async def emit(self, event: Event) -> None:
        """See Transaction."""
        await self._connection.execute(
            insert(system.outbox).values(
                kind=event.kind,
                payload=event.payload(),
                correlation_id=get_contextvars().get("correlation_id"),
            )
        )

    async def commit(self) -> None:
        """See Transaction."""
        await self._connection.commit()


class PostgresUnitOfWork(UnitOfWork):
    """Opens transactions on the pool."""

    def __init__(self, database: Database, pseudonyms: Pseudonyms) -> None:
        self._database = database
        self._pseudonyms = pseudonyms

    def __call__(self) -> AbstractAsyncContextManager[Transaction]:
        """See UnitOfWork."""
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Transaction]:
        with translated():
            async with self._database.engine.connect() as connection:
                yield PostgresTransaction(connection, self._pseudonyms)
