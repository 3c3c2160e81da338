"""Growing delays after failures, shared by all processes in Valkey; without it, in this process."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from waardhaven.adapters.outbound.valkey.circuit import Circuit
from waardhaven.application.ports.failure_delays import FailureDelays

MILLISECONDS: Final = 1000
LARGEST_TABLE: Final = 10_000
FAILED: Final = """
local free, longest, memory = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local moment = redis.call('TIME')
local now = moment[1] * 1000 + math.floor(moment[2] / 1000)
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
local delay = 0
if failures > free then
  delay = math.min(longest, 1000 * 2 ^ math.min(failures - free - 1, 30))
end
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + delay))
redis.call('PEXPIRE', KEYS[1], math.max(memory, delay))
return delay
"""
"""Counts a failure and notes until when its key has to wait (milliseconds of the server's clock)."""
WAIT: Final = """
local moment = redis.call('TIME')
local now = moment[1] * 1000 + math.floor(moment[2] / 1000)
local wait = tonumber(redis.call('HGET', KEYS[1], 'until') or 0) - now
return math.max(0, math.min(wait, tonumber(ARGV[1])))
"""
"""Never longer than the longest delay, also after the clock was set back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayRule:
    """How delays grow: see FailureDelays."""

    free: int = 5
    longest_seconds: float = 900.0
    memory_seconds: float = 3600.0

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after so many failures."""
        if failures <= self.free:
            return 0.0
        return min(self.longest_seconds, 2.0 ** min(failures - self.free - 1, 30))


@dataclass(slots=True)
class Failures:
    """Failures of a key; instants in seconds of the local clock."""

    count: int = 0
    until: float = 0.0
    forgotten_at: float = 0.0


@dataclass(slots=True)
class LocalFailureDelays(FailureDelays):
    """Counts in this process, at most ``size`` keys: the one that failed longest ago is forgotten first."""

    rule: DelayRule = field(default_factory=DelayRule)
    now: Callable[[], float] = time.monotonic
    size: int = LARGEST_TABLE
    _known: dict[str, Failures] = field(default_factory=dict, init=False)

    async def wait_for(self, key: str) -> float:
        """See FailureDelays."""
        known = self._known.get(key)
        return 0.0 if known is None else max(0.0, known.until - self.now())

    async def failed(self, key: str) -> None:
        """See FailureDelays."""
        now = self.now()
        known = self._known.pop(key, None)
        if known is None or known.forgotten_at <= now:
            known = Failures()
        known.count += 1
        delay = self.rule.delay(known.count)
        known.until = now + delay
        known.forgotten_at = now + max(self.rule.memory_seconds, delay)
        self._known[key] = known
        if len(self._known) > self.size:
            del self._known[next(iter(self._known))]

    async def succeeded(self, key: str) -> None:
        """See FailureDelays."""
        self._known.pop(key, None)


class ValkeyFailureDelays(FailureDelays):
    """One atomic script an action, timed by the server's clock. Keys are digests.

    A server that fails or is slower than ``timeout_seconds`` is left alone for a second; what happens
    meanwhile is counted here, and counts until it is forgotten here.
    """

    def __init__(
        self,
        client: Redis,
        *,
        rule: DelayRule | None = None,
        timeout_seconds: float = 0.25,
        prefix: str = "waardhaven:failures:",
        circuit: Circuit | None = None,
        fallback: FailureDelays | None = None,
    ) -> None:
        """Count through ``client``, by ``fallback`` (in this process) while that is in vain."""
        self._client = client
        self._rule = rule or DelayRule()
        self._failed: Callable[..., Awaitable[float]] = client.register_script(FAILED)
        self._wait: Callable[..., Awaitable[float]] = client.register_script(WAIT)
        self._timeout = timeout_seconds
        self._prefix = prefix
        self._circuit = circuit or Circuit("valkey failure delays")
        self._fallback = fallback or LocalFailureDelays(self._rule)

    async def wait_for(self, key: str) -> float:
        """See FailureDelays."""
        longest = round(self._rule.longest_seconds * MILLISECONDS)
        shared = await self._attempt(lambda: self._wait(keys=[self._name(key)], args=[longest]))
        return max((shared or 0) / MILLISECONDS, await self._fallback.wait_for(key))

    async def failed(self, key: str) -> None:
        """See FailureDelays."""
        rule = self._rule
        bounds = [round(seconds * MILLISECONDS) for seconds in (rule.longest_seconds, rule.memory_seconds)]
        arguments = [rule.free, *bounds]
        if await self._attempt(lambda: self._failed(keys=[self._name(key)], args=arguments)) is None:
            await self._fallback.failed(key)

    async def succeeded(self, key: str) -> None:
        """See FailureDelays."""
        await self._fallback.succeeded(key)
        await self._attempt(lambda: self._client.delete(self._name(key)))

    def _name(self, key: str) -> str:
        return self._prefix + sha256(key.encode()).hexdigest()

    async def _attempt(self, command: Callable[[], Awaitable[float]]) -> float | None:
        """Return what the server answers, None when it does not."""
        if self._circuit.is_open():
            return None
        try:
            async with asyncio.timeout(self._timeout):
                answer = await command()
        except (RedisError, OSError, TimeoutError) as error:
            self._circuit.failed(error)
            return None
        self._circuit.succeeded()
        return answer
