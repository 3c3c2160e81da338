"""ValkeyEventStream: delivered events as entries of one bounded stream."""

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from waardhaven.application.ports.outbox import EventStream, OutboxEvent
from waardhaven.domain.errors import Unavailable

STREAM = "waardhaven:events"
LENGTH = 10_000


class StreamUnavailable(Unavailable):
    """Valkey did not take the events."""


class ValkeyEventStream(EventStream):
    """One entry an event, with its outbox id; about the newest ten thousand are kept."""

    def __init__(self, client: Redis) -> None:
        """Append through ``client``."""
        self._client = client

    async def publish(self, events: list[OutboxEvent]) -> None:
        """See EventStream."""
        try:
            async with self._client.pipeline(transaction=False) as pipeline:
                for event in events:
                    entry: dict[str | bytes, str | int | bytes] = {
                        "id": event.id,
                        "kind": event.kind,
                        "payload": msgspec.json.encode(event.payload),
                        "at": event.created_at.isoformat(),
                    }
                    pipeline.xadd(STREAM, entry, maxlen=LENGTH, approximate=True)  # type: ignore[arg-type]
                await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            raise StreamUnavailable("Valkey did not take the events; they stay in the outbox.") from error
