"""What every rate limiter promises, whichever it is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs
from tests.fakes.clock import FakeClock
from tests.fakes.rate_limit import FakeRateLimiter

from waardhaven.adapters.outbound.valkey.circuit import Circuit
from waardhaven.adapters.outbound.valkey.di import ValkeySettings, connect
from waardhaven.adapters.outbound.valkey.rate_limit import LocalRateLimiter, ValkeyRateLimiter
from waardhaven.application.ports.rate_limit import RateLimiter

SHORT, LONG = 0.05, 60.0


@dataclass
class Hand:
    """A clock turned by hand."""

    at: float = 0.0

    def __call__(self) -> float:
        return self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A limiter as several processes see it, and how its time goes on."""

    limiters: tuple[RateLimiter, ...]
    go_on: Callable[[float], Awaitable[None]]

    async def hit(self, key: str = "key", *, limit: int = 3, window: float = LONG) -> float | None:
        return await self.limiters[0].hit(key, limit=limit, window_seconds=window)


@pytest.fixture(params=["fake", "local", "valkey"])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    async with AsyncExitStack() as stack:
        if request.param == "fake":
            clock = FakeClock()
            yield Case(limiters=(FakeRateLimiter(clock),), go_on=turning(clock.advance))
        elif request.param == "local":
            now = Hand()
            yield Case(limiters=(LocalRateLimiter(now),), go_on=turning(lambda by: turn(now, by)))
        else:
            url, prefix = request.getfixturevalue("valkey_url"), f"test:{uuid4()}:"
            yield Case(limiters=tuple([processes(stack, url, prefix) for _ in range(3)]), go_on=asyncio.sleep)


def turning(advance: Callable[[timedelta], None]) -> Callable[[float], Awaitable[None]]:
    async def go_on(seconds: float) -> None:
        advance(timedelta(seconds=seconds))

    return go_on


def turn(now: Hand, by: timedelta) -> None:
    now.at += by.total_seconds()


def processes(stack: AsyncExitStack, url: str, prefix: str) -> ValkeyRateLimiter:
    """A limiter over a connection pool of its own, whose fallback would betray itself."""
    client = connect(ValkeySettings(url=url, timeout_seconds=5))
    stack.push_async_callback(client.aclose)
    return ValkeyRateLimiter(client, timeout_seconds=5, prefix=prefix, fallback=Never())


class Never(RateLimiter):
    """Is not asked."""

    async def hit(self, key: str, *, limit: int, window_seconds: float) -> float | None:
        raise AssertionError


async def test_hits_are_allowed_up_to_the_limit_and_then_wait(case: Case) -> None:
    assert [await case.hit() for _ in range(3)] == [None] * 3
    wait = await case.hit()
    assert wait is not None
    assert LONG - 10 < wait <= LONG


async def test_one_hit_a_window_is_a_limit_too(case: Case) -> None:
    assert await case.hit(limit=1) is None
    assert await case.hit(limit=1) is not None


async def test_keys_are_counted_apart_whatever_their_characters(case: Case) -> None:
    for key in ["a", "a ", "A", "a:b", "ä", "a\nb", "\x00", "", "x" * 2000]:
        assert await case.hit(key, limit=1) is None, key
        assert await case.hit(key, limit=1) is not None, key


async def test_the_wait_ends_although_refused_hits_go_on(case: Case) -> None:
    assert await case.hit(limit=1, window=SHORT) is None
    waits = []
    async with asyncio.timeout(5):
        while (wait := await case.hit(limit=1, window=SHORT)) is not None:
            assert 0 < wait <= SHORT
            waits.append(wait)
            await case.go_on(SHORT / 10)
    assert waits == sorted(waits, reverse=True)


async def test_a_hit_after_the_wait_it_was_told_is_allowed(case: Case) -> None:
    for _ in range(2):
        await case.hit(limit=2, window=SHORT)
    wait = await case.hit(limit=2, window=SHORT)
    assert wait is None or (await case.go_on(wait * 1.001), await case.hit(limit=2, window=SHORT))[1] is None


async def test_concurrent_hits_of_several_processes_never_exceed_the_limit(case: Case) -> None:
    hits = [limiter.hit("key", limit=7, window_seconds=LONG) for _ in range(20) for limiter in case.limiters]
    assert (await asyncio.gather(*hits)).count(None) == 7


@pytest.mark.parametrize("kind", ["fake", "local"])
async def test_no_stretch_of_a_window_holds_more_hits_than_the_limit(kind: str) -> None:
    """A burst at the end of a window and one at the start of the next are one burst."""
    now, clock = Hand(), FakeClock()
    limiter: RateLimiter = FakeRateLimiter(clock) if kind == "fake" else LocalRateLimiter(now)
    allowed = []
    for tick in [0, 90, 95, 99, 100, 101, 189, 190, 191, 195, 198, 199, 200]:
        now.at = float(tick)
        clock.instant = FakeClock.instant + timedelta(seconds=tick)
        if await limiter.hit("key", limit=3, window_seconds=100) is None:
            allowed.append(tick)
    assert allowed == [0, 90, 95, 100, 190, 195, 200]


async def test_local_keys_are_bounded_and_those_beyond_share_one_count() -> None:
    now = Hand()
    limiter = LocalRateLimiter(now, size=100)
    refused = [await limiter.hit(f"k{number}", limit=2, window_seconds=60) for number in range(1_000)]
    assert refused.count(None) == 102
    assert len(limiter._allowed) <= 101
    assert await limiter.hit("k5", limit=2, window_seconds=60) is None
    now.at = 61
    assert await limiter.hit("k999", limit=2, window_seconds=60) is None
    assert len(limiter._allowed) < 5


async def test_keys_in_valkey_are_digests_that_end_with_their_window(valkey_url: str) -> None:
    client = connect(ValkeySettings(url=valkey_url))
    limiter = ValkeyRateLimiter(client)
    for _ in range(30):
        await limiter.hit("login:name:ada@example.org", limit=3, window_seconds=60)
    (key,) = await client.keys("*")
    assert b"ada" not in key
    assert await client.llen(key) == 3
    assert 50_000 < await client.pttl(key) <= 60_000
    await client.aclose()


async def test_an_instant_in_the_future_refuses_nothing(valkey_url: str) -> None:
    """The server's clock may be set back."""
    client = connect(ValkeySettings(url=valkey_url))
    limiter = ValkeyRateLimiter(client)
    await limiter.hit("key", limit=1, window_seconds=60)
    (key,) = await client.keys("*")
    await client.lset(key, 0, str(10**17))
    assert await limiter.hit("key", limit=1, window_seconds=60) is None
    assert await limiter.hit("key", limit=1, window_seconds=60) is not None
    await client.aclose()


async def test_a_script_the_server_forgot_is_sent_again(valkey_url: str) -> None:
    client = connect(ValkeySettings(url=valkey_url))
    limiter = ValkeyRateLimiter(client, fallback=Never())
    await limiter.hit("key", limit=1, window_seconds=60)
    await client.script_flush()
    assert await limiter.hit("key", limit=1, window_seconds=60) is not None
    await client.aclose()


async def test_a_key_of_another_kind_is_a_failure_that_still_counts(valkey_url: str) -> None:
    client = connect(ValkeySettings(url=valkey_url))
    limiter = ValkeyRateLimiter(client, timeout_seconds=5)
    await limiter.hit("key", limit=1, window_seconds=60)
    (key,) = await client.keys("*")
    await client.set(key, "what is this")
    answers = [await limiter.hit("key", limit=2, window_seconds=60) for _ in range(5)]
    assert answers.count(None) == 2
    await client.aclose()


class Broken:
    """A client whose server is gone, or never answers."""

    def __init__(self, *, hanging: bool) -> None:
        self.hanging = hanging
        self.asked = 0

    def register_script(self, _: str) -> Callable[..., Awaitable[int]]:
        return self.call

    async def call(self, **_: Any) -> int:
        self.asked += 1
        if self.hanging:
            await asyncio.sleep(30)
        raise ConnectionRefusedError


@pytest.mark.parametrize("hanging", [True, False])
async def test_without_the_server_each_process_counts_and_asks_again_once_a_second(hanging: bool) -> None:
    now, client = Hand(), Broken(hanging=hanging)
    limiter = ValkeyRateLimiter(client, timeout_seconds=0.05, circuit=Circuit("valkey", now=now))  # type: ignore[arg-type]
    with capture_logs() as lines:
        async with asyncio.timeout(1):
            answers = [await limiter.hit("key", limit=5, window_seconds=60) for _ in range(20)]
        assert client.asked == 1
        now.at = 1.1
        await limiter.hit("key", limit=5, window_seconds=60)
    assert client.asked == 2
    assert answers[:5] == [None] * 5
    assert all(wait is not None and 0 < wait <= 60 for wait in answers[5:])
    assert len(lines) == 1


async def test_connecting_does_nothing_until_it_is_used() -> None:
    client: Redis = connect(ValkeySettings(url="redis://127.0.0.1:1/0"))
    assert await ValkeyRateLimiter(client).hit("key", limit=1, window_seconds=60) is None
    await client.aclose()
