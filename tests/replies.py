"""Bad answers that a server may give instead of its own."""

import asyncio
import gzip
from typing import Any

from aiohttp import web
from tests.issuer import Reply


def text(body: str | bytes, *, status: int = 200, kind: str = "application/json", **headers: str) -> Reply:
    async def reply(_: web.Request) -> web.Response:
        raw = body if isinstance(body, bytes) else body.encode()
        return web.Response(body=raw, status=status, content_type=kind, headers=headers)

    return reply


def json(value: Any, *, status: int = 200) -> Reply:
    async def reply(_: web.Request) -> web.Response:
        return web.json_response(value, status=status)

    return reply


def redirect(location: str, *, status: int = 302) -> Reply:
    async def reply(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": location})

    return reply


async def never(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    return web.Response()


async def endless(request: web.Request) -> web.StreamResponse:
    """Send for ever, slowly enough for no reader to run out of memory and fast enough to pass any bound."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" " * 65_536)


async def truncated(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"keys": [')
    assert request.transport is not None
    request.transport.close()
    return response


async def hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


BOMB = gzip.compress(b"[" + b" " * 20_000_000 + b"]")
NONSENSE: dict[str, Reply] = {
    "500": text("oops", status=500, kind="text/plain"),
    "404": text("{}", status=404),
    "429": text("{}", status=429),
    "nothing": text(""),
    "html": text("<html><title>Sign in</title>", kind="text/html"),
    "half of json": text('{"issuer": "http'),
    "not utf-8": text(b'{"issuer": "\xff\xfe"}'),
    "null": text("null"),
    "list": text("[1]"),
    "number": text("1e999"),
    "nested": text("[" * 100_000),
    "huge": text(b" " * 2_000_000),
    "endless": endless,
    "gzip bomb": text(BOMB, **{"Content-Encoding": "gzip"}),
    "unknown encoding": text("{}", **{"Content-Encoding": "br"}),
    "truncated": truncated,
    "hang up": hang_up,
    "too late": never,
    "redirect": redirect("/elsewhere"),
    "redirect to metadata": redirect("http://169.254.169.254/latest/meta-data/", status=307),
    "redirect to a file": redirect("file:///etc/passwd", status=301),
    "endless header": text("{}", **{"X-Long": "x" * 100_000}),
}
