"""The worker process."""

import asyncio
import contextlib
import signal

import structlog
from dishka import AsyncContainer

from waardhaven.adapters.inbound.worker.runner import make_worker, run_worker
from waardhaven.adapters.outbound.arq_queue.di import QueueSettings, connect
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.reach import reach_database
from waardhaven.bootstrap.settings import Settings

log = structlog.get_logger()


async def work(settings: Settings) -> None:
    """Run jobs until SIGTERM or SIGINT; a running job is put back and run again by the next worker."""
    container = make_container(settings)
    try:
        running = asyncio.create_task(_work(container, settings), name="worker")
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, running.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await running
    finally:
        await container.close()


async def _work(container: AsyncContainer, settings: Settings) -> None:
    await reach_database(await container.get(Database), tries=settings.connect_tries)
    client = connect(await container.get(QueueSettings), retries=settings.connect_tries)
    try:
        log.info("worker started")
        await run_worker(make_worker(container, client))
    finally:
        await client.aclose()
