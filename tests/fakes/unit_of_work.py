from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace

from waardhaven.application.ports.audit_log import AuditLog
from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork
from waardhaven.application.ports.users import EmailTaken, UsernameTaken, Users
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import UserId


@dataclass
class FakeUsers(Users):
    """Accounts in a dictionary."""

    rows: dict[UserId, User] = field(default_factory=dict)

    async def add(self, user: User) -> None:
        if any(one.email.lower() == user.email.lower() for one in self.rows.values()):
            raise EmailTaken("An account with that e-mail address exists already.")
        if any(one.username.lower() == user.username.lower() for one in self.rows.values()):
            raise UsernameTaken("An account with that username exists already.")
        self.rows[user.id] = user

    async def by_id(self, user: UserId) -> User | None:
        found = self.rows.get(user)
        return found if found and found.deleted_at is None else None

    async def by_login(self, login: str) -> User | None:
        named = (
            one for one in self.rows.values() if login.lower() in {one.email.lower(), one.username.lower()}
        )
        return next((one for one in named if one.deleted_at is None), None)

    async def update_password(self, user: UserId, password_hash: str) -> None:
        self.rows[user] = replace(self.rows[user], password_hash=password_hash)

    async def administrators(self) -> int:
        live = (one for one in self.rows.values() if one.is_active and one.deleted_at is None)
        return sum(one.role is Role.ADMIN for one in live)


@dataclass
class FakeAuditLog(AuditLog):
    """Entries in a list."""

    entries: list[tuple[str, UserId | None, str]] = field(default_factory=list)

    async def record(
        self, action: str, *, actor: UserId | None, target: str, detail: Mapping[str, object] | None = None
    ) -> None:
        self.entries.append((action, actor, target))


@dataclass
class FakeTransaction(Transaction):
    """Works on copies; ``commit`` makes them the truth."""

    truth: "FakeUnitOfWork"
    users: FakeUsers
    audit: FakeAuditLog
    events: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)

    async def emit(self, kind: str, payload: Mapping[str, object]) -> None:
        self.events.append((kind, payload))

    async def commit(self) -> None:
        self.truth.users = FakeUsers(dict(self.users.rows))
        self.truth.audit = FakeAuditLog(list(self.audit.entries))
        self.truth.events += self.events
        self.events = []


@dataclass
class FakeUnitOfWork(UnitOfWork):
    """The committed state, and transactions over copies of it."""

    users: FakeUsers = field(default_factory=FakeUsers)
    audit: FakeAuditLog = field(default_factory=FakeAuditLog)
    events: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)

    def __call__(self) -> AbstractAsyncContextManager[Transaction]:
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Transaction]:
        yield FakeTransaction(self, FakeUsers(dict(self.users.rows)), FakeAuditLog(list(self.audit.entries)))
