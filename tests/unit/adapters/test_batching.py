"""Batcher: who comes while a batch is under way forms the next one, and nobody spoils it for others."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from waardhaven.adapters.outbound.postgres.batching import Batcher, BatcherClosed
from waardhaven.domain.errors import Invalid, Unavailable


@dataclass
class Doubling:
    """Doubles numbers once ``gate`` is open; fails for what it is told to."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    batches: list[list[int]] = field(default_factory=list)
    bad: dict[int, Exception] = field(default_factory=dict)

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        self.begun.set()
        await self.gate.wait()
        for one in items:
            if one in self.bad:
                raise self.bad[one]
        return [2 * one for one in items]


@pytest.fixture
async def doubling() -> Doubling:
    return Doubling()


async def asked(batcher: Batcher[int, int], *items: int) -> list[asyncio.Task[int]]:
    """Ask for each item, and return when every one of them waits."""
    tasks = [asyncio.create_task(batcher.ask(one)) for one in items]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def under_way(batcher: Batcher[int, int], doubling: Doubling) -> asyncio.Task[int]:
    """Ask for 1 and return when its batch has begun."""
    (first,) = await asked(batcher, 1)
    await doubling.begun.wait()
    return first


async def test_first_runs_at_once_and_those_who_come_meanwhile_run_together(doubling: Doubling):
    batcher = Batcher(doubling)
    first = await under_way(batcher, doubling)
    rest = await asked(batcher, 2, 3, 4)
    assert doubling.batches == [[1]]
    doubling.gate.set()
    assert await asyncio.gather(first, *rest) == [2, 4, 6, 8]
    assert doubling.batches == [[1], [2, 3, 4]]
    assert await batcher.ask(5) == 10


async def test_batches_are_bounded(doubling: Doubling):
    batcher = Batcher(doubling, most=2)
    first = await under_way(batcher, doubling)
    rest = await asked(batcher, 2, 3, 4, 5, 6)
    doubling.gate.set()
    await asyncio.gather(first, *rest)
    assert doubling.batches == [[1], [2, 3], [4, 5], [6]]


async def test_caller_that_goes_away_while_it_waits_is_left_out(doubling: Doubling):
    batcher = Batcher(doubling)
    first = await under_way(batcher, doubling)
    second, third = await asked(batcher, 2, 3)
    second.cancel()
    doubling.gate.set()
    assert await asyncio.gather(first, third) == [2, 6]
    assert doubling.batches == [[1], [3]]
    with pytest.raises(asyncio.CancelledError):
        await second


async def test_caller_that_goes_away_while_its_batch_runs_takes_nobody_along(doubling: Doubling):
    batcher = Batcher(doubling)
    first, second = await asked(batcher, 1, 2)
    first.cancel()
    await asyncio.wait([first])
    doubling.gate.set()
    assert await second == 4
    assert doubling.batches == [[1, 2]]
    assert first.cancelled()


async def test_one_bad_item_costs_nobody_else_the_answer(doubling: Doubling):
    batcher = Batcher(doubling)
    doubling.bad[2] = Invalid("two is bad")
    doubling.gate.set()
    tasks = await asked(batcher, 1, 2, 3)
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert found == [2, doubling.bad[2], 6]
    assert doubling.batches == [[1, 2, 3], [1], [2], [3]]


async def test_everybody_is_told_that_the_database_is_away_and_it_is_not_asked_again(doubling: Doubling):
    batcher = Batcher(doubling)
    doubling.bad[2] = Unavailable("away")
    doubling.gate.set()
    tasks = await asked(batcher, 1, 2, 3)
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(one) for one in found] == ["away"] * 3
    assert doubling.batches == [[1, 2, 3]]
    doubling.bad.clear()
    assert await batcher.ask(4) == 8


async def test_close_answers_those_who_asked_and_refuses_others(doubling: Doubling):
    batcher = Batcher(doubling)
    first = await under_way(batcher, doubling)
    (second,) = await asked(batcher, 2)
    closing = asyncio.create_task(batcher.close())
    await asyncio.sleep(0)
    with pytest.raises(BatcherClosed):
        await batcher.ask(3)
    doubling.gate.set()
    await closing
    assert [first.result(), second.result()] == [2, 4]
    await batcher.close()


async def test_close_of_one_that_was_never_asked_returns(doubling: Doubling):
    await Batcher(doubling).close()
    assert doubling.batches == []


async def test_nobody_waits_for_ever_when_the_work_itself_is_ended(doubling: Doubling):
    batcher = Batcher(doubling)
    first = await under_way(batcher, doubling)
    (second,) = await asked(batcher, 2)
    (work,) = [one for one in asyncio.all_tasks() if one.get_name() == "batches"]
    work.cancel()
    for one in (first, second):
        with pytest.raises(BatcherClosed):
            await one
    doubling.gate.set()
    assert await batcher.ask(3) == 6
