"""PostgresReport: counts, dates, latency and pool, as one snapshot."""

import time

from sqlalchemy import AsyncAdaptedQueuePool

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.ports.statistics import (
    DatabaseReport,
    DatabaseStatistics,
    PoolUse,
    TableStatistics,
)

_TABLES = """
SELECT 'users' AS name, count(*) AS rows, NULL::date AS earliest, NULL::date AS latest
FROM app_user WHERE deleted_at IS NULL
UNION ALL SELECT 'assets', count(*), NULL, NULL FROM asset
UNION ALL SELECT 'prices', count(*), min(day), max(day) FROM price
UNION ALL SELECT 'fx_rates', count(*), min(day), max(day) FROM fx_rate
UNION ALL SELECT 'sessions', count(*), min(day), max(day) FROM session WHERE vintage_to IS NULL
UNION ALL SELECT 'indices', count(*), NULL, NULL FROM market_index WHERE deleted_at IS NULL
UNION ALL SELECT 'index_values', coalesce(sum(b.sessions), 0), min(b.start_day), max(b.through_day)
FROM publication p JOIN build b ON b.id = p.build_id
UNION ALL SELECT 'allocations', coalesce(sum(c.n), 0), NULL, NULL
FROM publication p JOIN build_column c ON c.build_id = p.build_id AND c.name = 'composition.weight'
UNION ALL SELECT 'builds', count(*), min(start_day), max(through_day) FROM build
UNION ALL SELECT 'publications', count(*), min(from_day), max(through_day) FROM publication
UNION ALL SELECT 'jobs', count(*), min(created_at)::date, max(created_at)::date FROM job
UNION ALL SELECT 'events', count(*), min(created_at)::date, max(created_at)::date FROM outbox
UNION ALL SELECT 'audit_entries', count(*), min(at)::date, max(at)::date FROM audit_entry
"""
_SERVER = """
SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS size,
       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS connections
"""


class PostgresReport(DatabaseReport):
    """Counts rows exactly: an estimate would be a wrong number."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> DatabaseStatistics:
        """See DatabaseReport."""
        async with self._database.transaction(snapshot=True) as connection:
            began = time.perf_counter()
            await connection.fetchval("SELECT 1")
            took = time.perf_counter() - began
            server = await connection.fetchrow(_SERVER)
            tables = await connection.fetch(_TABLES)
            pool = self._pool()
        return DatabaseStatistics(
            version=server["version"],
            size_bytes=server["size"],
            latency_ms=round(took * 1000, 3),
            connections=server["connections"],
            tables=tuple(TableStatistics(**dict(row)) for row in tables),
            pool=pool,
        )

    def _pool(self) -> PoolUse:
        pool = self._database.engine.pool
        if not isinstance(pool, AsyncAdaptedQueuePool):
            raise TypeError("The pool must count its connections.")
        size = pool.size()
        return PoolUse(size=size, limit=size + self._database.overflow, in_use=pool.checkedout())
