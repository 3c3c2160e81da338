"""Jobs with their durable record beside plain arq on the same Valkey, in one run.

    python -m benchmarks jobs

The worker is a process of its own, with the chores of the registry and the settings of production; plain
arq is its own worker with the same number of jobs at once, an empty function and no record anywhere but
in Valkey, once polling as often as it does by default and once as often as it takes to be quick. Start:
from handing the message over to the first line of the work. Empty jobs a second: all are submitted
beforehand; ours are counted by the instants of the ledger, arq's by what is left in its queue.
"""

import asyncio
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, cast

import psutil
from arq import func
from arq.worker import Worker
from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.arq_queue.di import QueueSettings, connect
from waardhaven.adapters.outbound.embedded import EmbeddedServers
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.migrations import migrate
from waardhaven.application.jobs.drafts import new_draft
from waardhaven.application.jobs.specs import JobSpec, JobTypes
from waardhaven.application.ports.job_queue import JobQueue
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.application.ports.jobs import Delivery, JobLedger
from waardhaven.application.ports.progress import ProgressStream
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.logging import configure_logging
from waardhaven.bootstrap.loop import run_fast
from waardhaven.bootstrap.servers import POOL
from waardhaven.bootstrap.settings import Settings
from waardhaven.bootstrap.worker import work
from waardhaven.domain.identity.roles import SYSTEM, Permission, Principal

STARTS, EMPTY_JOBS, TOLD, IDLE_SECONDS = 200, 2_000, 100, 15.0
TARGETS = {"start": 15.0, "rate": 300.0, "progress": 20.0, "idle": 5.0}
ARQ_QUEUE, ARQ_STARTS = "bench:arq", "bench:starts"
SECRET = "a secret key for benchmarks, 32 chars"


@dataclass(frozen=True, slots=True)
class NoParams:
    """Nothing to say."""


@dataclass(frozen=True, slots=True)
class Empty:
    """Does nothing but say when it began."""

    async def __call__(self, _by: Principal, _params: NoParams, _run: JobRun) -> Outcome:
        return Outcome(result={"began": time.monotonic()})


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells its progress with the instant at which it does."""

    async def __call__(self, _by: Principal, _params: NoParams, run: JobRun) -> Outcome:
        for step in range(TOLD):
            run.progress("telling", step, TOLD, repr(time.monotonic()))
            await asyncio.sleep(0.06)
        return Outcome(result={})


TYPES = JobTypes(
    tuple(
        JobSpec(name=name, use_case=kind, params=NoParams, permission=Permission.READ_INDICES)
        for name, kind in (("empty", Empty), ("telling", Telling))
    )
)


class BenchJobs(Provider):
    """Replaces the types of jobs."""

    scope = Scope.REQUEST
    empty = provide(Empty)
    telling = provide(Telling)

    @provide(scope=Scope.APP, override=True)
    def types(self) -> JobTypes:
        return TYPES


def our_worker(settings: Settings, profile: str | None = None) -> None:
    """Be the worker process; write a profile when asked to."""
    configure_logging("WARNING", process="worker")
    if profile is None:
        run_fast(work(settings, overrides=(BenchJobs(),)))
        return
    import cProfile

    with cProfile.Profile() as found:
        run_fast(work(settings, overrides=(BenchJobs(),)))
    found.dump_stats(profile)


def arq_worker(url: str, concurrency: int, poll: float) -> None:
    """Be plain arq."""

    async def nothing(_: dict[str, Any]) -> None:
        """Do nothing."""

    async def began(context: dict[str, Any], asked: float) -> None:
        await context["redis"].rpush(ARQ_STARTS, repr(time.monotonic() - asked))

    async def run() -> None:
        client = connect(QueueSettings(url=url))
        worker = Worker(
            functions=[func(cast("Any", nothing), name="nothing"), func(cast("Any", began), name="began")],
            queue_name=ARQ_QUEUE,
            redis_pool=client,
            max_jobs=concurrency,
            poll_delay=poll,
            keep_result=0,
            handle_signals=False,
            log_results=False,
            job_serializer=client.job_serializer,
            job_deserializer=client.job_deserializer,
        )
        await worker.async_run()

    configure_logging("WARNING", process="arq")
    run_fast(run())


@asynccontextmanager
async def process(target: Callable[..., None], *args: object) -> AsyncIterator[BaseProcess]:
    """Run a function in a process of its own while the block runs."""
    child = multiprocessing.get_context("spawn").Process(target=target, args=args)
    child.start()
    try:
        yield child
    finally:
        child.terminate()
        await asyncio.to_thread(child.join, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The parts of the house that the client needs."""

    settings: Settings
    uow: UnitOfWork
    queue: JobQueue
    ledger: JobLedger
    stream: ProgressStream
    database: Database

    async def submit(self, name: str, count: int = 1) -> list[Delivery]:
        async with self.uow() as tx:
            jobs = [
                await tx.jobs.add(new_draft(TYPES.of(name), SYSTEM, {}, at=datetime.now(UTC)))
                for _ in range(count)
            ]
            await tx.commit()
        return [Delivery(job=one.id, number=one.delivery, queue=one.queue) for one in jobs]

    async def finished(self, delivery: Delivery) -> dict[str, Any]:
        async with asyncio.timeout(30):
            while not (job := await self.ledger.get(delivery.job)).state.is_terminal:
                await asyncio.sleep(0.005)
        return dict(job.result or {})

    async def starts(self) -> list[float]:
        """Return the seconds from delivering to beginning, one job at a time."""
        found = []
        for _ in range(STARTS):
            (delivery,) = await self.submit("empty")
            asked = time.monotonic()
            await self.queue.deliver([delivery])
            found.append((await self.finished(delivery))["began"] - asked)
        return found

    async def told(self) -> list[float]:
        """Return the seconds from telling progress to reading it."""
        cursor, found = await self.stream.newest(), list[float]()
        (delivery,) = await self.submit("telling")
        await self.queue.deliver([delivery])
        while len(found) < TOLD - 2:
            for one in await self.stream.since(cursor, limit=100, wait_seconds=1.0):
                found.append(time.monotonic() - float(one.progress.message))
                cursor = one.cursor
        await self.finished(delivery)
        return found

    async def rate(self, deliveries: Sequence[Delivery]) -> float:
        """Return how many of these jobs were done a second, once they are."""
        ids = [one.job for one in deliveries]
        query = (
            "SELECT count(*) FILTER (WHERE state = 'succeeded') AS done,"
            " extract(epoch FROM max(finished_at) - min(started_at))::float AS seconds"
            " FROM job WHERE id = ANY($1)"
        )
        async with asyncio.timeout(120):
            while True:
                async with self.database.acquire() as connection:
                    row = await connection.fetchrow(query, ids)
                if row["done"] == len(ids):
                    return len(ids) / float(row["seconds"])
                await asyncio.sleep(0.25)


async def arq_starts(url: str) -> list[float]:
    """Return plain arq's seconds from enqueuing to the first line."""
    client = connect(QueueSettings(url=url))
    await client.delete(ARQ_STARTS)
    for n in range(STARTS):
        await client.enqueue_job("began", time.monotonic(), _queue_name=ARQ_QUEUE)
        async with asyncio.timeout(30):
            while await client.llen(ARQ_STARTS) <= n:  # type: ignore[misc]  # a client for both kinds of code
                await asyncio.sleep(0.005)
    found = await client.lrange(ARQ_STARTS, 0, -1)  # type: ignore[misc]
    await client.aclose(close_connection_pool=True)
    return [float(one) for one in found]


async def arq_rate(url: str, start: Callable[[], Any]) -> float:
    """Return how many empty jobs plain arq does a second."""
    client = connect(QueueSettings(url=url))
    for _ in range(EMPTY_JOBS):
        await client.enqueue_job("nothing", _queue_name=ARQ_QUEUE)
    async with start():
        async with asyncio.timeout(120):
            while (left := await client.zcard(ARQ_QUEUE)) == EMPTY_JOBS:
                await asyncio.sleep(0.005)
            began = time.monotonic()
            counted = left
            while await client.zcard(ARQ_QUEUE):
                await asyncio.sleep(0.02)
        rate: float = counted / (time.monotonic() - began)
    await client.aclose(close_connection_pool=True)
    return rate


async def idle(child: BaseProcess) -> float:
    """Return the share of a core that a process takes while it has nothing to do, in per cent."""
    one = psutil.Process(child.pid)
    await asyncio.sleep(2.0)
    before, began = sum(one.cpu_times()[:2]), time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    used: float = sum(one.cpu_times()[:2]) - before
    return 100 * used / (time.monotonic() - began)


@asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    """Start servers on fresh data and lend the bench."""
    async with EmbeddedServers(folder / "data") as endpoints:
        settings = Settings(
            database_url=endpoints.database_url,
            redis_url=endpoints.redis_url,
            secret_key=SECRET,
            data_dir=folder / "own",
            database_pool_size=POOL[0],
            database_max_overflow=POOL[1],
        )
        container = make_container(settings, BenchJobs())
        database = await container.get(Database)
        await migrate(database)
        yield Bench(
            settings=settings,
            uow=await container.get(UnitOfWork),
            queue=await container.get(JobQueue),
            ledger=await container.get(JobLedger),
            stream=await container.get(ProgressStream),
            database=database,
        )
        await container.close()


async def measure(profile: str | None = None) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="wh-bench-") as folder:
        async with bench(Path(folder)) as one:
            url, concurrency = one.settings.redis_url or "", one.settings.worker_concurrency
            print(f"{STARTS} starts, {EMPTY_JOBS} empty jobs, {concurrency} at once")
            async with process(our_worker, one.settings) as child:
                (first,) = await one.submit("empty")
                await one.queue.deliver([first])
                await one.finished(first)
                _times("ours: enqueue to start", await one.starts(), TARGETS["start"])
                _times("ours: progress to its reader", await one.told(), TARGETS["progress"])
                share = await idle(child)
                _figure("ours: idle worker, share of a core", f"{share:8.1f} %", TARGETS["idle"])
            deliveries = await one.submit("empty", EMPTY_JOBS)
            await one.queue.deliver(deliveries)
            async with process(our_worker, one.settings, profile):
                rate = await one.rate(deliveries)
            _figure("ours: empty jobs with their record", f"{rate:8.0f} /s", TARGETS["rate"])
            for poll in (0.5, 0.02):
                await _beside(url, concurrency, poll)


async def _beside(url: str, concurrency: int, poll: float) -> None:
    async with process(arq_worker, url, concurrency, poll):
        _times(f"plain arq, poll {poll:g}: enqueue to start", await arq_starts(url), None)
    rate = await arq_rate(url, lambda: process(arq_worker, url, concurrency, poll))
    _figure(f"plain arq, poll {poll:g}: empty jobs", f"{rate:8.0f} /s")


def _times(name: str, seconds: Sequence[float], target: float | None) -> None:
    p50, p95 = 1e3 * statistics.median(seconds), 1e3 * statistics.quantiles(seconds, n=20)[-1]
    _figure(name, f"{p50:8.1f} ms p50 {p95:7.1f} ms p95", target)


def _figure(name: str, text: str, target: float | None = None) -> None:
    aim = "" if target is None else f"target {target:g}"
    print(f"{name:44} {text:32} {aim}", flush=True)


def main(arguments: list[str]) -> None:
    """Run; an argument names a file for the profile of our worker."""
    asyncio.run(measure(arguments[0] if arguments else None))


if __name__ == "__main__":
    main(sys.argv[1:])
