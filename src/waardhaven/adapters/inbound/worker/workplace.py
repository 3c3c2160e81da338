"""Where jobs run: lends use cases, knows what runs, and writes down what nobody expected."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

import structlog
from dishka import AsyncContainer

from waardhaven.application.jobs.hold import Ending, Hold
from waardhaven.application.jobs.run_job import RunJob, Workplace
from waardhaven.application.ports.jobs import Delivery
from waardhaven.domain.jobs.job import Job, JobState, Queue
from waardhaven.domain.types import JobId

log = structlog.get_logger()


class Floor:
    """The jobs of one process."""

    def __init__(self, container: AsyncContainer, run_job: RunJob, *, worker: str) -> None:
        self.worker = worker
        self.container = container
        self._run_job = run_job
        self._holds: dict[str, Hold] = {}
        self._closing = False

    async def handle(self, queue: Queue, job: str, number: int) -> None:
        """Run the job a message is about; raise Unavailable when it can not be claimed."""
        delivery = Delivery(job=JobId(UUID(hex=job)), number=number, queue=queue)
        desk = Desk(self)
        with structlog.contextvars.bound_contextvars(correlation_id=job, job=str(delivery.job)):
            try:
                ended = await self._run_job(delivery, at=desk)
            finally:
                if desk.hold is not None and self._holds.get(job) is desk.hold:
                    del self._holds[job]
            if ended is not None:
                _tell(ended)
            elif desk.hold is not None:
                log.warning("lease lost", why=str(desk.hold.ending or Ending.LOST))

    def nudge(self, job: str) -> None:
        """Let a job ask the ledger now whether it is to end; ``job`` is its id in hex, or anything."""
        if job in self._holds:
            self._holds[job].nudge()

    def close(self) -> None:
        """End all work; it is put back."""
        self._closing = True
        for one in self._holds.values():
            one.end(Ending.STOPPED)

    def abandon(self) -> None:
        """End all work without a word to the ledger."""
        self._closing = True
        for one in self._holds.values():
            one.end(Ending.LOST)

    def note(self, job: JobId, hold: Hold) -> None:
        """Remember how the work on a job is ended."""
        self._holds[job.hex] = hold
        if self._closing:
            hold.end(Ending.STOPPED)


class Desk(Workplace):
    """One message's work, in a request scope of its own. Several about one job know nothing of each other."""

    def __init__(self, floor: Floor) -> None:
        self.name = floor.worker
        self.hold: Hold | None = None
        self._floor = floor

    @asynccontextmanager
    async def _lend(self, kind: type[Any]) -> AsyncIterator[Any]:
        async with self._floor.container() as scope:
            yield await scope.get(kind)

    def use(self, kind: type[Any]) -> AbstractAsyncContextManager[Any]:
        """See Workplace."""
        return self._lend(kind)

    def begun(self, job: Job, hold: Hold) -> None:
        """See Workplace."""
        structlog.contextvars.bind_contextvars(
            correlation_id=job.correlation_id or job.id.hex, type=job.type, attempt=job.attempts
        )
        self.hold = hold
        self._floor.note(job.id, hold)

    def broke(self, job: Job, error: Exception) -> str:
        """See Workplace."""
        log.error("job broke", exc_info=error)
        return job.correlation_id or job.id.hex


def _tell(job: Job) -> None:
    failure = {} if job.failure is None else {"code": job.failure.code, "reason": job.failure.message}
    level = log.info if job.state in {JobState.SUCCEEDED, JobState.CANCELLED} else log.warning
    level("job settled", state=str(job.state), **failure)
