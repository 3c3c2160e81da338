"""What all growing delays promise, whoever counts the failures."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs
from tests.fakes.clock import FakeClock
from tests.fakes.failure_delays import FakeFailureDelays

from waardhaven.adapters.outbound.valkey.circuit import Circuit
from waardhaven.adapters.outbound.valkey.di import ValkeySettings, connect
from waardhaven.adapters.outbound.valkey.failure_delays import (
    DelayRule,
    LocalFailureDelays,
    ValkeyFailureDelays,
)
from waardhaven.application.ports.failure_delays import FailureDelays

FREE, LONGEST = 2, 8.0
RULE = DelayRule(free=FREE, longest_seconds=LONGEST, memory_seconds=60.0)


@dataclass
class Hand:
    """A clock turned by hand."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Delays as two processes see them; ``go_on`` only where time can be turned."""

    one: FailureDelays
    other: FailureDelays
    go_on: Callable[[float], None] | None = None


@pytest.fixture(params=["fake", "local", "valkey"])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    if request.param == "fake":
        clock = FakeClock()
        fake = FakeFailureDelays(clock, FREE, LONGEST, 60.0)
        yield Case(one=fake, other=fake, go_on=lambda seconds: clock.advance(timedelta(seconds=seconds)))
    elif request.param == "local":
        now = Hand()
        local = LocalFailureDelays(RULE, now)
        yield Case(one=local, other=local, go_on=lambda seconds: setattr(now, "at", now.at + seconds))
    else:
        settings = ValkeySettings(url=request.getfixturevalue("valkey_url"), timeout_seconds=5)
        clients, prefix = [connect(settings) for _ in range(2)], f"test:{uuid4()}:"
        one, other = (
            ValkeyFailureDelays(each, rule=RULE, timeout_seconds=5, prefix=prefix, fallback=Never())
            for each in clients
        )
        yield Case(one=one, other=other)
        for client in clients:
            await client.aclose()


class Never(FailureDelays):
    """Knows nothing and is told nothing."""

    async def wait_for(self, key: str) -> float:
        return 0.0

    async def failed(self, key: str) -> None:
        raise AssertionError

    async def succeeded(self, key: str) -> None:
        pass


async def test_a_key_that_never_failed_does_not_wait(case: Case) -> None:
    assert await case.one.wait_for("key") == 0


async def test_delays_double_from_one_second_to_the_longest(case: Case) -> None:
    waits = []
    for _ in range(8):
        await case.one.failed("key")
        waits.append(await case.other.wait_for("key"))
    assert waits == pytest.approx([0, 0, 1, 2, 4, 8, 8, 8], abs=0.5)


async def test_keys_are_apart(case: Case) -> None:
    for _ in range(3):
        await case.one.failed("a")
    assert await case.one.wait_for("a") > 0
    assert await case.one.wait_for("A") == 0


async def test_a_success_forgets_the_failures(case: Case) -> None:
    for _ in range(4):
        await case.one.failed("key")
    await case.other.succeeded("key")
    assert await case.one.wait_for("key") == 0
    await case.one.failed("key")
    assert await case.one.wait_for("key") == 0


async def test_a_success_without_failures_is_nothing(case: Case) -> None:
    await case.one.succeeded("key")
    assert await case.one.wait_for("key") == 0


async def test_a_delay_ends_and_the_next_failure_doubles_it(case: Case) -> None:
    for _ in range(3):
        await case.one.failed("key")
    wait = await case.one.wait_for("key")
    if case.go_on is None:
        await asyncio.sleep(wait)
    else:
        case.go_on(wait)
    assert await case.one.wait_for("key") == 0
    await case.one.failed("key")
    assert await case.one.wait_for("key") == pytest.approx(2, abs=0.5)


@pytest.mark.parametrize("case", ["fake", "local"], indirect=True)
async def test_old_failures_are_forgotten(case: Case) -> None:
    """The server tells its own time: see the test of keys that end."""
    assert case.go_on is not None
    for _ in range(6):
        await case.one.failed("key")
    case.go_on(60)
    await case.one.failed("key")
    assert await case.one.wait_for("key") == 0


async def test_failures_at_the_same_moment_all_count(case: Case) -> None:
    await asyncio.gather(*(each.failed("key") for each in (case.one, case.other) for _ in range(2)))
    assert await case.one.wait_for("key") == pytest.approx(2, abs=0.5)


async def test_keys_in_valkey_are_digests_that_end(valkey_url: str) -> None:
    client = connect(ValkeySettings(url=valkey_url))
    delays = ValkeyFailureDelays(client, rule=RULE)
    await delays.failed("ada@example.org")
    (key,) = await client.keys("*")
    assert b"ada" not in key
    assert 50_000 < await client.pttl(key) <= 60_000
    await client.aclose()


async def test_a_clock_that_was_set_back_never_makes_anybody_wait_longer(valkey_url: str) -> None:
    client = connect(ValkeySettings(url=valkey_url))
    delays = ValkeyFailureDelays(client, rule=RULE)
    await delays.failed("key")
    (key,) = await client.keys("*")
    await client.hset(key, "until", str(10**15))  # type: ignore[misc]
    assert await delays.wait_for("key") == LONGEST
    await client.aclose()


class Broken:
    """A client whose server is gone, or never answers."""

    def __init__(self, *, hanging: bool) -> None:
        self.hanging = hanging
        self.asked = 0

    def register_script(self, _: str) -> Callable[..., Awaitable[float]]:
        return self.delete

    async def delete(self, *_: object, **__: object) -> float:
        self.asked += 1
        if self.hanging:
            await asyncio.sleep(30)
        raise ConnectionRefusedError


@pytest.mark.parametrize("hanging", [True, False])
async def test_without_the_server_each_process_counts(hanging: bool) -> None:
    now, client = Hand(), Broken(hanging=hanging)
    delays = ValkeyFailureDelays(
        client,  # type: ignore[arg-type]
        rule=RULE,
        timeout_seconds=0.05,
        circuit=Circuit("valkey", now=now),
        fallback=LocalFailureDelays(RULE, now),
    )
    with capture_logs() as lines:
        async with asyncio.timeout(1):
            for _ in range(4):
                await delays.failed("key")
            assert await delays.wait_for("key") == 2
            assert client.asked == 1
            await delays.succeeded("key")
    assert await delays.wait_for("key") == 0
    assert len(lines) == 1


async def test_local_memory_is_bounded() -> None:
    local = LocalFailureDelays(DelayRule(free=0), Hand(), size=10)
    for number in range(100):
        await local.failed(f"k{number}")
    assert len(local._known) == 10
    assert await local.wait_for("k99") == 1
    assert await local.wait_for("k0") == 0


async def test_connecting_does_nothing_until_it_is_used() -> None:
    client: Redis = connect(ValkeySettings(url="redis://127.0.0.1:1/0"))
    assert await ValkeyFailureDelays(client).wait_for("key") == 0
    await client.aclose()
