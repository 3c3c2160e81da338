"""The server in front of the application: whom it believes, and what it does not wait for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from waardhaven.bootstrap import bounded_protocol
from waardhaven.bootstrap.bounded_protocol import LARGEST_HEAD, BoundedProtocol
from waardhaven.bootstrap.http import trusted_hosts

SIMPLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Connect = Callable[[], Any]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the caller, the scheme, and the length of the body."""
    length = 0
    while True:
        message = await receive()
        length += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    if scope["path"] == "/slow":
        await asyncio.sleep(0.4)
    body = f"{scope['client'][0]} {scope['scheme']} {length}".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(proxies: str = "") -> AsyncIterator[Connect]:
    config = uvicorn.Config(
        echo,
        port=0,
        http=BoundedProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=trusted_hosts(proxies),
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield lambda: asyncio.open_connection("127.0.0.1", port)
    finally:
        server.should_exit = True
        await server.shutdown()


async def talk(connect: Connect, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send parts one after the other, then return everything until the server closes or falls silent."""
    reader, writer = await connect()
    for part in parts:
        writer.write(part)
        await asyncio.sleep(pause)
    answer = b""
    try:
        async with asyncio.timeout(0.6):
            while chunk := await reader.read(65_536):
                answer += chunk
    except (TimeoutError, ConnectionResetError):
        pass
    writer.close()
    return answer


def forwarded(*headers: str) -> bytes:
    return "\r\n".join(["GET / HTTP/1.1", "Host: x", *headers, "", ""]).encode()


CLAIM = ("X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https")


async def test_without_trusted_proxies_no_header_is_believed() -> None:
    async with serving() as connect:
        assert b"127.0.0.1 http 0" in await talk(connect, forwarded(*CLAIM))


async def test_a_trusted_proxy_is_believed_for_address_and_scheme() -> None:
    async with serving("127.0.0.0/8") as connect:
        assert b"198.51.100.7 https 0" in await talk(connect, forwarded(*CLAIM))


async def test_another_proxy_is_not_believed() -> None:
    async with serving("10.0.0.0/8") as connect:
        assert b"127.0.0.1 http 0" in await talk(connect, forwarded(*CLAIM))


async def test_what_the_client_wrote_itself_is_not_what_the_proxy_saw() -> None:
    """The last address that is not of a trusted proxy counts, in one header or several."""
    async with serving("127.0.0.1, 10.0.0.0/8") as connect:
        for lines in (
            ("X-Forwarded-For: 203.0.113.1, 198.51.100.7, 10.1.1.1",),
            ("X-Forwarded-For: 203.0.113.1", "X-Forwarded-For: 198.51.100.7, 10.1.1.1"),
        ):
            assert b"198.51.100.7 http" in await talk(connect, forwarded(*lines))


def test_proxies_are_trusted_in_both_forms_of_their_address() -> None:
    assert trusted_hosts("") == []
    assert trusted_hosts(" 10.1.2.3/8 , 2001:db8::/32,192.0.2.1") == [
        "10.0.0.0/8",
        "2001:db8::/32",
        "192.0.2.1/32",
        "::ffff:10.0.0.0/104",
        "::ffff:192.0.2.1/128",
    ]


async def test_a_head_that_never_ends_is_refused() -> None:
    async with serving() as connect:
        for line in (b"GET / HTTP/1.1\r\nX: ", b"GET /", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5):
            answer = await talk(connect, line, *[b"a" * 16_384] * 4, pause=0.01)
            assert answer.startswith(b"HTTP/1.1 431"), line


async def test_a_large_head_within_the_bound_and_a_large_body_are_taken() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nX: %s\r\nContent-Length: 200000\r\n\r\n"
    async with serving() as connect:
        whole = head % (b"a" * (LARGEST_HEAD - 200)) + b"b" * 200_000
        for parts in ((whole,), (whole[:1000], whole[1000:]), (whole[:LARGEST_HEAD], whole[LARGEST_HEAD:])):
            assert b"http 200000" in await talk(connect, *parts, pause=0.02)


async def test_many_requests_of_one_connection_are_not_one_head() -> None:
    async with serving() as connect:
        pipelined = forwarded("X: " + "a" * 10_000) * 12
        assert (await talk(connect, pipelined)).count(b"HTTP/1.1 200") == 12
        assert (await talk(connect, *[forwarded("X: " + "a" * 10_000)] * 12, pause=0.01)).count(b" 200") == 12


async def test_a_head_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_protocol, "HEAD_SECONDS", 0.2)
    async with serving() as connect:
        assert (await talk(connect, *[bytes([one]) for one in SIMPLE[:4]], pause=0.05)).startswith(
            b"HTTP/1.1 408"
        )
        assert (await talk(connect, SIMPLE, b"GET", pause=0.05)).count(b"HTTP/1.1 408") == 1


async def test_a_connection_that_says_nothing_is_closed_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_protocol, "HEAD_SECONDS", 0.1)
    async with serving() as connect:
        reader, writer = await connect()
        assert await asyncio.wait_for(reader.read(), 2) == b""
        writer.close()


async def test_an_answer_under_way_is_not_cut_off_by_the_next_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_protocol, "HEAD_SECONDS", 0.15)
    async with serving() as connect:
        answer = await talk(connect, SIMPLE.replace(b" / ", b" /slow "), b"GET", pause=0.05)
    assert answer.startswith(b"HTTP/1.1 200")
