"""What runs here, is it alive, is it ready, what has it counted."""

import hmac
from typing import Any

from dishka.integrations.litestar import FromDishka
from litestar import MediaType, Request, Response, get
from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from waardhaven.adapters.inbound.http import headers
from waardhaven.adapters.inbound.http.auth import bearer_token
from waardhaven.adapters.inbound.http.documents import HealthDocument, InfoDocument
from waardhaven.adapters.inbound.http.errors import RETRY_AFTER_SECONDS
from waardhaven.adapters.inbound.http.policy import POLICY, PUBLIC
from waardhaven.adapters.inbound.http.tags import ALSO, SERVICE
from waardhaven.application.diagnostics.queries import CheckReadiness, Readiness
from waardhaven.application.ports.security import InvalidToken

LOOPBACK = frozenset({"127.0.0.1", "::1"})
FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip")


async def may_read_metrics(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Let the holder of METRICS_TOKEN in; without one configured, callers of this machine alone.

    A request that a proxy passed on is not one of this machine, wherever the proxy runs.
    """
    sent = headers.of(connection.scope)
    token: str | None = connection.app.state.config.metrics_token
    if token is not None:
        if not hmac.compare_digest(bearer_token(sent).encode(), token.encode()):
            raise InvalidToken("The metrics token is not valid.")
        return
    client = connection.scope.get("client")
    if not client or client[0] not in LOOPBACK or any(name in sent for name in FORWARDED):
        raise NotFoundException


@get("/", opt={POLICY: PUBLIC}, operation_id="info", summary="What runs here", tags=[SERVICE])
async def info(request: Request[Any, Any, Any]) -> InfoDocument:
    """Name, version, and where to look next."""
    return InfoDocument(
        name="Waardhaven AutoIndex",
        version=request.app.state.config.version,
        documentation="/docs",
        openapi="/openapi.json",
        health="/health",
    )


@get("/health", opt={POLICY: PUBLIC}, operation_id="health", summary="Is the process alive", tags=[SERVICE])
async def health() -> HealthDocument:
    """Answer without asking anything else."""
    return HealthDocument(status="ok")


@get(
    "/health/ready",
    opt={POLICY: PUBLIC},
    operation_id="readiness",
    summary="Can requests be served",
    tags=[SERVICE],
    responses={503: ResponseSpec(Readiness, description="A required dependency is out of reach.")},
)
async def readiness(check: FromDishka[CheckReadiness]) -> Response[Readiness]:
    """Ask every dependency; 503 while a required one does not answer."""
    found = await check()
    retry = {} if found.ready else {"Retry-After": RETRY_AFTER_SECONDS}
    return Response(
        found, status_code=200 if found.ready else 503, headers={"Cache-Control": "no-store", **retry}
    )


@get(
    "/metrics",
    opt={POLICY: PUBLIC, ALSO: (401, 404)},
    guards=[may_read_metrics],
    media_type=MediaType.TEXT,
    operation_id="metrics",
    summary="Counters in the text format of Prometheus",
    tags=[SERVICE],
)
async def metrics(request: Request[Any, Any, Any]) -> str:
    """Count requests and their seconds by route and status.

    With METRICS_TOKEN set it needs that bearer token, otherwise it exists for direct local callers only.
    """
    text: str = request.app.state.counters.text()
    return text
