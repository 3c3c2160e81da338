import re
from datetime import timedelta

import jwt
import pytest
from httpx import AsyncClient
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import WebSocketRoute
from tests.fakes.security import TOKENS
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import World

from waardhaven.adapters.inbound.http.policy import policy_of
from waardhaven.domain.identity.roles import Permission, Role

FILLED = re.compile(r"{\w+:(\w+)}")
EXAMPLES = {"str": "autoindex", "uuid": "7ec64d09-c987-41d0-a1d2-fdc1bc6610a9", "int": "7"}


def handlers(app: Litestar) -> list[tuple[str, str, HTTPRouteHandler]]:
    return [
        (method, route.path, handler)
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        for method in sorted(handler.http_methods)
        if method != "OPTIONS"
    ]


async def test_every_route_that_is_not_public_needs_a_token(world: World) -> None:
    """Those that are public are listed where the API document is tested."""
    asked = 0
    for method, path, handler in handlers(world.app):
        policy = policy_of(handler.opt)
        if policy is not None and policy.is_public:
            continue
        filled = FILLED.sub(lambda found: EXAMPLES[found[1]], path)
        async with world.client(f"203.0.113.{asked + 1}") as client:
            response = await client.request(method, filled, json=None if method == "GET" else {})
        problem(response, 401, "missing_token")
        assert response.headers["www-authenticate"] == "Bearer"
        asked += 1
    assert asked >= 20


def test_every_route_is_plain_http_or_a_socket_that_needs_a_permission(world: World) -> None:
    """A mounted application would need a guard of its own."""
    sockets = [route for route in world.app.routes if isinstance(route, WebSocketRoute)]
    assert {type(route).__name__ for route in world.app.routes} == {"HTTPRoute", "WebSocketRoute"}
    assert [route.path for route in sockets] == ["/api/v1/stream/quotes"], "tested in test_live_quotes.py"
    for route in sockets:
        policy = policy_of(route.route_handler.opt)
        assert policy is not None
        assert policy.permission is Permission.READ_INDICES


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer a.b.c", "bearer  x y", "Bearer " + "x" * 9000]
)
async def test_a_header_without_a_valid_token_is_refused(client: AsyncClient, header: str) -> None:
    problem(await client.get("/api/v1/index/current", headers={"Authorization": header}), 401)


async def test_the_scheme_is_read_in_any_case(world: World, client: AsyncClient) -> None:
    token = world.bearer()["Authorization"].partition(" ")[2]
    response = await client.get("/api/v1/index/current", headers={"Authorization": f"bEaReR {token}"})
    assert response.status_code == 200


async def test_a_token_ends_although_it_was_read_before(world: World, client: AsyncClient) -> None:
    headers = world.bearer()
    assert (await client.get("/api/v1/index/current", headers=headers)).status_code == 200
    world.clock.advance(timedelta(minutes=16))
    problem(await client.get("/api/v1/index/current", headers=headers), 401, "invalid_token")


async def test_an_unsigned_token_is_refused(client: AsyncClient) -> None:
    forged = jwt.encode({"sub": "x", "role": "admin"}, None, algorithm="none")
    problem(await client.get("/api/v1/index/current", headers={"Authorization": f"Bearer {forged}"}), 401)


async def test_answers_are_not_shared_between_roles(world: World, client: AsyncClient) -> None:
    for role in (Role.VIEWER, Role.ADMIN, Role.VIEWER):
        await client.get("/api/v1/index/current", headers=world.bearer(role))
    calls = [stub.calls for query, stub in world.stubs.items() if query.__name__ == "ReadCurrent"]
    assert len(calls[0]) == 2


async def test_metrics_need_their_token_when_one_is_set(vendored: object) -> None:
    world = World(config={"metrics_token": "t" * 32})
    async with world.client() as client:
        problem(await client.get("/metrics"), 401)
        problem(await client.get("/metrics", headers={"Authorization": "Bearer wrong"}), 401)
        found = await client.get("/metrics", headers={"Authorization": f"Bearer {'t' * 32}"})
    assert found.status_code == 200
    assert 'waardhaven_build_info{version="0.1.0"} 1' in found.text
    assert 'route="/metrics",status="401"} 2' in found.text


async def test_metrics_do_not_exist_for_strangers_without_a_token(client: AsyncClient) -> None:
    problem(await client.get("/metrics"), 404, "not_found")


def test_the_secret_of_tokens_is_never_printed() -> None:
    assert TOKENS.secret not in repr(TOKENS)
