"""What a running job tells and keeps."""

import asyncio
import hashlib
from typing import Any

import pytest
from tests.unit.application.jobs.workshop import Workshop, until

from waardhaven.application.jobs.attempt import MOST_FILES, SPACING
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.domain.errors import Invalid
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.jobs.job import JobState, Progress


def telling(*steps: int) -> Any:
    async def work(by: Principal, params: Any, run: JobRun) -> Outcome:
        for one in steps:
            run.progress("counting", one, 100)
            await asyncio.sleep(0)
        return Outcome(result={})

    return work


def keeping(*names: str, after: Exception | None = None) -> Any:
    async def work(by: Principal, params: Any, run: JobRun) -> Outcome:
        for one in names:
            await run.keep(one, "text/plain", one.encode())
        if after is not None:
            raise after
        return Outcome(result={})

    return work


async def test_first_and_last_progress_are_told_whatever_is_left_out_between():
    shop = Workshop(telling(*range(1, 101)))
    job = await shop.done()
    done = [one.progress.done for one in shop.stream.updates]
    assert (done[0], done[-1]) == (1, 100)
    assert len(done) < 10
    assert job.progress == Progress(stage="counting", done=100, total=100)
    assert {(one.job, one.type, one.owner) for one in shop.stream.updates} == {(job.id, "count", None)}


async def test_progress_told_now_and_then_is_told_with_a_distance():
    instants: list[float] = []

    async def work(by: Principal, params: Any, run: JobRun) -> Outcome:
        for one in range(3):
            run.progress("counting", one)
            await until(lambda one=one: len(shop.stream.updates) > one)
            instants.append(asyncio.get_running_loop().time())
        return Outcome(result={})

    shop = Workshop(work)
    await shop.done()
    assert [one.progress.done for one in shop.stream.updates] == [0, 1, 2]
    assert instants[2] - instants[1] > SPACING * 0.7


async def test_job_succeeds_although_nobody_hears_its_progress():
    shop = Workshop(telling(1, 2))
    shop.stream.failing = True
    job = await shop.done()
    assert job.state is JobState.SUCCEEDED
    assert job.progress.done == 2


async def test_texts_and_numbers_of_progress_are_cut_to_what_a_job_can_hold():
    async def work(by: Principal, params: Any, run: JobRun) -> Outcome:
        run.progress("s" * 100, -1, -2, "m" * 1000)
        return Outcome(result={})

    shop = Workshop(work)
    await shop.done()
    told = shop.stream.updates[-1].progress
    assert (len(told.stage), told.done, told.total, len(told.message)) == (60, 0, 0, 300)


async def test_files_are_kept_with_a_job_that_succeeds():
    shop = Workshop(keeping("a.csv", "b.csv"))
    job = await shop.done()
    assert [one.name for one in job.artifacts] == ["a.csv", "b.csv"]
    first = job.artifacts[0]
    assert first.key == f"jobs/{job.id}/1/a.csv"
    assert (first.size, first.media_type) == (5, "text/plain")
    assert first.digest == hashlib.sha256(b"a.csv").hexdigest()
    assert shop.shelf.files[first.key] == b"a.csv"


async def test_files_of_an_attempt_that_fails_are_removed():
    shop = Workshop(keeping("a.csv", after=Invalid("No.")))
    job = await shop.done()
    assert job.artifacts == ()
    assert shop.shelf.files == {}


@pytest.mark.parametrize("name", ["", "A.csv", "../a", ".hidden", "a/b", "a" * 101, "a\n"])
async def test_file_with_a_name_that_is_not_plain_is_refused(name: str):
    shop = Workshop(keeping(name))
    job = await shop.done()
    assert job.failure is not None
    assert job.failure.code == "invalid_artifact"
    assert shop.shelf.files == {}


async def test_job_keeps_a_bounded_number_of_files_and_may_replace_each():
    names = [f"f{n}" for n in range(MOST_FILES)]
    job = await Workshop(keeping(*names, "f0")).done()
    assert len(job.artifacts) == MOST_FILES
    job = await Workshop(keeping(*names, "one-more")).done()
    assert job.failure is not None
    assert job.failure.code == "invalid_artifact"


async def test_job_whose_file_can_not_be_kept_is_tried_again():
    shop = Workshop(keeping("a.csv"))
    shop.shelf.failing = True
    job = await shop.done()
    assert job.failure is not None
    assert (job.state, job.failure.code) == (JobState.QUEUED, "files_unavailable")
