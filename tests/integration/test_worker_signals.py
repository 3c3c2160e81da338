"""The worker as a process of its own: signals in order, twice, and the one nobody survives."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.conftest import SECRET
from tests.integration.worker_tools import Plant, plant

from waardhaven.domain.jobs.job import JobState

FAST = {"JOB_LEASE_SECONDS": "1", "JOB_GRACE_SECONDS": "0.3"}


@asynccontextmanager
async def child(one: Plant, **changes: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a worker process; whatever happens, it is gone afterwards."""
    settings = one.settings
    environment = {
        **os.environ,
        **FAST,
        "DATABASE_URL": settings.database_url or "",
        "REDIS_URL": settings.redis_url or "",
        "SECRET_KEY": SECRET,
        "DATA_DIR": str(settings.data_dir),
        **changes,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.worker_child",
        env=environment,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ended(process: asyncio.subprocess.Process, within: float) -> tuple[int, float]:
    """Return the exit code, and the seconds it took."""
    began = time.monotonic()
    async with asyncio.timeout(within):
        code = await process.wait()
    return code, time.monotonic() - began


@pytest.fixture
async def one(database_url: str, valkey_url: str, tmp_path: Path) -> AsyncIterator[Plant]:
    async with plant(database_url, valkey_url, data_dir=tmp_path) as found:
        yield found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_idle_worker_ends_soon_after_a_signal(one: Plant, number: signal.Signals):
    async with child(one) as process:
        quick = await one.submit()
        await one.until(quick.job, JobState.SUCCEEDED)
        process.send_signal(number)
        code, seconds = await ended(process, 10)
        assert code == 0
        assert seconds < 5


async def test_worker_told_to_stop_puts_a_long_job_back_and_another_goes_on_with_it(one: Plant):
    async with child(one, WORKER_DRAIN_SECONDS="0.3") as process:
        long = await one.submit("stepping", steps=100, milliseconds=50)
        await one.until(long.job, JobState.RUNNING)
        process.terminate()
        code, seconds = await ended(process, 15)
        assert (code, (await one.ledger.get(long.job)).state) == (0, JobState.QUEUED)
        assert seconds < 8
    await one.start()
    assert (await one.until(long.job, JobState.SUCCEEDED, seconds=30)).attempts == 1


async def test_second_signal_ends_the_worker_at_once_and_its_job_is_taken_back(one: Plant):
    async with child(one, WORKER_DRAIN_SECONDS="60") as process:
        long = await one.submit("stepping", steps=40, milliseconds=50)
        await one.until(long.job, JobState.RUNNING)
        process.terminate()
        await asyncio.sleep(0.2)
        process.terminate()
        code, seconds = await ended(process, 15)
        assert code == 0
        assert seconds < 6
        assert (await one.ledger.get(long.job)).state is JobState.RUNNING
    await one.start()
    assert (await one.until(long.job, JobState.SUCCEEDED, seconds=30)).attempts == 2


async def test_job_of_a_killed_worker_is_done_by_another_within_a_lease_and_a_moment(one: Plant):
    async with child(one) as process:
        long = await one.submit("stepping", steps=40, milliseconds=50)
        await one.until(long.job, JobState.RUNNING)
        process.kill()
        await process.wait()
    await one.start()
    began = time.monotonic()
    async with asyncio.timeout(15):
        while (await one.ledger.get(long.job)).attempts < 2:
            await asyncio.sleep(0.02)
    assert time.monotonic() - began < 5
    assert (await one.until(long.job, JobState.SUCCEEDED, seconds=30)).attempts == 2
