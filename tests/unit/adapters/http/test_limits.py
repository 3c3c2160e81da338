"""How often accounts may be opened and passwords tried."""

from datetime import timedelta

import pytest
from httpx import ASGITransport, AsyncClient, Response
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import World

from waardhaven.adapters.inbound.http.addresses import address_of
from waardhaven.adapters.inbound.http.limits import Limits, TooManyAttempts
from waardhaven.domain.errors import Unauthenticated, Unavailable

REGISTER, LOGIN = "/api/v1/auth/register", "/api/v1/auth/login"
ADA = {"email": "ada@example.org", "password": "correct horse"}


def at(world: World, address: str) -> AsyncClient:
    """A client at another address of an application that runs already."""
    transport = ASGITransport(world.app, raise_app_exceptions=False, client=(address, 50_000))
    return AsyncClient(transport=transport, base_url="http://here")


async def log_in(client: AsyncClient, email: str = "ada@example.org", **headers: str) -> Response:
    return await client.post(LOGIN, json={"email": email, "password": "wrong horse"}, headers=headers)


async def test_an_address_opens_ten_accounts_a_minute(world: World, client: AsyncClient) -> None:
    for number in range(10):
        body = ADA | {"email": f"ada{number}@example.org"}
        assert (await client.post(REGISTER, json=body)).status_code == 202
    problem(await client.post(REGISTER, json=ADA), 429, "too_many_attempts")
    async with at(world, "198.51.100.7") as elsewhere:
        assert (await elsewhere.post(REGISTER, json=ADA)).status_code == 202


async def test_an_address_tries_twenty_logins_a_minute_whosever(client: AsyncClient) -> None:
    for number in range(20):
        problem(await log_in(client, f"ada{number}@example.org"), 401)
    problem(await log_in(client, "ada99@example.org"), 429, "too_many_attempts")


async def test_a_login_is_tried_ten_times_a_minute_from_wherever(world: World, client: AsyncClient) -> None:
    for number in range(10):
        async with at(world, f"198.51.100.{number}") as elsewhere:
            problem(await log_in(elsewhere, [" Ada@Example.org", "ada@example.ORG "][number % 2]), 401)
    problem(await log_in(client), 429, "too_many_attempts")
    problem(await log_in(client, "grace@example.org"), 401)


async def test_the_limit_does_not_tell_whether_there_is_an_account(client: AsyncClient) -> None:
    await client.post(REGISTER, json=ADA)
    known = [(await log_in(client)).status_code for _ in range(10)]
    known_problem = problem(await log_in(client), 429)
    async with World().client() as other:
        unknown = [(await log_in(other)).status_code for _ in range(10)]
        unknown_problem = problem(await log_in(other), 429)
    own = {"instance": "", "correlation_id": ""}
    assert known == unknown
    assert known_problem | own == unknown_problem | own


async def test_the_right_password_does_not_help_beyond_the_limit(client: AsyncClient) -> None:
    await client.post(REGISTER, json=ADA)
    for _ in range(10):
        await log_in(client)
    problem(await client.post(LOGIN, json=ADA), 429)


async def test_the_answer_says_when_to_come_back_and_keeps_its_word(
    world: World, client: AsyncClient
) -> None:
    world.delays.free = 100
    for _ in range(10):
        await log_in(client)
    world.clock.advance(timedelta(seconds=20.5))
    response = await log_in(client)
    body = problem(response, 429)
    assert response.headers["retry-after"] == "40"
    assert body["retry_after_seconds"] == 40
    assert "40 s" in body["detail"]
    assert response.headers["cache-control"] == "no-store"
    world.clock.advance(timedelta(seconds=int(response.headers["retry-after"])))
    problem(await log_in(client), 401)


async def test_failures_of_a_login_at_an_address_make_it_wait_longer_and_longer(
    world: World, client: AsyncClient
) -> None:
    for _ in range(5):
        problem(await log_in(client), 401)
    waits = []
    for _ in range(6):
        problem(await log_in(client), 401)
        answer = await log_in(client, " ADA@example.org")
        problem(answer, 429, "too_many_attempts")
        waits.append(int(answer.headers["retry-after"]))
        world.clock.advance(timedelta(seconds=waits[-1] + (60 if waits[-1] > 8 else 0)))
    assert waits == [1, 2, 4, 8, 16, 32]
    async with at(world, "198.51.100.7") as elsewhere:
        problem(await log_in(elsewhere), 401)
    problem(await log_in(client, "grace@example.org"), 401)


async def test_a_delay_is_no_attempt_and_a_success_forgets_the_failures(world: World) -> None:
    """What the block of a login does, whatever the route around it."""
    limits: Limits = world.app.state.limits
    scope = {"client": ("203.0.113.9", 1)}
    for _ in range(6):
        with pytest.raises(Unauthenticated):
            async with limits.attempting_login(scope, "ada"):
                raise Unauthenticated("No.")
    hits = sum(map(len, world.limiter.allowed.values()))
    with pytest.raises(TooManyAttempts):
        async with limits.attempting_login(scope, "ada"):
            raise AssertionError
    assert sum(map(len, world.limiter.allowed.values())) == hits
    world.clock.advance(timedelta(seconds=1))
    with pytest.raises(Unavailable):
        async with limits.attempting_login(scope, "ada"):
            raise Unavailable("The database is out of reach.")
    async with limits.attempting_login(scope, "ada"):
        pass
    assert world.delays.failures == {}


async def test_no_header_changes_who_is_counted(client: AsyncClient) -> None:
    for number in range(20):
        claimed = f"192.0.2.{number}"
        headers = {"X-Forwarded-For": claimed, "X-Real-IP": claimed, "Forwarded": f"for={claimed}"}
        problem(await log_in(client, f"ada{number}@example.org", **headers), 401)
    problem(await log_in(client, "ada99@example.org", **{"X-Forwarded-For": "192.0.2.99"}), 429)


async def test_a_malformed_body_is_not_an_attempt(client: AsyncClient) -> None:
    for _ in range(30):
        problem(await client.post(LOGIN, json={"email": "ada@example.org"}), 422)
    problem(await log_in(client), 401)


async def test_limits_can_be_changed_and_switched_off() -> None:
    world = World(config={"login_per_minute": 0, "login_name_per_minute": 0, "register_per_minute": 1})
    world.delays.free = 100
    async with world.client() as client:
        assert (await client.post(REGISTER, json=ADA)).status_code == 202
        problem(await client.post(REGISTER, json=ADA), 429)
        assert {(await log_in(client)).status_code for _ in range(50)} == {401}


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "local"),
        (None, "local"),
    ],
)
def test_the_peer_counts_an_ipv6_customer_as_one(peer: str | None, counted: str) -> None:
    assert address_of({"client": None if peer is None else (peer, 1)}) == counted


async def test_nobody_fills_somebodys_mailbox_from_wherever(world: World, client: AsyncClient) -> None:
    asked = [(REGISTER, ADA), ("/api/v1/auth/forgot-password", {"email": "ADA@example.org"}), (REGISTER, ADA)]
    for number, (path, body) in enumerate(asked):
        async with at(world, f"198.51.100.{number}") as elsewhere:
            assert (await elsewhere.post(path, json=body)).status_code == 202
    refused = await client.post("/api/v1/auth/forgot-password", json={"email": "ada@example.org"})
    problem(refused, 429, "too_many_attempts")
    other = {"email": "grace@example.org"}
    assert (await client.post("/api/v1/auth/forgot-password", json=other)).status_code == 202
    world.clock.advance(timedelta(minutes=15))
    assert (await client.post(REGISTER, json=ADA)).status_code == 202
