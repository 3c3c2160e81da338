"""Jobs inside a unit of work: what every implementation must do."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from structlog.contextvars import bound_contextvars
from tests.contract.jobs import AGAIN, DONE, FAILED, MINUTE, JobHouse, a_draft, message

from waardhaven.application.ports.jobs import JobDraft, Jobs, Lease, LeaseLost, Settlement
from waardhaven.domain.errors import Invalid
from waardhaven.domain.identity.roles import Credential, Permission
from waardhaven.domain.jobs.job import (
    Artifact,
    IllegalTransition,
    Job,
    JobState,
    KeyReused,
    Progress,
    Queue,
    UnknownJob,
)

FILE = Artifact(name="b.json", media_type="application/json", size=2, digest="ab" * 32, key="x/b.json")


async def test_added_job_is_queued_as_it_was_asked_for(jobs: JobHouse):
    owner = await jobs.a_user()
    parent = await jobs.queued()
    draft = a_draft(
        queue=Queue.BULK,
        owner=owner,
        credential=Credential.API_KEY,
        scopes=frozenset({Permission.READ_INDICES, Permission.OPERATE}),
        idempotency_key="a key",
        parent=parent.id,
    )
    with bound_contextvars(correlation_id="a-request"):
        job = await jobs.queued(**{name: getattr(draft, name) for name in JobDraft.__slots__})
    assert job == Job(
        **{name: getattr(draft, name) for name in JobDraft.__slots__},
        state=JobState.QUEUED,
        correlation_id="a-request",
        attempts=0,
        delivery=1,
        created_at=job.created_at,
        due_at=job.created_at,
    )
    assert job.progress == Progress()
    assert await jobs.ledger.get(job.id) == job
    async with jobs.uow() as tx:
        found: Jobs = tx.jobs
        assert await found.find(job.id) == job


async def test_scopes_that_allow_nothing_are_not_those_that_narrow_nothing(jobs: JobHouse):
    none, every = await jobs.queued(scopes=frozenset()), await jobs.queued(scopes=None)
    assert (none.scopes, every.scopes) == (frozenset(), None)


async def test_job_that_is_not_there_is_none_and_can_not_be_changed(jobs: JobHouse):
    async with jobs.uow() as tx:
        assert await tx.jobs.find(uuid4()) is None
        with pytest.raises(UnknownJob):
            await tx.jobs.cancel(uuid4())
        with pytest.raises(UnknownJob):
            await tx.jobs.requeue(uuid4())


async def test_nothing_is_queued_or_told_without_commit(jobs: JobHouse):
    async with jobs.uow() as tx:
        job = await tx.jobs.add(a_draft())
        await tx.jobs.cancel(job.id)
    async with jobs.uow() as tx:
        assert await tx.jobs.find(job.id) is None
    assert await jobs.told(job.id) == []


async def test_each_change_of_state_is_told_once_in_its_transaction(jobs: JobHouse):
    job = await jobs.ended(FAILED)
    assert await jobs.told(job.id) == [("queued", 0, None), ("running", 1, None), ("failed", 1, "no_prices")]
    await jobs.requeue(job.id)
    await jobs.cancel(job.id)
    assert (await jobs.told(job.id))[3:] == [("queued", 0, None), ("cancelled", 0, None)]


async def test_id_is_used_once(jobs: JobHouse):
    job = await jobs.queued()
    with pytest.raises(Invalid):
        await jobs.queued(id=job.id)


# --- keys


@pytest.mark.parametrize("owned", [True, False])
async def test_key_used_again_gives_the_job_it_made_whatever_became_of_it(jobs: JobHouse, owned: bool):
    owner = await jobs.a_user() if owned else None
    same = {"owner": owner, "idempotency_key": "one"}
    job = await jobs.queued(**same, params={"a": 1, "b": [1.5, None]})
    assert await jobs.queued(**same, params={"b": [1.5, None], "a": 1}) == job
    _, lease = await jobs.claimed(job)
    done = await jobs.ledger.settle(lease, Settlement(state=JobState.SUCCEEDED, result={}, artifacts=(FILE,)))
    assert await jobs.queued(**same, params={"a": 1, "b": [1.5, None]}) == done
    assert (await jobs.told(job.id))[1:] == [("running", 1, None), ("succeeded", 1, None)]


@pytest.mark.parametrize("other", [{"type": "compute"}, {"params": {}}, {"params": {"a": 2}}])
async def test_key_used_again_for_something_else_is_refused(jobs: JobHouse, other: dict[str, object]):
    same = {"idempotency_key": "one", "params": {"a": 1}}
    job = await jobs.queued(**same)
    with pytest.raises(KeyReused):
        await jobs.queued(**{**same, **other})
    assert await jobs.queued(**same) == job


async def test_keys_belong_to_their_owners_and_jobs_without_a_key_are_many(jobs: JobHouse):
    ada, grace = await jobs.a_user("ada"), await jobs.a_user("grace")
    made = [await jobs.queued(owner=one, idempotency_key="one") for one in (ada, grace, None)]
    made += [await jobs.queued(owner=one) for one in (ada, ada, None, None)]
    assert len({one.id for one in made}) == 7


async def test_two_at_once_with_one_key_make_one_job(jobs: JobHouse):
    made = await asyncio.gather(*(jobs.queued(idempotency_key="one") for _ in range(6)))
    assert len({one.id for one in made}) == 1
    assert await jobs.told(made[0].id) == [("queued", 0, None)]


# --- cancel and requeue


async def test_cancelled_while_queued_it_ends_and_is_not_claimed(jobs: JobHouse):
    job = await jobs.queued()
    cancelled = await jobs.cancel(job.id)
    assert cancelled.state is JobState.CANCELLED
    assert cancelled.finished_at is not None
    assert await jobs.ledger.claim(message(job), worker="w", lease=MINUTE) is None
    assert await jobs.ledger.get(job.id) == cancelled


async def test_cancel_of_a_running_job_asks_once_and_the_worker_hears_of_it(jobs: JobHouse):
    job, lease = await jobs.running()
    assert await jobs.ledger.beat(lease, length=MINUTE, progress=None) is False
    asked = await jobs.cancel(job.id)
    assert asked.state is JobState.RUNNING
    assert asked.cancel_requested_at is not None
    await jobs.passes(MINUTE / 2)
    assert (await jobs.cancel(job.id)).cancel_requested_at == asked.cancel_requested_at
    assert await jobs.ledger.beat(lease, length=MINUTE, progress=None) is True
    assert len(await jobs.told(job.id)) == 2


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.DEAD])
async def test_ended_job_can_not_be_cancelled(jobs: JobHouse, state: JobState):
    job = await jobs.ended(Settlement(state=state, failure=FAILED.failure))
    with pytest.raises(IllegalTransition):
        await jobs.cancel(job.id)
    assert await jobs.ledger.get(job.id) == job


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.DEAD])
async def test_requeued_job_has_all_its_attempts_and_nothing_of_its_end(jobs: JobHouse, state: JobState):
    _, lease = await jobs.running(max_attempts=1)
    await jobs.cancel(lease.job)
    ended = await jobs.ledger.settle(lease, Settlement(state=state, failure=FAILED.failure))
    job = await jobs.requeue(ended.id)
    assert (job.state, job.attempts, job.delivery) == (JobState.QUEUED, 0, ended.delivery + 1)
    assert (job.finished_at, job.failure, job.cancel_requested_at, job.result) == (None, None, None, None)
    assert await jobs.ledger.claim(message(ended), worker="w", lease=MINUTE) is None
    again, lease = await jobs.claimed(job)
    assert again.attempts == 1
    assert (await jobs.ledger.settle(lease, DONE)).state is JobState.SUCCEEDED


async def test_only_failed_and_dead_jobs_are_requeued(jobs: JobHouse):
    running, _ = await jobs.running()
    done, queued = await jobs.ended(DONE), await jobs.queued()
    cancelled = await jobs.cancel((await jobs.queued()).id)
    for one in (queued, running, done, cancelled):
        with pytest.raises(IllegalTransition):
            await jobs.requeue(one.id)
        assert await jobs.ledger.get(one.id) == one


# --- settling in the transaction of the effects


async def test_effects_and_success_become_durable_together(jobs: JobHouse):
    job, lease = await jobs.running()
    async with jobs.uow() as tx:
        child = await tx.jobs.add(a_draft(parent=job.id))
        done = await tx.jobs.settle(lease, DONE)
        await tx.commit()
    assert (done.state, done.result) == (JobState.SUCCEEDED, {"rows": 3})
    assert await jobs.ledger.get(job.id) == done
    assert (await jobs.ledger.get(child.id)).parent == job.id


async def test_effects_of_an_attempt_that_lost_its_lease_do_not_happen(jobs: JobHouse):
    job, lease = await jobs.running()
    stale = Lease(job=job.id, token=lease.token - 1)
    made = a_draft()

    async def run() -> None:
        async with jobs.uow() as tx:
            await tx.jobs.add(made)
            await tx.jobs.settle(stale, DONE)
            await tx.commit()

    with pytest.raises(LeaseLost):
        await run()
    with pytest.raises(UnknownJob):
        await jobs.ledger.get(made.id)
    assert (await jobs.ledger.get(job.id)).state is JobState.RUNNING


async def test_settled_without_commit_it_still_runs(jobs: JobHouse):
    job, lease = await jobs.running()
    async with jobs.uow() as tx:
        await tx.jobs.settle(lease, AGAIN)
    assert await jobs.ledger.get(job.id) == job
    assert await jobs.ledger.beat(lease, length=timedelta(minutes=2), progress=None) is False


async def test_attempt_can_not_end_as_running(jobs: JobHouse):
    _, lease = await jobs.running()
    async with jobs.uow() as tx:
        with pytest.raises(IllegalTransition):
            await tx.jobs.settle(lease, Settlement(state=JobState.RUNNING))
