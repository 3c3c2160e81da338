"""ArqJobQueue: ids and arguments through Valkey, coded as msgpack, never as pickle."""

from collections.abc import Mapping
from uuid import uuid4

import msgspec
from arq.connections import ArqRedis
from redis.exceptions import RedisError
from structlog.contextvars import get_contextvars

from waardhaven.application.ports.job_queue import JobQueue, QueueUnavailable

encode = msgspec.msgpack.encode
decode = msgspec.msgpack.decode


class ArqJobQueue(JobQueue):
    """Queues under a fresh id each time: arq refuses, or cancels, an id that was used before."""

    def __init__(self, client: ArqRedis) -> None:
        """Queue through ``client``."""
        self._client = client

    async def enqueue(self, name: str, args: Mapping[str, object]) -> str:
        """See JobQueue. The correlation id of the request travels with the job."""
        job_id = uuid4().hex
        correlation = get_contextvars().get("correlation_id")
        try:
            await self._client.enqueue_job(name, dict(args), correlation, _job_id=job_id)
        except (RedisError, OSError, TimeoutError) as error:
            raise QueueUnavailable("The job queue is out of reach. Try again.") from error
        return job_id
