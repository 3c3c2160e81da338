"""ComputePool: what every implementation must do."""

import asyncio
import os
import signal
import sys
import time

import numpy as np
import psutil
import pytest
from tests.fakes.compute_pool import FakeComputePool, FakeModelPool

from waardhaven.adapters.outbound.compute_pool.pools import (
    ComputeSettings,
    ModelSettings,
    ProcessComputePool,
    ProcessModelPool,
    ThreadComputePool,
)
from waardhaven.application.ports.compute_pool import (
    ComputeBusy,
    ComputeLost,
    ComputeOutOfMemory,
    ComputePool,
    ComputeTimedOut,
    ModelPool,
)
from waardhaven.domain.errors import FieldError, Invalid

SMALL = ComputeSettings(processes=1, memory=256 << 20, seconds=20.0)
POOLS = {
    "fake": FakeComputePool,
    "thread": ThreadComputePool,
    "process": lambda: ProcessComputePool(SMALL),
    "fake models": FakeModelPool,
    "models": lambda: ProcessModelPool(ModelSettings(processes=1, memory=256 << 20, seconds=20.0, waiting=2)),
}


def a_sum(one: np.ndarray, other: float) -> np.ndarray:
    return one @ one + np.exp(other)


def refuse() -> None:
    raise Invalid("It is wrong.", context={"n": 1}, errors=[FieldError(field="a", rule="b")])


def fall_over() -> None:
    raise ZeroDivisionError("division")


def take_no_memory() -> None:
    raise MemoryError("none left")


def take_memory() -> float:
    return float(np.ones(1 << 30, dtype=np.float64).sum())


def sleep_long() -> None:
    time.sleep(30)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    raise SystemExit(3)


def chatter() -> str:
    sys.stdout.write("a line that must not disturb anything\n")
    sys.stdout.flush()
    return "said"


def who() -> tuple[int, int]:
    return os.getpid(), os.nice(0)


@pytest.fixture(params=list(POOLS))
async def pool(request: pytest.FixtureRequest) -> ComputePool:
    return POOLS[request.param]()


async def test_pool_returns_the_very_bits_that_the_function_returns_here(pool: ComputePool):
    values = np.random.default_rng(5).normal(size=(40, 40))
    there = await pool.run(a_sum, values, 0.1)
    assert there.tobytes() == a_sum(values, 0.1).tobytes()


async def test_pool_raises_what_the_function_raises_with_all_it_says(pool: ComputePool):
    with pytest.raises(Invalid) as caught:
        await pool.run(refuse)
    assert caught.value.message == "It is wrong."
    assert caught.value.context == {"n": 1}
    assert caught.value.errors == (FieldError(field="a", rule="b"),)
    with pytest.raises(ZeroDivisionError, match="division"):
        await pool.run(fall_over)


async def test_function_without_memory_is_told_apart(pool: ComputePool):
    with pytest.raises(ComputeOutOfMemory):
        await pool.run(take_no_memory)


async def test_loop_runs_on_while_a_pool_computes(pool: ComputePool):
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    beating = asyncio.create_task(beat())
    await pool.run(a_sum, np.ones((300, 300)), 1.0)
    beating.cancel()
    assert beats > 0


async def test_process_may_not_take_more_memory_than_it_is_given_and_goes_on_afterwards():
    pool = ProcessComputePool(SMALL)
    first, nice = await pool.run(who)
    assert first != os.getpid()
    assert nice > os.nice(0)
    with pytest.raises(ComputeOutOfMemory):
        await pool.run(take_memory)
    assert (await pool.run(who))[0] == first


async def test_process_that_takes_too_long_is_killed_and_replaced():
    pool = ProcessComputePool(ComputeSettings(processes=1, seconds=20.0))
    slow, _ = await pool.run(who)
    hasty = ProcessComputePool(ComputeSettings(processes=1, seconds=0.3))
    with pytest.raises(ComputeTimedOut):
        await hasty.run(sleep_long)
    assert not psutil.pid_exists(slow)
    assert (await pool.run(who))[0] != slow


async def test_process_that_dies_is_told_as_lost_and_replaced():
    pool = ProcessComputePool(SMALL)
    with pytest.raises(ComputeLost):
        await pool.run(die)
    assert await pool.run(chatter) == "said"


async def test_function_that_wants_to_end_its_process_ends_neither():
    pool = ProcessComputePool(SMALL)
    before, _ = await pool.run(who)
    with pytest.raises(RuntimeError, match="SystemExit"):
        await pool.run(leave)
    assert (await pool.run(who))[0] == before


async def test_cancelling_the_caller_ends_the_computation():
    pool = ProcessComputePool(SMALL)
    process, _ = await pool.run(who)
    computing = asyncio.create_task(pool.run(sleep_long))
    async with asyncio.timeout(10):
        while psutil.Process(process).status() == psutil.STATUS_RUNNING or pool._slots.locked() is False:
            await asyncio.sleep(0.01)
    computing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await computing
    assert not psutil.pid_exists(process)


async def test_waiting_for_a_free_process_does_not_count_as_computing():
    pool = ProcessComputePool(ComputeSettings(processes=1, seconds=5.0))
    await pool.run(who)
    pids = await asyncio.gather(*(pool.run(who) for _ in range(5)))
    assert len(set(pids)) == 1


async def test_a_pool_of_models_refuses_at_once_what_would_be_one_too_many_to_wait():
    pool: ModelPool = ProcessModelPool(ModelSettings(processes=1, seconds=30.0, waiting=2))
    await pool.run(who)
    running = [asyncio.create_task(pool.run(who)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(ComputeBusy):
        await pool.run(who)
    assert len(await asyncio.gather(*running)) == 3
    assert await pool.run(who)


async def test_a_caller_that_stops_waiting_makes_room():
    pool: ModelPool = ProcessModelPool(ModelSettings(processes=1, seconds=30.0, waiting=1))
    computing = asyncio.create_task(pool.run(sleep_long))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(pool.run(who))
    await asyncio.sleep(0)
    with pytest.raises(ComputeBusy):
        await pool.run(who)
    for one in (waiting, computing):
        one.cancel()
    await asyncio.gather(waiting, computing, return_exceptions=True)
    assert await pool.run(who)
