"""Sessions: refresh tokens that work once, ids nobody can choose, ends that count at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
from tests.security.site import LOGIN, LOGOUT, ME, REFRESH, V1, Person, Site, bearer
from tests.unit.adapters.http.expect import problem

SESSIONS, KEYS = f"{V1}/auth/sessions", f"{V1}/auth/api-keys"
AT_ONCE = 1.0
"""Seconds. It takes a few milliseconds; the rest is for a machine that is busy."""


async def refreshed(site: Site, token: str) -> httpx.Response:
    return await site.client.post(REFRESH, json={"refresh_token": token})


async def until_refused(ask: Callable[[], Awaitable[httpx.Response]], *, within: float) -> float:
    """Ask until the answer is a refusal; return how many seconds that took."""
    began = time.monotonic()
    async with asyncio.timeout(within):
        while (await ask()).status_code not in {401, 403}:
            await asyncio.sleep(0.002)
    return time.monotonic() - began


async def is_dead(site: Site, *tokens: dict[str, Any]) -> None:
    """Check that nothing of a session works any more."""
    for one in tokens:
        problem(await refreshed(site, one["refresh_token"]), 401, "invalid_refresh_token")
        await until_refused(
            lambda one=one: site.client.get(ME, headers=bearer(one["access_token"])), within=AT_ONCE
        )


async def mailed_token(site: Site, person: Person) -> str:
    """Return the token of the newest mail to a person; other tests of the database write mails, too."""
    mails = [mail.text for mail in await site.inbox() if mail.to == person.email]
    return mails[-1].split("Token: ")[1].split()[0]


async def test_a_refresh_token_that_comes_again_ends_its_whole_family(site: Site) -> None:
    person = await site.person()
    other = await site.sign_in(person)
    chain = [person.session]
    for _ in range(3):
        chain.append((await refreshed(site, chain[-1]["refresh_token"])).json())
    problem(await refreshed(site, chain[1]["refresh_token"]), 401, "invalid_refresh_token")
    await is_dead(site, *chain)
    assert (await site.client.get(ME, headers=bearer(other["access_token"]))).status_code == 200
    assert (await refreshed(site, other["refresh_token"])).status_code == 200, "other logins live on"
    query = "SELECT count(*) FROM audit_entry WHERE action = $1 AND target = $2"
    found = await site.rows(query, "session.refresh_token_reused", f"user:{person.id}")
    assert found == [{"count": 1}]


async def test_of_simultaneous_refreshes_with_one_token_at_most_one_succeeds_and_the_session_ends(
    site: Site,
) -> None:
    for copies in (2, 8):
        person = await site.person()
        answers = await asyncio.gather(*(refreshed(site, person.refresh_token) for _ in range(copies)))
        won = [one.json() for one in answers if one.status_code == 200]
        assert len(won) <= 1
        assert sorted(one.status_code for one in answers)[-(copies - 1) :] == [401] * (copies - 1)
        await is_dead(site, person.session, *won)


async def test_refreshing_never_moves_the_end_of_a_session(site: Site) -> None:
    person = await site.person()
    query = "SELECT expires_at FROM login_session WHERE user_id = $1"
    before = await site.rows(query, person.id)
    await refreshed(site, person.refresh_token)
    assert await site.rows(query, person.id) == before


async def test_nothing_a_client_sends_becomes_its_session(site: Site) -> None:
    person, chosen = await site.person(), str(uuid4())
    body = {"email": person.email, "password": person.password}
    planted = {
        "Cookie": f"waardhaven_refresh={'A' * 43}; session={chosen}; sid={chosen}; JSESSIONID={chosen}",
        "X-Session-Id": chosen,
    }
    answer = await site.client.post(LOGIN, json=body, headers=planted, params={"session": chosen})
    view = answer.json()
    assert view["session"] != chosen
    assert view["refresh_token"] != "A" * 43
    for name in ("session", "sid", "refresh_token", "id"):
        problem(await site.client.post(LOGIN, json=body | {name: chosen}), 422)
    problem(await refreshed(site, "A" * 43), 401)


async def test_each_login_and_each_refresh_gives_new_secrets(site: Site) -> None:
    person = await site.person()
    views = [person.session, await site.sign_in(person), await site.sign_in(person)]
    views.append((await refreshed(site, person.refresh_token)).json())
    assert len({one["refresh_token"] for one in views}) == 4
    assert len({one["access_token"] for one in views}) == 4
    assert len({one["session"] for one in views[:3]}) == 3


async def test_the_database_holds_no_secret_that_opens_anything(site: Site) -> None:
    person = await site.person()
    body = {"name": "a key", "scopes": ["indices:read"]}
    key = (await site.client.post(KEYS, json=body, headers=person.bearer)).json()["secret"]
    tables = await site.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    secrets = [person.password, person.refresh_token, person.session["access_token"], key]
    for table in (row["tablename"] for row in tables):
        for secret in (*secrets, *(one.encode().hex() for one in secrets)):
            found = await site.rows(f'SELECT count(*) FROM "{table}" t WHERE strpos(t::text, $1) > 0', secret)
            assert found == [{"count": 0}], table
    assert not any(secret in site.log.getvalue() for secret in secrets)


async def test_logging_out_ends_the_access_token_at_once(site: Site) -> None:
    person = await site.person()
    assert (await site.client.post(LOGOUT, json={}, headers=person.bearer)).status_code == 204
    await is_dead(site, person.session)


async def test_logging_out_by_refresh_token_ends_the_same_session_and_no_other(site: Site) -> None:
    person = await site.person()
    other = await site.sign_in(person)
    answer = await site.client.post(LOGOUT, json={"refresh_token": person.refresh_token})
    assert answer.status_code == 204
    await is_dead(site, person.session)
    assert (await site.client.get(ME, headers=bearer(other["access_token"]))).status_code == 200


async def test_logging_out_with_somebody_elses_used_token_ends_nothing_else(site: Site) -> None:
    ada, bob = await site.person(), await site.person()
    await site.client.post(LOGOUT, json={"refresh_token": "B" * 43}, headers=ada.bearer)
    assert (await site.client.get(ME, headers=bob.bearer)).status_code == 200


async def test_a_new_password_ends_every_other_session(site: Site) -> None:
    person = await site.person()
    other = await site.sign_in(person)
    body = {"password": person.password, "new_password": "another orchard lantern 48"}
    changed = await site.client.post(f"{V1}/auth/change-password", json=body, headers=person.bearer)
    assert changed.status_code == 204, changed.text
    await is_dead(site, other)
    assert (await site.client.get(ME, headers=person.bearer)).status_code == 200


async def test_a_reset_by_mail_ends_every_session_and_api_key(site: Site) -> None:
    person = await site.person()
    body = {"name": "a key", "scopes": ["indices:read"]}
    key = (await site.client.post(KEYS, json=body, headers=person.bearer)).json()["secret"]
    await site.client.post(f"{V1}/auth/forgot-password", json={"email": person.email})
    token = await mailed_token(site, person)
    weak = await site.client.post(
        f"{V1}/auth/reset-password", json={"token": token, "password": "password123"}
    )
    problem(weak, 422)
    new = {"token": token, "password": "another orchard lantern 48"}
    assert (await site.client.post(f"{V1}/auth/reset-password", json=new)).status_code == 204
    await is_dead(site, person.session)
    problem(await site.client.post(f"{V1}/auth/reset-password", json=new), 401)
    await until_refused(lambda: site.client.get(f"{V1}/index/currencies", headers=bearer(key)), within=5)


async def test_of_simultaneous_resets_with_one_token_exactly_one_counts(site: Site) -> None:
    person = await site.person()
    await site.client.post(f"{V1}/auth/forgot-password", json={"email": person.email})
    token = await mailed_token(site, person)
    passwords = [f"another orchard lantern {number}" for number in range(48, 54)]
    asks = [
        site.client.post(f"{V1}/auth/reset-password", json={"token": token, "password": one})
        for one in passwords
    ]
    statuses = [answer.status_code for answer in await asyncio.gather(*asks)]
    assert sorted(statuses) == [204] + [401] * 5
    body = {"email": person.email, "password": passwords[statuses.index(204)]}
    assert (await site.client.post(LOGIN, json=body)).status_code == 200


async def test_a_closed_account_is_out_at_once(site: Site) -> None:
    person = await site.person()
    body = {"password": person.password}
    answer = await site.client.request("DELETE", ME, json=body, headers=person.bearer)
    assert answer.status_code == 204
    await is_dead(site, person.session)
    problem(await site.client.post(LOGIN, json=body | {"email": person.email}), 401, "invalid_credentials")


async def key_of(site: Site, person: Person, *scopes: str) -> str:
    body = {"name": "a key", "scopes": list(scopes)}
    return str((await site.client.post(KEYS, json=body, headers=person.bearer)).json()["secret"])


async def test_an_api_key_opens_no_account_route(site: Site) -> None:
    person = await site.person()
    key = bearer(await key_of(site, person, "indices:read"))
    assert (await site.client.get(f"{V1}/index/currencies", headers=key)).status_code == 200
    for method, path in [("GET", ME), ("GET", SESSIONS), ("GET", KEYS), ("DELETE", SESSIONS), ("DELETE", ME)]:
        json = {"password": person.password} if method == "DELETE" and path == ME else None
        problem(await site.client.request(method, path, headers=key, json=json), 403)
    body = {"name": "another", "scopes": ["indices:read"]}
    problem(await site.client.post(KEYS, json=body, headers=key), 403)
