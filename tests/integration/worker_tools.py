"""A worker process inside the test, over real servers, with job types of its own."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dishka import AsyncContainer, Provider, Scope, provide
from tests.conftest import SECRET

from waardhaven.adapters.inbound.worker.chores import chores_of
from waardhaven.adapters.inbound.worker.process import WorkerProcess
from waardhaven.adapters.inbound.worker.workplace import Floor
from waardhaven.adapters.outbound.arq_queue.di import QueueSettings, connect
from waardhaven.application.jobs.drafts import new_draft
from waardhaven.application.jobs.params import integer
from waardhaven.application.jobs.registry import CHORES
from waardhaven.application.jobs.run_job import RunJob
from waardhaven.application.jobs.specs import ChoreSpec, JobSpec, JobTypes
from waardhaven.application.ports.job_queue import JobQueue
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.application.ports.jobs import Delivery, JobLedger, Workers
from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.settings import Settings
from waardhaven.bootstrap.worker import worker_config
from waardhaven.domain.events import IndexAccessChanged
from waardhaven.domain.identity.roles import SYSTEM, Permission, Principal
from waardhaven.domain.jobs.job import Job, JobState, Queue
from waardhaven.domain.types import JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class StepParams:
    """How many steps, and how long each takes."""

    steps: int = integer(0, minimum=0, maximum=10_000, doc="Steps.")
    milliseconds: int = integer(10, minimum=0, maximum=10_000, doc="Length of a step.")


@dataclass(frozen=True, slots=True)
class Stepping:
    """Goes step by step, and leaves one event with its success."""

    async def __call__(self, by: Principal, params: StepParams, run: JobRun) -> Outcome:
        for step in range(params.steps):
            run.progress("stepping", step, params.steps)
            await asyncio.sleep(params.milliseconds / 1000)

        async def effects(tx: Transaction) -> None:
            await tx.emit(IndexAccessChanged(index=run.job.int % 1_000_003))

        return Outcome(result={"steps": params.steps}, effects=effects)


@dataclass(frozen=True, slots=True)
class Empty:
    """Does nothing, and leaves nothing but its record."""

    async def __call__(self, by: Principal, params: StepParams, run: JobRun) -> Outcome:
        return Outcome(result={})


TYPES = JobTypes(
    tuple(
        JobSpec(name=name, use_case=kind, params=StepParams, permission=Permission.READ_INDICES, queue=queue)
        for name, kind, queue in (
            ("stepping", Stepping, Queue.INTERACTIVE),
            ("empty", Empty, Queue.INTERACTIVE),
            ("bulky", Empty, Queue.BULK),
        )
    )
)


class ToyJobs(Provider):
    """Replaces the types of jobs."""

    scope = Scope.REQUEST
    stepping = provide(Stepping)
    empty = provide(Empty)

    @provide(scope=Scope.APP, override=True)
    def types(self) -> JobTypes:
        return TYPES


@dataclass
class Plant:
    """A worker that can be started and stopped, and what its customers see."""

    container: AsyncContainer
    settings: Settings
    ledger: JobLedger
    queue: JobQueue
    workers: Workers
    uow: UnitOfWork
    running: "list[tuple[asyncio.Task[None], asyncio.Event]]" = field(default_factory=list)
    process: WorkerProcess | None = None

    async def submit(self, name: str = "empty", *, deliver: bool = True, **params: int) -> Delivery:
        draft = new_draft(TYPES.of(name), SYSTEM, params, at=datetime.now(UTC))
        async with self.uow() as tx:
            job = await tx.jobs.add(draft)
            await tx.commit()
        delivery = Delivery(job=job.id, number=job.delivery, queue=job.queue)
        if deliver:
            await self.queue.deliver([delivery])
        return delivery

    async def start(
        self, queues: tuple[Queue, ...] = tuple(Queue), *, chores: Sequence[ChoreSpec] = CHORES
    ) -> WorkerProcess:
        client = connect(await self.container.get(QueueSettings))
        config = worker_config(self.settings, queues)
        async with self.container() as scope:
            floor = Floor(self.container, await scope.get(RunJob), worker=config.id)
        self.process = process = WorkerProcess(
            client, config, floor=floor, workers=self.workers, chores=chores_of(self.container, chores)
        )
        stop = asyncio.Event()

        async def run() -> None:
            try:
                await process.run(stop)
            finally:
                await client.aclose(close_connection_pool=True)

        self.running.append((asyncio.create_task(run()), stop))
        async with asyncio.timeout(10):
            await process.listener.subscribed.wait()
        return process

    async def stop(self) -> None:
        """Stop the newest worker in order."""
        task, stop = self.running.pop()
        stop.set()
        async with asyncio.timeout(30):
            await task

    async def kill(self) -> None:
        """End the newest worker as a signal nobody handles does, as near as one process allows."""
        task, _ = self.running.pop()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def until(self, job: JobId, *states: JobState, seconds: float = 20) -> Job:
        async with asyncio.timeout(seconds):
            while (found := await self.ledger.get(job)).state not in states:
                await asyncio.sleep(0.01)
        return found


@asynccontextmanager
async def plant(
    database_url: str, valkey_url: str, *overrides: Provider, **changes: Any
) -> AsyncIterator[Plant]:
    """Lend a plant; its workers are stopped at the end."""
    plain: dict[str, Any] = {"database_url": database_url, "redis_url": valkey_url, "secret_key": SECRET}
    plain |= {"job_lease_seconds": 1.0, "job_grace_seconds": 0.3, "worker_drain_seconds": 5.0}
    settings = Settings(**(plain | changes))
    container = make_container(settings, ToyJobs(), *overrides)
    one = Plant(
        container=container,
        settings=settings,
        ledger=await container.get(JobLedger),
        queue=await container.get(JobQueue),
        workers=await container.get(Workers),
        uow=await container.get(UnitOfWork),
    )
    try:
        yield one
    finally:
        while one.running:
            await one.stop()
        await container.close()


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def a_worker_name() -> str:
    return f"a-worker-{secrets.token_hex(4)}"
