"""RunJob: how every kind of end of an attempt is written down."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.unit.application.jobs.workshop import Workshop

from waardhaven.application.ports.compute_pool import ComputeLost
from waardhaven.application.ports.job_run import Follower, JobRun, Outcome
from waardhaven.application.ports.unit_of_work import Transaction
from waardhaven.domain.errors import Invalid, Unavailable
from waardhaven.domain.events import PricesCommitted
from waardhaven.domain.identity.roles import Credential, Permission, Principal, Role
from waardhaven.domain.identity.user import User
from waardhaven.domain.jobs.job import JobFailure, JobState
from waardhaven.domain.types import UserId

ADA = UserId(UUID(int=7))
FACT = PricesCommitted(vintage=1, inserted=2, changed=3, series=4)


class NotNow(Unavailable):
    """Something is away."""


async def count(by: Principal, params: Any, run: JobRun) -> Outcome:
    return Outcome(result={"n": params.n, "attempt": run.attempt})


def raising(error: BaseException) -> Any:
    async def work(*_: Any) -> Outcome:
        raise error

    return work


def an_account(**changes: Any) -> User:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    plain: dict[str, Any] = {"id": ADA, "email": "ada@example.org", "username": "ada", "password_hash": None}
    plain |= {"role": Role.ANALYST, "is_active": True, "is_verified": True}
    return User(created_at=at, updated_at=at, **(plain | changes))


async def test_job_succeeds_with_the_result_of_its_use_case():
    job = await Workshop(count).done(params={"n": 5})
    assert job.state is JobState.SUCCEEDED
    assert job.result == {"n": 5, "attempt": 1}
    assert job.worker == "a-worker"
    assert job.finished_at is not None


async def test_empty_parameters_mean_the_defaults():
    assert (await Workshop(count).done(params={})).result == {"n": 3, "attempt": 1}


async def test_stale_message_runs_nothing():
    shop = Workshop(raising(AssertionError("It ran.")))
    delivery = await shop.submit()
    assert await shop.run(replace(delivery, number=2)) is None
    assert shop.job(delivery).state is JobState.QUEUED


async def test_message_that_comes_twice_runs_once():
    shop = Workshop(count)
    delivery = await shop.submit()
    first, second = await asyncio.gather(shop.run(delivery), shop.run(delivery))
    assert first is not None
    assert second is None
    assert shop.job(delivery).attempts == 1


async def test_error_of_ours_is_final_and_keeps_its_code():
    shop = Workshop(raising(Invalid("That is no number.")))
    job = await shop.done()
    assert job.state is JobState.FAILED
    assert job.failure == JobFailure(code="invalid", message="That is no number.")
    assert shop.broken == []


async def test_unexpected_error_is_final_and_says_nothing_of_itself():
    shop = Workshop(raising(RuntimeError("password=secret")))
    job = await shop.done()
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.code == "internal_error"
    assert "secret" not in job.failure.message
    assert "a-correlation-id" in job.failure.message
    assert [str(one) for one in shop.broken] == ["password=secret"]


@pytest.mark.parametrize("error", [NotNow("Away."), ComputeLost("It died.")])
async def test_what_is_out_of_reach_is_tried_again_later(error: Unavailable):
    shop = Workshop(raising(error))
    delivery = await shop.submit()
    now = shop.uow.clock.now()
    await shop.run(delivery)
    job = shop.job(delivery)
    assert (job.state, job.attempts, job.delivery) == (JobState.QUEUED, 1, 2)
    assert job.failure == JobFailure(code=error.code, message=error.message)
    assert timedelta(seconds=0.5) <= job.due_at - now <= timedelta(seconds=1)
    (message,) = shop.queue.waiting.values()
    assert (message.number, message.after) == (2, job.due_at - now)


async def test_job_is_dead_when_its_attempts_are_used_up():
    shop = Workshop(raising(NotNow("Away.")), tries=2)
    delivery = await shop.submit()
    await shop.run(delivery)
    await shop.run(replace(delivery, number=2))
    job = shop.job(delivery)
    assert (job.state, job.attempts) == (JobState.DEAD, 2)
    assert job.failure == JobFailure(code="not_now", message="Away.")
    assert (delivery.job, 3) not in shop.queue.waiting


async def test_retry_that_can_not_be_delivered_waits_in_the_ledger():
    shop = Workshop(raising(NotNow("Away.")))
    shop.queue.failing = True
    assert (await shop.done()).state is JobState.QUEUED


async def test_parameters_outside_their_rules_fail_the_job():
    job = await Workshop(count).done(params={"n": 0})
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.code == "invalid_params"


async def test_unknown_type_fails_the_job():
    job = await Workshop(count).done(type="unheard_of")
    assert job.failure is not None
    assert (job.state, job.failure.code) == (JobState.FAILED, "unknown_job_type")


async def test_job_that_takes_too_long_fails():
    async def forever(*_: Any) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    job = await Workshop(forever, timeout=0.02).done()
    assert job.failure is not None
    assert (job.state, job.failure.code) == (JobState.FAILED, "job_timed_out")


async def test_time_limit_of_something_inside_is_not_that_of_the_job():
    shop = Workshop(raising(TimeoutError()))
    job = await shop.done()
    assert job.failure is not None
    assert job.failure.code == "internal_error"


async def test_effects_happen_with_the_success_of_the_job():
    async def effects(tx: Transaction) -> None:
        await tx.emit(FACT)

    async def work(*_: Any) -> Outcome:
        return Outcome(result={}, effects=effects)

    shop = Workshop(work)
    job = await shop.done()
    assert job.state is JobState.SUCCEEDED
    assert shop.uow.events.count(FACT) == 1


@pytest.mark.parametrize(
    ("error", "code"), [(Invalid("Not this."), "invalid"), (KeyError("x"), "internal_error")]
)
async def test_effects_that_are_refused_fail_the_job_and_leave_nothing(error: Exception, code: str):
    async def effects(tx: Transaction) -> None:
        await tx.emit(FACT)
        raise error

    async def work(*_: Any) -> Outcome:
        return Outcome(result={}, effects=effects)

    shop = Workshop(work)
    job = await shop.done()
    assert job.failure is not None
    assert (job.state, job.failure.code, job.result) == (JobState.FAILED, code, None)
    assert FACT not in shop.uow.events


async def test_effects_of_somebody_who_lost_the_lease_never_happen():
    async def effects(tx: Transaction) -> None:
        await tx.emit(FACT)

    shop = Workshop(count)
    delivery = await shop.submit()

    async def work(*_: Any) -> Outcome:
        shop.uow.jobs.reclaim(delivery.job)
        return Outcome(result={}, effects=effects)

    shop.work = work
    assert await shop.run(delivery) is None
    assert FACT not in shop.uow.events
    assert shop.job(delivery).state is JobState.QUEUED


def followed_by(*then: Follower) -> Any:
    async def work(*_: Any) -> Outcome:
        return Outcome(result={}, then=then)

    return work


async def test_jobs_that_follow_are_submitted_with_the_success_and_delivered():
    shop = Workshop(followed_by(Follower(type="count", params={"n": 4}), Follower(type="count")))
    await shop.uow.users.add(an_account())
    scopes = frozenset({Permission.READ_INDICES})
    delivery = await shop.submit(owner=ADA, scopes=scopes, credential=Credential.API_KEY)
    await shop.run(delivery)
    children = [one.job for one in shop.uow.jobs.rows.values() if one.job.parent == delivery.job]
    assert [one.params for one in children] == [{"n": 4}, {"n": 3}]
    assert {(one.owner, one.credential, one.scopes) for one in children} == {
        (ADA, Credential.API_KEY, scopes)
    }
    assert set(shop.queue.waiting) == {(one.id, 1) for one in children}
    assert [action for action, _, _ in shop.uow.audit.entries].count("job.submitted") == 2


@pytest.mark.parametrize(
    ("then", "code"),
    [
        (Follower(type="unheard_of"), "unknown_job_type"),
        (Follower(type="count", params={"n": 10}), "invalid_params"),
        (Follower(type="guarded"), "permission_denied"),
    ],
)
async def test_job_whose_follower_may_not_be_fails_and_nothing_follows(then: Follower, code: str):
    shop = Workshop(followed_by(Follower(type="count"), then))
    await shop.uow.users.add(an_account())
    job = await shop.done(owner=ADA)
    assert job.failure is not None
    assert (job.state, job.failure.code) == (JobState.FAILED, code)
    assert len(shop.uow.jobs.rows) == 1
    assert shop.queue.waiting == {}


async def test_jobs_that_follow_wait_in_the_ledger_while_the_queue_is_away():
    shop = Workshop(followed_by(Follower(type="count")))
    shop.queue.failing = True
    assert (await shop.done()).state is JobState.SUCCEEDED
    assert len(shop.uow.jobs.rows) == 2


async def test_system_does_what_nobody_owns():
    seen: list[Principal] = []

    async def work(by: Principal, *_: Any) -> Outcome:
        seen.append(by)
        return Outcome(result={})

    await Workshop(work).done()
    assert (seen[0].user, seen[0].credential, seen[0].role) == (None, Credential.SYSTEM, Role.ADMIN)


async def test_owner_acts_with_the_role_of_now_and_the_scopes_of_then():
    seen: list[Principal] = []

    async def work(by: Principal, *_: Any) -> Outcome:
        seen.append(by)
        return Outcome(result={})

    shop = Workshop(work)
    delivery = await shop.submit(owner=ADA, scopes=frozenset({Permission.READ_INDICES}))
    await shop.uow.users.add(an_account(role=Role.VIEWER))
    await shop.run(delivery)
    (by,) = seen
    assert (by.user, by.role, by.credential) == (ADA, Role.VIEWER, Credential.JOB)
    assert by.scopes == {Permission.READ_INDICES}


@pytest.mark.parametrize("changes", [{"is_active": False}, {"deleted_at": datetime(2024, 2, 1, tzinfo=UTC)}])
async def test_job_of_a_closed_account_fails(changes: dict[str, Any]):
    shop = Workshop(count)
    await shop.uow.users.add(an_account(**changes))
    job = await shop.done(owner=ADA)
    assert job.failure is not None
    assert (job.state, job.failure.code) == (JobState.FAILED, "owner_gone")
