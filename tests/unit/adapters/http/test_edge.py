import io
import json
import threading
import time
from typing import Any

import pytest
import structlog
from httpx import AsyncClient
from structlog.testing import capture_logs
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import World

from waardhaven.adapters.inbound.http.access_log import AccessLog, json_lines
from waardhaven.application.indexes import queries

FRONT_END = "https://app.example.org"


@pytest.mark.parametrize("name", ["X-Request-ID", "X-Correlation-ID"])
async def test_a_safe_correlation_id_is_kept_and_returned(client: AsyncClient, name: str) -> None:
    response = await client.get("/health", headers={name: "order-66:a.b_c"})
    assert response.headers["x-correlation-id"] == "order-66:a.b_c"


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b', "a\\nb", "é", "<script>"])
async def test_an_unsafe_correlation_id_is_replaced(client: AsyncClient, given: str) -> None:
    response = await client.get("/health", headers=[(b"X-Request-ID", given.encode())])
    assert len(response.headers["x-correlation-id"]) == 32


async def test_the_correlation_id_is_bound_while_a_use_case_runs(world: World, reader: AsyncClient) -> None:
    seen: dict[str, Any] = {}

    async def look() -> None:
        seen.update(structlog.contextvars.get_contextvars())

    world.stub(queries.ReadCurrent).before = look
    await reader.get("/api/v1/index/current", headers={"X-Request-ID": "abc"})
    assert seen == {"correlation_id": "abc"}
    assert structlog.contextvars.get_contextvars() == {}


@pytest.mark.parametrize("path", ["/", "/health", "/nothing", "/docs", "/api/v1/index/current"])
async def test_every_answer_has_the_security_headers(client: AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["permissions-policy"].startswith("camera=()")
    assert "strict-transport-security" not in headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/", "/nothing", "/docs", "/api/v1/index/current"])
async def test_by_https_every_answer_says_to_stay_there(client: AsyncClient, path: str) -> None:
    headers = (await client.get(f"https://here{path}")).headers
    assert headers["strict-transport-security"] == "max-age=31536000"


async def test_answers_without_a_body_have_the_security_headers_too(reader: AsyncClient) -> None:
    first = await reader.get("/api/v1/index/current")
    tagged = {"If-None-Match": first.headers["etag"]}
    answers = [await reader.get("/api/v1/index/current", headers=tagged), await reader.options("/health")]
    assert [one.status_code for one in answers] == [304, 204]
    for one in answers:
        assert one.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in one.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/health", "/api/v1/index/history", "/api/v1/auth/me", "/nothing"])
async def test_head_says_what_get_would_without_the_body(reader: AsyncClient, path: str) -> None:
    whole, head = await reader.get(path), await reader.head(path)
    assert head.status_code == whole.status_code
    assert head.content == b""
    assert head.headers["content-type"] == whole.headers["content-type"]
    if whole.status_code == 200:
        assert head.headers["content-length"] == whole.headers["content-length"]


async def test_options_lists_the_methods_without_a_token(client: AsyncClient) -> None:
    for path in ("/api/v1/index/history", "/api/v1/auth/me", "/health"):
        response = await client.options(path)
        assert response.status_code == 204
        assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


async def test_no_foreign_page_may_read_answers_by_default(client: AsyncClient) -> None:
    response = await client.get("/health", headers={"Origin": FRONT_END})
    assert "access-control-allow-origin" not in response.headers


async def test_the_front_end_may_read_answers_and_nobody_else() -> None:
    world = World(config={"frontend_url": FRONT_END + "/"})
    async with world.client() as client:
        client.headers.update(world.bearer())
        ours = await client.get("/api/v1/index/history", headers={"Origin": FRONT_END})
        theirs = await client.get("/api/v1/index/history", headers={"Origin": "https://evil.example"})
    assert ours.headers["access-control-allow-origin"] == FRONT_END
    assert "ETag" in ours.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in theirs.headers
    for response in (ours, theirs):
        assert {"Accept", "Accept-Encoding", "Origin"} == set(response.headers["vary"].split(", "))


async def test_a_preflight_of_the_front_end_is_answered_without_a_token() -> None:
    world = World(config={"frontend_url": FRONT_END})
    asked = {"Origin": FRONT_END, "Access-Control-Request-Method": "GET"}
    async with world.client() as client:
        response = await client.options("/api/v1/index/history", headers=asked)
        stranger = await client.options("/api/v1/index/history", headers=asked | {"Origin": "null"})
    assert response.status_code == 204
    assert "Authorization" in response.headers["access-control-allow-headers"]
    assert "access-control-allow-origin" not in stranger.headers


async def test_metrics_answer_direct_callers_of_this_machine(world: World) -> None:
    async with world.client(address="127.0.0.1") as client:
        await client.get("/api/v1/index/current")
        found = await client.get("/metrics")
        problem(await client.get("/metrics", headers={"X-Forwarded-For": "10.0.0.1"}), 404)
    assert 'route="/api/v1/index/current",status="401"} 1' in found.text


async def test_liveness_asks_nothing_while_readiness_tells_what_is_missing(world: World) -> None:
    world.probe.ready = False
    async with world.client() as client:
        assert (await client.get("/health")).json() == {"status": "ok"}
        response = await client.get("/health/ready")
    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert response.json()["dependencies"][0]["name"] == "postgres"


async def test_a_dependency_that_is_not_required_may_be_missing(world: World, client: AsyncClient) -> None:
    world.probe.ready, world.probe.required = False, False
    assert (await client.get("/health/ready")).status_code == 200


async def test_each_request_is_one_line_with_its_correlation_id(world: World) -> None:
    with capture_logs() as lines:
        async with world.client() as client:
            client.headers.update(world.bearer())
            await client.get("/api/v1/index/current?as_of=x", headers={"X-Request-ID": "one"})
            await client.get("/nothing", headers={"X-Request-ID": "two"})
    written = {line["correlation_id"]: line for line in lines if line["event"] == "request"}
    assert written.keys() == {"one", "two"}
    assert written["one"]["status"] == 422
    assert written["one"]["route"] == "/api/v1/index/current"
    assert written["one"]["user"]
    assert written["two"]["route"] == "unmatched"


def test_log_lines_are_written_by_a_thread_of_their_own() -> None:
    names = []
    log = AccessLog(lambda batch: names.extend(threading.current_thread().name for _ in batch))
    log.record({"n": 1})
    log.close()
    log.record({"n": 2})
    log.close()
    assert names == ["access-log", "access-log"]


def test_recording_a_line_does_not_wait_for_a_slow_writer() -> None:
    log = AccessLog(lambda _: time.sleep(0.2))
    started = time.perf_counter()
    for number in range(3):
        log.record({"n": number})
    assert time.perf_counter() - started < 0.1
    log.close()


def test_json_lines_say_when_and_what() -> None:
    stream = io.StringIO()
    log = AccessLog(json_lines(stream, process="api"))
    log.record({"at": 0.5, "status": 200, "path": 'a"\nb'})
    log.record({"at": 1.5, "status": 404})
    log.close()
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first == {
        "timestamp": "1970-01-01T00:00:00.500000+00:00",
        "level": "info",
        "logger": "waardhaven.access",
        "event": "request",
        "process": "api",
        "status": 200,
        "path": 'a"\nb',
    }
    assert second["status"] == 404


async def test_request_lines_go_to_the_stream_that_was_named() -> None:
    stream = io.StringIO()
    world = World(config={"access_log_stream": stream})
    async with world.client() as client:
        await client.get("/health", headers={"X-Request-ID": "abc"})
    assert json.loads(stream.getvalue())["correlation_id"] == "abc"
