"""The HTTP API as one ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dishka import AsyncContainer
from dishka.integrations.litestar import DishkaRouter
from litestar import Litestar, Router
from litestar.datastructures import ResponseHeader, State
from litestar.middleware import DefineMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from waardhaven.adapters.inbound.http.access_log import AccessLog, json_lines
from waardhaven.adapters.inbound.http.addresses import Networks
from waardhaven.adapters.inbound.http.answers import Answers
from waardhaven.adapters.inbound.http.assets import Assets
from waardhaven.adapters.inbound.http.bodies import JsonRequest, RequireJson
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.inbound.http.counters import Counters
from waardhaven.adapters.inbound.http.denials import Denials
from waardhaven.adapters.inbound.http.door import Door
from waardhaven.adapters.inbound.http.enforce import Enforce
from waardhaven.adapters.inbound.http.errors import problem_response
from waardhaven.adapters.inbound.http.gate import Gate
from waardhaven.adapters.inbound.http.handshake import note_refusal
from waardhaven.adapters.inbound.http.limits import Limits
from waardhaven.adapters.inbound.http.live.board import Board
from waardhaven.adapters.inbound.http.live.hub import Hub
from waardhaven.adapters.inbound.http.middleware import Edge
from waardhaven.adapters.inbound.http.openapi import openapi_config
from waardhaven.adapters.inbound.http.routes import (
    access,
    admin,
    admin_users,
    analytics,
    background,
    benchmarks,
    builds,
    compositions,
    credentials,
    definitions,
    diagnostics,
    docs,
    explain,
    federation,
    identity,
    imports,
    indexes,
    jobs,
    manual,
    market,
    markowitz,
    methodology,
    money,
    monte_carlo,
    options,
    preview,
    quotes,
    risk_metrics,
    root,
    strategy,
    stream,
)
from waardhaven.adapters.inbound.http.sent_bodies import Room
from waardhaven.adapters.inbound.http.services import Services

PREFIX = "/api/v1"


def create_app(container: AsyncContainer, config: HttpConfig) -> Litestar:
    """Return the application; ``container`` provides the use cases and ports, and is closed by its maker."""
    services = Services(container)
    answers = Answers(services, config)
    counters = Counters(config.version)
    access_log = AccessLog(json_lines(config.access_log_stream) if config.access_log_stream else None)
    denials = Denials(services)
    networks = Networks(
        allowed=config.allowed_networks, denied=config.denied_networks, admin=config.admin_networks
    )
    enforce = DefineMiddleware(
        Enforce, services=services, networks=networks, seconds=config.request_timeout_seconds
    )
    hub = Hub(services)
    state = {
        "config": config,
        "services": services,
        "answers": answers,
        "limits": Limits(services, config),
        "counters": counters,
        "hub": hub,
        "board": Board(services, hub),
        "assets": Assets(config.vendored),
        "room": Room(),
        "encoded": {},
    }
    app = Litestar(
        route_handlers=[_probes(), _accounts(), _market(), _indices(), _live(), *docs.HANDLERS],
        middleware=[enforce, RequireJson],
        exception_handlers={Exception: problem_response},
        request_class=JsonRequest,
        request_max_body_size=config.max_body_bytes,
        openapi_config=openapi_config(config.version),
        logging_config=None,
        after_exception=[note_refusal],
        state=State(state),
        lifespan=[lambda _: _writing(access_log), lambda _: denials.running(), lambda _: hub.running()],
    )
    gate = Gate(Door(app.asgi_handler, answers), services, config, networks)
    app.asgi_handler = Edge(gate, config, counters, access_log, denials)
    return app


def _probes() -> Router:
    handlers = [root.info, root.health, root.readiness, root.metrics, credentials.jwks]
    return DishkaRouter("/", route_handlers=handlers, middleware=[RequestScope])


def _accounts() -> Router:
    areas = (
        *(identity, credentials, federation, access, jobs, background, manual),
        *(imports, admin_users, admin, diagnostics),
    )
    return DishkaRouter(
        PREFIX,
        route_handlers=[
            *market.UNKEPT,
            *analytics.UNKEPT,
            *options.UNKEPT,
            *markowitz.UNKEPT,
            *monte_carlo.UNKEPT,
            *(handler for area in areas for handler in area.HANDLERS),
        ],
        middleware=[RequestScope],
        response_headers=[ResponseHeader(name="Cache-Control", value="no-store")],
    )


def _market() -> Router:
    return DishkaRouter(PREFIX, route_handlers=market.HANDLERS, middleware=[RequestScope])


def _indices() -> Router:
    areas = (
        *(indexes, definitions, methodology, builds, money, strategy, analytics, options, markowitz),
        *(compositions, explain, preview, benchmarks, risk_metrics),
    )
    handlers = [handler for area in areas for handler in area.HANDLERS]
    return DishkaRouter(PREFIX, route_handlers=handlers, middleware=[RequestScope])


def _live() -> Router:
    return Router(PREFIX, route_handlers=[*stream.HANDLERS, *quotes.HANDLERS])


class RequestScope:
    """Opens the container's request scope around a handler whose parameters it fills."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer within the scope."""
        services: Services = scope["litestar_app"].state.services
        async with services.container() as opened:
            scope["state"]["dishka_container"] = opened
            await self._app(scope, receive, send)


@asynccontextmanager
async def _writing(access_log: AccessLog) -> AsyncIterator[None]:
    try:
        yield
    finally:
        access_log.close()


__all__ = ["HttpConfig", "create_app"]
