from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from waardhaven.adapters.outbound.valkey.events import StreamUnavailable
from waardhaven.application.ports.outbox import EventStream, Outbox, OutboxEvent


@dataclass
class FakeOutbox(Outbox):
    """Every event ever written, and which of them were delivered."""

    events: list[OutboxEvent] = field(default_factory=list)
    delivered: set[int] = field(default_factory=set)

    def put(self, kind: str, payload: Mapping[str, object]) -> None:
        event = OutboxEvent(
            id=len(self.events) + 1, kind=kind, payload=dict(payload), created_at=datetime.now(UTC)
        )
        self.events.append(event)

    async def pending(self, *, limit: int) -> list[OutboxEvent]:
        return [one for one in self.events if one.id not in self.delivered][:limit]

    async def mark_delivered(self, ids: list[int]) -> None:
        self.delivered |= set(ids)


@dataclass
class FakeEventStream(EventStream):
    """What arrived, in order; ``failing`` makes it behave as an unreachable server does."""

    arrived: list[OutboxEvent] = field(default_factory=list)
    failing: bool = False

    async def publish(self, events: list[OutboxEvent]) -> None:
        if self.failing:
            raise StreamUnavailable("The stream is out of reach.")
        self.arrived += events
