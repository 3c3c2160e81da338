"""What every cache promises, whichever it is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs
from tests.fakes.cache import FakeCache

from waardhaven.adapters.inbound.http.caching import ENTRY_OVERHEAD, LocalCache
from waardhaven.adapters.outbound.valkey.cache import ValkeyCache
from waardhaven.adapters.outbound.valkey.circuit import Circuit
from waardhaven.adapters.outbound.valkey.di import ValkeySettings, connect
from waardhaven.adapters.outbound.valkey.probe import ValkeyProbe
from waardhaven.application.ports.cache import Cache


@pytest.fixture(params=["local", "fake", "valkey"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    if request.param == "local":
        yield LocalCache(1_000_000)
    elif request.param == "fake":
        yield FakeCache()
    else:
        client = connect(ValkeySettings(url=request.getfixturevalue("valkey_url")))
        yield ValkeyCache(client, prefix=f"test:{uuid4()}:", timeout_seconds=5)
        await client.aclose()


async def test_an_unknown_key_is_none(cache: Cache) -> None:
    assert await cache.get("nothing") is None


@pytest.mark.parametrize("value", [b"", b"\x00\xff", b"x" * 100_000])
async def test_bytes_come_back_as_they_were(cache: Cache, value: bytes) -> None:
    await cache.put("key", value, ttl_seconds=60)
    assert await cache.get("key") == value


async def test_a_later_value_replaces_the_former(cache: Cache) -> None:
    await cache.put("key", b"one", ttl_seconds=60)
    await cache.put("key", b"two", ttl_seconds=60)
    assert await cache.get("key") == b"two"


async def test_keys_with_any_characters_are_kept_apart(cache: Cache) -> None:
    keys = ["a", "a ", "a:b", "ä", "a\nb", "x" * 2000]
    for key in keys:
        await cache.put(key, key.encode(), ttl_seconds=60)
    assert [await cache.get(key) for key in keys] == [key.encode() for key in keys]


async def test_no_time_means_not_at_all(cache: Cache) -> None:
    await cache.put("key", b"one", ttl_seconds=0)
    assert await cache.get("key") is None


@dataclass
class Hand:
    """A clock turned by hand."""

    at: float = 0.0

    def __call__(self) -> float:
        return self.at


async def test_local_bytes_end_with_their_time() -> None:
    now = Hand()
    local = LocalCache(1000, now)
    await local.put("key", b"one", ttl_seconds=10)
    now.at = 9.9
    assert await local.get("key") == b"one"
    now.at = 10.0
    assert await local.get("key") is None
    assert local.weight == 0


async def test_local_bytes_stay_within_their_bound_dropping_the_least_used() -> None:
    entry = ENTRY_OVERHEAD + 100
    local = LocalCache(3 * entry)
    for key in "abc":
        await local.put(key, b"x" * 100, ttl_seconds=60)
    await local.get("a")
    await local.put("d", b"x" * 100, ttl_seconds=60)
    assert [key for key in "abcd" if await local.get(key)] == ["a", "c", "d"]
    await local.put("huge", b"x" * 10_000, ttl_seconds=60)
    assert await local.get("huge") is None
    assert local.weight == 3 * entry


class Broken:
    """A client whose server is gone, or never answers."""

    def __init__(self, *, hanging: bool = False) -> None:
        self.hanging = hanging
        self.asked = 0

    async def get(self, *_: Any, **__: Any) -> bytes:
        self.asked += 1
        if self.hanging:
            await asyncio.sleep(30)
        raise ConnectionRefusedError

    set = ping = get


@pytest.mark.parametrize("hanging", [True, False])
async def test_an_unreachable_server_is_an_empty_cache_asked_once_a_second(hanging: bool) -> None:
    now = Hand()
    client = Broken(hanging=hanging)
    cache = ValkeyCache(client, timeout_seconds=0.05, circuit=Circuit("valkey", now=now))  # type: ignore[arg-type]
    with capture_logs() as lines:
        async with asyncio.timeout(1):
            for _ in range(20):
                assert await cache.get("key") is None
                await cache.put("key", b"one", ttl_seconds=60)
        assert client.asked == 1
        now.at = 1.1
        assert await cache.get("key") is None
        assert client.asked == 2
    assert [line["event"] for line in lines] == ["cache_unreachable"]


async def test_a_server_that_came_back_is_used_and_said_so() -> None:
    now = Hand()
    circuit = Circuit("valkey", now=now)
    with capture_logs() as lines:
        circuit.failed(OSError())
        assert circuit.is_open()
        now.at = 1.5
        assert not circuit.is_open()
        circuit.succeeded()
        circuit.succeeded()
    assert [line["event"] for line in lines] == ["cache_unreachable", "cache_reachable"]


async def test_the_probe_tells_a_server_that_answers(valkey_url: str) -> None:
    client = connect(ValkeySettings(url=valkey_url))
    found = await ValkeyProbe(client).check()
    await client.aclose()
    assert found.ready
    assert found.latency_ms is not None


@pytest.mark.parametrize("make", [Broken, lambda: Broken(hanging=True)])
async def test_the_probe_never_raises_and_keeps_its_time(make: Callable[[], Broken]) -> None:
    found = await ValkeyProbe(make(), timeout_seconds=0.05).check()  # type: ignore[arg-type]
    assert not found.ready
    assert not found.required


async def test_connecting_does_nothing_until_it_is_used() -> None:
    client = connect(ValkeySettings(url="redis://127.0.0.1:1/0"))
    cache = ValkeyCache(client)
    assert await cache.get("key") is None
    await client.aclose()


def test_the_address_with_its_password_is_never_printed() -> None:
    assert "swordfish" not in repr(ValkeySettings(url="redis://:swordfish@host/0"))
