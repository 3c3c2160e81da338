"""Answers remembered requests at the door, before anything of them is parsed."""

from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send

from waardhaven.adapters.inbound.http import headers
from waardhaven.adapters.inbound.http.answers import Answers, Ready
from waardhaven.adapters.inbound.http.auth import bearer_token
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.application.ports.security import InvalidToken
from waardhaven.domain.identity.roles import Principal


class Door:
    """Sends a remembered answer to whoever proves to be entitled to it; all else goes on to ``app``.

    Nothing is decided here: an answer is only remembered after the whole application gave it, to callers of
    the same role (or to the same caller) and for as long as the data is known not to have changed.
    """

    def __init__(self, app: ASGIApp, services: Services, answers: Answers) -> None:
        """Wrap ``app``."""
        self._app = app
        self._services = services
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        ready = await self._remembered(scope) if scope.get("method") == "GET" else None
        await (self._app if ready is None else ready.send)(scope, receive, send)

    async def _remembered(self, scope: Any) -> Ready[Any] | None:
        sent = headers.of(scope)
        if b"authorization" not in sent:
            return None
        try:
            claims = (await self._services.tokens()).read(bearer_token(sent))
        except InvalidToken:
            return None
        ready = await self._answers.remembered(scope, claims)
        if ready is not None:
            scope["user"] = Principal(user=claims.user, role=claims.role)
            scope["path_template"] = ready.route
        return ready
