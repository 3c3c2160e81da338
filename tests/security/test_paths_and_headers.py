"""Paths that climb, headers that split, addresses that lead elsewhere."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.security.document import operations
from tests.security.payloads import LEAKS, TRAVERSALS
from tests.security.site import LOGIN, REGISTER, STRONG, V1, Site, Socket
from tests.unit.adapters.http.expect import problem

from waardhaven.bootstrap.settings import InvalidSettings, read_settings
from waardhaven.domain.identity.roles import Role

SPLITS = ("\r\nX-Injected: 1", "\nX-Injected: 1", "\r\n\r\n<html>", "%0d%0aX-Injected: 1", "\u010d\u010aX: 1")
REDIRECTS = (
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "https:evil.example",
    "http:/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\t/evil.example",
    "/%09/evil.example",
    "\t//evil.example",
    "/\r\nLocation: https://evil.example",
    "/ /evil.example",
    "evil.example",
    "@evil.example",
    ".evil.example",
    "",
)


def leaked(body: bytes) -> list[str]:
    return [leak for leak in LEAKS if leak.encode() in body]


async def test_no_path_parameter_climbs_out_of_its_place(site: Site, socket: Socket) -> None:
    headers = (await site.person(Role.ADMIN)).bearer
    walked = 0
    for operation in operations(await site.operations()):
        for name in operation.parameters("path"):
            for climb in TRAVERSALS:
                target = operation.address({name: "MARK"}).replace("MARK", climb)
                answer = await socket.ask(target, method=operation.method.upper(), headers=headers)
                told = (str(operation), climb, answer.status)
                assert answer.status in {200, 303, 400, 404, 405, 408, 411, 415, 422, 431}, told
                assert not [leak for leak in LEAKS if leak.encode() in answer.body and leak not in climb], (
                    told
                )
                walked += 1
    assert walked > 200


@pytest.mark.parametrize("folder", ["/docs/assets/", "/docs/", "/redoc/", "/", "/openapi.json/", "/static/"])
async def test_no_file_but_the_listed_ones_is_served(socket: Socket, folder: str) -> None:
    for climb in TRAVERSALS:
        answer = await socket.ask(f"{folder}{climb}")
        assert answer.status in {400, 404} or (climb == "." and folder == "/"), (climb, answer.status)
        assert not leaked(answer.body)
    known = await socket.ask("/docs/assets/page.css")
    assert known.status == 200


@pytest.mark.parametrize(
    "target", ["*", "http://evil.example/", "//evil.example/api/v1/auth/me", "/api/v1//auth/me"]
)
async def test_a_strange_target_is_no_way_around_the_gate(socket: Socket, target: str) -> None:
    answer = await socket.ask(target)
    assert answer.status in {200, 400, 401, 404}
    assert b"is_verified" not in answer.body


async def test_routes_are_reached_in_their_own_spelling_alone(site: Site, socket: Socket) -> None:
    for path in (
        "/API/V1/auth/me",
        "/api/v1/auth/me%20",
        "/api/v1/./auth/me",
        "/api/v1/auth/%6de/",
        "/api/v1/admin%2fusers",
    ):
        answer = await socket.ask(path, headers=(await site.person()).bearer)
        assert answer.status in {200, 403, 404, 422}
        if answer.status == 200:
            assert b'"role":"viewer"' in answer.body


@pytest.mark.parametrize(
    "header", ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-HTTP-Method-Override"]
)
async def test_no_header_changes_what_is_asked_for(site: Site, header: str) -> None:
    headers = (await site.person()).bearer | {header: "/api/v1/auth/me" if "URL" in header else "DELETE"}
    assert (await site.client.get("/", headers=headers)).json()["name"] == "Waardhaven AutoIndex"


@pytest.mark.parametrize("name", ["X-Request-ID", "X-Correlation-ID"])
async def test_a_correlation_id_is_safe_or_replaced(site: Site, name: str) -> None:
    wild = ["a b", 'a"b', "a\tb", "<b>", "x" * 65, "a;b", "\u00e9", "a,b", "{}", ""]
    for given in wild:
        answer = await site.client.get("/", headers={name.encode(): given.encode("latin-1")})
        assert answer.headers["x-correlation-id"] != given
    assert (await site.client.get("/", headers={name: "safe-1.2:3"})).headers[
        "x-correlation-id"
    ] == "safe-1.2:3"


async def test_no_line_of_the_request_becomes_a_header_or_a_line_of_the_log(
    site: Site, socket: Socket
) -> None:
    for split in SPLITS:
        raw = split.encode()
        for head in (
            b"GET / HTTP/1.1\r\nHost: here\r\nX-Request-ID: a" + raw + b"\r\nConnection: close\r\n\r\n",
            b"GET /" + raw.replace(b" ", b"") + b" HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
            b"GET /?x=" + raw.replace(b" ", b"") + b" HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
        ):
            answer = await socket.send(head)
            assert b"x-injected" not in answer.head.lower()
    answer = await site.client.get("/%0aforged%20line%0d%0a%7b%7d")
    assert answer.status_code == 404
    site.app.asgi_handler._access_log.close()
    lines = site.log.getvalue().splitlines()
    assert all(json.loads(line)["event"] == "request" for line in lines)
    assert any("forged" in json.loads(line)["path"] for line in lines)


async def test_a_mail_has_the_headers_we_wrote_and_one_recipient(site: Site) -> None:
    for index, split in enumerate(
        (*SPLITS, "?bcc=x@evil.example", ",x@evil.example", "\u0000", ";x@e.example")
    ):
        for email in (
            f"a{index}{split}@example.org",
            f"a{index}@example.org{split}",
            f'"a{split}"@example.org',
        ):
            answer = await site.client.post(REGISTER, json={"email": email, "password": STRONG})
            assert answer.status_code in {202, 422}
    recipients = {mail.to for mail in await site.inbox()}
    assert not [one for one in recipients if set(one) & set('\r\n,;<>"\u0000 ') or one.count("@") != 1]


@pytest.fixture
async def federated(begin: Callable[..., Any]) -> AsyncIterator[Site]:
    """The application with a provider that needs no answer of its own to begin."""
    settings = {
        "github_client_id": "id",
        "github_client_secret": "s" * 32,
        "frontend_url": "https://app.waardhaven.example",
    }
    async with begin(settings) as site:
        yield site


@pytest.mark.parametrize("wish", REDIRECTS)
async def test_signing_in_ends_nowhere_but_in_the_front_end(federated: Site, wish: str) -> None:
    answer = await federated.client.get(f"{V1}/auth/github/start", params={"return_to": wish})
    if answer.status_code == 303:
        location = urlsplit(answer.headers["location"])
        assert (location.scheme, location.netloc) == ("https", "github.com")
        assert "evil" not in answer.headers["location"]
        assert wish in {"/%09/evil.example", ""}, "harmless once it stands behind the front end's address"
    else:
        problem(answer, 422)


async def test_a_path_of_the_front_end_is_a_good_end(federated: Site) -> None:
    for wish in ("/", "/dashboard", "/a?b=c#d", "/a/../b", "/%2f%2fevil.example"):
        answer = await federated.client.get(f"{V1}/auth/github/start", params={"return_to": wish})
        assert answer.status_code == 303, wish
        query = urlsplit(answer.headers["location"]).query
        assert "redirect_uri=https%3A%2F%2Fapp.waardhaven.example%2Fapi" in query


async def test_a_host_header_leads_nobody_away(federated: Site) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    answer = await federated.client.get(f"{V1}/auth/github/start", headers=headers)
    assert "evil" not in answer.headers["location"]
    person = await federated.person()
    await federated.client.post(f"{V1}/auth/forgot-password", json={"email": person.email}, headers=headers)
    text = next(mail.text for mail in await federated.inbox() if mail.to == person.email)
    assert "evil" not in text
    assert "https://app.waardhaven.example/reset-password#token=" in text


async def test_no_route_redirects_by_what_the_address_says(site: Site, socket: Socket) -> None:
    for target in (
        "//evil.example/%2e%2e",
        "/docs//evil.example",
        "/docs/?next=https://evil.example",
        "/redoc/",
    ):
        answer = await socket.ask(target)
        assert "location" not in answer.headers


@pytest.mark.parametrize(
    "issuer",
    [
        "http://evil.example",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "https://user:secret@evil.example",
        "https://evil.example/?x=",
        "https://evil.example/#",
        "https://",
        "https://ev\u0131l.example",
        "https:\\\\evil.example",
        "ftp://evil.example",
    ],
)
def test_an_issuer_has_to_be_an_https_address_of_its_own(issuer: str) -> None:
    with pytest.raises(InvalidSettings, match="OIDC_ISSUER"):
        read_settings({"OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": "id"})


async def test_cookies_carry_nothing_a_client_chose(site: Site) -> None:
    person = await site.person()
    body = {"email": person.email, "password": person.password, "cookie": True}
    headers = {"Cookie": "waardhaven_refresh=x; Path=/; Domain=evil.example", "User-Agent": "a; Domain=evil"}
    answer: httpx.Response = await site.client.post(LOGIN, json=body, headers=headers)
    assert not [one for one in answer.headers.get_list("set-cookie") if "evil" in one]
