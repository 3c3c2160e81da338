"""What a browser carries while it is away at a provider, sealed; and nonces for ID tokens."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from litestar.datastructures import Cookie

from waardhaven.adapters.inbound.http import csrf
from waardhaven.application.ports.identity_provider import Flow, InvalidProof
from waardhaven.application.ports.sealing import Sealing
from waardhaven.domain.types import UserId

LIFETIME: Final = timedelta(minutes=10)
FLOW_COOKIE: Final = "waardhaven_flow"
FLOW_PATH: Final = "/api/v1/auth"
FLOW, NONCE = "sign-in flow", "sign-in nonce"
SEPARATOR: Final = "\x1f"


def new_nonce(sealing: Sealing) -> str:
    """Return a nonce that only we can have made."""
    return sealing.seal(NONCE, secrets.token_bytes(16), lifetime=LIFETIME)


def require_nonce(sealing: Sealing, nonce: str) -> None:
    """Raise BrokenSeal unless we made the nonce in the last ten minutes."""
    sealing.open(NONCE, nonce)


def new_flow(provider: str, redirect_uri: str) -> Flow:
    """Return the secrets of a new flow (RFC 7636 §4.1: 43 unreserved characters)."""
    return Flow(
        provider=provider,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        code_verifier=secrets.token_urlsafe(32),
        redirect_uri=redirect_uri,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Why a browser was sent away: to sign in, or (``owner``) to link an identity to an account."""

    return_to: str = "/"
    owner: UserId | None = None


def flow_cookie(scope: Mapping[str, Any], sealing: Sealing, flow: Flow, errand: Errand) -> Cookie:
    """Return the cookie that brings the flow back: only the browser that went away can return."""
    owner = str(errand.owner or "")
    known = (flow.provider, flow.state, flow.nonce, flow.code_verifier, flow.redirect_uri)
    parts = (*known, errand.return_to, owner)
    sealed = sealing.seal(FLOW, SEPARATOR.join(parts).encode(), lifetime=LIFETIME)
    return _cookie(scope, sealed, int(LIFETIME.total_seconds()))


def cleared_flow_cookie(scope: Mapping[str, Any]) -> Cookie:
    """Return what makes a browser forget the flow."""
    return _cookie(scope, "", 0)


def returned_flow(
    scope: Mapping[str, Any], sealing: Sealing, provider: str, *, state: str | None, error: str | None
) -> tuple[Flow, Errand]:
    """Return the flow of the browser and why it was sent away; raise InvalidProof or BrokenSeal."""
    sealed = csrf.sent_cookie(scope, _name(scope))
    if sealed is None:
        raise InvalidProof("This browser was not sent to a provider in the last ten minutes. Start again.")
    begun, known, nonce, verifier, redirect_uri, return_to, owner = (
        sealing.open(FLOW, sealed).decode().split(SEPARATOR)
    )
    if begun != provider or not hmac.compare_digest(known.encode(), (state or "").encode()):
        raise InvalidProof("The answer does not belong to what this browser began. Start again.")
    if error is not None:
        raise InvalidProof("The provider did not confirm who you are.")
    flow = Flow(
        provider=provider, state=known, nonce=nonce, code_verifier=verifier, redirect_uri=redirect_uri
    )
    return flow, Errand(return_to=return_to, owner=UserId(UUID(owner)) if owner else None)


def _name(scope: Mapping[str, Any]) -> str:
    return f"__Secure-{FLOW_COOKIE}" if csrf.is_secure(scope) else FLOW_COOKIE


def _cookie(scope: Mapping[str, Any], value: str, max_age: int) -> Cookie:
    """Lax: the browser comes back from another site."""
    return Cookie(
        key=_name(scope),
        value=value,
        path=FLOW_PATH,
        max_age=max_age,
        httponly=True,
        secure=csrf.is_secure(scope),
        samesite="lax",
    )
