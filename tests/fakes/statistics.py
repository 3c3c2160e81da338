from dataclasses import dataclass, field

from waardhaven.adapters.outbound.postgres.errors import DatabaseUnavailable
from waardhaven.application.ports.statistics import (
    DatabaseReport,
    DatabaseStatistics,
    PoolUse,
    SharedCacheReport,
    SharedCacheStatistics,
    TableStatistics,
)

TABLES = (
    "users",
    "assets",
    "prices",
    "fx_rates",
    "sessions",
    "indices",
    "index_values",
    "allocations",
    "builds",
    "publications",
    "jobs",
    "events",
    "audit_entries",
)


@dataclass
class FakeDatabaseReport(DatabaseReport):
    """Rows by table; ``failing`` makes it behave as a lost database does."""

    rows: dict[str, int] = field(default_factory=dict)
    failing: bool = False

    async def read(self) -> DatabaseStatistics:
        if self.failing:
            raise DatabaseUnavailable("The database is out of reach.")
        return DatabaseStatistics(
            version="18.1",
            size_bytes=8_000_000,
            latency_ms=0.2,
            connections=1,
            tables=tuple(TableStatistics(name=name, rows=self.rows.get(name, 0)) for name in TABLES),
            pool=PoolUse(size=20, limit=60, in_use=1),
        )


@dataclass
class FakeSharedCacheReport(SharedCacheReport):
    """A server that is there, or not."""

    reachable: bool = True
    hits: int = 0
    misses: int = 0

    async def read(self) -> SharedCacheStatistics:
        there = self.reachable
        return SharedCacheStatistics(
            reachable=there,
            latency_ms=0.1 if there else None,
            memory_bytes=1_000_000 if there else None,
            clients=2 if there else None,
            keys=0 if there else None,
            hits=self.hits,
            misses=self.misses,
            failures=0 if there else 1,
        )
