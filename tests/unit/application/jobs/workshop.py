"""A worker's surroundings in memory: a job type whose work each test writes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.fakes.file_store import FakeFileStore
from tests.fakes.job_queue import FakeJobQueue
from tests.fakes.jobs import FakeJobLedger
from tests.fakes.progress import FakeProgressStream
from tests.fakes.unit_of_work import FakeUnitOfWork

from waardhaven.application.jobs.hold import Hold
from waardhaven.application.jobs.params import integer
from waardhaven.application.jobs.rules import JobRules
from waardhaven.application.jobs.run_job import RunJob, Workplace
from waardhaven.application.jobs.specs import JobSpec, JobTypes
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.application.ports.jobs import Delivery, JobDraft
from waardhaven.domain.identity.roles import Credential, Permission, Principal
from waardhaven.domain.jobs.job import Job, Queue
from waardhaven.domain.types import JobId, UserId

Work = Callable[[Principal, Any, JobRun], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountParams:
    """Parameters of the one job type."""

    n: int = integer(3, minimum=1, maximum=9, doc="A number.")


class Counting:
    """Stands for a use case: the workshop lends the work of the test."""


@dataclass
class Workshop(Workplace):
    """Runs jobs of the type ``count`` over fakes."""

    work: Work
    name: str = "a-worker"
    lease: float = 10.0
    timeout: float = 5.0
    tries: int = 3
    broken: list[Exception] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    begins: asyncio.Event = field(default_factory=asyncio.Event)
    uow: FakeUnitOfWork = field(default_factory=FakeUnitOfWork)
    queue: FakeJobQueue = field(default_factory=FakeJobQueue)
    stream: FakeProgressStream = field(default_factory=FakeProgressStream)
    shelf: FakeFileStore = field(default_factory=FakeFileStore)

    def __post_init__(self) -> None:
        self.ledger = FakeJobLedger(self.uow)

    @property
    def run_job(self) -> RunJob:
        spec = JobSpec(
            name="count",
            use_case=Counting,
            params=CountParams,
            permission=Permission.READ_INDICES,
            timeout=self.timeout,
        )
        other = replace(spec, name="guarded", permission=Permission.OPERATE)
        return RunJob(
            ledger=self.ledger,
            uow=self.uow,
            queue=self.queue,
            stream=self.stream,
            files=self.shelf,
            types=JobTypes((spec, other)),
            rules=JobRules(lease=timedelta(seconds=self.lease)),
            clock=self.uow.clock,
        )

    async def submit(
        self, number: int = 1, *, owner: UserId | None = None, params: Any = None, **changes: Any
    ) -> Delivery:
        plain = {"type": "count", "credential": Credential.SESSION, "max_attempts": self.tries}
        draft = JobDraft(
            id=JobId(UUID(int=number)),
            params=params or {},
            queue=Queue.INTERACTIVE,
            owner=owner,
            **(plain | changes),
        )
        job = await self.uow.jobs.add(draft)  # as if committed: a transaction here copies everything
        return Delivery(job=job.id, number=job.delivery, queue=job.queue)

    async def run(self, delivery: Delivery) -> Job | None:
        return await self.run_job(delivery, at=self)

    async def done(self, **changes: Any) -> Job:
        """Submit a job, run it, and return it as the ledger has it."""
        delivery = await self.submit(**changes)
        await self.run(delivery)
        return self.job(delivery)

    def job(self, delivery: Delivery) -> Job:
        return self.uow.jobs.rows[delivery.job].job

    def use(self, kind: type[Any]) -> AbstractAsyncContextManager[Any]:
        assert kind is Counting
        return self._lend()

    @asynccontextmanager
    async def _lend(self) -> AsyncIterator[Any]:
        yield self.work

    def begun(self, job: Job, hold: Hold) -> None:
        self.holds.append(hold)
        self.begins.set()

    def broke(self, job: Job, error: Exception) -> str:
        self.broken.append(error)
        return "a-correlation-id"


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.001)
