"""The API process: uvicorn on a socket that is bound before anything else starts."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import structlog
import uvicorn
from dishka import AsyncContainer
from litestar import Litestar

from waardhaven.adapters.inbound.http.app import create_app
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.ports.generation import Generation
from waardhaven.application.ports.revocations import Revocations
from waardhaven.bootstrap.bounded_protocol import BoundedProtocol
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.live_server import (
    LARGEST_MESSAGE,
    PING_SECONDS,
    BoundedWebSocket,
    LiveServer,
)
from waardhaven.bootstrap.reach import reach_database
from waardhaven.bootstrap.settings import InvalidSettings, Settings, listed
from waardhaven.domain.errors import FieldError, Unavailable

BACKLOG = 2048
log = structlog.get_logger()


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; raise InvalidSettings with one clear line when it can not be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _refused(host, port, error) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise _refused(host, port, error) from error
    bound.set_inheritable(True)
    return bound


def _refused(host: str, port: int, error: OSError | UnicodeError) -> InvalidSettings:
    reason = error.strerror if isinstance(error, OSError) else "not a host name"
    return InvalidSettings(
        f"Can not listen on {host}:{port} ({reason}). Choose another with --port or PORT.",
        errors=[FieldError(field="PORT", rule="must be free and allowed")],
    )


async def serve(settings: Settings, bound: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT. ``settings`` has every address set."""
    async with _application(settings) as (app, waiting):
        config = uvicorn.Config(
            app,
            loop="none",
            http=BoundedProtocol,
            ws=BoundedWebSocket,
            ws_max_size=LARGEST_MESSAGE,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            ws_per_message_deflate=False,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=trusted_hosts(settings.trusted_proxies),
            timeout_graceful_shutdown=int(settings.shutdown_timeout),
            backlog=BACKLOG,
        )
        server = LiveServer(config, app.state.hub.close)
        _outlive_signals()
        waiting.add_done_callback(lambda task: _end_when_failed(task, server))
        await server.serve(sockets=[bound])


def trusted_hosts(proxies: str) -> list[str]:
    """Return the networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed.

    A socket for both families shows IPv4 peers in their IPv6 form, so that form is trusted too.
    """
    networks = [ip_network(one, strict=False) for one in listed(proxies)]
    mapped = [f"::ffff:{one[0]}/{96 + one.prefixlen}" for one in networks if one.version == 4]
    return [*map(str, networks), *mapped]


def _outlive_signals() -> None:
    """Handle the signals that uvicorn raises again when it has stopped, so that clean-up follows."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, lambda: None)


def _end_when_failed(task: "asyncio.Task[None]", server: uvicorn.Server) -> None:
    if not task.cancelled() and task.exception() is not None:
        server.should_exit = True


@asynccontextmanager
async def _application(settings: Settings) -> AsyncIterator[tuple[Litestar, "asyncio.Task[None]"]]:
    """Lend the application and the task that reaches the database, whose error ends the block."""
    container = make_container(settings)
    try:
        waiting = asyncio.create_task(_get_ready(container, settings), name="reach database")
        try:
            yield create_app(container, await container.get(HttpConfig)), waiting
        finally:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting
    finally:
        await container.close()


async def _get_ready(container: AsyncContainer, settings: Settings) -> None:
    """Reach the database in the background, then begin to listen for commits."""
    try:
        await reach_database(
            await container.get(Database),
            tries=settings.connect_tries,
            tell=lambda line: log.warning("database not reachable", detail=line),
        )
        await container.get(Generation)
        await container.get(Revocations)
    except Unavailable as error:
        log.critical("giving up on the database; readiness stays 503", reason=error.message)
