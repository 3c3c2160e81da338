import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from tests.fakes.clock import FakeClock

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.event_log import EventLog, LoggedEvent
from waardhaven.domain.events import Event, JobChanged, UserChanged
from waardhaven.domain.identity.access import Access, Visibility
from waardhaven.domain.types import UserId

ADMINISTRATORS = Access(owner=None, visibility=Visibility.PRIVATE)
EVERYBODY = Access(owner=None, visibility=Visibility.PUBLIC)


class HasEvents(Protocol):
    """The committed state: a FakeUnitOfWork."""

    events: list[Event]


@dataclass
class FakeEventLog(EventLog):
    """Events that were ``put``, and those committed in a FakeUnitOfWork.

    ``access_of_index`` tells who may know of an index. Notices come every ``every`` seconds.
    """

    uow: HasEvents | None = None
    clock: Clock = field(default_factory=FakeClock)
    access_of_index: Callable[[int], Access] = lambda _: ADMINISTRATORS
    every: float = 0.02
    events: list[Event] = field(default_factory=list)
    instants: list[datetime] = field(default_factory=list)
    taken: int = 0

    def put(self, event: Event) -> None:
        self.events.append(event)
        self.instants.append(self.clock.now())

    async def head(self) -> int:
        for event in self.uow.events[self.taken :] if self.uow else []:
            self.put(event)
            self.taken += 1
        return len(self.events)

    async def since(self, position: int, *, limit: int, job: str | None = None) -> Sequence[LoggedEvent]:
        found = [self._logged(place) for place in range(position, len(self.events))]
        wanted = [
            one for one in found if job is None or (one.kind, one.payload.get("job")) == ("job.changed", job)
        ]
        return wanted[:limit]

    async def notices(self) -> AsyncIterator[None]:
        while True:
            yield None
            await asyncio.sleep(self.every)

    def _logged(self, place: int) -> LoggedEvent:
        event = self.events[place]
        return LoggedEvent(
            position=place + 1,
            kind=event.kind,
            payload=event.payload(),
            access=self._access(event),
            at=self.instants[place],
        )

    def _access(self, event: Event) -> Access:
        if isinstance(event, JobChanged):
            return _owned(event.owner)
        if isinstance(event, UserChanged):
            return _owned(event.user)
        index = event.payload().get("index")
        if isinstance(index, int):
            return self.access_of_index(index)
        return EVERYBODY if event.kind.startswith("market.") else ADMINISTRATORS


def _owned(user: UUID | None) -> Access:
    return Access(owner=None if user is None else UserId(user), visibility=Visibility.PRIVATE)
