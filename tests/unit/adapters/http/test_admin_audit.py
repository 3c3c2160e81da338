"""The audit trail over HTTP, and refusals on their way into it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import World

from waardhaven.domain.identity.roles import Credential, Permission, Principal, Role
from waardhaven.domain.types import UserId

AUDIT, HEAD = "/api/v1/admin/audit", "/api/v1/admin/audit/head"
ADA = UserId(UUID(int=1))
BY_ADA = Principal(user=ADA, role=Role.ADMIN, credential=Credential.API_KEY)
NOON = datetime(2024, 6, 3, 12, tzinfo=UTC)


@pytest.fixture
def admin(world: World) -> dict[str, str]:
    return world.bearer(Role.ADMIN)


def put(world: World, **changes: Any) -> None:
    plain = {"by": BY_ADA, "target": "user:2", "at": NOON}
    world.trail.put(changes.pop("action", "user.deleted"), **{**plain, **changes})


async def test_entry_is_shown_whole(world: World, client: AsyncClient, admin: dict[str, str]):
    put(world, before=b"\x01" * 32, detail={"role": "analyst"}, correlation_id="req-1", occurrences=2)
    await world.trail.seal(limit=5)
    response = await client.get(AUDIT, headers=admin)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "items": [
            {
                "id": 1,
                "at": "2024-06-03T12:00:00Z",
                "actor": str(ADA),
                "credential": "api_key",
                "action": "user.deleted",
                "target": "user:2",
                "before": "01" * 32,
                "after": None,
                "occurrences": 2,
                "detail": {"role": "analyst"},
                "correlation_id": "req-1",
                "position": 1,
            }
        ],
        "next_cursor": None,
    }


async def test_pages_follow_their_cursors(world: World, client: AsyncClient, admin: dict[str, str]):
    for _ in range(5):
        put(world)
    seen: list[int] = []
    cursor = ""
    while cursor is not None:
        page = (await client.get(f"{AUDIT}?limit=2{cursor}", headers=admin)).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert seen == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"actor={ADA}", [1]),
        (f"actor={UUID(int=5)}", []),
        ("action=user.", [1]),
        ("target=index:1", [2]),
        ("credential=system", [2]),
        ("correlation_id=req-9", [2]),
        ("since=2024-06-04", [2]),
        ("until=2024-06-03", [1]),
        ("since=2024-06-03T12:00:00Z&until=2024-06-03T12:00:01Z", [1]),
        ("action=user.&credential=system", []),
    ],
)
async def test_filters_narrow(
    world: World, client: AsyncClient, admin: dict[str, str], query: str, found: list[int]
):
    put(world)
    system = Principal(user=None, role=Role.ADMIN, credential=Credential.SYSTEM)
    later = NOON.replace(day=4)
    put(world, action="index.built", by=system, target="index:1", at=later, correlation_id="req-9")
    response = await client.get(f"{AUDIT}?{query}", headers=admin)
    assert [one["id"] for one in response.json()["items"]] == found


@pytest.mark.parametrize(
    "query",
    [
        "actor=ada",
        "action=User",
        "credential=password",
        "since=yesterday",
        "until=2024-06-03T12:00:00",
        "since=2024-06-04&until=2024-06-03",
        "limit=0",
        "limit=201",
        "cursor=abc",
        "correlation_id=a%20b",
    ],
)
async def test_filter_of_another_form_is_refused(client: AsyncClient, admin: dict[str, str], query: str):
    response = await client.get(f"{AUDIT}?{query}", headers=admin)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == query.partition("=")[0]


async def test_head_is_position_and_digest(world: World, client: AsyncClient, admin: dict[str, str]):
    put(world)
    await world.trail.seal(limit=5)
    response = await client.get(HEAD, headers=admin)
    assert response.json() == {"position": 1, "digest": world.trail.chain[0].digest.hex()}
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [AUDIT, HEAD])
async def test_only_who_may_read_the_trail_does(world: World, client: AsyncClient, path: str):
    problem(await client.get(path), 401, "missing_token")
    for role in (Role.VIEWER, Role.ANALYST):
        problem(await client.get(path, headers=world.bearer(role)), 403, "permission_denied")
    scoped = [
        Principal(user=ADA, role=Role.ADMIN, credential=Credential.API_KEY, scopes=frozenset({one}))
        for one in (Permission.READ_INDICES, Permission.READ_AUDIT)
    ]
    answers = [await client.get(path, headers=world.credential(one)) for one in scoped]
    assert [one.status_code for one in answers] == [403, 200]


async def test_refusals_of_a_process_are_recorded_when_it_ends(world: World):
    async with world.client() as client:
        for _ in range(3):
            await client.get(AUDIT)
        await client.get(AUDIT, headers=world.bearer(Role.VIEWER))
        login = {"email": "Ada@x.org ", "password": "not the password"}
        await client.post("/api/v1/auth/login", json=login)
        await client.get(AUDIT, headers=world.bearer(Role.ADMIN))
        assert world.uow.audit.entries == []
    recorded = {
        (action, target): detail
        for (action, _, target), detail in zip(world.uow.audit.entries, world.uow.audit.details, strict=True)
    }
    assert set(recorded) == {
        ("access.unauthenticated", f"GET {AUDIT}"),
        ("access.denied", f"GET {AUDIT}"),
        ("login.failed", "POST /api/v1/auth/login"),
    }
    assert set(recorded["login.failed", "POST /api/v1/auth/login"]) == {"status", "address", "login"}
    assert set(recorded["access.denied", f"GET {AUDIT}"]) == {"status", "user"}
