"""Events in the order everybody sees them in."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from waardhaven.domain.identity.access import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """A fact that happened. ``position`` counts up without a gap, in the order of commits.

    ``access``: who may know of it. ``kind`` and ``payload`` are those of a class of EVENTS.
    """

    position: int
    kind: str
    payload: Mapping[str, object]
    access: Access
    at: datetime


class EventLog(Protocol):
    """Every event, from the outbox: what is committed is here, and nothing else is."""

    @abstractmethod
    async def head(self) -> int:
        """Give what is committed its position; return the newest one, 0 for none."""

    @abstractmethod
    async def since(self, position: int, *, limit: int, job: str | None = None) -> Sequence[LoggedEvent]:
        """Return numbered events after ``position``, in order; those of one job when asked for."""

    @abstractmethod
    def notices(self) -> AsyncIterator[None]:
        """Yield whenever there may be something new, and at least every second. Never ends by itself."""
