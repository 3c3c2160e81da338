"""``waardhaven up``: servers, schema, sample market, index, API and worker, until told to stop."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from rich.console import Console

from waardhaven.adapters.outbound.embedded import Command, ProcessSpec, SupervisedProcess
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.http import bind
from waardhaven.bootstrap.prepare import Prepared, prepare
from waardhaven.bootstrap.progress import Steps
from waardhaven.bootstrap.servers import connected
from waardhaven.bootstrap.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """What the command line chose."""

    sample: bool = True
    worker: bool = True


async def up(settings: Settings, options: UpOptions, console: Console) -> None:
    """Run everything until SIGINT or SIGTERM; raise when a part can not be kept alive."""
    stop = _stop_event()
    bound = bind(settings.host, settings.port)
    async with AsyncExitStack() as stack:
        stack.callback(bound.close)
        steps = stack.enter_context(Steps(console))
        starting = asyncio.create_task(_start(stack, steps, settings, options, bound))
        await _first({starting}, stop)
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
            return
        guards, prepared = starting.result()
        steps.finish()
        _announce(console, bound, prepared)
        await _first({asyncio.ensure_future(one) for one in guards}, stop)


async def _start(
    stack: AsyncExitStack, steps: Steps, settings: Settings, options: UpOptions, bound: socket.socket
) -> tuple[list[Awaitable[None]], Prepared]:
    steps.show("servers", 0, 1)
    reachable, servers = await stack.enter_async_context(connected(settings, tell=steps.note))
    api = SupervisedProcess(_api(settings, bound), steps.note)
    children = [api]
    if options.worker:
        children.append(SupervisedProcess(_worker(settings), steps.note))
    for child in children:
        stack.push_async_callback(child.stop)
    container = make_container(reachable)
    try:
        _, prepared = await asyncio.gather(
            api.start(),
            prepare(
                container, tries=reachable.connect_tries, sample=options.sample, progress=steps.show
            ),
        )
    finally:
        await container.close()
    for child in children[1:]:
        await child.start()
    guards = [child.failed() for child in children]
    return (guards if servers is None else [*guards, servers.failed()]), prepared


def _environment(settings: Settings) -> dict[str, str]:
    """Return our environment for a child, which finds private servers through the state file."""
    return {**os.environ, "DATA_DIR": str(settings.data_dir.absolute())}


def _api(settings: Settings, bound: socket.socket) -> ProcessSpec:
    async def answers() -> bool:
        return await _is_alive(bound)

    argv = (sys.executable, "-m", "waardhaven", "serve", "--fd", str(bound.fileno()))
    return ProcessSpec(
        name="api",
        command=Command(argv=argv, env=_environment(settings), pass_fds=(bound.fileno(),)),
        ready=answers,
        start_timeout=60.0,
        stop_timeout=settings.shutdown_timeout + 5.0,
    )


def _worker(settings: Settings) -> ProcessSpec:
    argv = (sys.executable, "-m", "waardhaven", "worker")
    return ProcessSpec(name="worker", command=Command(argv=argv, env=_environment(settings)))


async def _is_alive(bound: socket.socket) -> bool:
    """Tell whether ``/health`` answers 200 on the socket the API listens on."""
    host, port = bound.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 2)
    try:
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        line = await asyncio.wait_for(reader.readline(), 30)
    finally:
        writer.close()
    return b" 200 " in line


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _first(tasks: Iterable[asyncio.Future[object]], stop: asyncio.Event) -> None:
    """Return at the stop signal or when a task ends; raise what it raised."""
    stopping = asyncio.ensure_future(stop.wait())
    pending = set(tasks)
    try:
        done, _ = await asyncio.wait({*pending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for one in done - {stopping}:
            one.result()
    finally:
        stopping.cancel()
        if stop.is_set():
            for one in pending:
                one.cancel()


def _announce(console: Console, bound: socket.socket, prepared: Prepared) -> None:
    host, port = bound.getsockname()[:2]
    console.print(f"[bold]Waardhaven AutoIndex[/] is ready at [bold cyan]http://{host}:{port}[/]")
    if prepared.last_day is None:
        console.print("No index is published yet.")
    else:
        console.print(f"autoindex stood at {prepared.level:,.6f} on {prepared.last_day}.")
    if prepared.administrator is not None:
        made = prepared.administrator
        console.print(
            f"Administrator [bold]{made.email}[/] with password [bold]{made.password}[/] "
            "(shown this once: keep it now).",
            highlight=False,
        )
    console.print(f"API pages: http://{host}:{port}/docs   Stop with Ctrl-C.")
