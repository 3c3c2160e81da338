"""JobLedger: what every implementation must do."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from tests.contract.jobs import AGAIN, DONE, FAILED, FAILURE, MINUTE, JobHouse, analyst, message

from waardhaven.application.ports.jobs import JobFilter, JobLedger, Lease, LeaseLost, Settlement
from waardhaven.domain.identity.roles import OPERATOR, Permission, Principal, Role
from waardhaven.domain.jobs.job import (
    Artifact,
    IllegalTransition,
    JobFailure,
    JobState,
    Progress,
    Queue,
    UnknownJob,
)

TOLD = Progress(stage="reading", done=3, total=10, message="prices")
FILES = tuple(
    Artifact(name=name, media_type="text/csv", size=size, digest="0f" * 32, key=f"jobs/{name}")
    for name, size in (("b.csv", 7), ("a.csv", 0))
)


# --- claim


async def test_claim_begins_an_attempt_once(jobs: JobHouse):
    ledger: JobLedger = jobs.ledger
    queued = await jobs.queued()
    found = await ledger.claim(message(queued), worker="one", lease=MINUTE)
    assert found is not None
    job, lease = found
    assert (job.state, job.attempts, job.worker, lease.job) == (JobState.RUNNING, 1, "one", job.id)
    assert job.started_at is not None
    assert job.started_at >= queued.due_at
    assert await ledger.claim(message(queued), worker="two", lease=MINUTE) is None
    assert await ledger.get(job.id) == job


async def test_message_with_another_number_or_about_nothing_is_stale(jobs: JobHouse):
    queued = await jobs.queued()
    for number in (0, 2):
        assert await jobs.ledger.claim(message(queued, number=number), worker="w", lease=MINUTE) is None
    assert await jobs.ledger.claim(message(queued, job=uuid4()), worker="w", lease=MINUTE) is None
    assert await jobs.ledger.get(queued.id) == queued


async def test_of_many_who_claim_one_job_exactly_one_gets_it(jobs: JobHouse):
    queued = [await jobs.queued() for _ in range(3)]
    asked = [
        jobs.ledger.claim(message(job), worker=f"w{n}", lease=MINUTE) for n in range(8) for job in queued
    ]
    found = [one for one in await asyncio.gather(*asked) if one is not None]
    assert sorted(job.id for job, _ in found) == sorted(one.id for one in queued)
    for job in queued:
        assert (await jobs.ledger.get(job.id)).attempts == 1


async def test_next_attempt_begins_without_progress_and_failure_of_the_last(jobs: JobHouse):
    first, lease = await jobs.running()
    await jobs.ledger.beat(lease, length=MINUTE, progress=TOLD)
    queued = await jobs.ledger.settle(lease, AGAIN)
    assert (queued.progress, queued.failure) == (TOLD, FAILURE)
    again, newer = await jobs.claimed(queued)
    assert (again.attempts, again.progress, again.failure) == (2, Progress(), None)
    assert again.started_at == first.started_at
    assert newer.token > lease.token


# --- beat


async def test_beat_keeps_progress_and_nothing_told_changes_nothing(jobs: JobHouse):
    job, lease = await jobs.running()
    assert await jobs.ledger.beat(lease, length=MINUTE, progress=TOLD) is False
    assert await jobs.ledger.beat(lease, length=MINUTE, progress=None) is False
    assert (await jobs.ledger.get(job.id)).progress == TOLD
    assert len(await jobs.told(job.id)) == 2


async def test_progress_is_cut_to_what_is_kept(jobs: JobHouse):
    job, lease = await jobs.running()
    told = Progress(stage="s" * 99, done=-1, total=-1, message="m" * 999)
    await jobs.ledger.beat(lease, length=MINUTE, progress=told)
    kept = Progress(stage="s" * 60, done=0, total=0, message="m" * 300)
    assert (await jobs.ledger.get(job.id)).progress == kept


async def test_beat_extends_the_lease(jobs: JobHouse):
    job, lease = await jobs.running()
    await jobs.passes(MINUTE / 2)
    await jobs.ledger.beat(lease, length=2 * MINUTE, progress=None)
    await jobs.passes(MINUTE)
    assert await jobs.ledger.reclaim(limit=10) == []
    await jobs.passes(2 * MINUTE)
    assert [one.id for one in await jobs.ledger.reclaim(limit=10)] == [job.id]


async def test_lease_that_ran_out_is_held_until_somebody_takes_the_job(jobs: JobHouse):
    _, lease = await jobs.running()
    await jobs.passes(2 * MINUTE)
    assert await jobs.ledger.beat(lease, length=MINUTE, progress=None) is False
    await jobs.passes(2 * MINUTE)
    assert (await jobs.ledger.settle(lease, DONE)).state is JobState.SUCCEEDED


# --- settle


async def test_success_keeps_result_and_files_and_how_far_it_was(jobs: JobHouse):
    job, lease = await jobs.running()
    await jobs.ledger.beat(lease, length=MINUTE, progress=TOLD)
    result = {"rows": 3, "nested": {"list": [1.5, None, "é"]}}
    ended = await jobs.ledger.settle(
        lease, Settlement(state=JobState.SUCCEEDED, result=result, artifacts=FILES)
    )
    assert (ended.state, ended.result, ended.progress) == (JobState.SUCCEEDED, result, TOLD)
    assert [one.name for one in ended.artifacts] == ["a.csv", "b.csv"]
    assert ended.finished_at is not None
    assert ended.finished_at >= job.created_at
    assert await jobs.ledger.get(job.id) == ended


async def test_success_without_a_result_has_an_empty_one(jobs: JobHouse):
    assert (await jobs.ended(Settlement(state=JobState.SUCCEEDED))).result == {}


async def test_files_and_results_of_an_attempt_without_success_are_not_kept(jobs: JobHouse):
    end = Settlement(state=JobState.FAILED, failure=FAILURE, result={"a": 1}, artifacts=FILES)
    job = await jobs.ended(end)
    assert (job.state, job.failure, job.result, job.artifacts) == (JobState.FAILED, FAILURE, None, ())
    assert await jobs.ledger.get(job.id) == job


async def test_message_of_a_failure_is_cut(jobs: JobHouse):
    failure = JobFailure(code="long", message="m" * 3_000)
    job = await jobs.ended(Settlement(state=JobState.FAILED, failure=failure))
    assert job.failure == JobFailure(code="long", message="m" * 2_000)


async def test_another_attempt_is_due_after_its_pause_under_a_new_delivery(jobs: JobHouse):
    job, lease = await jobs.running()
    end = Settlement(state=JobState.QUEUED, failure=FAILURE, pause=10 * MINUTE)
    queued = await jobs.ledger.settle(lease, end)
    assert (queued.state, queued.delivery, queued.attempts) == (JobState.QUEUED, job.delivery + 1, 1)
    assert queued.due_at - job.due_at >= 10 * MINUTE
    assert await jobs.ledger.claim(message(job), worker="w", lease=MINUTE) is None
    assert await jobs.told(job.id) == [("queued", 0, None), ("running", 1, None), ("queued", 1, "no_prices")]


async def test_job_without_attempts_left_is_dead(jobs: JobHouse):
    job = await jobs.queued(max_attempts=2)
    for state in (JobState.QUEUED, JobState.DEAD):
        _, lease = await jobs.claimed(job)
        job = await jobs.ledger.settle(lease, AGAIN)
        assert job.state is state
    assert (job.attempts, job.failure) == (2, FAILURE)
    assert job.finished_at is not None


async def test_attempt_that_does_not_count_is_taken_back(jobs: JobHouse):
    job = await jobs.queued(max_attempts=1)
    for _ in range(3):
        _, lease = await jobs.claimed(job)
        job = await jobs.ledger.settle(lease, Settlement(state=JobState.QUEUED, counts=False))
        assert (job.state, job.attempts, job.failure) == (JobState.QUEUED, 0, None)


async def test_another_attempt_of_a_job_somebody_wants_cancelled_is_not_begun(jobs: JobHouse):
    job, lease = await jobs.running()
    await jobs.cancel(job.id)
    ended = await jobs.ledger.settle(lease, AGAIN)
    assert (ended.state, ended.delivery) == (JobState.CANCELLED, job.delivery)


async def test_success_that_comes_before_the_wish_to_cancel_is_heard_stays_a_success(jobs: JobHouse):
    job, lease = await jobs.running()
    await jobs.cancel(job.id)
    assert (await jobs.ledger.settle(lease, DONE)).state is JobState.SUCCEEDED


async def test_attempt_is_settled_once(jobs: JobHouse):
    _, lease = await jobs.running()
    ends = [jobs.ledger.settle(lease, one) for one in (DONE, FAILED, AGAIN, DONE)]
    found = await asyncio.gather(*ends, return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == ["Job", "LeaseLost", "LeaseLost", "LeaseLost"]
    assert len(await jobs.told(lease.job)) == 3


async def test_older_attempt_can_neither_end_nor_beat(jobs: JobHouse):
    _, old = await jobs.running()
    await jobs.passes(2 * MINUTE)
    (queued,) = await jobs.ledger.reclaim(limit=10)
    await _assert_fenced(jobs, old)
    assert await jobs.ledger.get(old.job) == queued
    taken, _ = await jobs.claimed(queued)
    await _assert_fenced(jobs, old)
    assert await jobs.ledger.get(old.job) == taken


async def _assert_fenced(jobs: JobHouse, lease: Lease) -> None:
    with pytest.raises(LeaseLost):
        await jobs.ledger.settle(lease, DONE)
    with pytest.raises(LeaseLost):
        await jobs.ledger.beat(lease, length=MINUTE, progress=TOLD)


async def test_lease_of_nothing_is_lost(jobs: JobHouse):
    with pytest.raises(LeaseLost):
        await jobs.ledger.settle(Lease(job=uuid4(), token=1), DONE)
    with pytest.raises(LeaseLost):
        await jobs.ledger.beat(Lease(job=uuid4(), token=1), length=MINUTE, progress=None)


async def test_many_attempts_begin_and_end_at_once_each_with_its_own_answer(jobs: JobHouse):
    queued = [await jobs.queued(params={"n": n}) for n in range(30)]
    begun = await asyncio.gather(*(jobs.claimed(one) for one in queued))
    assert [job.id for job, _ in begun] == [one.id for one in queued]

    async def end(place: int, lease: Lease) -> object:
        if place % 3 == 1:
            lease = Lease(job=lease.job, token=lease.token + 1)
        state = JobState.FAILED if place % 3 == 2 else JobState.SUCCEEDED
        try:
            end = Settlement(state=state, result={"n": place}, failure=FAILURE if place % 3 == 2 else None)
            job = await jobs.ledger.settle(lease, end)
        except LeaseLost:
            return None
        return job.params["n"], job.state, job.result and job.result["n"]

    found = await asyncio.gather(*(end(place, lease) for place, (_, lease) in enumerate(begun)))
    assert found == [
        [(n, JobState.SUCCEEDED, n), None, (n, JobState.FAILED, None)][n % 3] for n in range(len(queued))
    ]


async def test_attempt_can_not_end_as_running(jobs: JobHouse):
    job, lease = await jobs.running()
    with pytest.raises(IllegalTransition):
        await jobs.ledger.settle(lease, Settlement(state=JobState.RUNNING))
    assert await jobs.ledger.get(job.id) == job


# --- reclaim


async def test_expired_lease_is_taken_and_the_job_queued_dead_or_cancelled(jobs: JobHouse):
    left, _ = await jobs.running(max_attempts=2)
    spent, _ = await jobs.running(max_attempts=1)
    unwanted, _ = await jobs.running()
    alive, _ = await jobs.claimed(await jobs.queued(), lease=60 * MINUTE)
    await jobs.cancel(unwanted.id)
    assert await jobs.ledger.reclaim(limit=10) == []
    await jobs.passes(2 * MINUTE)
    found = {one.id: one for one in await jobs.ledger.reclaim(limit=10)}
    assert {key: one.state for key, one in found.items()} == {
        left.id: JobState.QUEUED,
        spent.id: JobState.DEAD,
        unwanted.id: JobState.CANCELLED,
    }
    assert found[left.id].delivery == left.delivery + 1
    assert {one.failure and one.failure.code for one in found.values()} == {"worker_lost"}
    for key, one in found.items():
        assert await jobs.ledger.get(key) == one
    assert await jobs.ledger.get(alive.id) == alive
    assert await jobs.ledger.reclaim(limit=10) == []


async def test_several_who_reclaim_take_each_job_once_and_no_more_than_asked(jobs: JobHouse):
    for _ in range(7):
        await jobs.running()
    await jobs.passes(2 * MINUTE)
    assert len(await jobs.ledger.reclaim(limit=2)) == 2
    taken = await asyncio.gather(*(jobs.ledger.reclaim(limit=5) for _ in range(4)))
    assert len({job.id for some in taken for job in some}) == sum(len(some) for some in taken) == 5


# --- messages


async def test_due_jobs_nobody_claimed_are_waiting_longest_first(jobs: JobHouse):
    first = await jobs.queued(queue=Queue.BULK)
    _, lease = await jobs.running()
    await jobs.passes(MINUTE)
    later = await jobs.ledger.settle(
        lease, Settlement(state=JobState.QUEUED, failure=FAILURE, pause=10 * MINUTE)
    )
    second = await jobs.queued()
    await jobs.ended(DONE)
    await jobs.running()
    assert await jobs.ledger.waiting(older_than=MINUTE, limit=9) == [message(first)]
    await jobs.passes(MINUTE)
    assert await jobs.ledger.waiting(older_than=MINUTE, limit=9) == [message(first), message(second)]
    assert await jobs.ledger.waiting(older_than=MINUTE, limit=1) == [message(first)]
    await jobs.passes(10 * MINUTE)
    assert (await jobs.ledger.waiting(older_than=MINUTE, limit=9))[-1] == message(later)


async def test_lost_message_is_replaced_once_and_waits_anew(jobs: JobHouse):
    lost, running = await jobs.queued(), await jobs.queued()
    await jobs.claimed(running)
    await jobs.passes(MINUTE)
    old = [message(lost), message(running), message(lost, job=uuid4())]
    assert await jobs.ledger.redeliver(old) == [message(lost, number=2)]
    assert await jobs.ledger.redeliver(old) == []
    assert await jobs.ledger.redeliver([]) == []
    assert await jobs.ledger.waiting(older_than=MINUTE / 2, limit=9) == []
    assert await jobs.ledger.claim(message(lost), worker="w", lease=MINUTE) is None
    assert await jobs.ledger.claim(message(lost, number=2), worker="w", lease=MINUTE) is not None
    assert await jobs.told(lost.id) == [("queued", 0, None), ("running", 1, None)]


# --- reads


async def test_job_that_is_not_there_is_unknown(jobs: JobHouse):
    with pytest.raises(UnknownJob):
        await jobs.ledger.get(uuid4())


async def test_page_shows_own_jobs_newest_first_and_administrators_everything(jobs: JobHouse):
    ada, grace = await jobs.a_user("ada"), await jobs.a_user("grace")
    hers = [await jobs.queued(owner=ada) for _ in range(3)]
    others = [await jobs.queued(owner=grace), await jobs.queued(owner=None)]
    newest = sorted((one.id for one in (*hers, *others)), reverse=True)
    mine = sorted((one.id for one in hers), reverse=True)
    narrowed = Principal(user=ada, role=Role.ADMIN, scopes=frozenset({Permission.READ_INDICES}))
    nobody = Principal(user=None, role=Role.VIEWER)
    for by, wanted in ((analyst(ada), mine), (OPERATOR, newest), (narrowed, mine), (nobody, [])):
        assert [one.id for one in await jobs.ledger.page(JobFilter(), by=by, limit=9)] == wanted
    other = JobFilter(owner=grace)
    assert await jobs.ledger.page(other, by=analyst(ada), limit=9) == []
    assert [one.id for one in await jobs.ledger.page(other, by=OPERATOR, limit=9)] == [others[0].id]


async def test_page_goes_on_after_its_last_job(jobs: JobHouse):
    made = sorted([(await jobs.queued()).id for _ in range(5)], reverse=True)
    first = await jobs.ledger.page(JobFilter(), by=OPERATOR, limit=2)
    rest = await jobs.ledger.page(JobFilter(), by=OPERATOR, limit=9, before=first[-1].id)
    assert [one.id for one in (*first, *rest)] == made


async def test_page_leaves_results_and_files_out(jobs: JobHouse):
    await jobs.ended(Settlement(state=JobState.SUCCEEDED, result={"a": 1}, artifacts=FILES))
    (one,) = await jobs.ledger.page(JobFilter(), by=OPERATOR, limit=9)
    assert (one.state, one.result, one.artifacts) == (JobState.SUCCEEDED, None, ())


async def test_page_filters_by_each_field_and_by_all_of_them(jobs: JobHouse):
    owner, parent = await jobs.a_user(), await jobs.queued(type="parent")
    wanted = await jobs.ended(FAILED, type="compute", owner=owner, parent=parent.id, queue=Queue.BULK)
    plain = await jobs.queued()
    soon = timedelta(microseconds=1)
    fields: dict[str, object] = {
        "states": {JobState.FAILED, JobState.DEAD},
        "types": ["compute", "cleanup"],
        "owner": owner,
        "parent": parent.id,
        "queue": Queue.BULK,
    }
    instants = {"since": wanted.created_at, "until": wanted.created_at + soon}

    async def found(**filters: object) -> set[object]:
        page = await jobs.ledger.page(JobFilter(**filters), by=OPERATOR, limit=9)
        return {one.id for one in page}

    for name, value in fields.items():
        assert await found(**{name: value}) == {wanted.id}
    assert wanted.id in await found(**instants)
    assert wanted.id not in await found(since=wanted.created_at + soon)
    assert wanted.id not in await found(until=wanted.created_at)
    assert await found(**fields, **instants) == {wanted.id}
    assert await found(states={JobState.QUEUED}) == {plain.id, parent.id}


async def test_counts_tell_what_waits_runs_and_died_in_each_queue(jobs: JobHouse):
    nothing = await jobs.ledger.counts()
    assert set(nothing.values()) == {0}
    for _ in range(2):
        await jobs.queued()
    await jobs.running(queue=Queue.BULK)
    await jobs.ended(AGAIN, max_attempts=1)
    await jobs.ended(DONE)
    counts = await jobs.ledger.counts()
    assert {key: n for key, n in counts.items() if n} == {
        (Queue.INTERACTIVE, JobState.QUEUED): 2,
        (Queue.BULK, JobState.RUNNING): 1,
        (Queue.INTERACTIVE, JobState.DEAD): 1,
    }
    assert len(counts) == 6
