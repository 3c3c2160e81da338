"""Strings made for databases, in every parameter and field: they are data, everywhere."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import unquote_plus
from uuid import uuid4

import httpx
import pytest
from tests.security.document import Operation, operations
from tests.security.payloads import LEAKS, SQL
from tests.security.site import LOGIN, ME, V1, Person, Site
from tests.security.test_mass_assignment import valid
from tests.unit.adapters.http.expect import problem

from waardhaven.domain.identity.roles import Role

ENDS = frozenset({"closeAccount", "logout", "endOtherSessions"})
"""They take no text that matters, or end the session that asks."""
AT_ONCE = 12
AS_STORED = sorted(
    {form for one in SQL for form in (one, json.dumps(one)[1:-1], json.dumps(one, ensure_ascii=False)[1:-1])},
    key=len,
    reverse=True,
)
"""The payloads as they are told back; the longest first, as some hold others."""


@pytest.fixture
async def admin(site: Site) -> Person:
    """Somebody every route is open to."""
    return await site.person(Role.ADMIN)


def harmless(answer: httpx.Response, what: object) -> None:
    """Check that an answer is no accident and tells nothing of the inside."""
    assert answer.status_code < 500, (what, answer.text)
    text = answer.text
    if len(text) < 20_000:
        sent = unquote_plus(str(answer.request.url)) + answer.request.content.decode(errors="replace")
        for stored in AS_STORED:  # what another probe had stored is told as the text it is
            text = text.replace(stored, "")
        assert not [leak for leak in LEAKS if leak in text and leak not in sent], (what, text)


def rows_of(answer: httpx.Response) -> int:
    is_json = "json" in answer.headers.get("content-type", "")
    body = answer.json() if answer.status_code == 200 and is_json else {}
    return len(body.get("items", ())) if isinstance(body, dict) else 0


async def ask(site: Site, by: Person, operation: Operation, **more: Any) -> httpx.Response:
    address = operation.address(more.pop("path", None))
    body = valid(operation) | more.pop("body", {}) if operation.told.get("requestBody") else None
    return await site.client.request(
        operation.method, address, json=body, headers=by.bearer, params=more.get("query")
    )


@pytest.mark.timeout(240)
async def test_no_string_of_a_query_or_path_reaches_the_database_as_a_statement(
    site: Site, admin: Person
) -> None:
    await asyncio.gather(*(site.person() for _ in range(3)))
    gate, began, asked = asyncio.Semaphore(AT_ONCE), time.monotonic(), 0

    async def probe(operation: Operation, where: str, name: str, expected: int) -> int:
        for payload in SQL:
            async with gate:
                answer = await ask(site, admin, operation, **{where: {name: payload}})
            harmless(answer, (str(operation), name, payload))
            rows = rows_of(answer)
            if rows > expected:  # a list may have grown by what other probes did: never past what it is now
                expected = rows_of(await ask(site, admin, operation))
            assert rows <= expected, (str(operation), name, payload)
        return len(SQL)

    probes = []
    for operation in operations(await site.operations()):
        if operation.id in ENDS:
            continue
        plain = rows_of(await ask(site, admin, operation))
        for where in ("query", "path"):
            probes += [probe(operation, where, name, plain) for name in operation.parameters(where)]
    asked = sum(await asyncio.gather(*probes))
    assert asked > 1_000
    assert time.monotonic() - began < asked * 0.2, "nothing slept in the database"


@pytest.mark.timeout(240)
async def test_no_string_of_a_body_reaches_the_database_as_a_statement(site: Site, admin: Person) -> None:
    people = "SELECT id, role, is_active, deleted_at FROM app_user WHERE created_at <= $1 ORDER BY id"
    now = (await site.rows("SELECT now() AS at"))[0]["at"]
    before, asked = await site.rows(people, now), 0
    for operation in operations(await site.operations()):
        if operation.id in ENDS:
            continue
        for name, schema in operation.body().items():
            if not operation.is_text(schema):
                continue
            for payload in SQL:
                answer = await ask(site, admin, operation, body={name: payload})
                harmless(answer, (str(operation), name, payload))
                asked += 1
    assert asked > 500
    assert await site.rows(people, now) == before
    assert (await site.client.get(ME, headers=admin.bearer)).status_code == 200


@pytest.mark.parametrize("payload", SQL)
async def test_a_login_that_is_a_statement_opens_nothing(site: Site, payload: str) -> None:
    person = await site.person()
    for body in (
        {"email": payload, "password": person.password},
        {"email": person.email, "password": payload},
        {"email": f"{person.email}{payload}x", "password": person.password},
    ):
        answer = await site.client.post(LOGIN, json=body)
        assert answer.status_code in {401, 422}, (body, answer.text)


async def test_what_was_stored_is_no_statement_when_it_is_used_again(site: Site) -> None:
    """Second order: kept by one request, used by later ones and by administrators."""
    admin, person = await site.person(Role.ADMIN), await site.person()
    name = "x'); DELETE FROM login_session; --"
    for agent in SQL[:12]:
        body = {"email": person.email, "password": person.password}
        await site.client.post(LOGIN, json=body, headers={b"User-Agent": agent.encode()})
    body = {"name": name, "scopes": ["indices:read"]}
    made = (await site.client.post(f"{V1}/auth/api-keys", json=body, headers=person.bearer)).json()
    for path in ("sessions", "api-keys", "me"):
        answer = await site.client.get(f"{V1}/auth/{path}", headers=person.bearer)
        assert answer.status_code == 200
    ended = await site.client.delete(f"{V1}/auth/api-keys/{made['key']['id']}", headers=person.bearer)
    assert ended.status_code == 204
    assert (await site.client.delete(f"{V1}/auth/sessions", headers=person.bearer)).status_code == 204
    target = {"target": f"user:{person.id}"}
    trail = await site.client.get(f"{V1}/admin/audit", params=target, headers=admin.bearer)
    assert len(trail.json()["items"]) > 12
    assert (await site.client.get(ME, headers=person.bearer)).status_code == 200


@pytest.mark.parametrize("wildcard", ["%", "_", "\\", "%%", "p%", "_" * 13, "\\%", "*", "?", ".*"])
async def test_a_search_takes_wildcards_literally(site: Site, wildcard: str) -> None:
    admin = await site.person(Role.ADMIN)
    answer = await site.client.get(f"{V1}/admin/users", params={"search": wildcard}, headers=admin.bearer)
    assert answer.status_code == 200
    assert [one for one in answer.json()["items"] if wildcard not in one["email"] + one["username"]] == []


@pytest.mark.parametrize("wildcard", ["%", "user%", "user_registered", "_______________"])
async def test_the_trail_takes_wildcards_literally(site: Site, wildcard: str) -> None:
    admin = await site.person(Role.ADMIN)
    for name in ("action", "target"):
        answer = await site.client.get(f"{V1}/admin/audit", params={name: wildcard}, headers=admin.bearer)
        assert answer.status_code == 422 or answer.json()["items"] == [], answer.text


async def test_a_cursor_is_a_place_and_no_condition(site: Site) -> None:
    admin = await site.person(Role.ADMIN)
    for path in ("admin/users", "admin/audit", "indices", "indices/autoindex/builds"):
        for cursor in ("0 OR 1=1", "' OR 1=1", str(uuid4()), "-1", "1e9", "9" * 40, "../..", "=" * 400):
            params = {"cursor": cursor, "limit": 1}
            answer = await site.client.get(f"{V1}/{path}", params=params, headers=admin.bearer)
            assert answer.status_code in {200, 422}, (path, cursor, answer.text)
            assert rows_of(answer) <= 1
    problem(
        await site.client.get(f"{V1}/admin/users", params={"limit": "1 OR 1=1"}, headers=admin.bearer), 422
    )
