"""Rate limits shared by all processes, in Valkey; without it, in this process."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil

from redis.asyncio import Redis
from redis.exceptions import RedisError

from waardhaven.adapters.outbound.valkey.circuit import Circuit
from waardhaven.application.ports.rate_limit import RateLimiter

MICROSECONDS = 1_000_000
SCRIPT = """
local moment = redis.call('TIME')
local now = moment[1] * 1000000 + moment[2]
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local oldest = redis.call('LINDEX', KEYS[1], limit - 1)
if oldest then
  local age = now - tonumber(oldest)
  if age >= 0 and age < window then
    return window - age
  end
end
redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
redis.call('LTRIM', KEYS[1], 0, limit - 1)
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return 0
"""
"""Keeps the instants (microseconds of the server's clock) of the last ``limit`` allowed hits of a key.

The oldest of them decides. An instant in the future, after the clock was set back, decides nothing.
"""
LARGEST_TABLE = 10_000


@dataclass(slots=True)
class LocalRateLimiter(RateLimiter):
    """Counts in this process, at most ``size`` keys; those beyond share one count until places are free."""

    now: Callable[[], float] = time.monotonic
    size: int = LARGEST_TABLE
    _allowed: dict[str, deque[float]] = field(default_factory=dict, init=False)
    _ends: dict[str, float] = field(default_factory=dict, init=False)

    async def hit(self, key: str, *, limit: int, window_seconds: float) -> float | None:
        """See RateLimiter."""
        now = self.now()
        key = self._place(key, limit, now)
        allowed = self._allowed.setdefault(key, deque(maxlen=limit))
        if len(allowed) >= limit and (age := now - allowed[0]) < window_seconds:
            return window_seconds - age
        allowed.append(now)
        self._ends[key] = now + window_seconds
        return None

    def _place(self, key: str, limit: int, now: float) -> str:
        """Return the key, or that of the common place (one a limit) when all are taken."""
        if key in self._allowed or len(self._allowed) < self.size:
            return key
        for ended in [one for one, end in self._ends.items() if end <= now]:
            del self._ends[ended], self._allowed[ended]
        return key if len(self._allowed) < self.size else f"*{limit}"


class ValkeyRateLimiter(RateLimiter):
    """One atomic script a hit, timed by the server's clock; a key ends with its window.

    A server that fails or is slower than ``timeout_seconds`` is left alone for a second, and hits are
    counted here. Keys are digests: nobody reads in Valkey who tried to log in.
    """

    def __init__(
        self,
        client: Redis,
        *,
        timeout_seconds: float = 0.25,
        prefix: str = "waardhaven:limit:",
        circuit: Circuit | None = None,
        fallback: RateLimiter | None = None,
    ) -> None:
        """Count through ``client``, by ``fallback`` (in this process) while that is in vain."""
        self._script: Callable[..., Awaitable[int]] = client.register_script(SCRIPT)
        self._timeout = timeout_seconds
        self._prefix = prefix
        self._circuit = circuit or Circuit("valkey rate limits")
        self._fallback = fallback or LocalRateLimiter()

    async def hit(self, key: str, *, limit: int, window_seconds: float) -> float | None:
        """See RateLimiter."""
        wait = None if self._circuit.is_open() else await self._shared(key, limit, window_seconds)
        if wait is None:
            return await self._fallback.hit(key, limit=limit, window_seconds=window_seconds)
        return wait / MICROSECONDS or None

    async def _shared(self, key: str, limit: int, window_seconds: float) -> int | None:
        """Return the microseconds to wait (0: allowed), None when the server did not count."""
        name = self._prefix + sha256(key.encode()).hexdigest()
        try:
            async with asyncio.timeout(self._timeout):
                wait = await self._script(keys=[name], args=[limit, ceil(window_seconds * MICROSECONDS)])
        except (RedisError, OSError, TimeoutError) as error:
            self._circuit.failed(error)
            return None
        self._circuit.succeeded()
        return wait
