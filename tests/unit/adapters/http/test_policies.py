"""Every route says who may use it, and only they may."""

from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from litestar import Request, get
from structlog.testing import capture_logs
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import SOMEBODY, World

from waardhaven.adapters.inbound.http.openapi import METHODS, document
from waardhaven.adapters.inbound.http.policy import (
    POLICY,
    PUBLIC,
    SIGNED_IN,
    Access,
    Policy,
    needs,
    policy_of,
    public,
    signed_in,
)
from waardhaven.application.indexes import queries
from waardhaven.domain.identity.roles import Credential, Permission, Principal, Role
from waardhaven.domain.types import ApiKeyId

CURRENT = "/api/v1/index/current"
KEY = Principal(
    user=SOMEBODY,
    role=Role.ADMIN,
    credential=Credential.API_KEY,
    key=ApiKeyId(UUID(int=5)),
    scopes=frozenset({Permission.READ_INDICES}),
)
BREAK_GLASS = Principal(user=None, role=Role.ADMIN, credential=Credential.BREAK_GLASS)


def declared(world: World) -> dict[tuple[str, str], Policy | None]:
    return {
        (method, route.path_format): policy_of(handler.opt)
        for route in world.app.routes
        for handler in getattr(route, "route_handlers", [])
        for method in handler.http_methods
        if not (method == "OPTIONS" and POLICY not in handler.opt)
    }


def undeclared(world: World) -> set[tuple[str, str]]:
    return {where for where, policy in declared(world).items() if policy is None}


def test_every_route_declares_a_policy(world: World) -> None:
    assert undeclared(world) == set()


def test_every_route_of_the_api_document_declares_a_policy(world: World) -> None:
    known = declared(world)
    described = {
        (method.upper(), path)
        for path, item in document(world.app)["paths"].items()
        for method in METHODS
        if method in item
    }
    assert len(described) >= 20
    assert {where for where in described if known.get(where) is None} == set()


async def test_a_route_that_declares_nothing_is_found_and_refused(world: World, client: AsyncClient) -> None:
    @get("/forgotten")
    async def forgotten() -> dict[str, str]:
        raise AssertionError

    world.app.register(forgotten)
    assert undeclared(world) == {("GET", "/forgotten")}
    with capture_logs() as lines:
        for headers in ({}, world.bearer(Role.ADMIN), world.credential(BREAK_GLASS)):
            problem(await client.get("/forgotten", headers=headers), 403, "undeclared_route")
    assert [line["path"] for line in lines if line["event"] == "route_without_policy"] == ["/forgotten"] * 3


@get("/mine", opt={POLICY: SIGNED_IN})
async def mine(request: Request[Any, Any, Any]) -> str:
    """Show who asks."""
    return str(request.user.user)


@get("/audit", opt={POLICY: needs(Permission.READ_AUDIT)})
async def audit() -> str:
    """Stand for what administrators do."""
    return "secret"


async def test_only_a_person_with_a_session_may_do_what_needs_one(world: World, client: AsyncClient) -> None:
    world.app.register(mine)
    problem(await client.get("/mine"), 401, "missing_token")
    for principal in (KEY, BREAK_GLASS, Principal(user=SOMEBODY, role=Role.VIEWER, scopes=frozenset())):
        problem(await client.get("/mine", headers=world.credential(principal)), 403, "session_required")
    assert (await client.get("/mine", headers=world.bearer())).text == str(SOMEBODY)


async def test_a_permission_is_asked_of_role_and_scopes(world: World, client: AsyncClient) -> None:
    world.app.register(audit)
    body = problem(await client.get("/audit", headers=world.bearer()), 403, "permission_denied")
    assert body["permission"] == "audit:read"
    assert "scope" in problem(await client.get("/audit", headers=world.credential(KEY)), 403)["detail"]
    assert (await client.get("/audit", headers=world.bearer(Role.ADMIN))).text == "secret"
    assert (await client.get("/audit", headers=world.credential(BREAK_GLASS))).text == "secret"


async def test_scopes_take_away_what_was_remembered_for_the_role(world: World, client: AsyncClient) -> None:
    """A warm answer is no way around a permission."""
    assert (await client.get(CURRENT, headers=world.bearer(Role.ADMIN))).status_code == 200
    assert (await client.get(CURRENT, headers=world.bearer(Role.ADMIN))).status_code == 200
    none = Principal(user=SOMEBODY, role=Role.ADMIN, credential=Credential.API_KEY, scopes=frozenset())
    problem(await client.get(CURRENT, headers=world.credential(none)), 403)
    assert len(world.stub(queries.ReadCurrent).calls) == 1


async def test_personal_answers_of_a_scoped_key_are_kept_apart(world: World, client: AsyncClient) -> None:
    for headers in (world.bearer(Role.ADMIN), world.credential(KEY), world.bearer(Role.ADMIN)):
        assert (await client.get("/api/v1/indices", headers=headers)).status_code == 200
    assert len(world.stub(queries.ListIndices).calls) == 2


async def test_administration_answers_its_networks_alone() -> None:
    world = World(config={"admin_networks": ("10.0.0.0/8", "2001:db8::/32")})
    world.app.register(audit)
    reading, inside = world.credential(BREAK_GLASS), world.bearer(Role.ADMIN)
    async with world.client("203.0.113.9") as client:
        problem(await client.get("/audit"), 401)
        problem(await client.get("/audit", headers=inside), 403, "address_refused")
        problem(await client.get(CURRENT, headers=reading), 403, "address_refused")
        assert (await client.get(CURRENT, headers=inside)).status_code == 200
    for address in ("10.2.3.4", "::ffff:10.2.3.4", "2001:db8::7"):
        async with world.client(address) as client:
            assert (await client.get("/audit", headers=inside)).status_code == 200
            assert (await client.get(CURRENT, headers=reading)).status_code == 200


@pytest.mark.parametrize(
    ("policy", "admin", "rememberable"),
    [
        (PUBLIC, False, False),
        (SIGNED_IN, False, False),
        (needs(Permission.READ_INDICES), False, True),
        (needs(Permission.READ_INDICES, per_minute=3), False, False),
        (needs(Permission.MANAGE_USERS), True, False),
        (needs(Permission.READ_AUDIT), True, False),
        (needs(Permission.OPERATE), True, False),
    ],
)
def test_policies_know_what_follows_from_them(policy: Policy, admin: bool, rememberable: bool) -> None:
    assert (policy.is_admin, policy.is_rememberable) == (admin, rememberable)


def test_policies_are_made_by_name() -> None:
    assert public(cookie=True) == Policy(access=Access.PUBLIC, cookie=True)
    assert signed_in(per_minute=2) == Policy(access=Access.SIGNED_IN, per_minute=2)
    assert policy_of({POLICY: "public"}) is None


def test_the_document_names_permissions(world: World) -> None:
    paths = document(world.app)["paths"]
    reading = paths[CURRENT]["get"]
    assert reading["x-permission"] == "indices:read"
    assert "indices:read" in reading["description"]
    assert {"401", "403", "429"} <= reading["responses"].keys()
    assert "API keys are refused" in paths["/api/v1/auth/me"]["get"]["description"]
    assert "x-permission" not in paths["/health"]["get"]
    assert "429" not in paths["/health"]["get"]["responses"]
