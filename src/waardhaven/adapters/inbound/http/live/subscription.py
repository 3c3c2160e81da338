"""One listener: what it wants, what waits for it, and why it ends."""

import asyncio
from collections import deque
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from waardhaven.adapters.inbound.http.live.message import Message
from waardhaven.domain.identity.roles import Principal

LONGEST_QUEUE: Final = 256
SEND_SECONDS: Final = 20.0
"""How long a client may read nothing while something is to be sent."""
LAST_SEND_SECONDS: Final = 0.5
"""The same once there is nothing more to tell."""


class ClientStalled(Exception):
    """The client stopped reading."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a listener is told nothing more: a code for programs, a sentence for people.

    ``close``: the code a WebSocket is closed with.
    """

    code: str
    detail: str
    close: int = 1000

    def told(self) -> dict[str, str]:
        """Return what the client is told."""
        return {"code": self.code, "detail": self.detail}


TOO_SLOW: Final = Ending("too_slow", "More happened than was read. Connect again to go on from here.", 1013)
SHUTTING_DOWN: Final = Ending("shutting_down", "The service stops. Connect again in a moment.", 1001)
GONE: Final = Ending("gone", "The client left.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which messages: of these kinds (by prefix, empty: all), of one job (None: of all)."""

    kinds: tuple[str, ...] = ()
    job: str | None = None

    def takes(self, message: Message) -> bool:
        """Tell whether the message is one of these."""
        if self.job is not None and message.job != self.job:
            return False
        return not self.kinds or message.kind.startswith(self.kinds)


@dataclass(slots=True, eq=False)
class Subscription:
    """A listener that proved to be ``caller`` with ``token``.

    What it is not allowed to see is never queued. When more than LONGEST_QUEUE messages wait, it ends
    after those: whoever connects again resumes from the last of them.
    """

    caller: Principal
    token: str = field(repr=False)
    wanted: Wanted
    ending: Ending | None = None
    is_listening: bool = False
    _queue: deque[Message] = field(default_factory=deque)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _sending: asyncio.Timeout | None = None

    def sees(self, message: Message) -> bool:
        """Tell whether the message is wanted, and the caller may know of it."""
        return self.wanted.takes(message) and message.access.may_read(self.caller)

    def offer(self, message: Message) -> None:
        """Queue a message if it is for this listener; never waits."""
        if not self.is_listening or self.ending is not None or not self.sees(message):
            return
        if len(self._queue) >= LONGEST_QUEUE:
            self.end(TOO_SLOW)
            return
        self._queue.append(message)
        self._woken.set()

    def wake(self) -> None:
        """Let who waits look again."""
        self._woken.set()

    def end(self, ending: Ending, *, at_once: bool = False) -> None:
        """Let nothing more in; ``at_once``: what waits is not told either. The first reason counts."""
        if self.ending is None:
            self.ending = ending
        if at_once:
            self._queue.clear()
        if self._sending is not None and ending is not TOO_SLOW:
            self._sending.reschedule(asyncio.get_running_loop().time() + LAST_SEND_SECONDS)
        self._woken.set()

    async def patiently(self, sending: Awaitable[None]) -> None:
        """Wait until something is sent; raise ClientStalled when the client does not read in time."""
        is_last = self.ending is not None and self.ending is not TOO_SLOW
        try:
            async with asyncio.timeout(LAST_SEND_SECONDS if is_last else SEND_SECONDS) as self._sending:
                await sending
        except TimeoutError as error:
            raise ClientStalled from error
        finally:
            self._sending = None

    async def taken(self, seconds: float) -> list[Message]:
        """Return what waits, as soon as there is something, it ends, or is woken; empty after ``seconds``."""
        if not self._queue and self.ending is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._woken.wait()
        self._woken.clear()
        taken = list(self._queue)
        self._queue.clear()
        return taken
