"""PostgresOutbox: undelivered events, oldest first."""

import msgspec

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.ports.outbox import Outbox, OutboxEvent


class PostgresOutbox(Outbox):
    """Rows of the outbox table without ``delivered_at``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(self, *, limit: int) -> list[OutboxEvent]:
        """See Outbox."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                "SELECT id, kind, payload::text AS payload, created_at FROM outbox "
                "WHERE delivered_at IS NULL ORDER BY id LIMIT $1",
                limit,
            )
        return [
            OutboxEvent(
                id=row["id"],
                kind=row["kind"],
                payload=msgspec.json.decode(row["payload"], type=dict[str, object]),
                created_at=row["created_at"],
            )
            for row in rows
        ]

    async def mark_delivered(self, ids: list[int]) -> None:
        """See Outbox."""
        async with self._database.acquire() as connection:
            await connection.execute(
                "UPDATE outbox SET delivered_at = clock_timestamp() "
                "WHERE id = ANY($1) AND delivered_at IS NULL",
                ids,
            )
