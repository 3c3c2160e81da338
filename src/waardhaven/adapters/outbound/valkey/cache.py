"""Bytes shared by all processes, in Valkey."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from waardhaven.adapters.outbound.valkey.circuit import Circuit
from waardhaven.application.ports.cache import Cache

T = TypeVar("T")


@dataclass(slots=True)
class ValkeyCache(Cache):
    """A cache that never makes an answer fail and never makes it wait longer than ``timeout_seconds``.

    While the server is out of reach the cache is empty, and the server is asked again once a second.
    """

    client: Redis
    timeout_seconds: float = 0.25
    prefix: str = "waardhaven:cache:"
    circuit: Circuit = field(default_factory=lambda: Circuit("valkey"))
    hits: int = field(default=0, init=False)
    misses: int = field(default=0, init=False)
    failures: int = field(default=0, init=False)

    async def get(self, key: str) -> bytes | None:
        """Return the bytes, or None when there are none or the server does not answer in time."""
        found: bytes | None = await self._attempt(lambda: self.client.get(self.prefix + key))
        self.hits += found is not None
        self.misses += found is None
        return found

    async def put(self, key: str, value: bytes, *, ttl_seconds: int) -> None:
        """Keep the bytes; a failure is forgotten."""
        if ttl_seconds > 0:
            await self._attempt(lambda: self.client.set(self.prefix + key, value, ex=ttl_seconds))

    async def _attempt(self, command: Callable[[], Awaitable[T]]) -> T | None:
        if self.circuit.is_open():
            return None
        try:
            async with asyncio.timeout(self.timeout_seconds):
                answer = await command()
        except (RedisError, OSError, TimeoutError) as error:
            self.failures += 1
            self.circuit.failed(error)
            return None
        self.circuit.succeeded()
        return answer
