"""HTTP connections whose request heads are bounded in size and time.

The parser itself has no limits: without these a client could send headers for ever, and we would keep them.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD: Final = 64 * 1024
"""Bytes of a request line and its headers; every browser and proxy stays below 32 KiB."""
ABORT: Final = "waardhaven.abort"
"""Extension of the scope of requests: a function that cuts the connection."""
HEAD_SECONDS: Final = 10.0
REFUSAL: Final = b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection whose request head is too large (431) or too slow (408)."""

    _head_bytes = 0
    _heads = 0
    _awaits_head = True
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless the head is too large already."""
        if self._awaits_head:
            if self._head_timer is None:
                self._watch()
            self._head_bytes += len(data)
            surplus = self._head_bytes - LARGEST_HEAD
            if surplus > 0:
                self._receive_surplus(data[:-surplus], data[-surplus:])
                return
        super().data_received(data)

    def _receive_surplus(self, data: bytes, surplus: bytes) -> None:
        """Parse what the bound allows; heads may end in it, and then the surplus is something else."""
        before = self._heads
        if data:
            super().data_received(data)
        if self._awaits_head and self._heads == before:
            self._refuse(b"431 Request Header Fields Too Large")
        elif not self.transport.is_closing():
            self.data_received(surplus)

    def on_headers_complete(self) -> None:
        """Stop watching the head."""
        self._awaits_head = False
        self._head_bytes = 0
        self._heads += 1
        self._unwatch()
        super().on_headers_complete()
        self.scope["extensions"] = {ABORT: self.transport.abort}  # type: ignore[dict-item]

    def on_message_complete(self) -> None:
        """Expect the head of the next request."""
        self._awaits_head = True
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _unwatch(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        if self._is_answering():
            self._watch()
        else:
            self._refuse(b"408 Request Timeout")

    def _refuse(self, status: bytes) -> None:
        self._unwatch()
        if self.transport.is_closing():
            return
        if self._head_bytes and not self._is_answering():
            self.transport.write(REFUSAL % status)
        self.transport.close()

    def _is_answering(self) -> bool:
        """Whether the answer to an earlier request of the connection is on its way."""
        return self.cycle is not None and not self.cycle.response_complete
