"""Deliver what happened."""

from dataclasses import dataclass

from waardhaven.application.ports.outbox import EventStream, Outbox
from waardhaven.domain.identity.roles import Permission, Principal

BATCH = 500


@dataclass(frozen=True, slots=True)
class RelayOutbox:
    """Deliver undelivered events to the stream, oldest first, until none is left.

    An event is marked only after the stream took it, so a crash in between delivers it twice; never
    not at all.
    """

    outbox: Outbox
    stream: EventStream

    async def __call__(self, by: Principal) -> int:
        """Return how many events were delivered."""
        by.require(Permission.OPERATE)
        delivered = 0
        while events := await self.outbox.pending(limit=BATCH):
            await self.stream.publish(events)
            await self.outbox.mark_delivered([one.id for one in events])
            delivered += len(events)
        return delivered
