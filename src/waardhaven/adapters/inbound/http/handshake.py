"""The edge of WebSockets: a refused handshake is an answer of HTTP, as every other refusal is."""

import time
from dataclasses import dataclass, field
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import Message, Send

from waardhaven.adapters.inbound.http.errors import (
    CODES,
    Fault,
    fault_of_family,
    problem_bytes,
    refusal_headers,
    title,
)
from waardhaven.adapters.inbound.http.headers import Headers, text
from waardhaven.adapters.inbound.http.origins import origin_of
from waardhaven.domain.errors import Forbidden, WaardhavenError

REFUSED: Final = "refused"
"""Key of the request scope: the error a handshake is refused with."""
DENIAL: Final = "websocket.http.response"
"""Extension of servers that can answer a handshake by HTTP."""
SCHEMES: Final = {"ws": "http", "wss": "https"}
CLOSE_CODES: Final = 4000
"""Added to a status of HTTP it is the code to close with, where no other answer can be given."""


class ForeignOrigin(Forbidden):
    """A page of another site opens the connection."""


@dataclass(slots=True)
class Handshake:
    """A WebSocket on its way: accepted, refused, or not yet decided (``status`` 0)."""

    correlation: str
    extra: list[tuple[bytes, bytes]]
    send: Send
    scope: Any
    status: int = 0
    sent: int = 0
    started: float = field(default_factory=time.perf_counter)

    async def forward(self, message: Message) -> None:
        """Pass a message on; closing before the handshake is done refuses it."""
        if self.status == 0 and message["type"] == "websocket.close":
            await self.refuse(self._fault(message["code"] or 0))
            return
        if message["type"] == "websocket.accept":
            self.status = 101
            message["headers"] = [*message.get("headers", ()), *self.extra]
        elif message["type"] == "websocket.send":
            self.sent += len(message.get("text") or message.get("bytes") or b"")
        await self.send(message)

    async def refuse(self, fault: Fault) -> None:
        """Answer with a problem document if the server can, else with a close code."""
        self.status = fault.status
        if DENIAL not in (self.scope.get("extensions") or {}):
            await self.send(
                {"type": "websocket.close", "code": CLOSE_CODES + fault.status, "reason": fault.code}
            )
            return
        body = problem_bytes(fault, self.correlation)
        self.sent = len(body)
        headers = [*refusal_headers(fault, body), *self.extra]
        start: Any = {"type": f"{DENIAL}.start", "status": fault.status, "headers": headers}
        await self.send(start)
        await self.send({"type": f"{DENIAL}.body", "body": body, "more_body": False})  # type: ignore[arg-type, misc]

    def _fault(self, code: int) -> Fault:
        error = self.scope.get(REFUSED)
        if isinstance(error, WaardhavenError):
            return fault_of_family(error)
        status = getattr(error, "status_code", code - CLOSE_CODES)
        status = status if status in CODES else 403
        return Fault(status=status, code=CODES[status], detail=f"{title(status)}.")


def note_refusal(error: Exception, scope: Any) -> None:
    """Keep what the framework tells a client of WebSockets nothing of but a number."""
    if scope["type"] == ScopeType.WEBSOCKET:
        scope[REFUSED] = error


def check_origin(scope: Any, headers: Headers, frontend_url: str | None) -> None:
    """Raise ForeignOrigin for a page that is neither ours nor the front end's; programs send no origin."""
    claimed = text(headers, b"origin")
    if claimed is None:
        return
    own = origin_of(f"{SCHEMES.get(scope['scheme'], 'http')}://{text(headers, b'host')}")
    if claimed not in {own, origin_of(frontend_url)}:
        raise ForeignOrigin("Pages of other sites may not open a connection here.")
