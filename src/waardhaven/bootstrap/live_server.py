"""A server that tells its open streams and sockets of the end before it waits for them."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import uvicorn
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

LARGEST_MESSAGE: Final = 8 * 1024
PING_SECONDS: Final = 20.0
LAST_WORDS_SECONDS: Final = 0.5


class LiveServer(uvicorn.Server):
    """Ends what would never end by itself; without that, stopping waits as long as it may.

    What still sends after LAST_WORDS_SECONDS has a client that reads nothing, and is cut by itself.
    """

    def __init__(self, config: uvicorn.Config, farewell: Callable[[], Awaitable[None]]) -> None:
        """Await ``farewell`` when the server begins to stop."""
        super().__init__(config)
        self._farewell = farewell

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say good-bye, then stop as every server does."""
        await self._farewell()
        await super().shutdown(sockets)


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that a client can not keep from closing by reading nothing."""

    async def send(self, message: ASGISendEvent) -> None:
        """Send; a handshake that was answered by HTTP is complete, and nothing to complain of."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True

    def shutdown(self) -> None:
        """Close, and cut the connection when that takes too long."""
        super().shutdown()
        asyncio.get_running_loop().call_later(LAST_WORDS_SECONDS, self.transport.abort)
