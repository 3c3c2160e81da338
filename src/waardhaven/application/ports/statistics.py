"""True figures about what the service stands on."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class TableStatistics:
    """Rows counted one by one, and the first and last day they are about (None: no day, or no row)."""

    name: str
    rows: int
    earliest: date | None = None
    latest: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolUse:
    """Connections of this process: ``size`` kept open, ``limit`` at most, ``in_use`` at this moment."""

    size: int
    limit: int
    in_use: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStatistics:
    """The database as one snapshot. ``latency_ms``: of one empty question; ``size_bytes``: on disk."""

    version: str
    size_bytes: int
    latency_ms: float
    connections: int
    tables: Sequence[TableStatistics]
    pool: PoolUse


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedCacheStatistics:
    """The shared cache: the server's memory, and what this process asked it since it began."""

    reachable: bool
    latency_ms: float | None
    memory_bytes: int | None
    clients: int | None
    keys: int | None
    hits: int
    misses: int
    failures: int


class DatabaseReport(Protocol):
    """Looks at the database."""

    @abstractmethod
    async def read(self) -> DatabaseStatistics:
        """Count; raise an Unavailable error when the database is out of reach."""


class SharedCacheReport(Protocol):
    """Looks at the shared cache."""

    @abstractmethod
    async def read(self) -> SharedCacheStatistics:
        """Return what is known; a server that does not answer is ``reachable`` False, never an error."""
