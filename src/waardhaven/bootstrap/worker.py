"""The worker process."""

import asyncio
import os
import secrets
import signal
import socket
from contextlib import suppress

import structlog
from dishka import AsyncContainer, Provider

from waardhaven.adapters.inbound.worker.chores import chores_of
from waardhaven.adapters.inbound.worker.config import Names, WorkerConfig
from waardhaven.adapters.inbound.worker.process import WorkerProcess
from waardhaven.adapters.inbound.worker.workplace import Floor
from waardhaven.adapters.outbound.arq_queue.di import QueueSettings, connect
from waardhaven.adapters.outbound.arq_queue.names import FUNCTION, NUDGES, QUEUES, WAKES
from waardhaven.adapters.outbound.compute_pool.di import ProcessPoolProvider
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.jobs.registry import CHORES
from waardhaven.application.jobs.run_job import RunJob
from waardhaven.application.ports.jobs import Workers
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.reach import reach_database
from waardhaven.bootstrap.settings import InvalidSettings, Settings, listed
from waardhaven.domain.jobs.job import Queue

CLOSE_SECONDS = 5.0
log = structlog.get_logger()
NAMES = Names(function=FUNCTION, queues=QUEUES, wakes=WAKES, nudges=NUDGES)


def known_queues(text: str) -> tuple[Queue, ...]:
    """Return the queues named in a comma-separated list; raise InvalidSettings."""
    names = listed(text)
    if not names or set(names) - set(Queue):
        raise InvalidSettings(f"--queues must name {' and '.join(Queue)}, by commas.")
    return tuple(one for one in Queue if one in names)


async def work(
    settings: Settings, queues: tuple[Queue, ...] = tuple(Queue), *, overrides: tuple[Provider, ...] = ()
) -> None:
    """Run jobs and chores until SIGTERM or SIGINT, then drain; a second signal ends at once."""
    container = make_container(settings, ProcessPoolProvider(), *overrides)
    stop = asyncio.Event()
    try:
        running = asyncio.create_task(_work(container, settings, queues, stop), name="worker")
        loop = asyncio.get_running_loop()

        def told() -> None:
            if stop.is_set():
                running.cancel()
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told)
        with suppress(asyncio.CancelledError):
            await running
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await container.close()


async def _work(
    container: AsyncContainer, settings: Settings, queues: tuple[Queue, ...], stop: asyncio.Event
) -> None:
    database = await container.get(Database)
    reached = asyncio.create_task(reach_database(database, tries=settings.connect_tries, tell=_tell))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({reached, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not reached.done():
        reached.cancel()
        return
    await reached
    client = connect(await container.get(QueueSettings))
    try:
        async with container() as scope:
            config = worker_config(settings, queues)
            process = WorkerProcess(
                client,
                config,
                floor=Floor(container, await scope.get(RunJob), worker=config.id),
                workers=await scope.get(Workers),
                chores=chores_of(container, CHORES),
            )
            await process.run(stop)
    finally:
        await client.aclose(close_connection_pool=True)


def _tell(line: str) -> None:
    log.warning("database not reachable", detail=line)


def worker_config(settings: Settings, queues: tuple[Queue, ...]) -> WorkerConfig:
    """Return what a worker process is told, with an id of its own."""
    return WorkerConfig(
        id=f"{socket.gethostname()[:80]}:{os.getpid()}:{secrets.token_hex(4)}",
        names=NAMES,
        queues=queues,
        concurrency=settings.worker_concurrency,
        drain=settings.worker_drain_seconds,
    )
