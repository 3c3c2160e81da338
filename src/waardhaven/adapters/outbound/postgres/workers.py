"""PostgresWorkers: worker processes as rows."""

from collections.abc import Sequence
from datetime import timedelta

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.ports.jobs import WorkerBeat, Workers
from waardhaven.domain.jobs.job import Queue

_BEAT = """
INSERT INTO worker (id, queues, concurrency, running, started_at, beat_at, ended_at)
SELECT $1, $2::text[], $3, $4, t.at, t.at, CASE WHEN $5::bool THEN t.at END
FROM (SELECT clock_timestamp() AS at) t
ON CONFLICT (id) DO UPDATE SET queues = excluded.queues, concurrency = excluded.concurrency,
    running = excluded.running, beat_at = excluded.beat_at, ended_at = excluded.ended_at
"""
_ALIVE = """
SELECT * FROM worker WHERE ended_at IS NULL AND beat_at >= statement_timestamp() - $1::interval
ORDER BY started_at, id
"""


class PostgresWorkers(Workers):
    """Rows of worker, one a process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(
        self, worker: str, *, queues: Sequence[Queue], concurrency: int, running: int, ended: bool = False
    ) -> None:
        """See Workers."""
        names = [str(one) for one in queues]
        async with self._database.acquire() as connection:
            await connection.execute(_BEAT, worker, names, concurrency, running, ended)

    async def alive(self, *, within: timedelta) -> Sequence[WorkerBeat]:
        """See Workers."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_ALIVE, within)
        return [
            WorkerBeat(
                id=row["id"],
                queues=tuple(Queue(one) for one in row["queues"]),
                concurrency=row["concurrency"],
                running=row["running"],
                started_at=row["started_at"],
                beat_at=row["beat_at"],
                ended_at=row["ended_at"],
            )
            for row in rows
        ]
