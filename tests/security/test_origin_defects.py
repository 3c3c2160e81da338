"""The faults of the systems before, each shown to be absent here. Ids as in the list of their defects."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from tests.security.document import operations
from tests.security.payloads import LEAKS
from tests.security.site import LOGIN, LOGOUT, ME, REFRESH, REGISTER, STRONG, V1, Site, bearer
from tests.security.test_other_peoples_things import state
from tests.security.test_sessions import mailed_token
from tests.unit.adapters.http.expect import problem

from waardhaven.bootstrap.settings import InvalidSettings, Settings, read_settings
from waardhaven.domain.identity.roles import Role

OPEN = {
    "GET /",
    "GET /health",
    "GET /health/ready",
    "GET /metrics",
    "GET /openapi.json",
    "GET /.well-known/jwks.json",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/verify-email",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/logout",
    "POST /api/v1/auth/forgot-password",
    "POST /api/v1/auth/reset-password",
    "GET /api/v1/auth/providers",
    "POST /api/v1/auth/nonce",
    "POST /api/v1/auth/google",
    "GET /api/v1/auth/{provider}/start",
    "GET /api/v1/auth/{provider}/callback",
}
"""Everything anybody may call; a new open route has to be added here, with a reason to be open."""


async def test_d_w2_a_posted_address_is_no_proof_of_a_google_account(begin: Callable[..., Any]) -> None:
    async with begin({"google_client_id": "our-client"}) as site:
        victim = await site.person()
        before = await state(site)
        nonce = (await site.client.post(f"{V1}/auth/nonce")).json()["nonce"]
        claimed = {"email": victim.email, "google_id": "1", "name": "Ada"}
        problem(await site.client.post(f"{V1}/auth/google", json=claimed), 422)
        for token in (victim.email, f"{'e30'}.{'e30'}.", victim.session["access_token"]):
            proof = {"id_token": token, "nonce": nonce}
            problem(await site.client.post(f"{V1}/auth/google", json=proof), 401)
        assert await state(site) == before


async def test_d_w3_every_route_but_the_listed_ones_needs_a_caller(site: Site) -> None:
    before, found = await state(site), set()
    for operation in operations(await site.operations()):
        if operation.is_open:
            found.add(str(operation))
            continue
        answer = await site.client.request(operation.method, operation.address(), json={})
        problem(answer, 401)
    assert found == OPEN
    assert await state(site) == before


async def test_d_w3_what_runs_inside_is_told_to_nobody_unknown(site: Site) -> None:
    for path in ("/", "/health", "/health/ready", "/openapi.json"):
        text = (await site.client.get(path)).text
        assert not [leak for leak in LEAKS if leak in text]
        assert "/tmp" not in text
        assert "postgresql://" not in text
    assert (await site.client.get("/metrics")).status_code == 404


async def test_d_w16_no_caller_sets_an_attribute_by_naming_it(site: Site) -> None:
    person = await site.person()
    before = await state(site)
    for name, value in {
        "id": str(uuid4()),
        "role": "admin",
        "is_active": False,
        "password_hash": "x",
    }.items():
        for sent in ({"json": {name: value}}, {"json": {}, "params": {name: str(value)}}):
            await site.client.put(ME, headers=person.bearer, **sent)
    config = await site.client.get(f"{V1}/strategy/config", headers=person.bearer)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in ("strategy/config", "strategy/config/ai-adjust", "strategy/rebalance"):
            body = {"momentum_weight": -1, "rebalance_frequency": "never", "id": 7}
            answer = await site.client.request(method, f"{V1}/{path}", json=body, headers=person.bearer)
            assert answer.status_code in {403, 404, 405, 422}
    again = await site.client.get(f"{V1}/strategy/config", headers=person.bearer)
    assert again.json() == config.json()
    rows = [[one for one in found if str(person.id) not in one] for found in (await state(site)).values()]
    assert rows == [[one for one in found if str(person.id) not in one] for found in before.values()]


async def test_d_w17_no_ordinary_caller_deletes_what_was_measured_or_published(site: Site) -> None:
    person = await site.person(Role.ANALYST)
    counts = "SELECT (SELECT count(*) FROM price) AS prices, (SELECT count(*) FROM publication) AS published"
    before = await site.rows(counts)
    for operation in operations(await site.operations()):
        words = operation.path.replace("-", "/").split("/")
        removes = operation.method == "delete" and "/auth/" not in operation.path
        if removes or {"cleanup", "purge", "truncate"} & set(words):
            answer = await site.client.request(
                operation.method, operation.address(), headers=person.bearer, json={}
            )
            assert answer.status_code in {403, 404}, str(operation)
    admin = await site.person(Role.ADMIN)
    for days in (0, -1, 1, 29):
        body = {"days_to_keep": days}
        for path in ("background/cleanup", "background/cleanup-old-data"):
            problem(await site.client.post(f"{V1}/{path}", json=body, headers=person.bearer), 403)
            problem(await site.client.post(f"{V1}/{path}", json=body, headers=admin.bearer), 422)
        job = {"type": "cleanup", "params": body}
        problem(await site.client.post(f"{V1}/jobs", json=job, headers=person.bearer), 403)
        problem(await site.client.post(f"{V1}/jobs", json=job, headers=admin.bearer), 422)
    assert not await site.rows("SELECT id FROM job")
    assert await site.rows(counts) == before
    with pytest.raises(Exception, match="publication_append_only"):
        await site.rows("DELETE FROM publication RETURNING 1")


async def test_d_w28_the_limit_is_one_over_all_processes(begin: Callable[..., Any], valkey_url: str) -> None:
    assert valkey_url
    async with begin(rate_limit_per_minute=10) as one, begin(rate_limit_per_minute=10) as other:
        asks = [site.client.get("/") for _ in range(10) for site in (one, other)]
        statuses = sorted([answer.status_code for answer in await asyncio.gather(*asks)])
    assert statuses == [200] * 10 + [429] * 10


async def test_d_w28_people_behind_one_address_have_a_limit_each(
    begin: Callable[..., Any], valkey_url: str
) -> None:
    assert valkey_url
    async with begin(rate_limit_per_minute=5, rate_limit_authenticated=20) as site:
        ada, bob = await site.person(), await site.person()
        path = f"{V1}/index/currencies"
        many = [(await site.client.get(path, headers=ada.bearer)).status_code for _ in range(21)]
        assert many == [200] * 20 + [429]
        assert (await site.client.get(path, headers=bob.bearer)).status_code == 200


async def test_d_w29_what_is_no_date_or_number_never_reaches_the_database(site: Site) -> None:
    headers = (await site.person()).bearer
    for query in ("start=x", "end=2024-13-01", "limit=-1", "limit=x", "start='", "as_of=now()", "end=now"):
        for path in ("index/history", "indices", "indices/autoindex/history", "indices/autoindex/builds"):
            answer = await site.client.get(f"{V1}/{path}?{query}", headers=headers)
            assert answer.status_code in {200, 422}
            assert not [leak for leak in LEAKS if leak in answer.text]


async def test_d_w30_a_subject_that_is_no_id_is_a_refusal_and_no_accident(site: Site) -> None:
    problem(await site.client.get(ME, headers=bearer("abc.def.ghi")), 401)


async def test_d_w30_a_logout_has_an_effect(site: Site) -> None:
    person = await site.person()
    await site.client.post(LOGOUT, json={}, headers=person.bearer)
    async with asyncio.timeout(1):
        while (await site.client.get(ME, headers=person.bearer)).status_code != 401:
            await asyncio.sleep(0.002)


async def test_d_w30_failed_logins_are_slowed_down(site: Site) -> None:
    person = await site.person()
    body = {"email": person.email, "password": "wrong"}
    statuses = [(await site.client.post(LOGIN, json=body)).status_code for _ in range(8)]
    assert statuses[-1] == 429


async def test_d_w30_a_registration_does_not_tell_who_has_an_account(site: Site) -> None:
    person = await site.person()
    answers = [
        await site.client.post(REGISTER, json={"email": email, "password": STRONG})
        for email in (person.email, f"n{uuid4().hex}@example.org")
    ]
    assert answers[0].status_code == answers[1].status_code == 202
    assert answers[0].content == answers[1].content
    assert (
        await site.client.post(LOGIN, json={"email": person.email, "password": STRONG})
    ).status_code == 401


async def test_d_p1_the_answer_to_a_forgotten_password_holds_nothing_but_words(site: Site) -> None:
    person = await site.person()
    emails = (person.email, "nobody@example.org")
    path = f"{V1}/auth/forgot-password"
    answers = [await site.client.post(path, json={"email": email}) for email in emails]
    assert answers[0].content == answers[1].content
    assert set(answers[0].json()) == {"detail"}
    token = await mailed_token(site, person)
    assert token not in answers[0].text
    assert token not in site.log.getvalue()


async def test_d_p2_a_refresh_token_belongs_to_its_session_and_works_once(site: Site) -> None:
    person = await site.person()
    stored = "SELECT encode(digest, 'hex') AS digest FROM refresh_token t JOIN login_session s"
    rows = await site.rows(f"{stored} ON s.id = t.session_id WHERE s.user_id = $1", person.id)
    assert person.refresh_token not in str(rows)
    body = {"refresh_token": person.refresh_token}
    assert (await site.client.post(REFRESH, json=body)).status_code == 200
    problem(await site.client.post(REFRESH, json=body), 401)


async def test_d_p2_a_logout_ends_the_session_of_its_token_and_no_other(site: Site) -> None:
    ada, bob = await site.person(), await site.person()
    other = await site.sign_in(ada)
    await site.client.post(LOGOUT, json={"refresh_token": ada.refresh_token})
    problem(await site.client.post(REFRESH, json={"refresh_token": ada.refresh_token}), 401)
    for token in (other["refresh_token"], bob.refresh_token):
        assert (await site.client.post(REFRESH, json={"refresh_token": token})).status_code == 200


def test_d_p2_there_is_no_default_key() -> None:
    assert Settings().secret_key is None
    assert Settings().admin_token is None
    for weak in ("secret", "change-me", "x" * 31):
        with pytest.raises(InvalidSettings, match="SECRET_KEY"):
            read_settings({"SECRET_KEY": weak})


async def test_d_p3_a_reset_keeps_to_the_rules_and_ends_every_session(site: Site) -> None:
    person = await site.person()
    await site.client.post(f"{V1}/auth/forgot-password", json={"email": person.email})
    token = await mailed_token(site, person)
    path = f"{V1}/auth/reset-password"
    for weak in ("short", "password123", "aaaaaaaaaaaa"):
        problem(await site.client.post(path, json={"token": token, "password": weak}), 422)
    assert (await site.client.post(path, json={"token": token, "password": STRONG})).status_code == 204
    problem(await site.client.post(REFRESH, json={"refresh_token": person.refresh_token}), 401)
    async with asyncio.timeout(1):
        while (await site.client.get(ME, headers=person.bearer)).status_code != 401:
            await asyncio.sleep(0.002)


async def test_d_p4_roles_are_checked_and_the_address_is_the_sockets(
    begin: Callable[..., Any], valkey_url: str
) -> None:
    assert valkey_url
    async with begin(rate_limit_per_minute=5) as site:
        person = await site.person()
        problem(await site.client.get(f"{V1}/admin/users", headers=person.bearer), 403)
        statuses = []
        for number in range(12):
            headers = {"X-Forwarded-For": f"10.0.0.{number}", "Origin": "https://evil.example"}
            answer = await site.client.get("/", headers=headers)
            statuses.append(answer.status_code)
            assert "access-control-allow-origin" not in answer.headers
        assert statuses[-1] == 429


async def test_d_p18_and_d_p28_what_belongs_to_another_is_not_there(site: Site) -> None:
    ada, bob = await site.person(), await site.person()
    body = {"name": "k", "scopes": ["indices:read"]}
    key = (await site.client.post(f"{V1}/auth/api-keys", json=body, headers=ada.bearer)).json()["key"]["id"]
    problem(await site.client.delete(f"{V1}/auth/api-keys/{key}", headers=bob.bearer), 404)
    session = ada.session["session"]
    problem(await site.client.delete(f"{V1}/auth/sessions/{session}", headers=bob.bearer), 404)
    change = "UPDATE market_index SET owner_id = $1, visibility = $2 WHERE slug = 'autoindex' RETURNING 1"
    await site.rows(change, ada.id, "private")
    try:
        for headers, status in (({}, 401), (bob.bearer, 404), (ada.bearer, 200)):
            answer = await site.client.get(f"{V1}/indices/autoindex", headers=headers)
            assert answer.status_code == status
    finally:
        await site.rows(change, None, "public")


async def test_d_q1_each_caller_is_who_he_proved_to_be(site: Site) -> None:
    ada, bob = await site.person(), await site.person()
    for person in (ada, bob):
        shown = (await site.client.get(ME, headers=person.bearer)).json()
        assert (shown["id"], shown["email"]) == (str(person.id), person.email)
    for text in ("x", "Bearer", "admin", ada.email, str(ada.id)):
        problem(await site.client.get(ME, headers=bearer(text)), 401)
