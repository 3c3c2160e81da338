"""Proof that a request which carries our cookie comes from our own page.

The proof is an HMAC of the refresh cookie under a key of the server. It stands in a cookie that our page
can read and sends back as a header, which another page can do neither. A cookie planted beside a stolen
or foreign refresh cookie proves nothing: it is bound to that very value.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from waardhaven.adapters.inbound.http import headers
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.inbound.http.origins import origin_of
from waardhaven.domain.errors import Forbidden

HEADER: Final = "X-CSRF-Token"
REFRESH: Final = "waardhaven_refresh"
TOKEN: Final = "waardhaven_csrf"  # noqa: S105 (the name of a cookie)
COOKIE_HEADER: Final = b"cookie"


class CsrfRefused(Forbidden):
    """The request carries our cookie and no proof that our own page sent it."""


def is_secure(scope: Mapping[str, Any]) -> bool:
    """Tell whether the request came by https, to us or to a trusted proxy."""
    return bool(scope.get("scheme") == "https")


def refresh_name(scope: Mapping[str, Any]) -> str:
    """Return the name of the refresh cookie; by https browsers let nobody set it without https."""
    return f"__Secure-{REFRESH}" if is_secure(scope) else REFRESH


def token_name(scope: Mapping[str, Any]) -> str:
    """Return the name of the CSRF cookie; by https browsers let no other host of the domain set it."""
    return f"__Host-{TOKEN}" if is_secure(scope) else TOKEN


def sent_cookie(scope: Mapping[str, Any], name: str) -> str | None:
    """Return a cookie of the request; None without one, or with several of the name."""
    sent = headers.text(headers.of(scope), COOKIE_HEADER) or ""
    pairs = (part.strip().partition("=") for part in sent.split(";"))
    found = [value for known, equals, value in pairs if equals and known == name]
    return found[0] if len(found) == 1 and found[0] else None


def token_for(config: HttpConfig, refresh_token: str) -> str:
    """Return the CSRF token that belongs to a refresh token."""
    return _bound(config.csrf_keys[0], refresh_token)


def _bound(key: bytes, refresh_token: str) -> str:
    return urlsafe_b64encode(hmac.digest(key, refresh_token.encode(), sha256)).decode().rstrip("=")


def require(scope: Mapping[str, Any]) -> None:
    """Raise CsrfRefused unless the request proves to come from our own page or from the front end."""
    config: HttpConfig = scope["litestar_app"].state.config
    _require_origin(scope, config)
    _require_token(scope, config)


def _require_origin(scope: Mapping[str, Any], config: HttpConfig) -> None:
    sent = headers.of(scope)
    if sent.get(b"sec-fetch-site") == b"cross-site":
        raise CsrfRefused("A page of another site can not use the cookie.")
    claimed = headers.text(sent, b"origin")
    origin = claimed if claimed is not None else origin_of(headers.text(sent, b"referer"))
    own = origin_of(f"{scope.get('scheme', 'http')}://{headers.text(sent, b'host')}")
    if origin is None or origin not in {own, origin_of(config.frontend_url)}:
        raise CsrfRefused("The request has to come from this server's own pages or from the front end.")


def _require_token(scope: Mapping[str, Any], config: HttpConfig) -> None:
    given = headers.text(headers.of(scope), HEADER.lower().encode()) or ""
    readable = sent_cookie(scope, token_name(scope)) or ""
    refresh = sent_cookie(scope, refresh_name(scope)) or ""
    is_same = hmac.compare_digest(given.encode(), readable.encode())
    is_ours = any(
        hmac.compare_digest(given.encode(), _bound(key, refresh).encode()) for key in config.csrf_keys
    )
    if not (refresh and is_same and is_ours):
        raise CsrfRefused(f"Send the CSRF cookie's value as the header {HEADER}.")
