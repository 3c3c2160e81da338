"""Answers remembered requests at the door, before anything of them is parsed."""

from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send

from waardhaven.adapters.inbound.http.answers import Answers, Ready
from waardhaven.adapters.inbound.http.auth import caller_of


class Door:
    """Sends a remembered answer to whoever proved at the gate to be entitled to it; else asks ``app``.

    Nothing is decided here: an answer is only remembered after the whole application gave it, to callers who
    may read as much (or to the same caller) and for as long as the data is known not to have changed.
    """

    def __init__(self, app: ASGIApp, answers: Answers) -> None:
        """Wrap ``app``."""
        self._app = app
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        ready = await self._remembered(scope) if scope.get("method") == "GET" else None
        await (self._app if ready is None else ready.send)(scope, receive, send)

    async def _remembered(self, scope: Any) -> Ready[Any] | None:
        caller = caller_of(scope)
        if caller is None:
            return None
        ready = await self._answers.remembered(scope, caller)
        if ready is not None:
            scope["path_template"] = ready.route
        return ready
