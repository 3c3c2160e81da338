"""What every counter of requests promises, whichever it is."""

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
from tests.fakes.quota import FakeQuotas

from waardhaven.adapters.outbound.valkey.circuit import Circuit
from waardhaven.adapters.outbound.valkey.di import ValkeySettings, connect
from waardhaven.adapters.outbound.valkey.local_quota import LocalQuotas
from waardhaven.adapters.outbound.valkey.quota import ValkeyQuotas
from waardhaven.application.ports.quota import Allowance, Quotas

WINDOW = 0.5
"""Seconds: a minute is too long for a test over a server that tells its own time."""


@dataclass
class Hand:
    """A clock turned by hand."""

    at: float = 0.0

    def __call__(self) -> float:
        return self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Quotas as several processes see them, and how a whole window goes by."""

    processes: tuple[Quotas, ...]
    next_window: Callable[[], Awaitable[None]]

    async def take(self, key: str = "key", *, limit: int = 5, process: int = 0) -> Allowance:
        return await self.processes[process % len(self.processes)].take(key, limit=limit)


class Never(LocalQuotas):
    """Is not asked."""

    def taken(self, key: str, *, limit: int, spent: int = 0, ends: float = 0.0) -> Allowance:
        raise AssertionError


@pytest.fixture(params=["fake", "local", "valkey"])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    async with AsyncExitStack() as stack:
        if request.param == "fake":
            clock = FakeClock()
            yield Case(
                processes=(FakeQuotas(clock),),
                next_window=turning(lambda: clock.advance(timedelta(minutes=1.01))),
            )
        elif request.param == "local":
            now = Hand()
            yield Case(processes=(LocalQuotas(now),), next_window=turning(lambda: turn(now, 60.5)))
        else:
            url, prefix = request.getfixturevalue("valkey_url"), f"test:{uuid4()}:"
            processes = [process(stack, url, prefix) for _ in range(3)]
            yield Case(processes=tuple(processes), next_window=lambda: asyncio.sleep(WINDOW * 1.1))


def turning(advance: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def next_window() -> None:
        advance()

    return next_window


def turn(now: Hand, by: float) -> None:
    now.at += by


def process(stack: AsyncExitStack, url: str, prefix: str, seconds: float = WINDOW) -> ValkeyQuotas:
    """Quotas over a connection pool of their own, whose fallback would betray itself."""
    client = connect(ValkeySettings(url=url, timeout_seconds=5))
    quotas = ValkeyQuotas(client, timeout_seconds=5, prefix=prefix, fallback=Never(), window_seconds=seconds)
    stack.push_async_callback(client.aclose)
    stack.push_async_callback(quotas.close)
    return quotas


@pytest.fixture
async def client(valkey_url: str) -> AsyncIterator[Redis]:
    made = connect(ValkeySettings(url=valkey_url))
    yield made
    await made.aclose()


async def take(client: Redis, key: str, limit: int, times: int = 1) -> list[bool]:
    """Return what a new process is allowed over ``client``."""
    quotas = ValkeyQuotas(client, timeout_seconds=5)
    allowed = [(await quotas.take(key, limit=limit)).allowed for _ in range(times)]
    await quotas.close()
    return allowed


async def test_requests_are_allowed_up_to_the_limit_and_then_refused(case: Case) -> None:
    taken = [await case.take() for _ in range(7)]
    assert [one.allowed for one in taken] == [True] * 5 + [False] * 2
    assert [one.remaining for one in taken] == [4, 3, 2, 1, 0, 0, 0]
    assert {one.limit for one in taken} == {5}
    assert all(0 < one.reset_seconds <= 60 for one in taken)


async def test_one_request_a_minute_is_a_limit_too(case: Case) -> None:
    assert [(await case.take(limit=1)).allowed for _ in range(2)] == [True, False]


async def test_keys_are_counted_apart_whatever_their_characters(case: Case) -> None:
    for key in ["a", "a ", "A", "a:b", "ä", "a\nb", "\x00", "", "x" * 2000]:
        assert [(await case.take(key, limit=1)).allowed for _ in range(2)] == [True, False], key


async def test_the_next_window_is_new(case: Case) -> None:
    for _ in range(6):
        refused = await case.take()
    assert not refused.allowed
    await case.next_window()
    taken = await case.take()
    assert taken.allowed
    assert taken.remaining == 4


async def test_several_processes_together_never_exceed_the_limit(case: Case) -> None:
    wanted = [case.take(limit=100, process=number) for number in range(300)]
    assert [one.allowed for one in await asyncio.gather(*wanted)].count(True) == 100


async def test_processes_that_take_turns_share_all_there_is(case: Case) -> None:
    allowed = [(await case.take(limit=60, process=number)).allowed for number in range(180)]
    assert allowed.count(True) == 60


async def long_process(stack: AsyncExitStack, url: str) -> ValkeyQuotas:
    return process(stack, url, f"test:{uuid4()}:", seconds=60)


async def test_most_requests_ask_the_server_nothing(valkey_url: str) -> None:
    async with AsyncExitStack() as stack:
        quotas = await long_process(stack, valkey_url)
        client = connect(ValkeySettings(url=valkey_url))
        stack.push_async_callback(client.aclose)
        before = (await client.info("commandstats")).get("cmdstat_evalsha", {}).get("calls", 0)
        for _ in range(1_000):
            assert (await quotas.take("key", limit=1_000)).allowed
            await asyncio.sleep(0)
        calls = (await client.info("commandstats"))["cmdstat_evalsha"]["calls"] - before
        assert calls < 90
        assert not (await quotas.take("key", limit=1_000)).allowed


async def test_an_idle_process_strands_little(valkey_url: str) -> None:
    async with AsyncExitStack() as stack:
        prefix = f"test:{uuid4()}:"
        idle, busy = (process(stack, valkey_url, prefix, seconds=60) for _ in range(2))
        assert (await idle.take("key", limit=100)).allowed
        allowed = [(await busy.take("key", limit=100)).allowed for _ in range(120)]
        assert allowed.count(True) >= 100 - 100 // 8


async def test_keys_in_valkey_are_digests_that_end_with_their_window(client: Redis) -> None:
    await take(client, "address:203.0.113.9", 100)
    (key,) = await client.keys("*")
    assert b"203" not in key
    assert 50_000 < await client.pttl(key) <= 60_000
    assert await client.get(key) == b"12"


async def test_a_counter_without_an_end_is_begun_anew(client: Redis) -> None:
    """Nobody but a person at the server makes one."""
    await take(client, "key", 5)
    (key,) = await client.keys("*")
    await client.set(key, 5)
    assert await take(client, "key", 5) == [True]


async def test_a_key_of_another_kind_is_a_failure_that_still_counts(client: Redis) -> None:
    await take(client, "key", 5)
    (key,) = await client.keys("*")
    await client.delete(key)
    await client.lpush(key, "what is this")
    assert await take(client, "key", 2, times=3) == [True, True, False]


class Broken:
    """A server that answers until it is gone (or hangs), and comes back when it is told to."""

    def __init__(self, *, leases: int = 0, hanging: bool = False) -> None:
        self.leases = leases
        self.hanging = hanging
        self.asked = 0

    def register_script(self, _: str) -> Callable[..., Awaitable[list[int]]]:
        return self.call

    async def call(self, **_: Any) -> list[int]:
        self.asked += 1
        if self.leases:
            self.leases -= 1
            return [2, 50, 60_000]
        if self.hanging:
            await asyncio.sleep(30)
        raise ConnectionRefusedError


def over(client: Broken, now: Hand) -> ValkeyQuotas:
    circuit = Circuit("valkey", now=now)
    return ValkeyQuotas(client, timeout_seconds=0.05, circuit=circuit, now=now)  # type: ignore[arg-type]


@pytest.mark.parametrize("hanging", [True, False])
async def test_without_the_server_the_limit_holds_for_each_process(hanging: bool) -> None:
    now, client = Hand(at=1000.0), Broken(hanging=hanging)
    quotas = over(client, now)
    with capture_logs() as lines:
        async with asyncio.timeout(1):
            taken = [await quotas.take("key", limit=5) for _ in range(20)]
    assert [one.allowed for one in taken] == [True] * 5 + [False] * 15
    assert taken[4].remaining == 0
    assert client.asked == 1
    assert len(lines) == 1
    now.at += 61
    assert (await quotas.take("key", limit=5)).allowed
    assert client.asked == 2


async def test_what_was_leased_before_the_server_went_counts_too() -> None:
    now, client = Hand(at=1000.0), Broken(leases=1)
    quotas = over(client, now)
    taken = [(await quotas.take("key", limit=5)).allowed for _ in range(10)]
    assert taken.count(True) == 5


async def test_a_server_that_came_back_counts_again() -> None:
    now, client = Hand(at=1000.0), Broken()
    quotas = over(client, now)
    assert (await quotas.take("key", limit=5)).remaining == 4
    client.leases = 1
    assert (await quotas.take("key", limit=5)).remaining == 3
    now.at += 1.1
    assert (await quotas.take("key", limit=5)).remaining == 51


async def test_memory_is_bounded() -> None:
    now = Hand(at=1000.0)
    local = LocalQuotas(now, size=100)
    allowed = [(await local.take(f"k{number}", limit=2)).allowed for number in range(1_000)]
    assert allowed.count(True) == 102
    assert len(local._windows) <= 101
    assert (await local.take("k5", limit=2)).allowed
    now.at += 61
    assert (await local.take("k999", limit=2)).allowed
    assert len(local._windows) < 5
    quotas = ValkeyQuotas(Broken(leases=10**6), now=now, size=100)  # type: ignore[arg-type]
    for number in range(1_000):
        await quotas.take(f"k{number}", limit=100)
    assert len(quotas._leases) == 100


async def test_connecting_does_nothing_until_it_is_used() -> None:
    client: Redis = connect(ValkeySettings(url="redis://127.0.0.1:1/0"))
    assert (await ValkeyQuotas(client).take("key", limit=1)).allowed
    await client.aclose()


async def test_closing_leaves_nothing_under_way(client: Redis) -> None:
    quotas, began = ValkeyQuotas(client), asyncio.Event()
    assert (await quotas.take("key", limit=5)).allowed

    async def hang(**_: Any) -> list[int]:
        began.set()
        await asyncio.Event().wait()
        return []

    quotas._script = hang
    waiting = asyncio.create_task(quotas.take("other", limit=8))
    await began.wait()
    await quotas.close()
    await asyncio.wait({waiting}, timeout=5)
    assert waiting.done()
    assert all(one.refill is None for one in quotas._leases.values())
