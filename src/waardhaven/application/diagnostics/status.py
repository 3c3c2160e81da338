"""What an operator wants to know: the database, the queue, the workers, what depends on what."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from waardhaven.application.diagnostics.queries import Probes
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.health import DependencyHealth
from waardhaven.application.ports.job_queue import JobQueue
from waardhaven.application.ports.jobs import JobLedger, WorkerBeat, Workers
from waardhaven.application.ports.statistics import (
    DatabaseReport,
    DatabaseStatistics,
    PoolUse,
    SharedCacheReport,
    SharedCacheStatistics,
)
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.jobs.job import JobState, Queue

HEARD_WITHIN = timedelta(seconds=15)


class TableState(StrEnum):
    """Whether a table holds anything."""

    OK = "OK"
    EMPTY = "EMPTY"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """A table: its rows, and the first and last day they are about."""

    count: int
    status: TableState
    earliest_date: date | None
    latest_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStatusView:
    """The database. ``simulation_ready``: there are prices and a published index."""

    timestamp: datetime
    version: str
    size_bytes: int
    latency_ms: float
    connections: int
    pool: PoolUse
    tables: Mapping[str, TableView]
    simulation_ready: bool
    message: str


@dataclass(frozen=True, slots=True)
class ReadDatabaseStatus:
    """Count what the database holds, as one snapshot."""

    report: DatabaseReport
    clock: Clock

    async def __call__(self, by: Principal) -> DatabaseStatusView:
        """Return exact counts."""
        by.require(Permission.OPERATE)
        found = await self.report.read()
        tables = {one.name: one for one in found.tables}
        ready = bool(tables["prices"].rows and tables["publications"].rows)
        return DatabaseStatusView(
            timestamp=self.clock.now(),
            version=found.version,
            size_bytes=found.size_bytes,
            latency_ms=found.latency_ms,
            connections=found.connections,
            pool=found.pool,
            tables=_tables(found),
            simulation_ready=ready,
            message="Prices and a published index are there." if ready else "Load prices and build an index.",
        )


@dataclass(frozen=True, slots=True)
class ReadCacheStatus:
    """The cache all processes share."""

    report: SharedCacheReport

    async def __call__(self, by: Principal) -> SharedCacheStatistics:
        """Return what is known; a server that is away is no error."""
        by.require(Permission.OPERATE)
        return await self.report.read()


class SystemState(StrEnum):
    """``degraded``: requests are served, something else is amiss. ``unready``: they are not."""

    OK = "ok"
    DEGRADED = "degraded"
    UNREADY = "unready"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """A queue: messages in Valkey, and jobs in the ledger. ``depth`` is null while Valkey is away."""

    depth: int | None
    queued: int
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemView:
    """The whole service. ``problems`` says in words what makes it less than ok."""

    timestamp: datetime
    state: SystemState
    problems: tuple[str, ...]
    dependencies: tuple[DependencyHealth, ...]
    queues: Mapping[str, QueueView]
    dead_jobs: int
    workers: tuple[WorkerBeat, ...]


@dataclass(frozen=True, slots=True)
class ReadSystem:
    """Look at every dependency, the queues and the workers.

    Something outside the house that is down makes the service degraded, never unready.
    """

    probes: Probes
    ledger: JobLedger
    queue: JobQueue
    workers: Workers
    clock: Clock

    async def __call__(self, by: Principal) -> SystemView:
        """Return what was found; what can not be asked is a problem of its own."""
        by.require(Permission.OPERATE)
        found = tuple(await asyncio.gather(*(one.check() for one in self.probes)))
        depths = await self._depths()
        try:
            counts = await self.ledger.counts()
            workers = tuple(await self.workers.alive(within=HEARD_WITHIN))
        except Unavailable:
            counts, workers = {}, ()
        problems = [f"{one.name}: {one.detail}" for one in found if not one.ready]
        problems += [] if workers else ["no worker was heard of in the last 15 seconds"]
        unready = any(one.required and not one.ready for one in found)
        state = SystemState.DEGRADED if problems else SystemState.OK
        return SystemView(
            timestamp=self.clock.now(),
            state=SystemState.UNREADY if unready else state,
            problems=tuple(problems),
            dependencies=found,
            queues={
                str(one): QueueView(
                    depth=depths.get(one),
                    queued=counts.get((one, JobState.QUEUED), 0),
                    running=counts.get((one, JobState.RUNNING), 0),
                )
                for one in Queue
            },
            dead_jobs=sum(counts.get((one, JobState.DEAD), 0) for one in Queue),
            workers=workers,
        )

    async def _depths(self) -> Mapping[Queue, int]:
        try:
            return await self.queue.depth()
        except Unavailable:
            return {}


def _tables(found: DatabaseStatistics) -> dict[str, TableView]:
    return {
        one.name: TableView(
            count=one.rows,
            status=TableState.OK if one.rows else TableState.EMPTY,
            earliest_date=one.earliest,
            latest_date=one.latest,
        )
        for one in found.tables
    }
