"""Last prices of chosen symbols over a WebSocket."""

from typing import Any, Final

from litestar import WebSocket, websocket

from waardhaven.adapters.inbound.http.auth import TOKEN, required_caller
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.inbound.http.live.board import Board
from waardhaven.adapters.inbound.http.live.hub import Hub
from waardhaven.adapters.inbound.http.live.quotes import Conversation
from waardhaven.adapters.inbound.http.live.subscription import Wanted
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.domain.identity.roles import Permission

PROTOCOL: Final = "waardhaven.quotes"
NO_EVENTS: Final = Wanted(kinds=("none",))


@websocket("/stream/quotes", opt={POLICY: needs(Permission.READ_INDICES, streaming=True)})
async def quotes(socket: WebSocket[Any, Any, Any]) -> None:
    """Answer symbols with their last stored close, its source and age, and again whenever it changes.

    Browsers, which can set no header here, offer the subprotocols ``waardhaven.quotes`` and
    ``bearer.<token>``.
    """
    state, scope = socket.app.state, socket.scope
    hub: Hub = state.hub
    board: Board = state.board
    config: HttpConfig = state.config
    caller = required_caller(scope)
    with hub.admitted(caller, str(scope.get(TOKEN, "")), NO_EVENTS) as listener:
        await hub.ready()
        offered = scope.get("subprotocols") or []
        await socket.accept(subprotocols=PROTOCOL if PROTOCOL in offered else None)
        with board.followed(listener) as feed:
            limit = config.rate_limit_authenticated
            await Conversation(socket, feed, board, state.services, limit).hold()


HANDLERS = (quotes,)
