"""ValkeyReport: the server's memory, and how often this process's cache was right to ask it."""

import asyncio
import time
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from waardhaven.adapters.outbound.valkey.cache import ValkeyCache
from waardhaven.application.ports.statistics import SharedCacheReport, SharedCacheStatistics


@dataclass(frozen=True, slots=True)
class ValkeyReport(SharedCacheReport):
    """Asks INFO and DBSIZE; the hits are those of ``cache``, not of whatever else uses the server."""

    client: Redis
    cache: ValkeyCache
    timeout_seconds: float = 0.5

    async def read(self) -> SharedCacheStatistics:
        """See SharedCacheReport."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await self.client.ping()
                took = time.perf_counter() - began
                memory = await self.client.info("memory")
                clients = await self.client.info("clients")
                keys = await self.client.dbsize()
        except (RedisError, OSError, TimeoutError):
            return self._found(reachable=False)
        return self._found(
            reachable=True,
            latency_ms=round(took * 1000, 3),
            memory_bytes=int(memory["used_memory"]),
            clients=int(clients["connected_clients"]),
            keys=int(keys),
        )

    def _found(
        self,
        *,
        reachable: bool,
        latency_ms: float | None = None,
        memory_bytes: int | None = None,
        clients: int | None = None,
        keys: int | None = None,
    ) -> SharedCacheStatistics:
        return SharedCacheStatistics(
            reachable=reachable,
            latency_ms=latency_ms,
            memory_bytes=memory_bytes,
            clients=clients,
            keys=keys,
            hits=self.cache.hits,
            misses=self.cache.misses,
            failures=self.cache.failures,
        )
