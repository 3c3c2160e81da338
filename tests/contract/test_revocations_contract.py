"""Revocations: what every implementation must do."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from tests.contract.test_identity_contract import NOW, a_session
from tests.contract.test_unit_of_work_contract import a_user
from tests.fakes.identity import FakePseudonyms, FakeRevocations

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.revocations import PostgresRevocations
from waardhaven.adapters.outbound.postgres.unit_of_work import PostgresUnitOfWork
from waardhaven.application.ports.revocations import Revocations
from waardhaven.application.ports.security import Claims
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.identity.session import EndReason, LoginSession
from waardhaven.domain.identity.user import User

LIFETIME = timedelta(minutes=15)
WITHIN = 5.0
"""Seconds in which what was ended is known."""


@dataclass
class House:
    """Revocations and what ends sessions and standings."""

    revocations: Revocations
    user: User
    session: LoginSession
    database: Database | None

    def claims(self, **changes: object) -> Claims:
        plain = Claims(
            user=self.user.id,
            role=Role.VIEWER,
            session=self.session.id,
            version=1,
            token_id="1",
            expires_at=datetime(2100, 1, 1, tzinfo=UTC),
        )
        return replace(plain, **changes)

    async def end_session(self) -> None:
        if self.database is None:
            self.revocations.sessions.add(self.session.id)  # type: ignore[attr-defined]
            return
        async with PostgresUnitOfWork(self.database, FakePseudonyms())() as tx:
            await tx.sessions.end(self.user.id, EndReason.LOGOUT, at=NOW)
            await tx.commit()

    async def demote(self) -> None:
        if self.database is None:
            self.revocations.versions[self.user.id] = 2  # type: ignore[attr-defined]
            return
        async with PostgresUnitOfWork(self.database, FakePseudonyms())() as tx:
            await tx.users.save(replace(self.user, is_active=False))
            await tx.commit()

    async def until_refused(self, claims: Claims) -> None:
        async with asyncio.timeout(WITHIN):
            while not self.revocations.refuses(claims):
                await asyncio.sleep(0.005)


async def until_current(revocations: Revocations, *, current: bool = True) -> None:
    async with asyncio.timeout(20):
        while revocations.is_current() != current:
            await asyncio.sleep(0.005)


@pytest.fixture
async def house(backing_url: str | None) -> AsyncIterator[House]:
    user = a_user()
    session = a_session(user)
    if backing_url is None:
        yield House(FakeRevocations(), user, session, None)
        return
    database = Database(backing_url)
    async with PostgresUnitOfWork(database, FakePseudonyms())() as tx:
        await tx.users.add(user)
        await tx.sessions.open(session, b"1" * 32)
        await tx.commit()
    revocations = PostgresRevocations(database, lifetime=LIFETIME)
    await revocations.start()
    await until_current(revocations)
    yield House(revocations, user, session, database)
    await revocations.stop()
    await database.close()


async def test_ended_session_is_refused_within_five_seconds_and_no_other(house: House):
    claims = house.claims()
    assert not house.revocations.refuses(claims)
    await house.end_session()
    await house.until_refused(claims)
    assert not house.revocations.refuses(house.claims(session=uuid4()))


async def test_changed_standing_refuses_what_was_issued_before_and_nothing_since(house: House):
    await house.demote()
    await house.until_refused(house.claims())
    assert not house.revocations.refuses(house.claims(version=2))
    assert not house.revocations.refuses(house.claims(user=uuid4()))


async def test_what_was_ended_before_the_process_began_is_known_when_it_is_current(database_url: str):
    database = Database(database_url)
    user = a_user()
    async with PostgresUnitOfWork(database, FakePseudonyms())() as tx:
        await tx.users.add(user)
        await tx.users.save(replace(user, role=Role.ADMIN))
        await tx.commit()
    revocations = PostgresRevocations(database, lifetime=LIFETIME)
    assert not revocations.is_current()
    await revocations.start()
    await revocations.settled()
    assert revocations.is_current()
    late = House(revocations, user, a_session(user), database)
    assert revocations.refuses(late.claims())
    await revocations.stop()
    await database.close()


async def test_nothing_is_current_once_the_database_was_silent_for_four_seconds(database_url: str):
    database, moment = Database(database_url), [0.0]
    revocations = PostgresRevocations(database, lifetime=LIFETIME, heartbeat=60.0, now=lambda: moment[0])
    await revocations.start()
    await until_current(revocations)
    moment[0] = 3.9
    assert revocations.is_current()
    moment[0] = 4.0
    assert not revocations.is_current()
    await revocations.stop()
    await database.close()


async def test_lost_connection_is_made_again_and_nothing_was_missed(database_url: str):
    database = Database(database_url)
    user = a_user()
    async with PostgresUnitOfWork(database, FakePseudonyms())() as tx:
        await tx.users.add(user)
        await tx.commit()
    revocations = PostgresRevocations(database, lifetime=LIFETIME, retry=0.01)
    await revocations.start()
    await until_current(revocations)
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND query LIKE '%revocation%' AND pid <> pg_backend_pid()"
    )
    connection = await asyncpg.connect(database_url)
    assert len(await connection.fetch(others)) == 1, "the listener was cut off"
    await connection.execute("UPDATE app_user SET role = 'admin'")
    await connection.close()
    house = House(revocations, user, a_session(user), database)
    await house.until_refused(house.claims())
    await until_current(revocations)
    await revocations.stop()
    await database.close()
