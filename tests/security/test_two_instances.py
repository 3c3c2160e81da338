"""What is decided in one process counts in every other within five seconds, cached tokens or not."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from tests.security.site import LOGOUT, ME, V1, Person, Site, bearer

from waardhaven.domain.identity.roles import Role

PROMISE = 5.0
READ, USERS, KEYS = f"{V1}/index/currencies", f"{V1}/admin/users", f"{V1}/auth/api-keys"
Ask = Callable[[], Awaitable[httpx.Response]]


@pytest.fixture
async def both(begin: Callable[..., Any]) -> AsyncIterator[tuple[Site, Site]]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(begin()), await stack.enter_async_context(begin())


async def seconds_until(status: int, ask: Ask) -> float:
    began = time.monotonic()
    async with asyncio.timeout(PROMISE):
        while (await ask()).status_code != status:
            await asyncio.sleep(0.002)
    return time.monotonic() - began


async def warmed(site: Site, path: str, headers: dict[str, str]) -> Ask:
    """Ask until token and answer are both remembered; return how to ask again."""
    for _ in range(3):
        answer = await site.client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
    return lambda: site.client.get(path, headers=headers)


async def managed(site: Site, admin: Person, person: Person, **changes: object) -> None:
    answer = await site.client.put(f"{USERS}/{person.id}", json=changes, headers=admin.bearer)
    assert answer.status_code == 200, answer.text


async def test_a_deactivated_person_is_out_everywhere(
    both: tuple[Site, Site], record_property: Callable[[str, object], None]
) -> None:
    one, other = both
    admin, person = await one.person(Role.ADMIN), await one.person()
    asks = [await warmed(site, path, person.bearer) for site in both for path in (ME, READ)]
    await managed(one, admin, person, is_active=False)
    took = await asyncio.gather(*(seconds_until(401, ask) for ask in asks))
    record_property("seconds until 401", took)
    assert max(took) < PROMISE
    refused = await other.client.post(
        f"{V1}/auth/login", json={"email": person.email, "password": person.password}
    )
    assert refused.status_code == 401


async def test_an_administrator_who_lost_the_role_administers_nowhere(
    both: tuple[Site, Site], record_property: Callable[[str, object], None]
) -> None:
    one, _ = both
    admin, former = await one.person(Role.ADMIN), await one.person(Role.ADMIN)
    asks = [await warmed(site, USERS, former.bearer) for site in both]
    await managed(one, admin, former, role="viewer")
    took = await asyncio.gather(*(seconds_until(401, ask) for ask in asks))
    record_property("seconds until 401", took)
    assert max(took) < PROMISE
    again = await one.sign_in(former)
    answer = await both[1].client.get(USERS, headers=bearer(again["access_token"]))
    assert answer.status_code == 403


async def test_a_logout_counts_in_the_other_process(
    both: tuple[Site, Site], record_property: Callable[[str, object], None]
) -> None:
    one, other = both
    person = await one.person()
    ask = await warmed(other, READ, person.bearer)
    await one.client.post(LOGOUT, json={}, headers=person.bearer)
    took = await seconds_until(401, ask)
    record_property("seconds until 401", took)
    assert took < PROMISE


async def test_a_revoked_api_key_is_out_everywhere(
    both: tuple[Site, Site], record_property: Callable[[str, object], None]
) -> None:
    one, _ = both
    person = await one.person()
    body = {"name": "a key", "scopes": ["indices:read"]}
    made = (await one.client.post(KEYS, json=body, headers=person.bearer)).json()
    asks = [await warmed(site, READ, bearer(made["secret"])) for site in both]
    await one.client.delete(f"{KEYS}/{made['key']['id']}", headers=person.bearer)
    took = await asyncio.gather(*(seconds_until(401, ask) for ask in asks))
    record_property("seconds until 401", took)
    assert max(took) < PROMISE


async def test_the_scopes_of_a_key_shrink_with_the_role_of_its_owner(both: tuple[Site, Site]) -> None:
    one, _ = both
    boss, owner = await one.person(Role.ADMIN), await one.person(Role.ADMIN)
    body = {"name": "a key", "scopes": ["users:manage", "indices:read"]}
    key = bearer((await one.client.post(KEYS, json=body, headers=owner.bearer)).json()["secret"])
    asks = [await warmed(site, USERS, key) for site in both]
    await managed(one, boss, owner, role="viewer")
    await asyncio.gather(*(seconds_until(403, ask) for ask in asks))
    assert [(await site.client.get(READ, headers=key)).status_code for site in both] == [200, 200]


async def test_two_administrators_can_not_demote_each_other_at_once(both: tuple[Site, Site]) -> None:
    one, other = both
    ada, bob = await one.person(Role.ADMIN), await one.person(Role.ADMIN)
    rest = "UPDATE app_user SET role = 'viewer' WHERE role = 'admin' AND NOT id = ANY($1) RETURNING id"
    await one.rows(rest, [ada.id, bob.id])
    answers = await asyncio.gather(
        one.client.put(f"{USERS}/{bob.id}", json={"role": "viewer"}, headers=ada.bearer),
        other.client.put(f"{USERS}/{ada.id}", json={"role": "viewer"}, headers=bob.bearer),
    )
    assert min(answer.status_code for answer in answers) == 200
    left = await one.rows("SELECT count(*) FROM app_user WHERE role = 'admin' AND is_active")
    assert left == [{"count": 1}]
