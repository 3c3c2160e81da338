"""PostgresEventLog: the outbox in the order of commits, and a notice when there is more."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from waardhaven.adapters.outbound.postgres.access import access_columns, access_of
from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.adapters.outbound.postgres.listener import Listener
from waardhaven.application.ports.event_log import EventLog, LoggedEvent
from waardhaven.domain.events import JobChanged, UserChanged
from waardhaven.domain.identity.access import Access, Visibility
from waardhaven.domain.types import UserId

NOTICE_SECONDS = 0.9
"""A notice comes at least as often, also while the database is away."""
_EVENTS = f"""
SELECT o.position, o.kind, o.payload::text AS payload, o.created_at, {access_columns("index", "i")}
FROM outbox o LEFT JOIN market_index i
    ON i.id = CASE WHEN o.payload ->> 'index' ~ '^[0-9]{{1,18}}$' THEN (o.payload ->> 'index')::bigint END
WHERE o.position > $1
"""
_OF_JOB = f"AND o.kind = '{JobChanged.kind}' AND o.payload ->> 'job' = $3"
_IN_ORDER = "ORDER BY o.position LIMIT $2"


class PostgresEventLog(Listener, EventLog):
    """Rows of the outbox; one LISTEN connection, opened for the first who wants notices."""

    channel = "waardhaven_outbox"

    def __init__(self, database: Database, *, heartbeat: float = 1.0, retry: float = 0.5) -> None:
        super().__init__(database, heartbeat=heartbeat, retry=retry)
        self._waiting: set[asyncio.Event] = set()

    async def head(self) -> int:
        """See EventLog."""
        async with self._database.acquire() as connection:
            return int(await connection.fetchval("SELECT number_events()"))

    async def since(self, position: int, *, limit: int, job: str | None = None) -> Sequence[LoggedEvent]:
        """See EventLog."""
        async with self._database.acquire() as connection:
            if job is None:
                rows = await connection.fetch(f"{_EVENTS} {_IN_ORDER}", position, limit)
            else:
                rows = await connection.fetch(f"{_EVENTS} {_OF_JOB} {_IN_ORDER}", position, limit, job)
        return [_event(row) for row in rows]

    async def notices(self) -> AsyncIterator[None]:
        """See EventLog. The first one comes at once."""
        if self._task is None:
            await self.start()
        news = asyncio.Event()
        self._waiting.add(news)
        try:
            while True:
                yield None
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), NOTICE_SECONDS)
                news.clear()
        finally:
            self._waiting.discard(news)

    async def _refresh(self, connection: Connection, *, first: bool) -> None:
        """Find out whether the connection answers; what came before it was there may have been missed."""
        await connection.fetchval("SELECT 1")
        if first:
            self._tell()

    def _noticed(self, payload: str) -> bool:
        del payload
        self._tell()
        return False

    def _forget(self) -> None:
        """Nothing is kept: whoever waits is told every second."""

    def _tell(self) -> None:
        for news in self._waiting:
            news.set()


def _event(row: Mapping[str, Any]) -> LoggedEvent:
    payload = json.loads(row["payload"])
    return LoggedEvent(
        position=row["position"],
        kind=row["kind"],
        payload=payload,
        access=_access(row, payload),
        at=row["created_at"],
    )


def _access(row: Mapping[str, Any], payload: Mapping[str, Any]) -> Access:
    if row["visibility"] is not None:
        return access_of(row)
    owners = {JobChanged.kind: "owner", UserChanged.kind: "user"}
    if row["kind"] in owners:
        owner = payload.get(owners[row["kind"]])
        return Access(owner=None if owner is None else UserId(UUID(owner)), visibility=Visibility.PRIVATE)
    everybody = row["kind"].startswith("market.")
    return Access(owner=None, visibility=Visibility.PUBLIC if everybody else Visibility.PRIVATE)
