from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import Any

from tests.fakes.clock import FakeClock
from tests.fakes.identity import (
    FakeAccessRules,
    FakeApiKeys,
    FakeAuditLog,
    FakeIdentityLinks,
    FakeMailbox,
    FakeOneTimeTokens,
    FakeSessions,
    FakeUsers,
)
from tests.fakes.jobs import FakeJobs
from tests.fakes.schedules import FakeSchedules

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork
from waardhaven.domain.events import Event


@dataclass
class State:
    """Everything a transaction can change."""

    users: FakeUsers = field(default_factory=FakeUsers)
    sessions: FakeSessions = field(default_factory=FakeSessions)
    api_keys: FakeApiKeys = field(default_factory=FakeApiKeys)
    one_time_tokens: FakeOneTimeTokens = field(default_factory=FakeOneTimeTokens)
    links: FakeIdentityLinks = field(default_factory=FakeIdentityLinks)
    mailbox: FakeMailbox = field(default_factory=FakeMailbox)
    access: FakeAccessRules = field(default_factory=FakeAccessRules)
    audit: FakeAuditLog = field(default_factory=FakeAuditLog)
    jobs: FakeJobs = field(default_factory=FakeJobs)
    schedules: FakeSchedules = field(default_factory=FakeSchedules)
    events: list[Event] = field(default_factory=list)


class FakeTransaction(State, Transaction):
    """Works on a copy; ``commit`` makes it the truth."""

    truth: "FakeUnitOfWork"

    async def emit(self, event: Event) -> None:
        self.events.append(event)

    async def commit(self) -> None:
        for name, value in _copy(self, self.truth.clock).items():
            setattr(self.truth, name, value)


@dataclass
class FakeUnitOfWork(State, UnitOfWork):
    """The committed state, and transactions over copies of it; ``clock`` is the database's."""

    clock: Clock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.jobs.clock = self.schedules.clock = self.clock
        self.jobs.events = self.events

    def __call__(self) -> AbstractAsyncContextManager[Transaction]:
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Transaction]:
        transaction = FakeTransaction(**_copy(self, self.clock))
        transaction.truth = self
        yield transaction


def _copy(state: State, clock: Clock) -> dict[str, Any]:
    """Copy a state as a whole: its parts go on sharing the list of events, and the one clock."""
    return deepcopy({one.name: getattr(state, one.name) for one in fields(State)}, {id(clock): clock})
