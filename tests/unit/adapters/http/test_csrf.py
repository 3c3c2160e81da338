"""A cookie proves who a browser is, never that our page sent the request."""

from http.cookies import SimpleCookie
from typing import Any

import pytest
from httpx import AsyncClient, Response
from litestar import Request, post
from litestar import Response as Answer
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import World

from waardhaven.adapters.inbound.http import csrf
from waardhaven.adapters.inbound.http.cookies import cleared_cookies, refresh_cookie, signed_in_cookies
from waardhaven.adapters.inbound.http.cors import Cors
from waardhaven.adapters.inbound.http.origins import origin_of
from waardhaven.adapters.inbound.http.policy import POLICY, PUBLIC, public

HERE, FRONT_END = "http://here", "https://app.example.org"
SIGN_IN, USE, OTHER, OUT = "/test/in", "/test/use", "/test/other", "/test/out"


@post(SIGN_IN, opt={POLICY: PUBLIC}, status_code=200)
async def sign_in(request: Request[Any, Any, Any]) -> Answer[str]:
    """Stay signed in."""
    return Answer("in", cookies=signed_in_cookies(request.scope, "refresh-1", 600))


@post(USE, opt={POLICY: public(cookie=True)}, status_code=200)
async def use(request: Request[Any, Any, Any]) -> str:
    """Use the cookie."""
    return refresh_cookie(request.scope) or "none"


@post(OTHER, opt={POLICY: PUBLIC}, status_code=200)
async def other(request: Request[Any, Any, Any]) -> str:
    """Take no cookie for a credential."""
    return refresh_cookie(request.scope) or "none"


@post(OUT, opt={POLICY: PUBLIC}, status_code=200)
async def out(request: Request[Any, Any, Any]) -> Answer[str]:
    """Forget the cookies."""
    return Answer("out", cookies=cleared_cookies(request.scope))


@pytest.fixture
def world() -> World:
    world = World(config={"frontend_url": FRONT_END})
    for handler in (sign_in, use, other, out):
        world.app.register(handler)
    return world


def set_cookies(response: Response) -> dict[str, Any]:
    jar: SimpleCookie = SimpleCookie()
    for line in response.headers.get_list("set-cookie"):
        jar.load(line)
    return dict(jar)


async def signed_in(client: AsyncClient) -> tuple[str, str]:
    """Return the cookie header of a browser that signed in, and its CSRF token."""
    cookies = set_cookies(await client.post(SIGN_IN))
    client.cookies.clear()
    token = cookies[csrf.TOKEN].value
    return f"{csrf.REFRESH}=refresh-1; {csrf.TOKEN}={token}", token


async def test_signing_in_sets_a_hidden_and_a_readable_cookie(client: AsyncClient) -> None:
    cookies = set_cookies(await client.post(SIGN_IN))
    refresh, readable = cookies[csrf.REFRESH], cookies[csrf.TOKEN]
    assert refresh.value == "refresh-1"
    assert refresh["httponly"]
    assert refresh["path"] == "/api/v1/auth"
    assert not readable["httponly"]
    assert readable["path"] == "/"
    for one in (refresh, readable):
        assert one["samesite"].lower() == "strict"
        assert one["max-age"] == "600"
        assert not one["secure"]


async def test_by_https_both_cookies_are_secure_and_their_names_say_so(world: World) -> None:
    async with world.client() as client:
        cookies = set_cookies(await client.post(f"https://here{SIGN_IN}"))
    assert cookies.keys() == {f"__Secure-{csrf.REFRESH}", f"__Host-{csrf.TOKEN}"}
    assert all(one["secure"] for one in cookies.values())


async def test_signing_out_makes_the_browser_forget(client: AsyncClient) -> None:
    cookies = set_cookies(await client.post(OUT))
    assert cookies.keys() == {csrf.REFRESH, csrf.TOKEN}
    assert {one["max-age"] for one in cookies.values()} == {"0"}
    assert {one.value for one in cookies.values()} == {""}
    assert cookies[csrf.REFRESH]["path"] == "/api/v1/auth"


@pytest.mark.parametrize(
    "origin",
    [
        {"Origin": HERE},
        {"Origin": FRONT_END},
        {"Referer": f"{HERE}/page?x=1"},
        {"Referer": f"{FRONT_END}/deep/page"},
        {"Origin": HERE, "Sec-Fetch-Site": "same-origin"},
        {"Origin": FRONT_END, "Sec-Fetch-Site": "same-site", "Referer": "https://evil.example/"},
    ],
)
async def test_our_own_pages_may_use_the_cookie(client: AsyncClient, origin: dict[str, str]) -> None:
    cookie, token = await signed_in(client)
    answer = await client.post(USE, headers={"Cookie": cookie, "X-CSRF-Token": token} | origin)
    assert (answer.status_code, answer.text) == (200, "refresh-1")


@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "https://here"},
        {"Origin": "http://here:8080"},
        {"Origin": "http://here.evil.example"},
        {"Origin": "http://app.example.org"},
        {"Origin": "https://app.example.org.evil.example"},
        {"Origin": "https://evil.example", "Referer": f"{HERE}/"},
        {"Referer": "https://evil.example/http://here/"},
        {"Referer": "nonsense"},
        {"Referer": "http://[::1"},
        {"Origin": HERE, "Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_other_pages_may_not(client: AsyncClient, origin: dict[str, str]) -> None:
    cookie, token = await signed_in(client)
    answer = await client.post(USE, headers={"Cookie": cookie, "X-CSRF-Token": token} | origin)
    problem(answer, 403, "csrf_refused")


async def test_the_token_is_needed_and_must_be_the_cookies(client: AsyncClient) -> None:
    cookie, token = await signed_in(client)
    wrong = [{}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": token + "x"}, {"X-CSRF-Token": b"\xff"}]
    for headers in wrong:
        answer = await client.post(USE, headers={"Cookie": cookie, "Origin": HERE} | headers)  # type: ignore[operator]
        problem(answer, 403, "csrf_refused")
    for kept in (f"{csrf.REFRESH}=refresh-1", f"{csrf.REFRESH}=refresh-1; {csrf.TOKEN}=other"):
        answer = await client.post(USE, headers={"Cookie": kept, "Origin": HERE, "X-CSRF-Token": token})
        problem(answer, 403, "csrf_refused")


async def test_a_planted_token_does_not_help(client: AsyncClient, world: World) -> None:
    """Neither one that was made up nor one that belongs to another session."""
    await signed_in(client)
    foreign = csrf.token_for(world.app.state.config, "refresh-2")
    for planted in ("x" * 43, foreign):
        cookie = f"{csrf.REFRESH}=refresh-1; {csrf.TOKEN}={planted}"
        answer = await client.post(USE, headers={"Cookie": cookie, "Origin": HERE, "X-CSRF-Token": planted})
        problem(answer, 403, "csrf_refused")


async def test_a_token_of_the_key_before_still_counts() -> None:
    old, new = World(config={"csrf_keys": (b"a" * 32,)}), World(config={"csrf_keys": (b"b" * 32, b"a" * 32)})
    new.app.register(use)
    token = csrf.token_for(old.app.state.config, "refresh-1")
    assert token != csrf.token_for(new.app.state.config, "refresh-1")
    cookie = f"{csrf.REFRESH}=refresh-1; {csrf.TOKEN}={token}"
    async with new.client() as client:
        answer = await client.post(USE, headers={"Cookie": cookie, "Origin": HERE, "X-CSRF-Token": token})
    assert answer.text == "refresh-1"


@pytest.mark.parametrize(
    "cookie", ["", "other=1", csrf.REFRESH, f"{csrf.REFRESH}=", f"{csrf.REFRESH}=a; {csrf.REFRESH}=b", ";;=;"]
)
async def test_without_one_refresh_cookie_there_is_none(client: AsyncClient, cookie: str) -> None:
    assert (await client.post(USE, headers={"Cookie": cookie})).text == "none"


async def test_a_route_that_does_not_say_so_takes_no_cookie(client: AsyncClient) -> None:
    cookie, token = await signed_in(client)
    answer = await client.post(OTHER, headers={"Cookie": cookie, "X-CSRF-Token": token, "Origin": HERE})
    assert answer.text == "none"


async def test_cookies_sent_in_several_headers_are_one_list(client: AsyncClient) -> None:
    _, token = await signed_in(client)
    headers = [
        ("Cookie", f"{csrf.REFRESH}=refresh-1"),
        ("Cookie", f"{csrf.TOKEN}={token}"),
        ("Origin", HERE),
        ("X-CSRF-Token", token),
    ]
    assert (await client.post(USE, headers=headers)).text == "refresh-1"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://App.Example.org/path?x#y", "https://app.example.org"),
        ("https://app.example.org:443", "https://app.example.org"),
        ("http://app.example.org:8080/", "http://app.example.org:8080"),
        ("http://user:secret@app.example.org", "http://app.example.org"),
        ("http://[2001:db8::1]:80", "http://[2001:db8::1]"),
        ("ftp://app.example.org", None),
        ("https://", None),
        ("https://h:99999", None),
        ("null", None),
        ("", None),
        (None, None),
    ],
)
def test_origins_are_what_browsers_send(url: str | None, origin: str | None) -> None:
    assert origin_of(url) == origin


def test_cors_allows_the_exact_origin_of_the_front_end_with_its_cookies() -> None:
    cors = Cors("https://App.example.org:443/app/")
    allowed = dict(cors.headers({b"origin": b"https://app.example.org"}))
    assert allowed[b"access-control-allow-origin"] == b"https://app.example.org"
    assert allowed[b"access-control-allow-credentials"] == b"true"
    assert b"RateLimit-Remaining" in allowed[b"access-control-expose-headers"]
    for stranger in (b"https://evil.example", b"null", b"https://app.example.org.evil.example", b"*"):
        assert dict(cors.headers({b"origin": stranger})) == {b"vary": b"Origin"}
    assert b"X-CSRF-Token" in dict(cors.preflight()["headers"])[b"access-control-allow-headers"]
