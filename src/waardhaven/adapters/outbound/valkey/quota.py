"""Requests a minute for all processes together: leased from Valkey in batches, taken from memory."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from waardhaven.adapters.outbound.valkey.circuit import Circuit
from waardhaven.adapters.outbound.valkey.local_quota import WINDOW_SECONDS, LocalQuotas
from waardhaven.application.ports.quota import Allowance, Quotas

SHARE: Final = 8
"""A lease is this part of what is left: much while there is much, one by one at the end."""
SCRIPT: Final = """
local limit, wanted = tonumber(ARGV[1]), tonumber(ARGV[2])
local used = tonumber(redis.call('GET', KEYS[1]) or 0)
local ends = redis.call('PTTL', KEYS[1])
if ends <= 0 then
  used, ends = 0, tonumber(ARGV[3])
end
local left = math.max(0, limit - used)
local lease = math.min(left, math.max(wanted, math.floor(left / tonumber(ARGV[4]))))
redis.call('SET', KEYS[1], used + lease, 'PX', ends)
return {lease, left - lease, ends}
"""
"""Takes a lease out of a key's window, which begins with its first request. Nothing is given back."""
LARGEST_TABLE: Final = 10_000


@dataclass(slots=True)
class Lease:
    """What this process may still give out in a window.

    ``left``: what the shared counter had for others when it was last asked. ``spent``: given out here.
    ``ends`` in seconds of the local clock, never later than the window of the server.
    """

    ends: float = 0.0
    tokens: int = 0
    left: int = 1
    spent: int = 0
    waiting: int = 0
    refill: "asyncio.Task[bool] | None" = field(default=None, repr=False)


class ValkeyQuotas(Quotas):
    """Fixed windows of a minute, counted by one atomic script a lease and timed by the server's clock.

    ``take`` reads a lease in memory. Before it is empty another is fetched in the background; only a
    request that finds none waits, at most ``timeout_seconds``. While the server is away requests are
    counted here, those of the same window that were leased before included. Keys are digests.
    """

    def __init__(
        self,
        client: Redis,
        *,
        timeout_seconds: float = 0.25,
        prefix: str = "waardhaven:quota:",
        circuit: Circuit | None = None,
        fallback: LocalQuotas | None = None,
        now: Callable[[], float] = time.monotonic,
        window_seconds: float = WINDOW_SECONDS,
        size: int = LARGEST_TABLE,
    ) -> None:
        """Count through ``client``, by ``fallback`` (in this process) while that is in vain."""
        self._script: Callable[..., Awaitable[list[int]]] = client.register_script(SCRIPT)
        self._timeout = timeout_seconds
        self._prefix = prefix
        self._circuit = circuit or Circuit("valkey quotas")
        self._fallback = fallback or LocalQuotas(now, window_seconds=window_seconds)
        self._window_ms = round(window_seconds * 1000)
        self._now = now
        self._size = size
        self._leases: OrderedDict[str, Lease] = OrderedDict()

    async def close(self) -> None:
        """Give up what is being fetched: nothing of it may outlive the connections."""
        leases = [one for one in self._leases.values() if one.refill is not None]
        tasks = [one.refill for one in leases if one.refill is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lease in leases:
            lease.refill = None

    async def take(self, key: str, *, limit: int) -> Allowance:
        """See Quotas."""
        lease = self._leases.get(key)
        if lease is None:
            lease = self._placed(key)
        self._leases.move_to_end(key)
        deadline = 0.0
        while True:
            now = self._now()
            if lease.ends > now and (lease.tokens or not lease.left):
                return self._given(key, lease, limit, now)
            if lease.ends <= now:
                lease.tokens = lease.spent = 0
            deadline = deadline or now + self._timeout
            if now > deadline or not await self._refilled(key, lease, limit):
                return self._counted_here(key, lease, limit)

    def _given(self, key: str, lease: Lease, limit: int, now: float) -> Allowance:
        """Give a token out, or refuse when the whole window has none left."""
        allowed = lease.tokens > 0
        if allowed:
            lease.tokens -= 1
            lease.spent += 1
            if lease.left and lease.tokens <= limit // (SHARE * SHARE) and not self._circuit.is_open():
                self._refill(key, lease, limit)
        return Allowance(
            allowed=allowed, limit=limit, remaining=lease.tokens + lease.left, reset_seconds=lease.ends - now
        )

    async def _refilled(self, key: str, lease: Lease, limit: int) -> bool:
        """Wait for a lease; False when the server did not give an answer."""
        if self._circuit.is_open():
            return False
        lease.waiting += 1
        try:
            return await asyncio.shield(self._refill(key, lease, limit))
        finally:
            lease.waiting -= 1

    def _refill(self, key: str, lease: Lease, limit: int) -> "asyncio.Task[bool]":
        """Fetch a lease, one at a time for a key."""
        if lease.refill is None:
            lease.refill = asyncio.create_task(self._fetch(key, lease, limit))
        return lease.refill

    async def _fetch(self, key: str, lease: Lease, limit: int) -> bool:
        name = self._prefix + sha256(key.encode()).hexdigest()
        asked_at = self._now()
        wanted = max(1, lease.waiting)
        try:
            async with asyncio.timeout(self._timeout):
                arguments = [limit, wanted, self._window_ms, SHARE]
                tokens, left, milliseconds = await self._script(keys=[name], args=arguments)
        except (RedisError, OSError, TimeoutError) as error:
            self._circuit.failed(error)
            return False
        finally:
            lease.refill = None
        self._circuit.succeeded()
        ends = asked_at + milliseconds / 1000
        if ends > lease.ends + 1:
            lease.tokens = lease.spent = 0
        lease.ends, lease.left = ends, left
        lease.tokens += tokens
        return True

    def _counted_here(self, key: str, lease: Lease, limit: int) -> Allowance:
        return self._fallback.taken(key, limit=limit, spent=lease.spent, ends=lease.ends)

    def _placed(self, key: str) -> Lease:
        """Make a place for a key: the least recently used loses its lease, which stays counted."""
        if len(self._leases) >= self._size:
            self._leases.popitem(last=False)
        lease = self._leases[key] = Lease()
        return lease
