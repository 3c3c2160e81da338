"""The edge: what every request passes first and every response last, in one plain ASGI layer."""

import itertools
import re
import secrets
import time
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final, NamedTuple

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send, WebSocketScope

from waardhaven.adapters.inbound.http.access_log import AccessLog
from waardhaven.adapters.inbound.http.bodies import Paced
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.inbound.http.cors import Cors
from waardhaven.adapters.inbound.http.counters import METHODS, Counters
from waardhaven.adapters.inbound.http.denials import Denials
from waardhaven.adapters.inbound.http.errors import CODES, Fault, fault_of_family, send_problem
from waardhaven.adapters.inbound.http.handshake import Handshake, check_origin
from waardhaven.adapters.inbound.http.headers import SCOPE_KEY, Headers, collected
from waardhaven.application.ports.quota import Allowance
from waardhaven.domain.errors import WaardhavenError

log = structlog.get_logger(__name__)

PROCESS = secrets.token_hex(8)
"""Tells the ids of this process from those of others; asking the system for each costs 30 us."""
_numbers = itertools.count(1)
SAFE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
CSP = b"content-security-policy"
NO_CONTENT_POLICY = (CSP, b"default-src 'none'; frame-ancestors 'none'")
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
HSTS = (b"strict-transport-security", b"max-age=31536000")
"""For this host alone: what else the domain serves is not ours to decide."""
HEADLESS = "headless"
"""Key of the request scope: whether the body of the answer is thrown away, as HEAD asks."""
ALLOWANCE = "allowance"
"""Key of the request scope: the state of the caller's quota, told in headers."""
UPLOAD_PATHS: Final = frozenset(
    {
        "/api/v1/imports/prices",
        "/api/v1/analytics/risk",
        "/api/v1/analytics/twr",
        "/api/v1/analytics/xirr",
        "/api/v1/blackscholes",
        "/api/v1/markowitz",
        "/api/v1/montecarlo",
    }
)
"""Where files and tables are sent to: larger and slower than other bodies, read for those who may alone."""
LISTING_METHODS = frozenset({204, 405})
TOO_LARGE = Fault(status=413, code=CODES[413], detail="The body is larger than this server takes.")
FAILED = Fault(
    status=500,
    code=CODES[500],
    detail="Something went wrong here. The log has the details under the correlation id.",
)


@dataclass(slots=True)
class Passage:
    """A request on its way: what is known of its response so far."""

    correlation: str
    headless: bool
    extra: list[tuple[bytes, bytes]]
    send: Send
    scope: Any
    status: int = 0
    sent: int = 0
    started: float = field(default_factory=time.perf_counter)

    async def forward(self, message: Message) -> None:
        """Add the standing headers to the response and note what it is."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message["headers"], *self.extra]
            if self.status in LISTING_METHODS:
                headers = [_with_head(header) for header in headers]
            if not any(name == CSP for name, _ in headers):
                headers.append(NO_CONTENT_POLICY)
            allowance: Allowance | None = self.scope.get(ALLOWANCE)
            if allowance is not None:
                headers += rate_limit_headers(allowance)
            message["headers"] = headers
        elif message["type"] == "http.response.body":
            if self.headless:
                message = {**message, "body": b""}
            self.sent += len(message.get("body", b""))
        await self.send(message)


class Bounds(NamedTuple):
    """How large a body may be, and within how many seconds it has to arrive."""

    size: int
    seconds: float

    def is_beyond(self, headers: Headers) -> bool:
        """Tell whether a body is announced that is larger."""
        length = headers.get(b"content-length")
        return length is not None and length.isdigit() and int(length) > self.size


class Edge:
    """Correlation id, standing headers, CORS, HEAD, bounds of the body, counters, and a line in the log."""

    def __init__(
        self,
        app: ASGIApp,
        config: HttpConfig,
        counters: Counters,
        access_log: AccessLog,
        denials: Denials,
    ) -> None:
        """Wrap ``app``."""
        self._app = app
        self._bounds = Bounds(config.max_body_bytes, config.body_timeout_seconds)
        self._upload_bounds = Bounds(config.max_upload_bytes, config.upload_timeout_seconds)
        self._counters = counters
        self._access_log = access_log
        self._denials = denials
        self._frontend_url = config.frontend_url
        self._cors = Cors(config.frontend_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request through."""
        if scope["type"] == ScopeType.HTTP:
            await self._pass(scope, receive, send)
        elif scope["type"] == ScopeType.WEBSOCKET:
            await self._shake(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _pass(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        headers = collected(scope["headers"])
        correlation = correlation_of(headers)
        headless = scope["method"] == "HEAD"
        inner: Any = {**scope, SCOPE_KEY: headers, "correlation_id": correlation, HEADLESS: headless}
        if headless:
            inner["method"] = "GET"
        extra = [(b"x-correlation-id", correlation.encode()), *SECURITY_HEADERS, *self._cors.headers(headers)]
        if scope["scheme"] == "https":
            extra.append(HSTS)
        passage = Passage(correlation, headless, extra, send, inner)
        tokens = structlog.contextvars.bind_contextvars(correlation_id=correlation)
        try:
            await self._answer(inner, receive, passage, headers)
        except WaardhavenError as error:
            if passage.status:
                raise
            await send_problem(fault_of_family(error), correlation, passage.forward)
        except Exception:
            log.exception("request_failed", path=scope["path"], method=scope["method"])
            if not passage.status:
                await send_problem(FAILED, correlation, passage.forward)
        finally:
            self._note(scope["method"], inner, passage)
            structlog.contextvars.reset_contextvars(**tokens)

    async def _shake(self, scope: WebSocketScope, receive: Receive, send: Send) -> None:
        headers = collected(scope["headers"])
        correlation = correlation_of(headers)
        inner: Any = {**scope, SCOPE_KEY: headers, "correlation_id": correlation}
        extra = [(b"x-correlation-id", correlation.encode()), *SECURITY_HEADERS]
        handshake = Handshake(correlation, extra, send, inner)
        tokens = structlog.contextvars.bind_contextvars(correlation_id=correlation)
        try:
            check_origin(inner, headers, self._frontend_url)
            await self._app(inner, receive, handshake.forward)
        except WaardhavenError as error:
            if handshake.status:
                raise
            await handshake.refuse(fault_of_family(error))
        except Exception:
            log.exception("websocket_failed", path=scope["path"])
            if not handshake.status:
                await handshake.refuse(FAILED)
        finally:
            self._note("GET", inner, handshake)
            structlog.contextvars.reset_contextvars(**tokens)

    async def _answer(self, inner: Any, receive: Receive, passage: Passage, headers: Headers) -> None:
        bounds = self._upload_bounds if inner["path"] in UPLOAD_PATHS else self._bounds
        if bounds.is_beyond(headers):
            await send_problem(TOO_LARGE, passage.correlation, passage.forward)
        elif inner["method"] == "OPTIONS" and self._cors.is_preflight(headers):
            await passage.forward(self._cors.preflight())
            await passage.forward({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            if b"content-length" in headers or b"transfer-encoding" in headers:
                receive = Paced(receive, bounds.seconds)
            await self._app(inner, receive, passage.forward)

    def _note(self, method: str, inner: Any, passage: Passage | Handshake) -> None:
        seconds = time.perf_counter() - passage.started
        route = inner.get("path_template") or "unmatched"
        method = method if method in METHODS else "OTHER"
        self._counters.count(method, route, passage.status, seconds)
        self._denials.note(inner, passage.status)
        user = getattr(inner.get("user"), "user", None)
        client = inner.get("client")
        self._access_log.record(
            {
                "at": time.time(),
                "correlation_id": passage.correlation,
                "method": method,
                "path": inner["path"],
                "route": route,
                "status": passage.status,
                "bytes": passage.sent,
                "duration_ms": round(seconds * 1000, 3),
                "client": client[0] if client else None,
                "user": str(user) if user else None,
            }
        )


def correlation_of(headers: Headers) -> str:
    """Return the id the caller sent when it is safe to log, else a new one."""
    given = headers.get(b"x-request-id") or headers.get(b"x-correlation-id") or b""
    return given.decode() if SAFE_ID.fullmatch(given) else f"{PROCESS}{next(_numbers):016x}"


def _with_head(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Say in ``Allow`` that what can be read can be asked for by HEAD."""
    name, value = header
    return (name, value.replace(b"GET", b"GET, HEAD")) if name == b"allow" else header


def rate_limit_headers(allowance: Allowance) -> list[tuple[bytes, bytes]]:
    """Return the state of a quota as headers: requests a minute, requests left, seconds until it is new."""
    return [
        (b"ratelimit-limit", b"%d" % allowance.limit),
        (b"ratelimit-remaining", b"%d" % allowance.remaining),
        (b"ratelimit-reset", b"%d" % ceil(allowance.reset_seconds)),
    ]
