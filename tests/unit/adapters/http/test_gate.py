"""Where a request comes from, who sends it, and whether that is too often."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx import ASGITransport, AsyncClient
from litestar import get
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import SOMEBODY, World

from waardhaven.adapters.inbound.http.addresses import AddressRefused, Networks
from waardhaven.adapters.inbound.http.policy import POLICY, public
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.identity.roles import Credential, Principal, Role
from waardhaven.domain.types import ApiKeyId, UserId

CURRENT = "/api/v1/index/current"
FEW: dict[str, Any] = {"rate_limit_per_minute": 3, "rate_limit_authenticated": 5}
KEY = Principal(
    user=SOMEBODY, role=Role.VIEWER, credential=Credential.API_KEY, key=ApiKeyId(UUID(int=5)), per_minute=2
)


@pytest.fixture
def few() -> World:
    return World(config=FEW)


def at(world: World, address: str, **options: Any) -> AsyncClient:
    transport = ASGITransport(world.app, raise_app_exceptions=False, client=(address, 50_000))
    return AsyncClient(transport=transport, base_url="http://here", **options)


async def test_anonymous_requests_are_counted_by_address(few: World) -> None:
    async with few.client() as client:
        answers = [await client.get("/") for _ in range(4)]
        assert [one.headers["ratelimit-remaining"] for one in answers] == ["2", "1", "0", "0"]
        assert {one.headers["ratelimit-limit"] for one in answers} == {"3"}
        body = problem(answers[3], 429, "rate_limited")
        assert answers[3].headers["retry-after"] == answers[3].headers["ratelimit-reset"] == "60"
        assert body["retry_after_seconds"] == 60
        async with at(few, "198.51.100.7") as elsewhere:
            assert (await elsewhere.get("/")).status_code == 200
        few.clock.advance(timedelta(seconds=60))
        assert (await client.get("/")).status_code == 200


async def test_by_default_an_address_has_a_hundred_and_a_user_a_thousand(
    client: AsyncClient, world: World
) -> None:
    anonymous, known = await client.get("/"), await client.get("/", headers=world.bearer())
    assert anonymous.headers["ratelimit-limit"] == "100"
    assert known.headers["ratelimit-limit"] == "1000"


async def test_a_401_counts_and_stays_a_401(few: World) -> None:
    async with few.client() as client:
        for _ in range(5):
            answer = await client.get(CURRENT)
            problem(answer, 401)
        assert answer.headers["ratelimit-remaining"] == "0"
        problem(await client.get(CURRENT, headers={"Authorization": "Bearer wrong"}), 401)
        problem(await client.get("/"), 429)


@pytest.mark.parametrize("path", ["/nothing", "/docs/assets/nothing.js", "/health/"])
async def test_whatever_an_anonymous_caller_asks_is_refused_beyond_the_limit(few: World, path: str) -> None:
    async with few.client() as client:
        for _ in range(3):
            await client.get("/")
        problem(await client.get(path), 429)
        problem(await client.options("/"), 429)
        problem(await client.delete("/"), 429)


async def test_a_valid_token_is_let_in_where_the_address_is_not(few: World) -> None:
    async with few.client() as client:
        for _ in range(4):
            await client.get("/")
        assert (await client.get(CURRENT, headers=few.bearer())).status_code == 200


async def test_users_are_counted_apart_wherever_they_are(few: World) -> None:
    async with few.client() as client, at(few, "198.51.100.7") as elsewhere:
        for each in (client, elsewhere, client, elsewhere, client):
            assert (await each.get(CURRENT, headers=few.bearer())).status_code == 200
        answer = await client.get(CURRENT, headers=few.bearer())
        problem(answer, 429, "rate_limited")
        other = few.bearer(user=UserId(UUID(int=8)))
        assert (await client.get(CURRENT, headers=other)).headers["ratelimit-remaining"] == "4"


async def test_remembered_answers_count_too(few: World) -> None:
    async with few.client() as client:
        found = [await client.get(CURRENT, headers=few.bearer()) for _ in range(6)]
    assert [one.headers["ratelimit-remaining"] for one in found] == ["4", "3", "2", "1", "0", "0"]
    assert found[5].status_code == 429


async def test_each_api_key_has_the_limit_it_was_given(few: World) -> None:
    async with few.client() as client:
        for key, allowed in ((KEY, 2), (replace(KEY, key=ApiKeyId(UUID(int=6)), per_minute=None), 5)):
            headers = few.credential(key)
            statuses = [(await client.get(CURRENT, headers=headers)).status_code for _ in range(6)]
            assert statuses.count(200) == allowed
        assert (await client.get(CURRENT, headers=few.bearer())).status_code == 200


async def test_probes_are_never_counted(few: World) -> None:
    async with few.client() as client:
        for _ in range(10):
            answer = await client.get("/health")
            assert answer.status_code == 200
            assert (await client.get("/health/ready")).status_code == 200
        assert "ratelimit-limit" not in answer.headers
        assert (await client.get("/")).headers["ratelimit-remaining"] == "2"


async def test_zero_means_no_limit() -> None:
    world = World(config={"rate_limit_per_minute": 0, "rate_limit_authenticated": 0})
    async with world.client() as client:
        answers = [await client.get("/") for _ in range(5)]
        assert {one.status_code for one in answers} == {200}
        assert "ratelimit-limit" not in answers[0].headers
        assert (await client.get(CURRENT, headers=world.bearer())).status_code == 200


@get("/slow", opt={POLICY: public(per_minute=2)})
async def slow() -> str:
    """Stand for what costs much."""
    return "done"


async def test_a_route_may_have_a_limit_of_its_own(world: World, client: AsyncClient) -> None:
    world.app.register(slow)
    answers = [await client.get("/slow") for _ in range(3)]
    assert [one.headers["ratelimit-remaining"] for one in answers] == ["1", "0", "0"]
    problem(answers[2], 429)
    assert (await client.get("/slow", headers=world.bearer())).status_code == 200
    assert (await client.get("/")).headers["ratelimit-limit"] == "100"


async def test_a_token_is_checked_once(world: World, client: AsyncClient) -> None:
    assert (await client.get(CURRENT, headers=world.bearer())).status_code == 200
    assert world.authenticate.asked == []
    assert (await client.get(CURRENT, headers=world.credential(KEY))).status_code == 200
    assert len(world.authenticate.asked) == 1


async def test_a_token_nobody_can_check_is_503_where_one_is_needed(world: World, client: AsyncClient) -> None:
    world.authenticate.error = Unavailable("The database is out of reach.")
    headers = {"Authorization": "Bearer whk_x"}
    answer = await client.get(CURRENT, headers=headers)
    problem(answer, 503)
    assert answer.headers["retry-after"]
    assert (await client.get("/", headers=headers)).status_code == 200


async def test_a_token_that_is_not_checked_in_time_is_503() -> None:
    world = World(config={"request_timeout_seconds": 0.05})

    async def hang(_: str) -> Principal:
        await asyncio.sleep(30)
        raise AssertionError

    world.authenticate.hang = hang
    async with world.client() as client:
        answer = await client.get(CURRENT, headers={"Authorization": "Bearer whk_x"})
        problem(answer, 503, "authentication_timed_out")


NETWORKS = {"allowed_networks": ("203.0.113.0/24", "2001:db8::/32"), "denied_networks": ("203.0.113.66",)}


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("203.0.113.9", True),
        ("::ffff:203.0.113.9", True),
        ("2001:db8:5::1", True),
        ("203.0.113.66", False),
        ("::ffff:203.0.113.66", False),
        ("198.51.100.7", False),
        ("2001:db9::1", False),
        ("127.0.0.1", False),
        ("unknown", False),
        ("", False),
    ],
)
async def test_networks_are_allowed_and_denied(address: str, allowed: bool) -> None:
    world = World(config=NETWORKS)
    async with at(world, address) as client:
        for path in ("/", CURRENT, "/nothing", "/docs"):
            answer = await client.get(path, headers={"X-Forwarded-For": "203.0.113.9"})
            if allowed:
                assert answer.status_code != 403
            else:
                problem(answer, 403, "address_refused")
                assert answer.headers["x-frame-options"] == "DENY"
        known = await client.get(CURRENT, headers=world.bearer(Role.ADMIN))
        assert known.status_code == (200 if allowed else 403)


async def test_probes_of_this_machine_are_answered_whatever_the_networks() -> None:
    world = World(config=NETWORKS)
    async with at(world, "127.0.0.1") as here, at(world, "198.51.100.7") as stranger:
        assert (await here.get("/health")).status_code == 200
        problem(await stranger.get("/health"), 403, "address_refused")


def test_without_lists_every_address_may_call() -> None:
    networks = Networks(allowed=(), denied=(), admin=())
    for address in ("203.0.113.9", "", "nonsense"):
        networks.check(address)
        networks.check_admin(address)


def test_a_denied_list_alone_lets_all_others_in() -> None:
    networks = Networks(allowed=(), denied=("10.0.0.1/8",), admin=())
    networks.check("192.0.2.1")
    with pytest.raises(AddressRefused):
        networks.check("10.9.9.9")
