"""The two cookies of a browser that stays signed in."""

from collections.abc import Mapping
from typing import Any, Final

from litestar.datastructures import Cookie

from waardhaven.adapters.inbound.http import csrf
from waardhaven.adapters.inbound.http.policy import policy_of

REFRESH_PATH: Final = "/api/v1/auth"
"""The refresh cookie is sent to the accounts alone."""


def signed_in_cookies(scope: Mapping[str, Any], refresh_token: str, max_age: int) -> list[Cookie]:
    """Return the refresh cookie, which no script can read, and the CSRF cookie that belongs to it.

    Both end after ``max_age`` seconds. By https they are never sent without it.
    """
    token = csrf.token_for(scope["litestar_app"].state.config, refresh_token)
    return [_refresh(scope, refresh_token, max_age), _readable(scope, token, max_age)]


def cleared_cookies(scope: Mapping[str, Any]) -> list[Cookie]:
    """Return what makes a browser forget both."""
    return [_refresh(scope, "", 0), _readable(scope, "", 0)]


def refresh_cookie(scope: Mapping[str, Any]) -> str | None:
    """Return the refresh token of the cookie, None without one; raise CsrfRefused.

    It is only read on routes whose policy says ``cookie`` and never without the proof against cross-site
    requests: who asks for it needs to check nothing.
    """
    policy = policy_of(scope["route_handler"].opt)
    found = csrf.sent_cookie(scope, csrf.refresh_name(scope))
    if found is None or policy is None or not policy.cookie:
        return None
    csrf.require(scope)
    return found


def _refresh(scope: Mapping[str, Any], value: str, max_age: int) -> Cookie:
    return Cookie(
        key=csrf.refresh_name(scope),
        value=value,
        path=REFRESH_PATH,
        max_age=max_age,
        httponly=True,
        secure=csrf.is_secure(scope),
        samesite="strict",
    )


def _readable(scope: Mapping[str, Any], value: str, max_age: int) -> Cookie:
    return Cookie(
        key=csrf.token_name(scope),
        value=value,
        path="/",
        max_age=max_age,
        secure=csrf.is_secure(scope),
        samesite="strict",
    )
