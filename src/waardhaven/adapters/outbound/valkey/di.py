"""Valkey for the container. Needs ValkeySettings from outside."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from dishka import AnyOf, Provider, Scope, provide
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from waardhaven.adapters.outbound.valkey.cache import ValkeyCache
from waardhaven.adapters.outbound.valkey.failure_delays import ValkeyFailureDelays
from waardhaven.adapters.outbound.valkey.probe import ValkeyProbe
from waardhaven.adapters.outbound.valkey.progress import ValkeyProgressStream
from waardhaven.adapters.outbound.valkey.provider_gate import ValkeyProviderGate
from waardhaven.adapters.outbound.valkey.quota import ValkeyQuotas
from waardhaven.adapters.outbound.valkey.rate_limit import ValkeyRateLimiter
from waardhaven.adapters.outbound.valkey.statistics import ValkeyReport
from waardhaven.application.ports.cache import Cache
from waardhaven.application.ports.failure_delays import FailureDelays
from waardhaven.application.ports.progress import ProgressStream
from waardhaven.application.ports.provider_gate import ProviderGate
from waardhaven.application.ports.quota import Quotas
from waardhaven.application.ports.rate_limit import RateLimiter
from waardhaven.application.ports.statistics import SharedCacheReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ValkeySettings:
    """Where the server is: ``redis://``, ``rediss://`` or ``unix://``; it may hold a password."""

    url: str = field(repr=False)
    timeout_seconds: float = 0.25
    connections: int = 20


def connect(settings: ValkeySettings) -> Redis:
    """Return a client that does no I/O until it is used, and never repeats a command by itself."""
    pool = BlockingConnectionPool.from_url(
        settings.url,
        max_connections=settings.connections,
        timeout=settings.timeout_seconds,
        socket_timeout=settings.timeout_seconds,
        socket_connect_timeout=settings.timeout_seconds,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)


class ValkeyProvider(Provider):
    """One pool a process, closed with the container."""

    scope = Scope.APP

    @provide
    async def client(self, settings: ValkeySettings) -> AsyncIterator[Redis]:
        """Lend the client."""
        client = connect(settings)
        yield client
        await client.aclose()

    @provide(provides=AnyOf[ValkeyCache, Cache])
    def cache(self, client: Redis, settings: ValkeySettings) -> ValkeyCache:
        """Return the shared cache."""
        return ValkeyCache(client, timeout_seconds=settings.timeout_seconds)

    @provide
    def report(self, client: Redis, cache: ValkeyCache) -> SharedCacheReport:
        """Return what looks at the shared cache."""
        return ValkeyReport(client, cache)

    @provide
    def rate_limiter(self, client: Redis, settings: ValkeySettings) -> RateLimiter:
        """Return the limits of all processes."""
        return ValkeyRateLimiter(client, timeout_seconds=settings.timeout_seconds)

    @provide
    async def quotas(self, client: Redis, settings: ValkeySettings) -> AsyncIterator[Quotas]:
        """Lend the quotas of all processes."""
        quotas = ValkeyQuotas(client, timeout_seconds=settings.timeout_seconds)
        yield quotas
        await quotas.close()

    @provide
    def provider_gate(self, client: Redis, settings: ValkeySettings) -> ProviderGate:
        """Return the credits and breakers of all processes."""
        return ValkeyProviderGate(client, timeout_seconds=settings.timeout_seconds)

    @provide
    def failure_delays(self, client: Redis, settings: ValkeySettings) -> FailureDelays:
        """Return the delays of all processes."""
        return ValkeyFailureDelays(client, timeout_seconds=settings.timeout_seconds)

    @provide
    def probe(self, client: Redis) -> ValkeyProbe:
        """Return the readiness probe."""
        return ValkeyProbe(client)

    @provide
    async def progress(self, client: Redis, settings: ValkeySettings) -> AsyncIterator[ProgressStream]:
        """Lend the stream of progress and the connection it waits on."""
        waiting = Redis.from_url(
            settings.url,
            socket_connect_timeout=settings.timeout_seconds,
            retry=Retry(NoBackoff(), 0),
        )
        yield ValkeyProgressStream(client, waiting, timeout_seconds=settings.timeout_seconds)
        await waiting.aclose()
