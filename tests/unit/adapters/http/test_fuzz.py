"""No request, however wrong, gets anything but an answer or a problem document."""

import asyncio
from functools import cache
from urllib.parse import quote, quote_from_bytes

import pytest
from httpx import AsyncClient, Response
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import World

ROUTES = [
    "/",
    "/health",
    "/health/ready",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/redoc",
    "/docs/assets/{text}",
    "/api/v1/auth/me",
    "/api/v1/index/current",
    "/api/v1/index/history",
    "/api/v1/index/currencies",
    "/api/v1/index/assets/{text}/history",
    "/api/v1/indices",
    "/api/v1/indices/{text}",
    "/api/v1/indices/{text}/current",
    "/api/v1/indices/{text}/history",
    "/api/v1/indices/{text}/builds",
    "/api/v1/strategies",
    "/api/v1/strategy/config",
]
NAMES = st.sampled_from(["start", "end", "as_of", "currency", "fields", "limit", "cursor", "x"])
ODD = st.sampled_from(
    [
        "2024-02-30",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01",
        "NaN",
        "1e999",
        "-1",
        "null",
        "dates",
        "0x1F",
        "٣",
    ]
)
VALUES = (
    st.binary(max_size=12).map(quote_from_bytes)
    | st.text(max_size=12).map(lambda text: quote(text, safe="", errors="surrogatepass"))
    | ODD.map(quote)
)
ACCEPTS = st.sampled_from(
    ["*/*", "application/json", "application/vnd.apache.arrow.stream", ";q=", "a/b;q=nan", ",,"]
)
ENCODINGS = st.sampled_from(["br", "gzip;q=0", "identity;q=0", "*", "x;q=1e9", "", "br;q=-1,*;q=0.1"])


@cache
def _world() -> World:
    """One application for all examples: making it takes longer than asking it everything."""
    return World(config={"rate_limit_per_minute": 0, "rate_limit_authenticated": 0})


async def _answers(paths: list[str], headers: dict[str, str]) -> list[Response]:
    world = _world()
    async with world.client() as client:
        return [await _answer(client, world, path, headers) for path in paths]


async def _answer(client: AsyncClient, world: World, path: str, headers: dict[str, str]) -> Response:
    return await client.get(path, headers=headers | world.bearer())


@settings(max_examples=60)
@given(
    value=VALUES,
    query=st.lists(st.tuples(NAMES, VALUES), max_size=5),
    accept=ACCEPTS,
    encoding=ENCODINGS,
)
def test_no_query_breaks_a_route(
    value: str, query: list[tuple[str, str]], accept: str, encoding: str
) -> None:
    asked = "&".join(f"{name}={text}" for name, text in query)
    paths = [route.replace("{text}", value or "a") + "?" + asked for route in ROUTES]
    headers = {"Accept": accept, "Accept-Encoding": encoding}
    for path, response in zip(paths, asyncio.run(_answers(paths, headers)), strict=True):
        if response.status_code >= 400:
            expected = {404, 401, 406, 409, 422} | ({503} if path.startswith(("/docs", "/redoc")) else set())
            assert response.status_code in expected, (path, response.text)
            problem(response, response.status_code)


@settings(max_examples=60)
@given(body=st.binary(max_size=200) | st.text(max_size=80).map(lambda text: f'{{"email":"{text}"}}'.encode()))
def test_no_body_breaks_a_route(body: bytes) -> None:
    async def post() -> list[Response]:
        world = _world()
        world.limiter.allowed.clear()
        async with world.client() as client:
            kind = {"Content-Type": "application/json"}
            return [
                await client.post(f"/api/v1/auth/{name}", content=body, headers=kind)
                for name in ("register", "login")
            ]

    for response in asyncio.run(post()):
        assert response.status_code in {400, 422}, response.text
        problem(response, response.status_code)


@pytest.mark.parametrize("raw", [b"%", b"%zz", b"%ff%fe", b"start=%ff", b"&&&=", b"start", b"=", b"a" * 9000])
async def test_odd_query_strings_are_survived(reader: AsyncClient, raw: bytes) -> None:
    response = await reader.get("/api/v1/index/history?" + raw.decode())
    assert response.status_code in {200, 422}
