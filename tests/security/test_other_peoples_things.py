"""Every id in every route, used by somebody whose it is not: nothing is told, nothing changes."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.security.document import Operation, operations
from tests.security.site import LOGIN, ME, V1, Person, Site, bearer
from tests.unit.adapters.http.expect import problem

from waardhaven.domain.identity.roles import Role

SHARED = frozenset({"slug", "symbol", "benchmark", "provider", "flag_id"})
"""Parameters that name what everybody may see, unless it is somebody's own."""
BODIES: dict[str, dict[str, Any]] = {
    "manageUser": {"role": "admin", "is_active": False},
    "linkIdentity": {"id_token": "x", "nonce": "y"},
}
TABLES = ("app_user", "login_session", "api_key", "identity_link", "resource_grant", "market_index")


async def state(site: Site) -> dict[str, list[Any]]:
    """Return what no attack may change, without the times things were used."""
    known = {row["tablename"] for row in await site.rows("SELECT tablename FROM pg_tables")}
    volatile = "'last_used_at'"
    found = {}
    for table in TABLES:
        if table in known:
            query = f'SELECT (to_jsonb(t) - {volatile})::text AS row FROM "{table}" t ORDER BY 1'
            found[table] = [row["row"] for row in await site.rows(query)]
    return found


async def things_of(site: Site, person: Person) -> dict[str, set[str]]:
    """Return every id that is a person's, by the parameter it could stand in."""
    await site.sign_in(person)
    body = {"name": "secret name of a key", "scopes": ["indices:read"]}
    await site.client.post(f"{V1}/auth/api-keys", json=body, headers=person.bearer)
    listed = {
        "session": await site.client.get(f"{V1}/auth/sessions", headers=person.bearer),
        "key": await site.client.get(f"{V1}/auth/api-keys", headers=person.bearer),
    }
    ids = {name: {one["id"] for one in answer.json()["items"]} for name, answer in listed.items()}
    return ids | {"user": {str(person.id)}}


def attempts(operation: Operation, own: Mapping[str, set[str]]) -> list[dict[str, str]]:
    """Return ways to fill the path with ids of somebody else; any id may stand anywhere."""
    names = [name for name in operation.parameters("path") if name not in SHARED]
    everything = sorted(set().union(*own.values()))
    return [dict.fromkeys(names, one) for one in everything] if names else []


def sent(operation: Operation) -> dict[str, Any] | None:
    return BODIES.get(operation.id, {}) if operation.method in {"post", "put", "patch"} else None


def secrets_of(person: Person, own: Mapping[str, set[str]]) -> set[str]:
    return {person.email, person.username, "secret name of a key"} | own["session"] | own["key"]


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.ANALYST], ids=str)
async def test_ids_of_somebody_else_open_nothing(site: Site, role: Role | None) -> None:
    victim = await site.person()
    own = await things_of(site, victim)
    stranger = await site.person(role) if role else None
    headers = [stranger.bearer] if stranger else [{}]
    if stranger:
        scopes = ["indices:read"]
        made = await site.client.post(
            f"{V1}/auth/api-keys", json={"name": "k", "scopes": scopes}, headers=stranger.bearer
        )
        headers.append(bearer(made.json()["secret"]))
        await site.client.get(ME, headers=headers[1])
    before, walked = await state(site), set()
    for operation in operations(await site.operations()):
        for values in attempts(operation, own):
            for sender in headers:
                answer = await site.client.request(
                    operation.method, operation.address(values), json=sent(operation), headers=sender
                )
                assert answer.status_code in {401, 403, 404, 405, 409, 422}, (str(operation), values)
                said = answer.text.replace(values[next(iter(values))], "")
                assert not any(secret in said for secret in secrets_of(victim, own)), str(operation)
                walked.add(operation.id)
    assert walked >= {"endSession", "revokeApiKey", "user", "manageUser"}
    assert await state(site) == before


async def test_ids_of_somebody_else_look_like_ids_of_nothing(site: Site) -> None:
    victim, stranger = await site.person(), await site.person()
    own = await things_of(site, victim)
    for operation in operations(await site.operations()):
        for values in attempts(operation, own):
            answers = [
                await site.client.request(
                    operation.method,
                    operation.address(chosen),
                    json=sent(operation),
                    headers=stranger.bearer,
                )
                for chosen in (values, {})
            ]
            shown = [(one.status_code, one.json().get("code"), one.json().get("detail")) for one in answers]
            assert shown[0] == shown[1], str(operation)


async def test_lists_hold_what_is_ones_own(site: Site) -> None:
    victim, stranger = await site.person(), await site.person(Role.ANALYST)
    own = await things_of(site, victim)
    hidden = secrets_of(victim, own)
    for operation in operations(await site.operations()):
        if operation.method == "get" and not operation.parameters("path"):
            answer = await site.client.get(operation.path, headers=stranger.bearer)
            assert not any(secret in answer.text for secret in hidden), str(operation)


async def test_nobody_but_an_administrator_passes_an_administrative_route(site: Site) -> None:
    people = [await site.person(Role.VIEWER), await site.person(Role.ANALYST)]
    before, walked = await state(site), 0
    for operation in operations(await site.operations()):
        needs = operation.told.get("x-permission", "")
        if needs in {"users:manage", "audit:read", "system:operate"}:
            for person in people:
                answer = await site.client.request(
                    operation.method, operation.address(), json=sent(operation), headers=person.bearer
                )
                problem(answer, 403)
                walked += 1
            problem(await site.client.request(operation.method, operation.address()), 401)
    assert walked >= 10
    assert await state(site) == before


@pytest.fixture
async def owner(site: Site) -> AsyncIterator[Person]:
    """Somebody whose private index the only one is."""
    owner = await site.person(Role.ANALYST)
    change = "UPDATE market_index SET owner_id = $1, visibility = $2 WHERE slug = 'autoindex' RETURNING slug"
    assert await site.rows(change, owner.id, "private")
    yield owner
    await site.rows(change, None, "public")


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.ANALYST], ids=str)
async def test_a_private_index_of_another_is_not_there(site: Site, owner: Person, role: Role | None) -> None:
    headers = (await site.person(role)).bearer if role else {}
    before, walked = await state(site), set()
    for operation in operations(await site.operations()):
        if "slug" not in operation.parameters("path"):
            continue
        hidden, missing = [
            await site.client.request(
                operation.method, operation.address({"slug": slug}), json=sent(operation), headers=headers
            )
            for slug in ("autoindex", "nothing")
        ]
        assert hidden.status_code == missing.status_code, str(operation)
        assert hidden.status_code in ({401} if role is None else {403, 404, 415, 422}), str(operation)
        assert hidden.json()["code"] == missing.json()["code"], str(operation)
        if operation.method == "get":
            shown = await site.client.get(operation.address(), headers=owner.bearer)
            assert shown.status_code == 200, str(operation)
        walked.add(operation.id)
    assert walked >= {"index", "indicesCurrent", "indicesHistory", "builds"}
    assert await state(site) == before


async def test_a_private_index_is_in_no_list_and_behind_no_default_of_another(
    site: Site, owner: Person
) -> None:
    stranger = await site.person()
    for headers, expected in ((stranger.bearer, []), (owner.bearer, ["autoindex"])):
        listed = await site.client.get(f"{V1}/indices", headers=headers)
        assert [one["slug"] for one in listed.json()["items"]] == expected
    for path in ("index/current", "index/history", "strategy/config"):
        answer = await site.client.get(f"{V1}/{path}", headers=stranger.bearer)
        assert answer.status_code == 404, path


async def test_an_answer_remembered_for_its_owner_is_not_given_to_another(site: Site, owner: Person) -> None:
    stranger = await site.person(Role.ANALYST)
    for path in ("indices", "indices/autoindex", "indices/autoindex/current", "indices/autoindex/history"):
        for _ in range(3):
            assert (await site.client.get(f"{V1}/{path}", headers=owner.bearer)).status_code == 200
        answer = await site.client.get(f"{V1}/{path}", headers=stranger.bearer)
        assert answer.status_code == 404 or answer.json()["items"] == [], path


async def test_a_password_of_one_account_does_not_serve_another(site: Site) -> None:
    ada, bob = await site.person(), await site.person()
    for body in (
        {"email": ada.email, "password": bob.password},
        {"email": f"{ada.email}\u0000", "password": ada.password},
        {"email": f"{ada.email} {bob.email}", "password": ada.password},
    ):
        assert (await site.client.post(LOGIN, json=body)).status_code in {401, 422}
