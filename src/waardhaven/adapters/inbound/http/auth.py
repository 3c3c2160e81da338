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
CREDENTIAL_ERROR: Final = "credential_error"
"""Key of the request scope: why a token that was sent proved nothing."""


class MissingToken(InvalidToken):
    """The request carries no bearer token."""


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
