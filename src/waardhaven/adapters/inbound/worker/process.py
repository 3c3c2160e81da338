"""A worker process: queues, wake-ups, chores and heart-beats, until it is told to stop."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import structlog
from arq.connections import ArqRedis

from waardhaven.adapters.inbound.worker.chores import Chore
from waardhaven.adapters.inbound.worker.config import WorkerConfig
from waardhaven.adapters.inbound.worker.listener import Listener
from waardhaven.adapters.inbound.worker.queue_worker import QueueWorker
from waardhaven.adapters.inbound.worker.workplace import Floor
from waardhaven.application.ports.jobs import Workers
from waardhaven.domain.errors import Unavailable

BEAT_SECONDS = 5.0
PUT_BACK_SECONDS = 5.0
"""How long work that has to end may take to end, and to be put back."""
LET_GO_SECONDS = 1.0
GOODBYE_SECONDS = 2.0
log = structlog.get_logger()


class WorkerProcess:
    """Everything one process does. Nothing that is away ends it."""

    def __init__(
        self,
        client: ArqRedis,
        config: WorkerConfig,
        *,
        floor: Floor,
        workers: Workers,
        chores: Sequence[Chore],
    ) -> None:
        self._config = config
        self._floor = floor
        self._workers = workers
        self.queues = {
            one: QueueWorker(
                client,
                queue=config.names.queues[one],
                function=config.names.function,
                concurrency=config.concurrency,
                handle=partial(floor.handle, one),
            )
            for one in config.queues
        }
        self.listener = Listener(
            client,
            config.names,
            wake={name: queue.wake for name, queue in self.queues.items()},
            nudge=floor.nudge,
        )
        beat = Chore(name="worker_beat", work=self._beat, every=BEAT_SECONDS, timeout=BEAT_SECONDS)
        self._chores = [beat, *chores]

    @property
    def running(self) -> int:
        """How many jobs run."""
        return sum(one.running for one in self.queues.values())

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then drain: at most the time of draining and a few seconds.

        Cancelled, it lets go of everything at once: jobs are taken back when their leases expire.
        """
        aside = [self.listener.run(), *(one.run() for one in self._chores)]
        try:
            async with _beside(aside), _beside([one.main() for one in self.queues.values()]):
                log.info("worker started", worker=self._config.id, queues=[str(one) for one in self.queues])
                await stop.wait()
                await self._drain()
        finally:
            await self._let_go()
        await self._say_goodbye()

    async def _drain(self) -> None:
        for one in self.queues.values():
            one.drain()
        log.info("worker drains", running=self.running)
        if await self._idle(self._config.drain):
            return
        self._floor.close()
        if await self._idle(PUT_BACK_SECONDS):
            return
        log.warning("jobs did not end; they are taken back when their leases expire", running=self.running)

    async def _let_go(self) -> None:
        self._floor.abandon()
        if tasks := [task for one in self.queues.values() for task in one.tasks.values()]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=LET_GO_SECONDS)

    async def _idle(self, seconds: float) -> bool:
        """Wait at most so long until no job runs; return whether none does."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while tasks := [task for one in self.queues.values() for task in one.tasks.values()]:
                    await asyncio.wait(tasks)
        return self.running == 0

    async def _beat(self, *, ended: bool = False) -> None:
        await self._workers.beat(
            self._config.id,
            queues=self._config.queues,
            concurrency=self._config.concurrency * len(self.queues),
            running=self.running,
            ended=ended,
        )

    async def _say_goodbye(self) -> None:
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._beat(ended=True)
        log.info("worker stopped", worker=self._config.id)


@asynccontextmanager
async def _beside(work: Sequence[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run coroutines beside the block, and end them with it."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
