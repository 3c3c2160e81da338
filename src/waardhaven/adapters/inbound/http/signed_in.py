"""The answer of every way to sign in: tokens in the body, or the refresh token in a cookie."""

from dataclasses import replace
from typing import Any

from litestar import Request, Response

from waardhaven.adapters.inbound.http import csrf, headers
from waardhaven.adapters.inbound.http.addresses import peer_of
from waardhaven.adapters.inbound.http.cookies import signed_in_cookies
from waardhaven.application.identity.signing_in import Client
from waardhaven.application.identity.views import SignedInView


def client_of(request: Request[Any, Any, Any]) -> Client:
    """Return what the client says it is, and where it comes from."""
    device = headers.text(headers.of(request.scope), b"user-agent")
    return Client(device=device, address=peer_of(request.scope) or None)


def signed_in(request: Request[Any, Any, Any], view: SignedInView, *, cookie: bool) -> Response[SignedInView]:
    """Answer with the tokens of a session.

    A front end of another origin can not read our cookies: it finds the CSRF token in a header, too.
    """
    if not cookie or view.refresh_token is None:
        return Response(view)
    cookies = signed_in_cookies(request.scope, view.refresh_token, view.refresh_expires_in)
    proof = csrf.token_for(request.app.state.config, view.refresh_token)
    return Response(replace(view, refresh_token=None), cookies=cookies, headers={csrf.HEADER: proof})
