"""Guessing passwords: slower and slower, for the one who guesses, and for nobody else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import fields
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.security.site import LOGIN, ME, REGISTER, STRONG, UNLIMITED, V1, Person, Site
from tests.unit.adapters.http.expect import problem

from waardhaven.adapters.inbound.http.config import HttpConfig

FORGOT = f"{V1}/auth/forgot-password"
HERE, THERE = "198.51.100.7", "203.0.113.77"


@pytest.fixture
async def limited(begin: Callable[..., Any], valkey_url: str) -> AsyncIterator[Site]:
    """The application with the limits of production."""
    usual = {one.name: one.default for one in fields(HttpConfig) if one.name in UNLIMITED}
    async with begin(**usual) as site:
        yield site


async def guess(client: httpx.AsyncClient, login: str, password: str = "wrong") -> httpx.Response:
    return await client.post(LOGIN, json={"email": login, "password": password})


async def made(site: Site) -> Person:
    async with site.at("192.0.2.1") as client:
        site.client = client
        return await site.person()


async def test_failures_make_the_next_try_wait_and_say_for_how_long(limited: Site) -> None:
    person = await made(limited)
    async with limited.at(HERE) as client:
        answers = [await guess(client, person.email) for _ in range(10)]
        statuses = [one.status_code for one in answers]
        assert statuses[0] == 401
        assert 429 in statuses
        first = statuses.index(429)
        assert set(statuses[first:]) == {429}, "it waits, whatever is tried meanwhile"
        for answer in answers[first:]:
            body = problem(answer, 429, "too_many_attempts")
            assert 1 <= int(answer.headers["retry-after"]) <= 3600
            assert person.email not in body["detail"]
        problem(await guess(client, person.email, person.password), 429)


async def test_a_stranger_keeps_no_owner_out(limited: Site) -> None:
    person = await made(limited)
    async with limited.at(HERE) as stranger, limited.at(THERE) as owner:
        statuses = [(await guess(stranger, person.email)).status_code for _ in range(8)]
        assert statuses[-1] == 429
        assert (await guess(owner, person.email, person.password)).status_code == 200


async def test_many_strangers_at_one_login_are_limited_together(limited: Site) -> None:
    person = await made(limited)
    statuses = []
    for number in range(12):
        async with limited.at(f"198.51.100.{number + 10}") as client:
            statuses.append((await guess(client, person.email)).status_code)
    assert statuses[:9] == [401] * 9
    assert statuses[-1] == 429


async def test_spraying_one_password_over_many_logins_is_limited(limited: Site) -> None:
    person = await made(limited)
    async with limited.at(HERE) as client:
        statuses = [
            (await guess(client, f"u{uuid4().hex}@example.org", STRONG)).status_code for _ in range(25)
        ]
    assert statuses == [401] * 20 + [429] * 5
    async with limited.at(THERE) as other:
        assert (await guess(other, person.email, person.password)).status_code == 200


async def test_a_network_of_ipv6_is_one_address(limited: Site) -> None:
    statuses = []
    for number in range(25):
        async with limited.at(f"2001:db8:1:2::{number:x}") as client:
            statuses.append((await guess(client, f"u{uuid4().hex}@example.org")).status_code)
    assert statuses == [401] * 20 + [429] * 5


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP"]
)
async def test_no_header_makes_another_address(limited: Site, header: str) -> None:
    async with limited.at(HERE) as client:
        statuses = []
        for number in range(25):
            value = f"for=10.0.0.{number}" if header == "Forwarded" else f"10.0.0.{number}"
            body = {"email": f"u{uuid4().hex}@example.org", "password": "wrong"}
            answer = await client.post(LOGIN, json=body, headers={header: value})
            statuses.append(answer.status_code)
    assert statuses[-1] == 429


async def test_spellings_of_one_login_are_counted_as_one(limited: Site) -> None:
    person = await made(limited)
    spellings = [person.email, person.email.upper(), f" {person.email}", person.email.title()] * 3
    async with limited.at(HERE) as client:
        statuses = [(await guess(client, one)).status_code for one in spellings]
    assert statuses[-1] == 429


async def test_simultaneous_guesses_are_no_way_around(limited: Site) -> None:
    person = await made(limited)
    async with limited.at(HERE) as client:
        answers = await asyncio.gather(*(guess(client, person.email) for _ in range(30)))
    statuses = [one.status_code for one in answers]
    assert statuses.count(401) <= 10
    assert set(statuses) == {401, 429}


async def test_a_stolen_session_does_not_help_to_guess_the_password(limited: Site) -> None:
    """Each way to show the present password is one more try, and a success elsewhere forgets none."""
    person = await made(limited)
    async with limited.at(HERE) as client:

        async def attempt(number: int) -> int:
            body = {"password": f"wrong {number}"}
            ways = {
                0: ("POST", f"{V1}/auth/change-password", body | {"new_password": STRONG}),
                1: ("PUT", ME, body | {"email": "new@example.org"}),
                2: ("DELETE", ME, body),
            }
            method, path, sent = ways[number % 3]
            await client.put(ME, json={"username": person.username}, headers=person.bearer)
            answer = await client.request(method, path, json=sent, headers=person.bearer)
            return answer.status_code

        statuses = [await attempt(number) for number in range(8)]
    assert statuses[0] == 422
    assert statuses[-1] == 429, "it waits before the limit of the login is reached"
    assert set(statuses) == {422, 429}


async def test_nobody_is_flooded_with_mails_by_strangers_from_everywhere(limited: Site) -> None:
    person = await made(limited)
    statuses = []
    for number in range(12):
        async with limited.at(f"198.51.100.{number + 50}") as client:
            path, more = ((FORGOT, {}), (REGISTER, {"password": STRONG}))[number % 2]
            statuses.append((await client.post(path, json={"email": person.email} | more)).status_code)
    assert statuses[-1] == 429
    mails = [mail for mail in await limited.inbox() if mail.to == person.email]
    assert 1 <= len(mails) <= 5


async def test_the_limit_of_mails_does_not_tell_who_has_an_account(limited: Site) -> None:
    person, seen = await made(limited), []
    for email in (person.email, f"n{uuid4().hex}@example.org"):
        statuses = []
        for number in range(8):
            async with limited.at(f"198.51.100.{number + 50}") as client:
                statuses.append((await client.post(FORGOT, json={"email": email})).status_code)
        seen.append(statuses)
    assert seen[0] == seen[1]


async def test_opening_accounts_and_asking_for_mails_is_limited(limited: Site) -> None:
    async with limited.at(HERE) as client:
        made_ = [
            await client.post(REGISTER, json={"email": f"n{uuid4().hex}@example.org", "password": STRONG})
            for _ in range(12)
        ]
    async with limited.at(THERE) as client:
        asked = [await client.post(FORGOT, json={"email": f"n{uuid4().hex}@example.org"}) for _ in range(12)]
    for answers in (made_, asked):
        assert [one.status_code for one in answers] == [202] * 10 + [429] * 2
        assert int(answers[-1].headers["retry-after"]) >= 1


async def test_tokens_of_mails_can_not_be_tried_without_end(limited: Site) -> None:
    async with limited.at(HERE) as client:
        for path in ("verify-email", "reset-password"):
            more = {"password": STRONG} if path.startswith("reset") else {}
            statuses = [
                (await client.post(f"{V1}/auth/{path}", json={"token": f"{n:043d}"} | more)).status_code
                for n in range(22)
            ]
            assert statuses[-1] == 429
