"""Every route needs a bearer token unless its handler says that it is public."""

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from waardhaven.adapters.inbound.http import headers
from waardhaven.application.ports.security import InvalidToken
from waardhaven.domain.identity.roles import Principal

PUBLIC: Final = "public"
"""Key of a handler's ``opt``; ``opt={PUBLIC: True}`` opens a route to everybody."""

SCHEME: Final = "bearer"


class MissingToken(InvalidToken):
    """The request carries no bearer token."""


async def require_token(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Set ``connection.user`` to the caller; raise InvalidToken (a guard on the whole application)."""
    if handler.opt.get(PUBLIC) or connection.scope.get("method") == "OPTIONS":
        return
    claims = (await connection.app.state.services.tokens()).read(bearer_token(headers.of(connection)))
    connection.scope["user"] = Principal(user=claims.user, role=claims.role)
    connection.scope["auth"] = claims


def bearer_token(sent: headers.Headers) -> str:
    """Return the token of the ``Authorization`` header; raise MissingToken."""
    scheme, _, token = sent.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() != SCHEME or not token.strip():
        raise MissingToken("Send an access token: Authorization: Bearer <token>.")
    return token.strip()
