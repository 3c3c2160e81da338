"""Every route needs a bearer token unless its handler says that it is public."""

from typing import Final

from litestar.types import ASGIApp, Receive, Scope, Send

from waardhaven.adapters.inbound.http import headers
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.application.ports.security import InvalidToken
from waardhaven.domain.identity.roles import Principal

PUBLIC: Final = "public"
"""Key of a handler's ``opt``; ``opt={PUBLIC: True}`` opens a route to everybody."""

SCHEME: Final = "bearer"


class MissingToken(InvalidToken):
    """The request carries no bearer token."""


class RequireToken:
    """Sets the caller of a request, or raises InvalidToken (a middleware of the whole application).

    Not a guard: Litestar copies the handler for every call of a guard, 23 us each.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass when its route is public or its token is valid."""
        if not scope["route_handler"].opt.get(PUBLIC) and scope.get("method") != "OPTIONS":
            services: Services = scope["litestar_app"].state.services
            claims = (await services.tokens()).read(bearer_token(headers.of(scope)))
            scope["user"] = Principal(user=claims.user, role=claims.role)
            scope["auth"] = claims
        await self._app(scope, receive, send)


def bearer_token(sent: headers.Headers) -> str:
    """Return the token of the ``Authorization`` header; raise MissingToken."""
    scheme, _, token = sent.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() != SCHEME or not token.strip():
        raise MissingToken("Send an access token: Authorization: Bearer <token>.")
    return token.strip()
