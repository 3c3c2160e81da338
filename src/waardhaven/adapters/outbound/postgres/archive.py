"""PostgresArchive: old jobs and events as Parquet, removed only when marked as archived."""

import asyncio
import io
from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.ports.archive import Archive, ArchiveBatch, Archived

_OLD = {
    Archived.JOBS: """
SELECT j.id::text AS id, j.type, j.params::text AS params, j.queue, j.state, j.owner_id::text AS owner,
       j.credential, array_to_string(j.scopes, ',') AS scopes, j.idempotency_key, j.parent_id::text AS parent,
       j.correlation_id, j.attempts, j.max_attempts, j.created_at, j.started_at, j.finished_at,
       j.result::text AS result, j.error_code, j.error_message,
       (SELECT jsonb_agg(jsonb_build_object(
            'name', a.name, 'media_type', a.media_type, 'size', a.size,
            'sha256', encode(a.digest, 'hex'), 'key', a.key) ORDER BY a.name)
        FROM job_artifact a WHERE a.job_id = j.id)::text AS files
FROM job j WHERE j.finished_at < clock_timestamp() - $1::interval ORDER BY j.finished_at, j.id LIMIT $2
""",
    Archived.EVENTS: """
SELECT o.position, o.id, o.kind, o.payload::text AS payload, o.correlation_id, o.created_at
FROM outbox o WHERE o.position IS NOT NULL AND o.created_at < clock_timestamp() - $1::interval
ORDER BY o.position LIMIT $2
""",
}
_KEYS = {Archived.JOBS: "id", Archived.EVENTS: "position"}
_MARK = {
    Archived.JOBS: "UPDATE job SET archived_at = clock_timestamp() WHERE id = ANY($1::uuid[]) "
    "AND finished_at IS NOT NULL AND archived_at IS NULL",
    Archived.EVENTS: "UPDATE outbox SET archived_at = clock_timestamp() WHERE position = ANY($1::bigint[]) "
    "AND archived_at IS NULL",
}
_REMOVE = {
    Archived.JOBS: "DELETE FROM job WHERE id = ANY($1::uuid[]) AND archived_at IS NOT NULL",
    Archived.EVENTS: "DELETE FROM outbox WHERE position = ANY($1::bigint[]) AND archived_at IS NOT NULL",
}


class PostgresArchive(Archive):
    """Reads batches in one statement and removes exactly what was read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def batch(self, kind: Archived, *, older_than: timedelta, limit: int) -> ArchiveBatch | None:
        """See Archive."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_OLD[kind], older_than, limit)
        if not rows:
            return None
        keys = tuple(str(row[_KEYS[kind]]) for row in rows)
        return ArchiveBatch(
            kind=kind,
            name=f"{kind}-{keys[0]}-{keys[-1]}-{len(keys)}.parquet",
            keys=keys,
            content=await asyncio.to_thread(_parquet, rows),
        )

    async def remove(self, batch: ArchiveBatch) -> int:
        """See Archive."""
        keys = [int(one) for one in batch.keys] if batch.kind is Archived.EVENTS else list(batch.keys)
        async with self._database.transaction() as connection:
            await connection.execute(_MARK[batch.kind], keys)
            done = await connection.execute(_REMOVE[batch.kind], keys)
        return int(done.rpartition(" ")[2])


def _parquet(rows: Sequence[asyncpg.Record]) -> bytes:
    import polars as pl

    columns = {name: [row[name] for row in rows] for name in rows[0].keys()}  # noqa: SIM118 (a Record is no dict)
    buffer = io.BytesIO()
    pl.DataFrame(columns, infer_schema_length=None).write_parquet(buffer)
    return buffer.getvalue()
