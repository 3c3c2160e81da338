"""Several API processes on one socket, each kept alive."""

import asyncio
import signal
import socket

from waardhaven.adapters.outbound.embedded import ProcessSpec, SupervisedProcess
from waardhaven.bootstrap.children import own_command
from waardhaven.bootstrap.servers import connected
from waardhaven.bootstrap.settings import Settings


async def serve_many(settings: Settings, bound: socket.socket, workers: int) -> None:
    """Serve with ``workers`` processes until SIGTERM or SIGINT; raise when one can not be kept alive."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with connected(settings) as (_, servers):
        children = [_child(settings, bound, number) for number in range(1, workers + 1)]
        try:
            await asyncio.gather(*(child.start() for child in children))
            waits = [child.failed() for child in children] + ([servers.failed()] if servers else [])
            guards = [asyncio.ensure_future(one) for one in waits]
            stopping = asyncio.ensure_future(stop.wait())
            done, pending = await asyncio.wait({*guards, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for one in pending:
                one.cancel()
            for one in done:
                one.result()
        finally:
            await asyncio.gather(*(child.stop() for child in children))


def _child(settings: Settings, bound: socket.socket, number: int) -> SupervisedProcess:
    fd = bound.fileno()
    return SupervisedProcess(
        ProcessSpec(
            name=f"api {number}",
            command=own_command(settings, "serve", "--fd", str(fd), pass_fds=(fd,)),
            stop_timeout=settings.shutdown_timeout + 5.0,
        )
    )
