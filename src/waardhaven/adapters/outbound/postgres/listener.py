"""One LISTEN connection for each thing a process has to hear of at once."""

import asyncio
import contextlib
from abc import ABC, abstractmethod

import asyncpg
import structlog

from waardhaven.adapters.outbound.postgres.engine import Connection, Database

log = structlog.get_logger()

LAST_SECONDS = 1.0
"""How long a question under way may take when listening ends: cancelling one costs a connection."""


class Listener(ABC):
    """Follows a channel while its connection is alive and answering; else it tells that it does not know.

    A connection that dies is noticed at once; one that only stays silent is noticed by reading anew
    every ``heartbeat`` seconds.
    """

    channel: str

    def __init__(self, database: Database, *, heartbeat: float = 1.0, retry: float = 0.5) -> None:
        self._database = database
        self._heartbeat = heartbeat
        self._retry = retry
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._lost = False
        self._stopping = False

    @abstractmethod
    async def _refresh(self, connection: Connection, *, first: bool) -> None:
        """Read what is known from the database; ``first``: on a new connection."""

    @abstractmethod
    def _forget(self) -> None:
        """Know nothing any more: the connection is lost, or listening ends."""

    def _noticed(self, payload: str) -> bool:
        """Take a notice in; return whether the database has to be read."""
        del payload
        return True

    async def start(self) -> None:
        """Begin to listen in the background; returns at once."""
        self._stopping = False
        self._task = asyncio.create_task(self._listen(), name=f"{self.channel} listener")

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._stopping = True
            self._woken.set()
            await asyncio.wait({self._task}, timeout=LAST_SECONDS)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._forget()

    async def _listen(self) -> None:
        while not self._stopping:
            try:
                await self._listen_once()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("listener lost", channel=self.channel, error=type(error).__name__)
            finally:
                self._forget()
            await self._pause(self._retry)

    async def _listen_once(self) -> None:
        self._lost = False
        if not self._stopping:
            self._woken.clear()
        connection = await asyncpg.connect(self._database.dsn, timeout=5, command_timeout=5)
        try:
            connection.add_termination_listener(self._on_lost)
            await connection.add_listener(self.channel, self._on_notice)
            await self._refresh(connection, first=True)
            while not (self._lost or self._stopping):
                await self._pause(self._heartbeat)
                self._woken.clear()
                if not (self._lost or self._stopping):
                    async with asyncio.timeout(self._heartbeat):
                        await self._refresh(connection, first=False)
        finally:
            self._forget()
            connection.terminate()

    async def _pause(self, seconds: float) -> None:
        """Wait until woken, at most so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)

    def _on_lost(self, _connection: object) -> None:
        self._lost = True
        self._forget()
        self._woken.set()

    def _on_notice(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if self._noticed(str(payload)):
            self._woken.set()
