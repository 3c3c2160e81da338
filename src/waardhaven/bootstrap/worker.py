"""The worker process."""

import asyncio
import contextlib
import signal

import structlog

from waardhaven.adapters.inbound.worker.runner import make_worker
from waardhaven.adapters.outbound.arq_queue.di import QueueSettings, worker_client
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.reach import reach_database
from waardhaven.bootstrap.settings import Settings

log = structlog.get_logger()


async def work(settings: Settings) -> None:
    """Run jobs until SIGTERM or SIGINT; a running job is put back and run again by the next worker."""
    container = make_container(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await reach_database(await container.get(Database), tries=settings.connect_tries)
        client = worker_client(await container.get(QueueSettings))
        worker = make_worker(container, client)
        running = asyncio.create_task(worker.async_run(), name="arq worker")
        stopping = asyncio.create_task(stop.wait(), name="stop signal")
        log.info("worker started")
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not running.done():
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
        await worker.close()
        await client.aclose()
        if running.done() and not running.cancelled() and (error := running.exception()):
            raise error
    finally:
        await container.close()
