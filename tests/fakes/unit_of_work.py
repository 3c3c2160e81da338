from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, fields

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

from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork

Events = list[tuple[str, Mapping[str, object]]]


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
    events: Events = field(default_factory=list)


class FakeTransaction(State, Transaction):
    """Works on a copy; ``commit`` makes it the truth."""

    truth: "FakeUnitOfWork"

    async def emit(self, kind: str, payload: Mapping[str, object]) -> None:
        self.events.append((kind, payload))

    async def commit(self) -> None:
        for one in fields(State):
            setattr(self.truth, one.name, deepcopy(getattr(self, one.name)))


@dataclass
class FakeUnitOfWork(State, UnitOfWork):
    """The committed state, and transactions over copies of it."""

    def __call__(self) -> AbstractAsyncContextManager[Transaction]:
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Transaction]:
        transaction = FakeTransaction(
            **{one.name: deepcopy(getattr(self, one.name)) for one in fields(State)}
        )
        transaction.truth = self
        yield transaction
