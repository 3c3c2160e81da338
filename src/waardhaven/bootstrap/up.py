"""``waardhaven up``: servers, schema, sample market, index, API and worker, until told to stop."""

import asyncio
import signal
import socket
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from waardhaven.adapters.outbound.embedded import EmbeddedServers, ProcessSpec, SupervisedProcess
from waardhaven.adapters.outbound.embedded.logs import rotate
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.bootstrap.children import own_command
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.http import bind
from waardhaven.bootstrap.prepare import Prepared, begin_refresh, prepare
from waardhaven.bootstrap.progress import Steps
from waardhaven.bootstrap.reach import require_access
from waardhaven.bootstrap.servers import connected
from waardhaven.bootstrap.settings import Settings

T = TypeVar("T")
PROBE_SECONDS = 1.0
"""Shorter than a start: a child that ends before it answers is noticed after at most this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """What the command line chose."""

    sample: bool = True
    worker: bool = True


async def up(settings: Settings, options: UpOptions, console: Console) -> None:
    """Run everything until SIGINT or SIGTERM; raise when a part can not be kept alive."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stopping = asyncio.create_task(stop.wait(), name="stop signal")
    bound = bind(settings.host, settings.port)
    try:
        with Steps(console) as steps, suppress(asyncio.CancelledError):
            await _unless(stopping, _run(settings, options, bound, steps))
    finally:
        stopping.cancel()
        bound.close()


async def _run(settings: Settings, options: UpOptions, bound: socket.socket, steps: Steps) -> None:
    async with AsyncExitStack() as stack:
        steps.show("servers", 0, 1)
        reachable, servers = await stack.enter_async_context(
            connected(settings, tell=steps.note, share=False)
        )
        container = make_container(reachable)
        stack.push_async_callback(container.close)
        await require_access(await container.get(Database))
        logs = None if servers is None else settings.data_dir / "logs"
        api = SupervisedProcess(_api(settings, bound, _log(logs, "api")), steps.note)
        worker = SupervisedProcess(_worker(settings, _log(logs, "worker")), steps.note)
        stack.push_async_callback(_stop, api, worker)
        lost = _watch(servers, api, worker)
        stack.callback(lost.cancel)
        work = prepare(container, tries=reachable.connect_tries, sample=options.sample, progress=steps.show)
        prepared = await _unless(lost, _beside(api.start(), work))
        _tell_password(steps, prepared)
        if options.worker:
            await worker.start()
        refreshing = not settings.skip_startup_refresh and await begin_refresh(container)
        _announce(steps, bound, prepared)
        if refreshing:
            steps.say("Market data is being refreshed: `waardhaven jobs list` tells how far it is.")
        await lost


def _watch(servers: EmbeddedServers | None, *children: SupervisedProcess) -> "asyncio.Task[Any]":
    """Return a task that raises as soon as a server or child can not be brought back."""

    async def watch() -> None:
        waits = [child.failed() for child in children]
        await asyncio.gather(*waits, *([] if servers is None else [servers.failed()]))

    task = asyncio.create_task(watch(), name="watch")
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


async def _unless(ending: "asyncio.Task[Any]", work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` returns; give it up when ``ending`` ends, and raise what that raised."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            ending.result()
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _beside(other: Coroutine[Any, Any, None], work: Coroutine[Any, Any, T]) -> T:
    """Await both and return what ``work`` returns; when one fails, end the other and raise."""
    tasks = asyncio.ensure_future(work), asyncio.ensure_future(other)
    try:
        return (await asyncio.gather(*tasks))[0]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _stop(*children: SupervisedProcess) -> None:
    await asyncio.gather(*(child.stop() for child in children))


def _log(folder: Path | None, name: str) -> Path | None:
    """Return where a child writes its log: beside those of the private servers, else where we do."""
    if folder is None:
        return None
    log = folder / f"{name}.log"
    rotate(log)
    return log.absolute()


def _api(settings: Settings, bound: socket.socket, log: Path | None) -> ProcessSpec:
    async def answers() -> bool:
        return await _is_alive(bound)

    fd = bound.fileno()
    return ProcessSpec(
        name="api",
        command=own_command(settings, "serve", "--fd", str(fd), log=log, pass_fds=(fd,)),
        ready=answers,
        start_timeout=60.0,
        stop_timeout=settings.shutdown_timeout + 5.0,
    )


def _worker(settings: Settings, log: Path | None) -> ProcessSpec:
    # After draining: seconds to put jobs back, to say goodbye and to close.
    timeout = settings.worker_drain_seconds + 15.0
    return ProcessSpec(name="worker", command=own_command(settings, "worker", log=log), stop_timeout=timeout)


async def _is_alive(bound: socket.socket) -> bool:
    """Tell whether ``/health`` answers 200 on the socket the API listens on."""
    host, port = bound.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    async with asyncio.timeout(PROBE_SECONDS):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            line = await reader.readline()
        finally:
            writer.close()
    return b" 200 " in line


def _tell_password(steps: Steps, prepared: Prepared) -> None:
    """Show a new administrator's password at once: nothing that fails later may cost it."""
    if prepared.administrator is not None:
        made = prepared.administrator
        steps.say(
            f"Administrator [bold]{made.email}[/] with password [bold]{made.password}[/] "
            "(shown this once: keep it now)."
        )


def _announce(steps: Steps, bound: socket.socket, prepared: Prepared) -> None:
    host, port = bound.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    steps.finish()
    if prepared.last_day is None:
        steps.say("No index is published yet.")
    else:
        steps.say(f"autoindex stood at {prepared.level:,.6f} on {prepared.last_day}.")
    steps.say(f"[bold]Waardhaven AutoIndex[/] is ready at [bold cyan]{url}[/]")
    steps.say(f"API pages: {url}/docs   Stop with Ctrl-C.")
