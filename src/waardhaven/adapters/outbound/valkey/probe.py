"""Tells whether Valkey answers."""

import asyncio
import time
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from waardhaven.application.ports.health import DependencyHealth, Probe


@dataclass(frozen=True, slots=True)
class ValkeyProbe(Probe):
    """Pings the server. Answers come without it too, more slowly: ``required`` says who needs it."""

    client: Redis
    timeout_seconds: float = 0.5
    required: bool = False

    async def check(self) -> DependencyHealth:
        """Return whether a ping came back in time."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await self.client.ping()
        except (RedisError, OSError, TimeoutError) as error:
            return self._found(ready=False, detail=f"no answer ({type(error).__name__})", latency_ms=None)
        return self._found(
            ready=True, detail="answers", latency_ms=round((time.perf_counter() - started) * 1000, 3)
        )

    def _found(self, *, ready: bool, detail: str, latency_ms: float | None) -> DependencyHealth:
        return DependencyHealth(
            name="valkey", ready=ready, required=self.required, detail=detail, latency_ms=latency_ms
        )
