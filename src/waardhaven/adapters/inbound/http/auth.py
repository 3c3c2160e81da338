"""Who calls: the bearer token of a request, and what the gate found out about it."""

from collections.abc import Mapping
from typing import Any, Final

from waardhaven.adapters.inbound.http import headers
from waardhaven.application.ports.security import InvalidToken
from waardhaven.domain.errors import WaardhavenError
from waardhaven.domain.identity.roles import Principal

SCHEME: Final = "bearer"
CALLER: Final = "caller"
"""Key of the request scope: the Principal, None for anonymous requests."""
TOKEN: Final = "bearer_token"  # noqa: S105 (the name of a key)
"""Key of the request scope: the token that proved who calls, to be checked again while a stream is open."""
CREDENTIAL_ERROR: Final = "credential_error"
"""Key of the request scope: why a token that was sent proved nothing."""


PROTOCOL: Final = "bearer."
"""What a subprotocol of a WebSocket begins with that is a token: browsers can set no header there."""


class MissingToken(InvalidToken):
    """The request carries no bearer token."""


def sends_token(scope: Mapping[str, Any]) -> bool:
    """Tell whether the request carries anything that is meant as a credential."""
    return b"authorization" in headers.of(scope) or offered_token(scope) is not None


def offered_token(scope: Mapping[str, Any]) -> str | None:
    """Return the token among the subprotocols of a WebSocket, None without one."""
    offered = scope.get("subprotocols") or ()
    return next((one.removeprefix(PROTOCOL) for one in offered if one.startswith(PROTOCOL)), None)


def token_of(scope: Mapping[str, Any]) -> str:
    """Return the token of a request; raise MissingToken."""
    sent = headers.of(scope)
    offered = offered_token(scope)
    return offered if offered and b"authorization" not in sent else bearer_token(sent)


def bearer_token(sent: headers.Headers) -> str:
    """Return the token of the ``Authorization`` header; raise MissingToken."""
    scheme, _, token = sent.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() != SCHEME or not token.strip():
        raise MissingToken("Send an access token: Authorization: Bearer <token>.")
    return token.strip()


def caller_of(scope: Mapping[str, Any]) -> Principal | None:
    """Return who proved to be the caller, None when nobody did."""
    found: Principal | None = scope.get(CALLER)
    return found


def required_caller(scope: Mapping[str, Any]) -> Principal:
    """Return the caller; raise what was wrong with the token, MissingToken without one."""
    found = caller_of(scope)
    if found is not None:
        return found
    error: WaardhavenError | None = scope.get(CREDENTIAL_ERROR)
    raise error or MissingToken("Send an access token: Authorization: Bearer <token>.")
