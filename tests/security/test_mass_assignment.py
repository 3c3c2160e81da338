"""Fields that are not for the sender to set are refused, wherever they are sent."""

from typing import Any
from uuid import uuid4

import pytest
from tests.security.document import HARMLESS, Operation, operations
from tests.security.site import LOGIN, ME, REGISTER, STRONG, V1, Site
from tests.security.test_other_peoples_things import state
from tests.unit.adapters.http.expect import fields, problem

from waardhaven.domain.identity.roles import Role

FORBIDDEN: dict[str, Any] = {
    "id": str(uuid4()),
    "role": "admin",
    "roles": ["admin"],
    "is_admin": True,
    "is_active": True,
    "is_verified": True,
    "password_hash": "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$x",
    "token_version": 0,
    "deleted_at": None,
    "created_at": "2000-01-01T00:00:00Z",
    "owner": str(uuid4()),
    "owner_id": str(uuid4()),
    "user": str(uuid4()),
    "user_id": str(uuid4()),
    "permissions": ["system:operate"],
    "digest": "00",
    "prefix": "aaaaaaaaaa",
    "secret": "x",
    "last_used_at": None,
    "revoked_at": None,
    "session": str(uuid4()),
    "__class__": "Admin",
    "__proto__": {"role": "admin"},
    "constructor": {"prototype": {"role": "admin"}},
    "email[$ne]": "",
}


def valid(operation: Operation) -> dict[str, Any]:
    """Return a body that would do, as far as shape goes."""
    text = {"email": f"n{uuid4().hex}@example.org", "password": STRONG, "new_password": STRONG + "!"}
    known = text | HARMLESS | {"name": "a key", "token": "A" * 43, "id_token": "x", "nonce": "y"}
    return {name: known.get(name, "x") for name in operation.required()}


async def test_every_body_refuses_fields_that_are_not_its_own(site: Site) -> None:
    person = await site.person(Role.ANALYST)
    before, walked = await state(site), 0
    for operation in operations(await site.operations()):
        if "application/json" not in operation.told.get("requestBody", {}).get("content", {}):
            continue
        for name, value in FORBIDDEN.items():
            if name in operation.body():
                continue
            body = valid(operation) | {name: value}
            answer = await site.client.request(
                operation.method, operation.address(), json=body, headers=person.bearer
            )
            if answer.status_code not in {403, 404}:
                assert name in fields(problem(answer, 422)), str(operation)
            walked += 1
    assert walked > 200
    assert await state(site) == before


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
async def test_a_registration_can_not_choose_what_it_may_do(site: Site, name: str) -> None:
    body = {"email": f"n{uuid4().hex}@example.org", "password": STRONG, name: FORBIDDEN[name]}
    assert fields(problem(await site.client.post(REGISTER, json=body), 422)) == {name}
    assert await site.rows("SELECT 1 FROM app_user WHERE email = $1", body["email"]) == []


async def test_a_new_account_may_read_and_nothing_else(site: Site) -> None:
    body = {"email": f"n{uuid4().hex}@example.org", "password": STRONG, "username": "administrator"}
    assert (await site.client.post(REGISTER, json=body)).status_code == 202
    view = (await site.client.post(LOGIN, json=body_of(body))).json()
    me = await site.client.get(ME, headers={"Authorization": f"Bearer {view['access_token']}"})
    assert me.json()["permissions"] == ["indices:read"]
    assert me.json()["role"] == "viewer"


def body_of(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in ("email", "password")}


async def test_a_key_never_reaches_beyond_its_owner(site: Site) -> None:
    person = await site.person(Role.VIEWER)
    for scopes in (["users:manage"], ["indices:read", "system:operate"], ["*"], ["admin"], []):
        body = {"name": "a key", "scopes": scopes}
        answer = await site.client.post(f"{V1}/auth/api-keys", json=body, headers=person.bearer)
        problem(answer, 422)
    assert (await site.client.get(f"{V1}/auth/api-keys", headers=person.bearer)).json()["items"] == []


async def test_nobody_promotes_himself(site: Site) -> None:
    person = await site.person(Role.ANALYST)
    for method, path in [("PUT", f"{V1}/admin/users/{person.id}"), ("PUT", ME), ("PATCH", ME), ("POST", ME)]:
        answer = await site.client.request(method, path, json={"role": "admin"}, headers=person.bearer)
        assert answer.status_code in {403, 405, 422}
    found = await site.rows("SELECT role FROM app_user WHERE id = $1", person.id)
    assert found == [{"role": "analyst"}]


async def test_parameters_of_the_query_are_no_fields_of_the_body(site: Site) -> None:
    email = f"n{uuid4().hex}@example.org"
    params = {"role": "admin", "is_verified": "true"}
    answer = await site.client.post(REGISTER, json={"email": email, "password": STRONG}, params=params)
    assert answer.status_code == 202
    found = await site.rows("SELECT role FROM app_user WHERE email = $1", email)
    assert found == [{"role": "viewer"}]
