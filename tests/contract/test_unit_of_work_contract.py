"""UnitOfWork and its Transaction, with Users and AuditLog: what every implementation must do."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from tests.fakes.identity import FakePseudonyms
from tests.fakes.unit_of_work import FakeUnitOfWork

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.unit_of_work import PostgresUnitOfWork
from waardhaven.application.ports.audit_log import AuditLog
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.application.ports.users import EmailTaken, UsernameTaken, Users
from waardhaven.domain.errors import Invalid
from waardhaven.domain.events import UserChanged
from waardhaven.domain.identity.roles import OPERATOR, Principal, Role
from waardhaven.domain.identity.user import User

NOW = datetime(2024, 6, 3, 12, 0, 0, 123456, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ledger:
    """A unit of work and a look at what was committed beside accounts."""

    uow: UnitOfWork
    audited: Callable[[], Awaitable[list[tuple[object, ...]]]]
    emitted: Callable[[], Awaitable[list[str]]]


@pytest.fixture
async def ledger(backing_url: str | None) -> AsyncIterator[Ledger]:
    if backing_url is None:
        fake = FakeUnitOfWork()

        async def entries() -> list[tuple[object, ...]]:
            return list(fake.audit.entries)

        async def kinds() -> list[str]:
            return [one.kind for one in fake.events]

        yield Ledger(fake, entries, kinds)
        return
    database = Database(backing_url)

    async def audited() -> list[tuple[object, ...]]:
        async with database.acquire() as connection:
            rows = await connection.fetch("SELECT action, actor_id, target FROM audit_entry ORDER BY id")
        return [tuple(row) for row in rows]

    async def emitted() -> list[str]:
        async with database.acquire() as connection:
            return [row["kind"] for row in await connection.fetch("SELECT kind FROM outbox ORDER BY id")]

    yield Ledger(PostgresUnitOfWork(database, FakePseudonyms()), audited, emitted)
    await database.close()


def a_user(name: str = "ada", **changes: object) -> User:
    plain = User(
        id=uuid4(),
        email=f"{name}@example.org",
        username=name,
        password_hash="$argon2id$one",
        role=Role.VIEWER,
        is_active=True,
        is_verified=False,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(plain, **changes)


def by(user: User) -> Principal:
    return Principal(user=user.id, role=user.role)


async def added(ledger: Ledger, *users: User) -> None:
    async with ledger.uow() as tx:
        for one in users:
            await tx.users.add(one)
        await tx.commit()


async def test_committed_account_comes_back_by_id_and_by_either_login_ignoring_case(ledger: Ledger):
    ada = a_user(role=Role.ADMIN, is_verified=True)
    await added(ledger, ada, a_user("grace"))
    async with ledger.uow() as tx:
        users: Users = tx.users
        assert await users.by_id(ada.id) == ada
        for login in ("ada", "ADA", "ada@example.org", "Ada@Example.ORG"):
            assert await users.by_login(login) == ada


async def test_absent_account_is_none(ledger: Ledger):
    async with ledger.uow() as tx:
        assert await tx.users.by_id(uuid4()) is None
        for login in ("nobody", "", "ada@", "%", "_da"):
            assert await tx.users.by_login(login) is None


async def test_nothing_stays_without_commit(ledger: Ledger):
    ada = a_user()
    async with ledger.uow() as tx:
        await tx.users.add(ada)
        await tx.audit.record("user.registered", by=by(ada), target="user")
        await tx.emit(UserChanged(user=ada.id))
        assert await tx.users.by_id(ada.id) == ada
    async with ledger.uow() as tx:
        assert await tx.users.by_id(ada.id) is None
    assert (await ledger.audited(), await ledger.emitted()) == ([], [])


async def test_nothing_stays_when_the_block_raises(ledger: Ledger):
    ada = a_user()

    async def fail() -> None:
        async with ledger.uow() as tx:
            await tx.users.add(ada)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with ledger.uow() as tx:
        assert await tx.users.by_id(ada.id) is None


async def test_what_is_written_after_a_commit_needs_another(ledger: Ledger):
    ada, grace = a_user(), a_user("grace")
    async with ledger.uow() as tx:
        await tx.users.add(ada)
        await tx.commit()
        await tx.users.add(grace)
    async with ledger.uow() as tx:
        assert await tx.users.by_id(ada.id) == ada
        assert await tx.users.by_id(grace.id) is None


async def test_account_audit_entry_and_event_become_durable_together(ledger: Ledger):
    ada = a_user()
    async with ledger.uow() as tx:
        audit: AuditLog = tx.audit
        await tx.users.add(ada)
        await audit.record("user.registered", by=by(ada), target="user:1", detail={"by": "test"})
        await audit.record("user.looked_at", by=OPERATOR, target="user:1")
        await tx.emit(UserChanged(user=ada.id))
        await tx.commit()
    assert await ledger.audited() == [
        ("user.registered", ada.id, "user:1"),
        ("user.looked_at", None, "user:1"),
    ]
    assert await ledger.emitted() == ["user.changed"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"username": "other"}, EmailTaken),
        ({"email": "other@example.org"}, UsernameTaken),
        ({}, EmailTaken),
    ],
    ids=["email", "username", "both"],
)
async def test_taken_name_raises_at_once_and_adds_nothing(
    ledger: Ledger, change: dict[str, str], error: type[Exception]
):
    ada = a_user()
    await added(ledger, ada)
    other = replace(ada, id=uuid4(), **change)
    async with ledger.uow() as tx:
        with pytest.raises(error):
            await tx.users.add(other)
    async with ledger.uow() as tx:
        assert await tx.users.by_id(other.id) is None
        assert await tx.users.by_id(ada.id) == ada


async def test_only_active_administrators_are_counted(ledger: Ledger):
    admin = {"role": Role.ADMIN}
    await added(
        ledger,
        a_user("one", **admin),
        a_user("two", **admin),
        a_user("three", is_active=False, **admin),
        a_user("four", role=Role.ANALYST),
    )
    async with ledger.uow() as tx:
        assert await tx.users.lock_administrators() == 2


async def test_login_with_a_zero_byte_finds_nobody_or_is_refused_as_invalid(ledger: Ledger):
    with suppress(Invalid):
        async with ledger.uow() as tx:
            assert await tx.users.by_login("a\x00da") is None
