"""Bodies and heads no honest client sends: refused early, in time, without harm."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tests.security.document import operations
from tests.security.site import LOGIN, ME, REGISTER, STRONG, V1, Raw, Site, Socket, listening
from tests.security.test_mass_assignment import valid
from tests.unit.adapters.http.expect import problem

from waardhaven.adapters.inbound.http.middleware import UPLOAD_PATHS
from waardhaven.domain.identity.roles import Role

HEAD = f"POST {LOGIN} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nConnection: close\r\n"
MEBIBYTE = 1024 * 1024
SHORT = 0.3
KEYS = f"{V1}/auth/api-keys"


async def posted(socket: Socket, body: bytes, *more: bytes, headers: str = "") -> Raw:
    head = f"{HEAD}Content-Length: {len(body) + sum(map(len, more))}\r\n{headers}\r\n"
    return await socket.send(head.encode() + body, *more)


async def test_a_body_that_says_it_is_too_large_is_refused_unread(socket: Socket) -> None:
    answer = await socket.send(f"{HEAD}Content-Length: {10 * MEBIBYTE}\r\n\r\n".encode())
    assert answer.status == 413


async def test_a_body_that_turns_out_too_large_is_refused(socket: Socket) -> None:
    piece = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    head = f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode()
    answer = await socket.send(head, *[piece] * 20, b"0\r\n\r\n")
    assert answer.status == 413


@pytest.mark.parametrize(
    "lengths",
    [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 1e3\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length: +5\r\n",
    ],
)
async def test_a_body_of_two_lengths_smuggles_no_second_request(socket: Socket, lengths: str) -> None:
    smuggled = f"0\r\n\r\nGET {ME} HTTP/1.1\r\nHost: here\r\n\r\n"
    answer = await socket.send(f"{HEAD}{lengths}\r\n{smuggled}".encode())
    assert answer.status in {400, 401, 408, 413, 422}
    assert b"HTTP/1.1" not in answer.body, "one answer at most"


async def test_a_slow_body_is_given_up(begin: Callable[..., Any]) -> None:
    async with begin(body_timeout_seconds=SHORT) as site, listening(site) as socket:
        began = time.monotonic()
        answer = await socket.send(f"{HEAD}Content-Length: 100\r\n\r\n{{".encode())
        assert answer.status == 408
        assert SHORT <= time.monotonic() - began < SHORT + 5
        assert (await socket.ask("/health")).status == 200


async def test_slow_bodies_do_not_keep_others_waiting(begin: Callable[..., Any]) -> None:
    async with begin(body_timeout_seconds=2.0) as site, listening(site) as socket:
        slow = [
            asyncio.create_task(socket.send(f"{HEAD}Content-Length: 100\r\n\r\n{{".encode()))
            for _ in range(50)
        ]
        assert (await socket.ask("/", headers={})).status == 200
        assert not any(one.done() for one in slow)
        assert {one.status for one in await asyncio.gather(*slow)} == {408}


async def test_a_head_without_end_is_refused(socket: Socket) -> None:
    answer = await socket.send(b"GET / HTTP/1.1\r\nHost: here\r\nX: ", *[b"x" * 65_536] * 3)
    assert answer.status == 431
    many = b"".join(b"X-%d: y\r\n" % number for number in range(20_000))
    assert (await socket.send(b"GET / HTTP/1.1\r\nHost: here\r\n", many, b"\r\n")).status == 431


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"1",
        b"{",
        b"}",
        b"{]",
        b'{"email": "a@b", "password": "x",}',
        b"{'email': 'a@b'}",
        b'{"email": "a@b" "password": "x"}',
        b'{"email": NaN, "password": "x"}',
        b'{"email": "\xff\xfe", "password": "x"}',
        b'{"email": "\xc0\xaf", "password": "x"}',
        b'{"email": "\xed\xa0\x80", "password": "x"}',
        b'{"email": "\\ud800", "password": "x"}',
        b'{"email": "a\\u0000@b", "password": "x"}',
        b"\xef\xbb\xbf{}",
        '{"email": "a@b", "password": "x"}'.encode("utf-16"),
        b'{"email": "a@b", "password": "x"} {}',
        b"\x00",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"[" * 500_000 + b"]" * 500_000,
        b'{"email": ' + b"[" * 60 + b"]" * 60 + b"}",
        b'"' + b"x" * 900_000,
        b'{"email": "a@b", "password": ' + b"9" * 100_000 + b"}",
        b'{"email": 1e999999, "password": "x"}',
        b"{" + b",".join(b'"k%d": 1' % number for number in range(50_000)) + b"}",
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_what_is_no_login_is_refused_at_once(socket: Socket, body: bytes) -> None:
    began = time.monotonic()
    answer = await posted(socket, body)
    assert answer.status in {400, 422}, answer.body
    assert json.loads(answer.body)["code"]
    assert time.monotonic() - began < 5


async def test_keys_that_come_twice_are_one_value_for_every_check(site: Site) -> None:
    person = await site.person()
    pairs = ["nobody@example.org", person.email]
    for emails in (pairs, pairs[::-1]):
        members = ", ".join(f'"email": "{one}"' for one in emails)
        raw = f'{{{members}, "password": "{person.password}"}}'
        answer = await site.client.post(LOGIN, content=raw, headers={"Content-Type": "application/json"})
        assert answer.status_code in {200, 401}
        if answer.status_code == 200:
            assert answer.json()["user"]["email"] == emails[-1], "the last one, as everywhere"


@pytest.mark.parametrize("value", [0, -1, 2**31, 2**63, 2**64, 1.5, 1e300, "x", True, [], {}])
async def test_numbers_out_of_range_are_refused(site: Site, value: object) -> None:
    person = await site.person()
    body = {"name": "k", "scopes": ["indices:read"], "requests_per_minute": value}
    problem(await site.client.post(KEYS, json=body, headers=person.bearer), 422)


@pytest.mark.parametrize(
    "value", ["0000-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "2030-01-01", "2030-13-01T00:00:00Z", 1e18, -1]
)
async def test_instants_out_of_range_are_refused(site: Site, value: object) -> None:
    person = await site.person()
    body = {"name": "k", "scopes": ["indices:read"], "expires_at": value}
    problem(await site.client.post(KEYS, json=body, headers=person.bearer), 422)


@pytest.mark.parametrize(
    "when", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999+00:00"]
)
async def test_the_last_instant_there_is_breaks_nothing(site: Site, when: str) -> None:
    person = await site.person()
    body = {"name": "k", "scopes": ["indices:read"], "expires_at": when}
    answer = await site.client.post(KEYS, json=body, headers=person.bearer)
    assert answer.status_code in {201, 422}, answer.text
    listed = await site.client.get(KEYS, headers=person.bearer)
    assert listed.status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=99999999999999999999",
        "limit=1.5",
        "limit=%C2%B2",
        "start=0000-00-00",
        "start=99999-01-01",
        "as_of=0001-01-01T00:00:00%2B14:00",
        "as_of=9999-12-31T23:59:59-14:00",
        "as_of=2024-06-01T00:00:00",
        "start=2024-01-01&start=2025-01-01",
        "fields=" + "," * 499,
        "currency=%F0%9F%92%B6%F0%9F%92%B6%F0%9F%92%B6",
        "cursor=" + "a" * 501,
        "x=" + "y" * 30_000,
        "&" * 20_000,
        "%",
        "%zz=%zz",
        "a=%ff",
    ],
)
async def test_a_strange_query_is_no_accident(site: Site, query: str) -> None:
    headers = (await site.person(Role.ADMIN)).bearer
    for path in ("index/history", "indices", "admin/users", "admin/audit"):
        answer = await site.client.get(f"{V1}/{path}?{query}", headers=headers)
        assert answer.status_code in {200, 404, 422}, (path, answer.status_code, answer.text)


async def test_every_body_is_bounded_in_depth_and_size(site: Site) -> None:
    headers = (await site.person(Role.ADMIN)).bearer
    deep, wide = "[" * 70 + "]" * 70, "x" * (MEBIBYTE + 1)
    for operation in operations(await site.operations()):
        if "application/json" not in operation.told.get("requestBody", {}).get("content", {}):
            continue  # nothing, or a file, whose bounds are its own
        sending = headers | {"Content-Type": "application/json"}
        large = 422 if operation.path in UPLOAD_PATHS else 413
        for raw, status in ((f'{{"a": {deep}}}', 400), (f'{{"a": "{wide}"}}', large)):
            answer = await site.client.request(
                operation.method, operation.address(), content=raw, headers=sending
            )
            assert answer.status_code in {status, 404}, (str(operation), answer.status_code)


async def test_a_file_is_bounded_by_its_length_before_and_while_it_comes(site: Site) -> None:
    headers = (await site.person(Role.ADMIN)).bearer
    most = 64 * MEBIBYTE

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b"x" * MEBIBYTE

    for path in UPLOAD_PATHS:
        sending = headers if "imports" in path else headers | {"Content-Type": "application/json"}
        said = await site.client.post(path, content=b"x", headers=sending | {"Content-Length": str(most + 1)})
        silent = await site.client.post(path, content=parts(), headers=sending)
        assert (said.status_code, silent.status_code) == (413, 413), path
    assert (await site.client.get(f"{V1}/imports/prices", headers=headers)).json()["items"] == []


async def test_every_text_of_every_body_is_bounded(site: Site) -> None:
    headers = (await site.person(Role.ADMIN)).bearer
    walked = 0
    for operation in operations(await site.operations()):
        for name, schema in operation.body().items():
            if operation.is_text(schema) and operation.id not in {"closeAccount", "logout"}:
                body = valid(operation) | {name: "x" * 100_000}
                answer = await site.client.request(
                    operation.method, operation.address(), json=body, headers=headers
                )
                assert answer.status_code in {404, 422}, (str(operation), name, answer.status_code)
                walked += 1
    assert walked > 15


@pytest.fixture
async def hashing(begin: Callable[..., Any]) -> AsyncIterator[Site]:
    async with begin() as site:
        yield site


@pytest.mark.parametrize("size", [129, 1024])
async def test_a_long_password_costs_no_more_than_a_short_one(hashing: Site, size: int) -> None:
    person = await hashing.person()
    body = {"email": person.email, "password": person.password + "x" * (size - len(person.password))}
    problem(await hashing.client.post(LOGIN, json=body), 401)
    new = {"email": "new@example.org", "password": STRONG * (size // len(STRONG))}
    answer = await hashing.client.post(REGISTER, json=new)
    assert answer.status_code == (422 if len(new["password"]) > 128 else 202)
