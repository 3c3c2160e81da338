from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient
from structlog.testing import capture_logs
from tests.unit.adapters.http.expect import fields, problem
from tests.unit.adapters.http.world import World

from waardhaven.application.indexes import queries
from waardhaven.domain.errors import (
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    WaardhavenError,
)

JSON = {"Content-Type": "application/json"}
REGISTER = "/api/v1/auth/register"


class TooFewGoats(Conflict):
    """For this test."""


@pytest.mark.parametrize(
    ("family", "status"),
    [
        (NotFound, 404),
        (Conflict, 409),
        (Invalid, 422),
        (Forbidden, 403),
        (Unauthenticated, 401),
        (TooManyRequests, 429),
        (Unavailable, 503),
    ],
)
async def test_each_family_of_errors_has_its_status(
    world: World, reader: AsyncClient, family: type[WaardhavenError], status: int
) -> None:
    world.stub(queries.ReadCurrent).error = family("It can not be.")
    response = await reader.get("/api/v1/index/current")
    body = problem(response, status)
    assert body["detail"] == "It can not be."
    assert ("www-authenticate" in response.headers) == (status == 401)
    assert ("retry-after" in response.headers) == (status in {429, 503})


async def test_code_is_the_condition_and_context_stands_beside(world: World, reader: AsyncClient) -> None:
    world.stub(queries.ReadCurrent).error = TooFewGoats(
        "Choose one.", context={"candidates": ["A:XNYS", "A:XLON"], "status": 200}
    )
    body = problem(await reader.get("/api/v1/index/current"), 409, "too_few_goats")
    assert body["candidates"] == ["A:XNYS", "A:XLON"]
    assert body["status"] == 409


async def test_every_broken_rule_of_a_use_case_is_listed(world: World, reader: AsyncClient) -> None:
    broken = [FieldError(field="a", rule="one"), FieldError(field="b.c", rule="two")]
    world.stub(queries.ReadCurrent).error = Invalid("No.", errors=broken)
    body = problem(await reader.get("/api/v1/index/current"), 422)
    assert body["errors"] == [{"field": "a", "rule": "one"}, {"field": "b.c", "rule": "two"}]


async def test_a_fault_hides_its_details_and_logs_the_trace(world: World, reader: AsyncClient) -> None:
    world.stub(queries.ReadCurrent).error = RuntimeError("the password is swordfish")
    with capture_logs() as lines:
        response = await reader.get("/api/v1/index/current", headers={"X-Request-ID": "abc-1"})
    body = problem(response, 500, "internal_error")
    assert "swordfish" not in response.text
    assert body["correlation_id"] == "abc-1"
    logged = next(line for line in lines if line["event"] == "request_failed")
    assert isinstance(logged["exc_info"], RuntimeError)


@pytest.mark.parametrize(
    ("query", "bad"),
    [
        ("start=yesterday", {"start"}),
        ("start=2024-13-01&end=x&currency=EURO", {"start", "end", "currency"}),
        ("start=2024-02-01&end=2024-01-01", {"start", "end"}),
        ("as_of=2024-01-01T00:00:00", {"as_of"}),
        ("as_of=noon", {"as_of"}),
        ("as_of=0001-01-01T00:00:00%2B14:00", {"as_of"}),
        ("currency=%00%00%00", {"currency"}),
        ("fields=nonsense", {"fields"}),
        ("fields=%00", {"fields"}),
    ],
)
async def test_bad_parameters_are_all_named(reader: AsyncClient, query: str, bad: set[str]) -> None:
    body = problem(await reader.get(f"/api/v1/index/history?{query}"), 422)
    assert fields(body) == bad


@pytest.mark.parametrize("limit", ["-1", "0", "201", "many", "1e3", "99999999999999999999999", ""])
async def test_a_limit_out_of_bounds_is_named(reader: AsyncClient, limit: str) -> None:
    assert fields(problem(await reader.get(f"/api/v1/indices?limit={limit}"), 422)) == {"limit"}


async def test_fields_are_checked_on_an_empty_page_too(reader: AsyncClient) -> None:
    assert fields(problem(await reader.get("/api/v1/indices/x/builds?fields=zap"), 422)) == {"fields"}


@pytest.mark.parametrize("slug", ["UPPER", "a b", "%00", "-x", "x" * 64])
async def test_a_slug_that_can_not_be_is_named(reader: AsyncClient, slug: str) -> None:
    assert fields(problem(await reader.get(f"/api/v1/indices/{slug}"), 422)) == {"slug"}


async def test_an_unknown_address_is_a_problem(client: AsyncClient) -> None:
    problem(await client.get("/api/v1/nothing/here"), 404, "not_found")


async def test_a_wrong_method_names_the_right_ones(client: AsyncClient) -> None:
    response = await client.delete("/api/v1/indices")
    problem(response, 405, "method_not_allowed")
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


async def test_an_unknown_method_is_a_problem(client: AsyncClient) -> None:
    problem(await client.request("BREW", "/health"), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "body",
    [b"{oops", b"{", b'{"a":1}x', b"[" * 100_000, b'{"email":"\xff"}', b'{"email":"\\ud800"}', b"\x00"],
)
async def test_malformed_json_is_a_problem(client: AsyncClient, body: bytes) -> None:
    problem(await client.post(REGISTER, content=body, headers=JSON), 400, "malformed_request")


@pytest.mark.parametrize(
    ("body", "bad"),
    [
        (b"", {""}),
        (b"[]", {""}),
        (b"null", {""}),
        (b"{}", {"email", "password"}),
        (b'{"email":5,"password":null,"extra":1}', {"email", "password", "extra"}),
        (b'{"email":"a\\u0000@b.c","password":"correct horse"}', {"email"}),
        (b'{"email":"no address","password":"short","username":"x"}', {"email", "password", "username"}),
    ],
)
async def test_every_bad_field_of_a_body_is_named(client: AsyncClient, body: bytes, bad: set[str]) -> None:
    assert fields(problem(await client.post(REGISTER, content=body, headers=JSON), 422)) == bad


async def test_a_bad_body_field_has_a_json_pointer(client: AsyncClient) -> None:
    body = problem(await client.post("/api/v1/auth/login", json={"email": 1, "password": "x"}), 422)
    assert body["errors"][0]["pointer"] == "/email"


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
async def test_another_content_type_is_refused(client: AsyncClient, kind: str) -> None:
    problem(await client.post(REGISTER, content=b"{}", headers={"Content-Type": kind}), 415)


async def test_ten_megabytes_are_refused_before_they_are_read(client: AsyncClient) -> None:
    problem(await client.post(REGISTER, content=b" " * 10_000_000, headers=JSON), 413, "content_too_large")


async def test_a_body_of_unknown_length_is_cut_off(client: AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    problem(await client.post(REGISTER, content=endless(), headers=JSON), 413, "content_too_large")


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "text/html"},
        {"Accept": "application/json;q=0"},
        {"Accept-Encoding": "identity;q=0, br;q=0, gzip;q=0"},
        {"Accept-Encoding": "*;q=0"},
    ],
)
async def test_nothing_acceptable_is_a_problem(reader: AsyncClient, headers: dict[str, Any]) -> None:
    problem(await reader.get("/api/v1/index/history", headers=headers), 406, "not_acceptable")
