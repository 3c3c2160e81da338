"""The one reader of events and progress in a process, and everybody who listens to it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final, cast

from waardhaven.adapters.inbound.http.gate import caller_key
from waardhaven.adapters.inbound.http.live.mark import UNKNOWN, Mark, order
from waardhaven.adapters.inbound.http.live.message import Message, of_event, of_update
from waardhaven.adapters.inbound.http.live.persistence import persisting
from waardhaven.adapters.inbound.http.live.recheck import Recheck
from waardhaven.adapters.inbound.http.live.subscription import SHUTTING_DOWN, Subscription, Wanted
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.application.ports.event_log import EventLog, LoggedEvent
from waardhaven.application.ports.progress import ProgressStream
from waardhaven.domain.errors import TooManyRequests, Unavailable
from waardhaven.domain.identity.roles import Principal

MOST: Final = 1000
MOST_OF_ONE: Final = 20
RETRY_SECONDS: Final = 5.0
PAGE: Final = 500
TURN: Final = 32
"""Messages handed out before the listeners have their turn: far fewer than a listener's queue holds."""
WAIT_SECONDS: Final = 5.0
LAST_WORDS_SECONDS: Final = 1.0


class TooManyStreams(TooManyRequests):
    """As many streams as this process, or this caller, may have are open."""


class StreamsUnavailable(Unavailable):
    """Nobody can tell what happens: the database is away, or the service stops."""


class Hub:
    """Tells every listener what it may see, in the one order of events and of progress.

    The readers start with the first listener and live until ``close``. While PostgreSQL is away they
    wait and go on from where they were; while Valkey is away progress is missing and events go on.
    """

    def __init__(self, services: Services) -> None:
        """Read through the container's ports, from the first listener on."""
        self._services = services
        self._recheck = Recheck(services)
        self._listeners: set[Subscription] = set()
        self._open_of: Counter[str] = Counter()
        self._watchers: list[Callable[[Message], None]] = []
        self._works: dict[str, Callable[[], Awaitable[None]]] = {
            "events": self._read_events,
            "progress": self._read_progress,
            "recheck": lambda: self._recheck.run(self._listeners),
        }
        self._tasks: list[asyncio.Task[None]] = []
        self._position: int | None = None
        self._cursor = UNKNOWN
        self._known = asyncio.Event()
        self._tried = asyncio.Event()
        self._emptied = asyncio.Event()
        self._is_closed = False
        self._asking = asyncio.Lock()

    def __len__(self) -> int:
        """Return how many listen."""
        return len(self._listeners)

    @property
    def mark(self) -> Mark:
        """How far everybody who listens was told."""
        return Mark(self._position or 0, self._cursor)

    def watch(self, tell: Callable[[Message], None], name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Have every message told to a part of this process, which works as long as the readers do."""
        self._watchers.append(tell)
        self._works[name] = work

    @contextmanager
    def admitted(self, caller: Principal, token: str, wanted: Wanted) -> Iterator[Subscription]:
        """Lend a place among the listeners, which hears nothing before ``listen``; raise TooManyStreams."""
        if self._is_closed:
            raise StreamsUnavailable(SHUTTING_DOWN.detail)
        key = caller_key(caller)
        self._check_room(key)
        listener = Subscription(caller=caller, token=token, wanted=wanted)
        self._listeners.add(listener)
        self._open_of[key] += 1
        self._emptied.clear()
        try:
            self._start()
            yield listener
        finally:
            self._listeners.discard(listener)
            self._open_of -= Counter({key: 1})
            if not self._listeners:
                self._emptied.set()

    async def ready(self) -> None:
        """Wait until it is known how far events are, and progress if it can be; raise StreamsUnavailable."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._known.wait()
                await self._tried.wait()
        except TimeoutError as error:
            raise StreamsUnavailable("What happens can not be told at this moment.") from error

    def listen(self, listener: Subscription) -> Mark:
        """Tell a listener everything from now on; return how far the others were told."""
        listener.is_listening = True
        return self.mark

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Close when the block ends."""
        try:
            yield
        finally:
            await self.close()

    async def close(self) -> None:
        """Say good-bye to everybody, give them a moment to hear it, and stop reading. Again: nothing."""
        self._is_closed = True
        for listener in list(self._listeners):
            listener.end(SHUTTING_DOWN)
        if self._listeners:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_SECONDS):
                    await self._emptied.wait()
        tasks, self._tasks = self._tasks, []
        with contextlib.suppress(TimeoutError):  # a question that is cut off costs a connection
            async with asyncio.timeout(LAST_WORDS_SECONDS), self._asking:
                pass
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _check_room(self, key: str) -> None:
        if len(self._listeners) >= MOST:
            raise TooManyStreams(
                "This service has no room for more streams.", retry_after_seconds=RETRY_SECONDS
            )
        if self._open_of[key] >= MOST_OF_ONE:
            raise TooManyStreams(
                f"You have {MOST_OF_ONE} streams open; close one first.", retry_after_seconds=RETRY_SECONDS
            )

    def _start(self) -> None:
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(persisting(name, work), name=f"live {name}")
                for name, work in self._works.items()
            ]

    async def _read_events(self) -> None:
        events = await self._services.events()
        if self._position is None:
            self._position = await events.head()
            self._known.set()
        async with contextlib.aclosing(cast("AsyncGenerator[None]", events.notices())) as notices:
            async for _ in notices:
                await self._tell_events(events)

    async def _tell_events(self, events: EventLog) -> None:
        while page := await self._next_events(events):
            for number, event in enumerate(page, 1):
                self._position = event.position
                self._tell(of_event(event, self._cursor))
                if number % TURN == 0:
                    await asyncio.sleep(0)

    async def _next_events(self, events: EventLog) -> Sequence[LoggedEvent]:
        position = self._position or 0
        async with self._asking:
            if await events.head() <= position:
                return ()
            return await events.since(position, limit=PAGE)

    async def _read_progress(self) -> None:
        stream = await self._services.progress()
        if self._cursor == UNKNOWN:
            await self._known.wait()
            try:
                self._cursor = await stream.newest()
            finally:
                self._tried.set()
        while True:
            page = await stream.since(self._cursor, limit=PAGE, wait_seconds=WAIT_SECONDS)
            for number, update in enumerate(page, 1):
                self._cursor = update.cursor
                self._tell(of_update(update, self._position or 0))
                if number % TURN == 0:
                    await asyncio.sleep(0)
            if not page:
                await self._follow_back(stream)

    async def _follow_back(self, stream: ProgressStream) -> None:
        """Begin anew in a stream that lost everything and counts from an earlier instant."""
        newest = await stream.newest()
        if order(newest) < order(self._cursor) and newest != "0-0":
            self._cursor = newest

    def _tell(self, message: Message) -> None:
        for listener in tuple(self._listeners):
            listener.offer(message)
        for tell in self._watchers:
            tell(message)
