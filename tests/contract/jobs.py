"""Jobs in a ledger whose time can pass, whatever the ledger is."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.fakes.clock import FakeClock
from tests.fakes.event_log import FakeEventLog
from tests.fakes.identity import FakePseudonyms
from tests.fakes.jobs import FakeJobLedger
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.fakes.workers import FakeWorkers

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.event_log import PostgresEventLog
from waardhaven.adapters.outbound.postgres.job_ledger import PostgresJobLedger
from waardhaven.adapters.outbound.postgres.unit_of_work import PostgresUnitOfWork
from waardhaven.adapters.outbound.postgres.workers import PostgresWorkers
from waardhaven.application.ports.event_log import EventLog
from waardhaven.application.ports.jobs import Delivery, JobDraft, JobLedger, Lease, Settlement, Workers
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.identifiers import ordered_id
from waardhaven.domain.identity.roles import Credential, Principal, Role
from waardhaven.domain.identity.user import User
from waardhaven.domain.jobs.job import Job, JobFailure, JobState, Queue
from waardhaven.domain.types import JobId, UserId

MINUTE = timedelta(minutes=1)
FAILURE = JobFailure(code="no_prices", message="There are no prices.")
FAILED = Settlement(state=JobState.FAILED, failure=FAILURE)
AGAIN = Settlement(state=JobState.QUEUED, failure=FAILURE)
DONE = Settlement(state=JobState.SUCCEEDED, result={"rows": 3})
AGED = (
    "UPDATE job SET due_at = due_at - $1::interval WHERE state = 'queued'",
    "UPDATE job SET lease_until = lease_until - $1::interval WHERE state = 'running'",
    "UPDATE worker SET started_at = started_at - $1::interval, beat_at = beat_at - $1::interval",
    "UPDATE job_schedule SET next_at = next_at - $1::interval",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHouse:
    """A unit of work, the ledger and the events over one empty state, fake or real."""

    uow: UnitOfWork
    ledger: JobLedger
    events: EventLog
    workers: Workers
    clock: FakeClock | None
    database: Database | None

    async def passes(self, time: timedelta) -> None:
        """Let time pass: the database's own clock can not be moved, so its rows age."""
        if self.clock is not None:
            self.clock.advance(time)
        if self.database is not None:
            async with self.database.acquire() as connection:
                for statement in AGED:
                    await connection.execute(statement, time)

    async def a_user(self, name: str = "ada") -> UserId:
        """Open an account."""
        at = datetime(2024, 6, 3, tzinfo=UTC)
        user = User(
            id=UserId(uuid4()),
            email=f"{name}@example.org",
            username=name,
            password_hash="$argon2id$one",
            role=Role.ANALYST,
            is_active=True,
            is_verified=True,
            created_at=at,
            updated_at=at,
        )
        async with self.uow() as tx:
            await tx.users.add(user)
            await tx.commit()
        return user.id

    async def queued(self, **changes: object) -> Job:
        """Queue a job."""
        async with self.uow() as tx:
            job = await tx.jobs.add(a_draft(**changes))
            await tx.commit()
        return job

    async def running(self, **changes: object) -> tuple[Job, Lease]:
        """Queue a job and begin an attempt."""
        return await self.claimed(await self.queued(**changes))

    async def claimed(self, job: Job, *, lease: timedelta = MINUTE) -> tuple[Job, Lease]:
        """Begin an attempt of a queued job."""
        found = await self.ledger.claim(message(job), worker="a-worker", lease=lease)
        assert found is not None
        return found

    async def ended(self, settlement: Settlement, **changes: object) -> Job:
        """Queue a job and end its first attempt."""
        _, lease = await self.running(**changes)
        return await self.ledger.settle(lease, settlement)

    async def cancel(self, job: JobId) -> Job:
        """Cancel a job in a transaction of its own."""
        async with self.uow() as tx:
            changed = await tx.jobs.cancel(job)
            await tx.commit()
        return changed

    async def requeue(self, job: JobId) -> Job:
        """Queue a job again in a transaction of its own."""
        async with self.uow() as tx:
            changed = await tx.jobs.requeue(job)
            await tx.commit()
        return changed

    async def told(self, job: JobId) -> list[tuple[object, object, object]]:
        """Return state, attempt and code of every event about a job, in order."""
        await self.events.head()
        found = await self.events.since(0, limit=1_000, job=str(job))
        return [(one.payload["state"], one.payload["attempt"], one.payload["code"]) for one in found]


@asynccontextmanager
async def a_house(url: str | None) -> AsyncIterator[JobHouse]:
    """Lend a house over the fakes (None) or over a database."""
    if url is None:
        clock = FakeClock()
        uow = FakeUnitOfWork(clock=clock)
        yield JobHouse(
            uow=uow,
            ledger=FakeJobLedger(uow),
            events=FakeEventLog(uow, clock),
            workers=FakeWorkers(clock),
            clock=clock,
            database=None,
        )
        return
    database = Database(url)
    ledger, events = PostgresJobLedger(database), PostgresEventLog(database)
    yield JobHouse(
        uow=PostgresUnitOfWork(database, FakePseudonyms()),
        ledger=ledger,
        events=events,
        workers=PostgresWorkers(database),
        clock=None,
        database=database,
    )
    await events.stop()
    await ledger.close()
    await database.close()


def a_draft(**changes: object) -> JobDraft:
    """Return a job to be queued, with an id of this moment."""
    plain = JobDraft(
        id=ordered_id(datetime.now(UTC), secrets.token_bytes(10)),
        type="report",
        params={"days": 30, "note": "é", "empty": None},
        queue=Queue.INTERACTIVE,
        max_attempts=3,
        owner=None,
        credential=Credential.SYSTEM,
    )
    return replace(plain, **changes)


def message(job: Job, /, **changes: object) -> Delivery:
    """Return the present message about a job."""
    return replace(Delivery(job=job.id, number=job.delivery, queue=job.queue), **changes)


def analyst(user: UserId) -> Principal:
    """Return somebody who sees only their own jobs."""
    return Principal(user=user, role=Role.ANALYST)
