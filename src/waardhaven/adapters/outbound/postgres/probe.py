"""Whether the database answers and has the schema this version needs."""

import asyncio
import time

import asyncpg

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.migrations import head
from waardhaven.application.ports.health import DependencyHealth, Probe
from waardhaven.domain.errors import WaardhavenError

_REVISION = "SELECT version_num FROM alembic_version"


class PostgresProbe(Probe):
    """Asks for the schema revision; ready when it is the one this version was written for."""

    def __init__(self, database: Database, *, timeout: float = 2.0) -> None:
        self._database = database
        self._timeout = timeout
        self._head = head()

    async def check(self) -> DependencyHealth:
        """See Probe."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout), self._database.acquire() as connection:
                revision = await connection.fetchval(_REVISION)
        except asyncpg.UndefinedTableError:
            revision = None
        except (WaardhavenError, TimeoutError, OSError) as error:
            return self._health(ready=False, detail=f"out of reach ({type(error).__name__})")
        took = round((time.perf_counter() - began) * 1000, 2)
        if revision == self._head:
            return self._health(ready=True, detail=f"schema {revision}", took=took)
        return self._health(
            ready=False, detail=f"schema {revision or 'missing'}, needed {self._head}", took=took
        )

    def _health(self, *, ready: bool, detail: str, took: float | None = None) -> DependencyHealth:
        return DependencyHealth(name="postgres", ready=ready, required=True, detail=detail, latency_ms=took)
