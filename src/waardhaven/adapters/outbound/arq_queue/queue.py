"""ArqJobQueue: messages of arq through Valkey, coded as msgpack, never as pickle."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from arq.connections import ArqRedis
from arq.constants import job_key_prefix
from arq.jobs import serialize_job
from redis.exceptions import RedisError

from waardhaven.adapters.outbound.arq_queue.names import FUNCTION, NUDGES, QUEUES, WAKES, encode
from waardhaven.application.ports.job_queue import JobQueue, QueueUnavailable
from waardhaven.application.ports.jobs import Delivery
from waardhaven.domain.jobs.job import Queue
from waardhaven.domain.types import JobId

KEPT_MS: Final = 86_400_000
"""How long after its time arq's record of a message is kept; the ledger outlives it."""
PUT: Final = """
local moment = redis.call('TIME')
local now = moment[1] * 1000 + math.floor(moment[2] / 1000)
for i = 2, #ARGV, 3 do
  local key, after = KEYS[3] .. ARGV[i], tonumber(ARGV[i + 2])
  if redis.call('SET', key, ARGV[i + 1], 'NX', 'PX', after + ARGV[1]) then
    redis.call('ZADD', KEYS[1], string.format('%.0f', now + after), ARGV[i])
  end
end
return redis.call('PUBLISH', KEYS[2], '')
"""
"""Puts messages that are not there yet, each due by the clock of the server, and wakes the workers.

Keys: the queue, its channel, the prefix of arq's records. Arguments: milliseconds that a record is kept;
then of each message its id, its record, and milliseconds until it is due.
"""


class ArqJobQueue(JobQueue):
    """Each message under an id of its own: arq refuses, or cancels, an id that was used before.

    A worker takes a message out of the queue (see QueueWorker): what is not in the queue any more and
    was not claimed is lost.
    """

    def __init__(self, client: ArqRedis) -> None:
        """Send through ``client``."""
        self._client = client
        self._put = client.register_script(PUT)

    async def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """See JobQueue."""
        async with _reachable():
            for queue, messages in _by_queue(deliveries).items():
                packed = [part for one in messages for part in _packed(one)]
                keys = [QUEUES[queue], WAKES[queue], job_key_prefix]
                await self._put(keys=keys, args=[KEPT_MS, *packed])

    async def lost(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """See JobQueue."""
        lost: list[Delivery] = []
        async with _reachable():
            for queue, messages in _by_queue(deliveries).items():
                scores = await self._client.zmscore(QUEUES[queue], [message_id(one) for one in messages])
                lost += [one for one, score in zip(messages, scores, strict=True) if score is None]
        return lost

    async def nudge(self, job: JobId) -> None:
        """See JobQueue."""
        async with _reachable():
            await self._client.publish(NUDGES, job.hex)

    async def depth(self) -> Mapping[Queue, int]:
        """See JobQueue."""
        async with _reachable(), self._client.pipeline(transaction=False) as pipe:
            for name in QUEUES.values():
                pipe.zcard(name)
            counts = await pipe.execute()
        return dict(zip(QUEUES, counts, strict=True))


def message_id(delivery: Delivery) -> str:
    """Return the id of a message: never used twice, because the number counts up."""
    return f"{delivery.job.hex}:{delivery.number}"


def _by_queue(deliveries: Sequence[Delivery]) -> Mapping[Queue, Sequence[Delivery]]:
    together: dict[Queue, list[Delivery]] = defaultdict(list)
    for one in deliveries:
        together[one.queue].append(one)
    return together


def _packed(one: Delivery) -> tuple[str, bytes, int]:
    # arq wants an instant of enqueuing for its own log, which is off: the same message has the same bytes.
    record = serialize_job(FUNCTION, (one.job.hex, one.number), {}, None, 0, serializer=encode)
    return message_id(one), record, max(0, round(one.after.total_seconds() * 1000))


@asynccontextmanager
async def _reachable() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise QueueUnavailable("The job queue is out of reach. Try again.") from error
