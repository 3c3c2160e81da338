"""PostgresGeneration: one LISTEN connection a process tells when cached answers end."""

import asyncio
import contextlib
from collections.abc import Callable

import asyncpg
import structlog

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.ports.generation import Generation

CHANNEL = "waardhaven_generation"
_READ = "SELECT value FROM generation"
log = structlog.get_logger()


class PostgresGeneration(Generation):
    """Knows the generation while its connection is alive and answering; else it does not know.

    A connection that dies is noticed at once; one that only stays silent is noticed by a ping every
    ``heartbeat`` seconds, and until the first answer on a new connection ``known`` is None.
    """

    def __init__(self, database: Database, *, heartbeat: float = 1.0, retry: float = 0.5) -> None:
        self._database = database
        self._heartbeat = heartbeat
        self._retry = retry
        self._known: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self.on_change: Callable[[int], None] | None = None

    def known(self) -> int | None:
        """See Generation."""
        return self._known

    async def read(self) -> int:
        """See Generation."""
        async with self._database.acquire() as connection:
            return int(await connection.fetchval(_READ))

    async def start(self) -> None:
        """Begin to listen in the background; returns at once."""
        self._task = asyncio.create_task(self._listen(), name="generation-listener")

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._known = None

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("generation listener lost", error=type(error).__name__)
            finally:
                self._known = None
            await asyncio.sleep(self._retry)

    async def _listen_once(self) -> None:
        self._lost.clear()
        dsn = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await asyncpg.connect(dsn, timeout=5, command_timeout=5)
        try:
            connection.add_termination_listener(self._on_lost)
            await connection.add_listener(CHANNEL, self._on_notice)
            self._advance(int(await connection.fetchval(_READ)))
            while not self._lost.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._lost.wait(), self._heartbeat)
                if not self._lost.is_set():
                    self._advance(int(await connection.fetchval(_READ, timeout=self._heartbeat)))
        finally:
            self._known = None
            connection.terminate()

    def _on_lost(self, _connection: object) -> None:
        self._known = None
        self._lost.set()

    def _on_notice(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._advance(int(str(payload)))

    def _advance(self, value: int) -> None:
        if self._known is None or value > self._known:
            self._known = value
            if self.on_change is not None:
                self.on_change(value)
