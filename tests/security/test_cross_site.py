"""What a page of another site can make a browser do here: nothing."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.security.site import LOGIN, LOGOUT, ME, REFRESH, V1, Person, Site, Socket
from tests.unit.adapters.http.expect import problem

FRONT = "https://app.waardhaven.example"
OWN = {"Origin": "http://here"}
FOREIGN = (
    "https://evil.example",
    "null",
    "",
    "http://here.evil.example",
    "http://evil.here",
    "http://here:81",
    "https://here",
    f"{FRONT}.evil.example",
    FRONT.replace("https", "http"),
    f"{FRONT}:8443",
    f"{FRONT} https://evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "file://",
)


@pytest.fixture
async def fronted(begin: Callable[..., Any]) -> AsyncIterator[Site]:
    """The application with a front end on another origin."""
    async with begin({"frontend_url": FRONT}) as site:
        yield site


async def browser(site: Site) -> tuple[Person, httpx.Cookies, dict[str, str]]:
    """Return somebody signed in by cookie: the cookies, and the header that proves our own page."""
    person = await site.person()
    body = {"email": person.email, "password": person.password, "cookie": True}
    answer = await site.client.post(LOGIN, json=body)
    assert answer.json()["refresh_token"] is None
    cookies = httpx.Cookies(answer.cookies)
    site.client.cookies.clear()
    return person, cookies, {"X-CSRF-Token": cookies["waardhaven_csrf"]}


async def sent(
    site: Site, path: str, cookies: httpx.Cookies, headers: dict[str, str], body: Any = None
) -> httpx.Response:
    pairs = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return await site.client.post(path, json=body or {}, headers={"Cookie": pairs, **headers})


async def test_the_own_page_keeps_its_session_alive_and_ends_it(site: Site) -> None:
    _, cookies, proof = await browser(site)
    renewed = await sent(site, REFRESH, cookies, OWN | proof)
    assert renewed.status_code == 200, renewed.text
    assert renewed.json()["refresh_token"] is None
    fresh = httpx.Cookies(renewed.cookies)
    assert fresh["waardhaven_csrf"] != cookies["waardhaven_csrf"]
    proof = {"X-CSRF-Token": fresh["waardhaven_csrf"]}
    ended = await sent(site, LOGOUT, fresh, OWN | proof)
    assert ended.status_code == 204
    assert all("Max-Age=0" in one for one in ended.headers.get_list("set-cookie"))


@pytest.mark.parametrize("path", [REFRESH, LOGOUT])
async def test_the_cookie_alone_does_nothing(site: Site, path: str) -> None:
    person, cookies, proof = await browser(site)
    token = proof["X-CSRF-Token"]
    attempts: list[dict[str, str]] = [
        {},
        OWN,
        OWN | {"X-CSRF-Token": ""},
        OWN | {"X-CSRF-Token": "wrong"},
        OWN | {"X-CSRF-Token": token[:-1]},
        OWN | {"X-CSRF-Token": token + "="},
        OWN | {"X-CSRF-Token": cookies["waardhaven_refresh"]},
        OWN | {"X-XSRF-Token": token},
        proof,
        *({"Origin": origin} | proof for origin in FOREIGN),
        OWN | proof | {"Sec-Fetch-Site": "cross-site"},
        proof | {"Referer": "https://evil.example/http://here/"},
    ]
    for headers in attempts:
        problem(await sent(site, path, cookies, headers), 403, "csrf_refused")
    alive = await site.rows(
        "SELECT count(*) FROM login_session WHERE ended_at IS NULL AND user_id = $1", person.id
    )
    assert alive == [{"count": 2}]
    assert (await sent(site, REFRESH, cookies, OWN | proof)).status_code == 200, "its token was not spent"


async def test_a_planted_csrf_cookie_proves_nothing(site: Site) -> None:
    _, cookies, _ = await browser(site)
    _, _, attacker = await browser(site)
    planted = attacker["X-CSRF-Token"]
    pairs = f"waardhaven_refresh={cookies['waardhaven_refresh']}; waardhaven_csrf={planted}"
    answer = await site.client.post(REFRESH, json={}, headers=OWN | attacker | {"Cookie": pairs})
    problem(answer, 403, "csrf_refused")
    chosen = {"X-CSRF-Token": "x" * 43}
    pairs = f"waardhaven_refresh={cookies['waardhaven_refresh']}; waardhaven_csrf={'x' * 43}"
    answer = await site.client.post(REFRESH, json={}, headers=OWN | chosen | {"Cookie": pairs})
    problem(answer, 403, "csrf_refused")


async def test_two_cookies_of_one_name_are_none(site: Site) -> None:
    _, cookies, proof = await browser(site)
    genuine = cookies["waardhaven_refresh"]
    for pairs in (
        f"waardhaven_refresh=planted; waardhaven_refresh={genuine}; waardhaven_csrf={proof['X-CSRF-Token']}",
        f"waardhaven_refresh={genuine}; waardhaven_refresh=planted; waardhaven_csrf={proof['X-CSRF-Token']}",
    ):
        answer = await site.client.post(REFRESH, json={}, headers=OWN | proof | {"Cookie": pairs})
        problem(answer, 401, "invalid_refresh_token")


def of_nothing(parameters: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return a value of its kind for each parameter of a path."""
    schemas = {one["name"]: one["schema"] for one in parameters if one["in"] == "path"}
    kinds = {"uuid": str(UUID(int=1)), "integer": "1"}
    return {
        name: kinds.get(schema.get("format", schema.get("type")), "nothing")
        for name, schema in schemas.items()
    }


async def test_a_cookie_never_opens_a_route_that_needs_a_token(site: Site) -> None:
    _, cookies, proof = await browser(site)
    pairs = "; ".join(f"{name}={value}" for name, value in cookies.items())
    document = await site.operations()
    closed = 0
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if operation["security"]:
                address = path.format_map(of_nothing(operation.get("parameters", ())))
                headers = OWN | proof | {"Cookie": pairs}
                answer = await site.client.request(method, address, headers=headers, json=None)
                assert answer.status_code == 401, (method, path)
                closed += 1
    assert closed > 20


async def test_the_refresh_cookie_is_hidden_from_scripts_and_other_sites(site: Site) -> None:
    person = await site.person()
    body = {"email": person.email, "password": person.password, "cookie": True}
    for scheme, prefixes in {"http": ("", ""), "https": ("__Secure-", "__Host-")}.items():
        async with site.at("203.0.113.9", base_url=f"{scheme}://here") as client:
            answer = await client.post(LOGIN, json=body)
        refresh, csrf = answer.headers.get_list("set-cookie")
        assert refresh.startswith(f"{prefixes[0]}waardhaven_refresh=")
        assert csrf.startswith(f"{prefixes[1]}waardhaven_csrf=")
        assert "HttpOnly" in refresh
        assert "Path=/api/v1/auth;" in refresh
        for cookie in (refresh, csrf):
            assert "samesite=strict" in cookie.lower()
            assert "domain" not in cookie.lower()
            assert ("secure" in cookie.lower().split("; ")) == (scheme == "https")
    forbidden = await site.client.post(
        LOGIN, content="email=a&password=b", headers={"Content-Type": "text/plain"}
    )
    problem(forbidden, 415)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
async def test_a_form_of_another_site_can_not_send_json(site: Site, content_type: str) -> None:
    _, cookies, proof = await browser(site)
    pairs = "; ".join(f"{name}={value}" for name, value in cookies.items())
    headers = OWN | proof | {"Cookie": pairs, "Content-Type": content_type}
    problem(await site.client.post(REFRESH, content="{}", headers=headers), 415)


async def test_cors_names_the_front_end_and_nobody_else(fronted: Site) -> None:
    for origin in FOREIGN:
        for method, path in [
            ("GET", ME),
            ("OPTIONS", ME),
            ("POST", LOGIN),
            ("GET", "/"),
            ("GET", "/nowhere"),
        ]:
            asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
            answer = await fronted.client.request(method, path, headers=asked)
            assert not [name for name in answer.headers if name.startswith("access-control-")], origin
            assert "Origin" in answer.headers["vary"]
    answer = await fronted.client.get(ME, headers={"Origin": FRONT})
    assert answer.headers["access-control-allow-origin"] == FRONT
    assert answer.headers["access-control-allow-credentials"] == "true"


async def test_without_a_front_end_no_origin_is_allowed(site: Site) -> None:
    for origin in (*FOREIGN, FRONT, "http://here"):
        answer = await site.client.get("/", headers={"Origin": origin})
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_every_kind_of_answer_carries_the_standing_headers(site: Site, socket: Socket) -> None:
    person = await site.person()
    token = person.bearer
    kinds = {
        "200": await socket.ask("/"),
        "200 of a reading": await socket.ask(f"{V1}/index/currencies", headers=token),
        "200 at the door": await socket.ask(f"{V1}/index/currencies", headers=token),
        "200 without a body": await socket.ask("/", method="HEAD"),
        "200 of a page": await socket.ask("/docs"),
        "401": await socket.ask(ME),
        "403": await socket.ask(f"{V1}/admin/users", headers=token),
        "404": await socket.ask("/nowhere"),
        "405": await socket.ask("/", method="PATCH"),
        "413": await socket.ask(LOGIN, method="POST", headers={"Content-Length": "99999999"}),
        "415": await socket.ask(LOGIN, method="POST"),
        "422": await socket.ask(f"{V1}/index/history?currency=EURO", headers=token),
        "204": await socket.ask(f"{V1}/auth/sessions", method="DELETE", headers=token),
        "a static file": await socket.ask("/docs/assets/page.css"),
    }
    for kind, answer in kinds.items():
        sent = answer.headers
        assert sent["x-content-type-options"] == "nosniff", kind
        assert sent["x-frame-options"] == "DENY", kind
        assert sent["referrer-policy"] == "no-referrer", kind
        assert sent["cross-origin-opener-policy"] == "same-origin", kind
        assert "frame-ancestors 'none'" in sent["content-security-policy"], kind
        assert "default-src 'none'" in sent["content-security-policy"], kind
        assert "unsafe" not in sent["content-security-policy"], kind
        assert "server" not in sent, kind
        assert kind[:3] not in {"401", "403", "422"} or sent["cache-control"] == "no-store", kind


async def test_only_https_answers_ask_for_https(site: Site) -> None:
    assert "strict-transport-security" not in (await site.client.get("/")).headers
    async with site.at("203.0.113.9", base_url="https://here") as client:
        assert "max-age=" in (await client.get("/")).headers["strict-transport-security"]


async def test_what_is_personal_is_kept_by_nobody_else(site: Site) -> None:
    person = await site.person()
    for path in (ME, f"{V1}/auth/sessions", f"{V1}/auth/api-keys", f"{V1}/indices", f"{V1}/index/current"):
        kept = (await site.client.get(path, headers=person.bearer)).headers["cache-control"]
        assert kept == "no-store" or "private" in kept
