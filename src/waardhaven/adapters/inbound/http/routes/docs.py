"""The API document and two readers of it, all from this server."""

import asyncio
import secrets
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from waardhaven.adapters.inbound.http import headers
from waardhaven.adapters.inbound.http.answers import NotAcceptable, Ready
from waardhaven.adapters.inbound.http.assets import Assets, media_of
from waardhaven.adapters.inbound.http.encode import json_bytes
from waardhaven.adapters.inbound.http.negotiation import IDENTITY, JSON, encoding
from waardhaven.adapters.inbound.http.openapi import document
from waardhaven.adapters.inbound.http.packed import Packed, compressed, plain
from waardhaven.adapters.inbound.http.policy import POLICY, PUBLIC
from waardhaven.adapters.inbound.http.tags import ALSO, SERVICE

FOREVER = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
OPEN: dict[str, Any] = {POLICY: PUBLIC}
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Redoc searches in a worker that it starts from a blob.
REDOC_POLICY = f"{CONTENT_POLICY}; worker-src blob:"
REDOC_HEAD = '<script src="/docs/assets/style-nonce.js" nonce="{nonce}"></script>'
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Waardhaven AutoIndex API</title>
<link rel="icon" href="/docs/assets/{icon}">
<link rel="stylesheet" href="/docs/assets/page.css">
{head}
</head>
<body>
<div id="page"></div>
<script src="/docs/assets/{script}" integrity="{integrity}"></script>
<script src="/docs/assets/{start}"></script>
</body>
</html>
"""


@get("/docs", opt=OPEN, include_in_schema=False)
async def swagger_page(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the API with Swagger UI."""
    assets: Assets = request.app.state.assets
    style = assets.vendored_file("swagger-ui.css")
    head = f'<link rel="stylesheet" href="/docs/assets/{style.file}" integrity="{style.integrity}">'
    return _page(assets, "swagger-ui-bundle.js", "swagger-init.js", CONTENT_POLICY, head)


@get("/redoc", opt=OPEN, include_in_schema=False)
async def redoc_page(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the API with Redoc."""
    return _page(request.app.state.assets, "redoc.standalone.js", "redoc-init.js", REDOC_POLICY, REDOC_HEAD)


@get("/docs/assets/{name:str}", opt=OPEN, include_in_schema=False)
async def asset(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """Return a browser file."""
    assets: Assets = request.app.state.assets
    found = await asyncio.to_thread(assets.read, name)
    if found is None:
        raise NotFoundException
    lasting = FOREVER if assets.is_hashed(name) else REVALIDATE
    return Ready(await _encoded(request, name, found), media_of(name), cache_control=lasting)


@get(
    "/openapi.json",
    opt=OPEN | {ALSO: (406,)},
    media_type=JSON,
    operation_id="openapi",
    summary="This document",
    tags=[SERVICE],
)
async def openapi_json(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """Describe every operation (OpenAPI 3.1)."""
    kept = request.app.state.encoded
    if "openapi" not in kept:
        kept["openapi"] = plain(json_bytes(document(request.app)))
    return Ready(await _encoded(request, "openapi.json", kept["openapi"]), JSON, cache_control=REVALIDATE)


def _page(assets: Assets, script: str, start: str, policy: str, head: str = "") -> Response[str]:
    """Return a page whose style elements need a word that no other answer knows."""
    vendored = assets.vendored_file(script)
    nonce = secrets.token_urlsafe(16)
    html = PAGE.format(
        icon=assets.vendored_file("favicon-32x32.png").file,
        head=head.format(nonce=nonce),
        script=vendored.file,
        integrity=vendored.integrity,
        start=start,
    )
    standing = {"Content-Security-Policy": policy.format(nonce=nonce), "Cache-Control": "no-store"}
    return Response(html, media_type="text/html; charset=utf-8", headers=standing)


async def _encoded(request: Request[Any, Any, Any], name: str, source: Packed) -> Packed:
    """Return the file in the encoding the client likes best, compressed once and kept."""
    chosen = encoding(headers.text(headers.of(request.scope), b"accept-encoding"))
    if chosen is None:
        raise NotAcceptable("On offer: encodings br, gzip, identity.")
    if chosen.name == IDENTITY:
        return source
    kept: dict[object, Packed] = request.app.state.encoded
    key = (name, source.digest, chosen.name)
    if key not in kept:
        kept[key] = await asyncio.to_thread(compressed, source, chosen.name)
    return kept[key]


HANDLERS = (swagger_page, redoc_page, asset, openapi_json)
