"""An endless answer of server-sent events: what was missed, then what happens."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from litestar import Request, Response
from litestar.types import ASGIApp, Receive, Scope, Send

from waardhaven.adapters.inbound.http.auth import TOKEN, required_caller
from waardhaven.adapters.inbound.http.live.hub import Hub
from waardhaven.adapters.inbound.http.live.mark import Mark, order
from waardhaven.adapters.inbound.http.live.message import Message, encode
from waardhaven.adapters.inbound.http.live.missed import Beginning, beginning, missed
from waardhaven.adapters.inbound.http.live.subscription import (
    GONE,
    ClientStalled,
    Ending,
    Subscription,
    Wanted,
)
from waardhaven.adapters.inbound.http.middleware import HEADLESS
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.adapters.inbound.http.sse import MEDIA, frame, opening, ping, with_id
from waardhaven.domain.errors import Unavailable

PING_SECONDS: Final = 15.0
ABORT: Final = "waardhaven.abort"
"""Extension of the request scope: a function that cuts the connection, whatever is still to be sent."""
HEADERS: Final = (
    (b"content-type", MEDIA.encode() + b"; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
MISSED: Final = encode({"detail": "Something may have been missed: read anew what you show."})
NOT_STORED: Final = ((b"cache-control", b"no-store"),)
Snapshot = Callable[[], Awaitable["Shown"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A thing as it is now: told as the event ``snapshot``. ``is_over``: nothing more will happen to it."""

    view: Any
    is_over: bool


@dataclass(slots=True)
class EventStream:
    """One answer: tells a listener what it wants from a mark on (None: from now on).

    The id of each message says where in both sources its receiver is, so that resuming from it tells
    nothing twice and leaves nothing out, whichever process is asked.
    """

    services: Services
    hub: Hub
    wanted: Wanted
    resumed: Mark | None = None
    snapshot: Snapshot | None = None
    _mark: Mark = field(default=Mark(0, ""), init=False)
    _is_over: bool = field(default=False, init=False)

    async def pieces(self, listener: Subscription) -> AsyncGenerator[bytes]:
        """Yield the stream in pieces until it ends; nothing at all when its thing was over before."""
        await self.hub.ready()
        began = await self._begin()
        if began is None:
            self._mark = self.hub.listen(listener)
        else:
            self._mark = began.mark
        shown = await self.snapshot() if self.snapshot else None
        if shown is not None and shown.is_over and began is not None and not await self._has_missed(began):
            return
        yield opening(str(self._mark))
        if shown is not None:
            yield with_id(str(self._mark), frame("snapshot", encode(shown.view)))
        if began is not None:
            async for piece in self._caught_up(listener, began):
                yield piece
        if shown is not None and shown.is_over:
            return
        async for piece in self._live(listener):
            yield piece

    async def _begin(self) -> Beginning | None:
        return None if self.resumed is None else await beginning(self.services, self.resumed)

    async def _has_missed(self, began: Beginning) -> bool:
        """Tell whether anything happened since: browsers ask again for what has ended, until told 204."""
        if not began.is_whole:
            return True
        events = await self.services.events()
        return bool(await events.since(began.mark.position, limit=1, job=self.wanted.job))

    async def _caught_up(self, listener: Subscription, began: Beginning) -> AsyncGenerator[bytes]:
        """Tell what was missed, listen, and tell what came in between; live messages wait meanwhile."""
        if not began.is_whole:
            yield with_id(str(self._mark), frame("reset", MISSED))
        for is_listening in (False, True):
            if is_listening:
                self.hub.listen(listener)
            async for message in missed(self.services, self._mark, job=self.wanted.job):
                piece = self._told(message) if listener.sees(message) else b""
                if piece:
                    yield piece
                if listener.ending is not None:
                    return

    async def _live(self, listener: Subscription) -> AsyncGenerator[bytes]:
        while not self._is_over:
            messages = await listener.taken(PING_SECONDS)
            if messages:
                piece = b"".join([self._told(one) for one in messages])
                if piece:
                    yield piece
            elif listener.ending is not None:
                return
            else:
                self._mark = self._mark.joined(self.hub.mark)
                yield ping(str(self._mark))

    def _told(self, message: Message) -> bytes:
        """Return the bytes of a message and note where its receiver is; nothing when it knows already."""
        if self._is_over or self._knows(message):
            return b""
        self._mark = self._mark.joined(message.mark)
        self._is_over = message.is_last and self.wanted.job is not None
        return message.told_from(self._mark)

    def _knows(self, message: Message) -> bool:
        if message.is_progress:
            return order(message.mark.cursor) <= order(self._mark.cursor)
        return message.mark.position <= self._mark.position


class StreamResponse(Response[str]):
    """Sends an EventStream for as long as its client reads, may listen, and the service lives."""

    def __init__(self, stream: EventStream) -> None:
        """Answer with ``stream``."""
        super().__init__("", media_type=MEDIA)
        self._stream = stream

    def to_asgi_response(  # type: ignore[override]
        self, *_: Any, request: Request[Any, Any, Any], **__: Any
    ) -> ASGIApp:
        """Return the application that sends the stream."""
        del request
        return self.send

    async def send(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream; nothing but its head when that is what was asked for."""
        start: Any = {"type": "http.response.start", "status": 200, "headers": list(HEADERS)}
        if scope.get(HEADLESS):
            if self._stream.snapshot is not None:
                await self._stream.snapshot()
            await _send_empty(start, send)
            return
        caller, token = required_caller(scope), str(scope.get(TOKEN, ""))
        with self._stream.hub.admitted(caller, token, self._stream.wanted) as listener:
            pieces = self._stream.pieces(listener)
            first = await anext(pieces, None)
            if first is None:
                await _send_empty({"type": "http.response.start", "status": 204, "headers": NOT_STORED}, send)
                return
            leaving = asyncio.create_task(_noticed(receive, listener), name="listener leaving")
            try:
                await send(start)
                await self._send_all(first, pieces, listener, send)
            except ClientStalled:
                _cut(scope)
            finally:
                leaving.cancel()
                await pieces.aclose()

    async def _send_all(
        self, first: bytes, pieces: AsyncGenerator[bytes], listener: Subscription, send: Send
    ) -> None:
        """Send all pieces, then why it was all, unless the client has left."""
        ending = None
        await listener.patiently(send(_body(first)))
        try:
            async for piece in pieces:
                await listener.patiently(send(_body(piece)))
        except Unavailable as error:
            ending = Ending(error.code, error.message)
        ending = listener.ending or ending
        if ending is not GONE:
            last = b"" if ending is None else frame("bye", encode(ending.told()))
            await listener.patiently(send(_body(last, more=False)))


async def _send_empty(start: Any, send: Send) -> None:
    await send(start)
    await send(_body(b"", more=False))


def _body(piece: bytes, *, more: bool = True) -> Any:
    return {"type": "http.response.body", "body": piece, "more_body": more}


async def _noticed(receive: Receive, listener: Subscription) -> None:
    """End the listener when the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.end(GONE, at_once=True)


def _cut(scope: Any) -> None:
    """Cut the connection of a client that reads nothing: closing it would wait for the client to read."""
    abort = (scope.get("extensions") or {}).get(ABORT)
    if abort is not None:
        abort()
