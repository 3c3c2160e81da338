"""Hears that messages came and that somebody wants a job looked at: one connection a process."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

import structlog
from arq.connections import ArqRedis, RedisError  # type: ignore[attr-defined]  # what its client raises

from waardhaven.adapters.inbound.worker.config import Names
from waardhaven.domain.jobs.job import Queue

PAUSE_SECONDS = 0.5
SILENCE_SECONDS = 15.0
"""After so long without a word the connection is tried."""
log = structlog.get_logger()


class Listener:
    """Calls back for each message; what is missed while the server is away, polling and beats make good."""

    def __init__(
        self,
        client: ArqRedis,
        names: Names,
        *,
        wake: Mapping[Queue, Callable[[], None]],
        nudge: Callable[[str], None],
    ) -> None:
        self._client = client
        self._nudges = names.nudges.encode()
        self._wake = {names.wakes[queue].encode(): call for queue, call in wake.items()}
        self._nudge = nudge
        self.subscribed = asyncio.Event()

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen()
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("wake-up channel lost", error=type(error).__name__)
            finally:
                self.subscribed.clear()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _listen(self) -> None:
        channel = self._client.pubsub()
        try:
            await channel.subscribe(self._nudges, *self._wake)
            for call in self._wake.values():
                call()
            while True:
                message = await channel.get_message(timeout=SILENCE_SECONDS)
                if message is None:
                    await channel.ping()
                else:
                    self._heard(message)
        finally:
            with suppress(RedisError, OSError, TimeoutError):
                await channel.aclose()  # type: ignore[no-untyped-call]

    def _heard(self, message: dict[str, object]) -> None:
        if message["type"] == "subscribe":
            self.subscribed.set()
        elif message["type"] == "message":
            name, data = message["channel"], message["data"]
            if isinstance(name, bytes) and name in self._wake:
                self._wake[name]()
            elif isinstance(data, bytes):
                self._nudge(data.decode(errors="replace"))
