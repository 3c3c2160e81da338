from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tests.fakes.clock import FakeClock

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.jobs import WorkerBeat, Workers
from waardhaven.domain.jobs.job import Queue


@dataclass
class FakeWorkers(Workers):
    """The newest beat of each worker."""

    clock: Clock = field(default_factory=FakeClock)
    rows: dict[str, WorkerBeat] = field(default_factory=dict)

    async def beat(
        self, worker: str, *, queues: Sequence[Queue], concurrency: int, running: int, ended: bool = False
    ) -> None:
        now = self.clock.now()
        self.rows[worker] = WorkerBeat(
            id=worker,
            queues=tuple(queues),
            concurrency=concurrency,
            running=running,
            started_at=self.rows[worker].started_at if worker in self.rows else now,
            beat_at=now,
            ended_at=now if ended else None,
        )

    async def alive(self, *, within: timedelta) -> Sequence[WorkerBeat]:
        since = self.clock.now() - within
        found = [one for one in self.rows.values() if one.ended_at is None and one.beat_at >= since]
        return sorted(found, key=lambda one: (one.started_at, one.id))
