"""Cross-origin requests of the one front end that was named."""

from litestar.types import HTTPResponseStartEvent

from waardhaven.adapters.inbound.http.headers import Headers
from waardhaven.adapters.inbound.http.origins import origin_of

ALLOWED_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
ALLOWED_HEADERS = (
    b"Authorization, Content-Type, Accept, If-None-Match, X-Request-ID, X-Correlation-ID, X-CSRF-Token"
)
EXPOSED_HEADERS = (
    b"ETag, X-Correlation-ID, X-CSRF-Token, Retry-After, WWW-Authenticate, "
    b"RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
)
REMEMBER_SECONDS = b"600"


class Cors:
    """Adds CORS headers for the exact origin of ``frontend_url``; without it no foreign page may read."""

    def __init__(self, frontend_url: str | None) -> None:
        """Allow the origin of ``frontend_url``."""
        origin = origin_of(frontend_url)
        self._origin = origin.encode() if origin else None

    def headers(self, headers: Headers) -> list[tuple[bytes, bytes]]:
        """Return what a response to this request carries."""
        if self._origin is None:
            return []
        vary = (b"vary", b"Origin")
        if headers.get(b"origin") != self._origin:
            return [vary]
        return [
            vary,
            (b"access-control-allow-origin", self._origin),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", EXPOSED_HEADERS),
        ]

    def is_preflight(self, headers: Headers) -> bool:
        """Tell whether a browser asks whether the front end may send a request."""
        return (
            self._origin is not None
            and headers.get(b"origin") == self._origin
            and b"access-control-request-method" in headers
        )

    def preflight(self) -> HTTPResponseStartEvent:
        """Return the start of the answer to such a question."""
        return {
            "type": "http.response.start",
            "status": 204,
            "headers": [
                (b"access-control-allow-methods", ALLOWED_METHODS),
                (b"access-control-allow-headers", ALLOWED_HEADERS),
                (b"access-control-max-age", REMEMBER_SECONDS),
            ],
        }
