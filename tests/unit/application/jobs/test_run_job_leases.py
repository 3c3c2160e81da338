"""RunJob: heart-beats, cancelling, lost leases, a ledger that is away, workers that stop."""

import asyncio
from typing import Any

import pytest
from tests.unit.application.jobs.workshop import Workshop, until

from waardhaven.application.jobs.hold import Ending
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.jobs.job import Job, JobState
from waardhaven.domain.types import JobId


class Door:
    """Work that waits to be let through, and tells whether it was cut off."""

    def __init__(self) -> None:
        self.inside, self.open, self.cut_off = asyncio.Event(), asyncio.Event(), False

    async def __call__(self, by: Principal, params: Any, run: JobRun) -> Outcome:
        self.inside.set()
        run.progress("waiting", 1, 2)
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cut_off = True
            raise
        return Outcome(result={"through": True})


async def begun(shop: Workshop, door: Door) -> tuple["asyncio.Task[Job | None]", JobId]:
    delivery = await shop.submit()
    running = asyncio.create_task(shop.run(delivery))
    async with asyncio.timeout(5):
        await door.inside.wait()
    return running, delivery.job


def the_job(shop: Workshop, job: JobId) -> Job:
    return shop.uow.jobs.rows[job].job


async def test_heart_beats_extend_the_lease_and_keep_progress():
    door = Door()
    shop = Workshop(door, lease=0.06)
    running, job = await begun(shop, door)
    shop.uow.clock.advance(shop.run_job.rules.lease / 2)
    before = shop.uow.jobs.rows[job].lease_until
    await until(lambda: shop.uow.jobs.rows[job].lease_until != before)
    assert the_job(shop, job).progress.stage == "waiting"
    door.open.set()
    assert (await running).state is JobState.SUCCEEDED


async def test_cancelling_ends_the_work_at_once_when_nudged():
    door = Door()
    shop = Workshop(door, lease=30)
    running, job = await begun(shop, door)
    await shop.uow.jobs.cancel(job)
    shop.holds[0].nudge()
    async with asyncio.timeout(2):
        settled = await running
    assert door.cut_off
    assert settled.state is JobState.CANCELLED
    assert settled.result is None


async def test_cancelling_is_noticed_by_the_next_beat_without_a_nudge():
    door = Door()
    shop = Workshop(door, lease=0.06)
    running, job = await begun(shop, door)
    await shop.uow.jobs.cancel(job)
    assert (await running).state is JobState.CANCELLED


async def test_job_that_is_done_before_it_hears_of_the_cancelling_succeeds():
    door = Door()
    shop = Workshop(door, lease=30)
    running, job = await begun(shop, door)
    await shop.uow.jobs.cancel(job)
    door.open.set()
    assert (await running).state is JobState.SUCCEEDED


async def test_work_ends_and_writes_nothing_when_the_job_was_taken_away():
    door = Door()
    shop = Workshop(door, lease=0.06)
    running, job = await begun(shop, door)
    taken = shop.uow.jobs.reclaim(job)
    assert await running is None
    assert door.cut_off
    assert the_job(shop, job) == taken
    assert shop.holds[0].ending is Ending.LOST


async def test_work_ends_and_writes_nothing_when_beats_fail_as_long_as_the_lease_lasts():
    door = Door()
    shop = Workshop(door, lease=0.06)
    running, job = await begun(shop, door)
    shop.ledger.failing = True
    assert await running is None
    assert door.cut_off
    assert the_job(shop, job).state is JobState.RUNNING


async def test_work_goes_on_over_a_short_outage_of_the_ledger():
    door = Door()
    shop = Workshop(door, lease=0.6)
    running, _ = await begun(shop, door)
    shop.ledger.failing = True
    shop.holds[0].nudge()
    await asyncio.sleep(0)
    shop.ledger.failing = False
    door.open.set()
    assert (await running).state is JobState.SUCCEEDED


async def test_end_of_the_attempt_is_written_again_until_the_ledger_takes_it():
    door = Door()
    shop = Workshop(door, lease=5)
    running, job = await begun(shop, door)
    shop.ledger.failing = True
    door.open.set()
    done, _ = await asyncio.wait({running}, timeout=0.15)
    assert not done
    shop.ledger.failing = False
    assert (await running).state is JobState.SUCCEEDED
    assert the_job(shop, job).result == {"through": True}


async def test_attempt_whose_end_can_not_be_written_in_time_is_given_up():
    door = Door()
    shop = Workshop(door, lease=0.1)
    running, job = await begun(shop, door)
    shop.ledger.failing = True
    door.open.set()
    async with asyncio.timeout(5):
        assert await running is None
    assert the_job(shop, job).state is JobState.RUNNING


async def test_job_that_can_not_be_claimed_says_so():
    shop = Workshop(Door())
    delivery = await shop.submit()
    shop.ledger.failing = True
    with pytest.raises(Unavailable):
        await shop.run(delivery)
    assert shop.holds == []


@pytest.mark.parametrize("stop", ["asked", "cancelled"])
async def test_stopping_worker_puts_its_job_back_without_counting_the_attempt(stop: str):
    door = Door()
    shop = Workshop(door)
    running, job = await begun(shop, door)
    if stop == "asked":
        shop.holds[0].end(Ending.STOPPED)
        assert (await running).state is JobState.QUEUED
    else:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    found = the_job(shop, job)
    assert (found.state, found.attempts, found.delivery, found.failure) == (JobState.QUEUED, 0, 2, None)
    (message,) = shop.queue.waiting.values()
    assert message.number == 2
    assert not message.after


async def test_worker_that_stops_while_a_job_begins_puts_it_back():
    class Closing(Workshop):
        def begun(self, job: Job, hold: Any) -> None:
            hold.end(Ending.STOPPED)

    door = Door()
    shop = Closing(door)
    async with asyncio.timeout(5):
        job = await shop.done()
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)
    assert not door.open.is_set()


async def test_error_of_work_that_is_being_ended_does_not_hide_why():
    inside = asyncio.Event()

    async def stubborn(*_: Any) -> Outcome:
        inside.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RuntimeError("I will not.") from None
        raise AssertionError

    shop = Workshop(stubborn, lease=30)
    delivery = await shop.submit()
    running = asyncio.create_task(shop.run(delivery))
    await inside.wait()
    await shop.uow.jobs.cancel(delivery.job)
    shop.holds[0].nudge()
    assert (await running).state is JobState.CANCELLED
    assert shop.broken == []
