"""The queue for the container. Needs QueueSettings from outside."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from arq.connections import ArqRedis
from dishka import Provider, Scope, provide
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from waardhaven.adapters.outbound.arq_queue.names import decode, encode
from waardhaven.adapters.outbound.arq_queue.queue import ArqJobQueue
from waardhaven.application.ports.job_queue import JobQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """Where the queue's Valkey is; the URL may hold a password."""

    url: str = field(repr=False)


def connect(settings: QueueSettings, *, retries: int = 0) -> ArqRedis:
    """Return arq's client over our own pool (arq's own settings know no URL of a Unix socket).

    ``retries``: how often a command is sent again, for those that do no harm when they arrive twice.
    """
    pool = ConnectionPool.from_url(
        settings.url,
        socket_timeout=5,
        socket_connect_timeout=2,
        retry=Retry(NoBackoff(), retries),
        retry_on_error=[RedisConnectionError, RedisTimeoutError, OSError] if retries else [],
    )
    return ArqRedis(connection_pool=pool, job_serializer=encode, job_deserializer=decode)


class QueueProvider(Provider):
    """One client a process."""

    scope = Scope.APP

    @provide
    async def queue(self, settings: QueueSettings) -> AsyncIterator[JobQueue]:
        """Lend the queue."""
        client = connect(settings, retries=1)  # the connections of a server that restarted are dead
        yield ArqJobQueue(client)
        await client.aclose(close_connection_pool=True)
