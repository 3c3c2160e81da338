"""Events written in the transaction of what they describe, delivered afterwards."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEvent:
    """A fact that happened; ``id`` grows in commit order."""

    id: int
    kind: str
    payload: Mapping[str, object]
    created_at: datetime


class Outbox(Protocol):
    """Undelivered events, oldest first."""

    @abstractmethod
    async def pending(self, *, limit: int) -> list[OutboxEvent]:
        """Return at most ``limit`` undelivered events."""

    @abstractmethod
    async def mark_delivered(self, ids: list[int]) -> None:
        """Remember delivery; marking twice changes nothing."""


class EventStream(Protocol):
    """Where delivered events go; consumers tolerate seeing one twice."""

    @abstractmethod
    async def publish(self, events: list[OutboxEvent]) -> None:
        """Append events in order; raise an Unavailable error when the stream is out of reach."""
