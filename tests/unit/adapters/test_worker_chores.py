"""Chores go on whatever happens to them, and say what is wrong once."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from waardhaven.adapters.inbound.worker.chores import Chore
from waardhaven.domain.errors import Unavailable


class Away(Unavailable):
    """Something is out of reach."""


class Gone(Unavailable):
    """Something else is."""


def acting(*ends: object) -> Callable[[], Awaitable[object]]:
    left = list(ends)

    async def work() -> object:
        end = left.pop(0)
        if isinstance(end, Exception):
            raise end
        return end

    return work


def a_chore(*ends: object, timeout: float = 5.0) -> Chore:
    return Chore(name="a_chore", work=acting(*ends), every=0.01, timeout=timeout)


async def logged(chore: Chore, times: int) -> list[tuple[str, str]]:
    with capture_logs() as logs:
        for _ in range(times):
            await chore.once()
    return [(one["log_level"], one["event"]) for one in logs]


async def test_chore_that_did_nothing_says_nothing_and_one_that_did_says_what():
    with capture_logs() as logs:
        chore = a_chore(0, None, 3)
        for _ in range(3):
            await chore.once()
    assert [(one["event"], one["result"]) for one in logs] == [("chore done", "3")]


async def test_outage_is_told_when_it_begins_and_when_it_is_over():
    told = await logged(a_chore(Away("x"), Away("x"), Away("x"), None, None), 5)
    assert told == [("warning", "chore could not run now"), ("info", "chore runs again")]


async def test_another_trouble_is_told_again():
    assert len(await logged(a_chore(Away("x"), Gone("y"), Gone("y")), 3)) == 2


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyError("y")])
async def test_error_nobody_expected_is_told_in_full_and_the_chore_goes_on(error: Exception):
    with capture_logs() as logs:
        chore = a_chore(error, error, None)
        for _ in range(3):
            await chore.once()
    assert [one["event"] for one in logs] == ["chore failed", "chore runs again"]
    assert logs[0]["exc_info"] is error


async def test_chore_that_takes_too_long_is_cut_off():
    async def forever() -> None:
        await asyncio.Event().wait()

    chore = Chore(name="slow", work=forever, every=1.0, timeout=0.01)
    assert await logged(chore, 2) == [("warning", "chore took too long")]


async def test_chore_runs_again_and_again_each_time_under_an_id_of_its_own():
    seen: list[object] = []
    enough = asyncio.Event()

    async def note() -> None:
        seen.append(get_contextvars()["correlation_id"])
        if len(seen) == 3:
            enough.set()
        raise Away("x")

    running = asyncio.create_task(Chore(name="n", work=note, every=0.0, timeout=5.0).run())
    async with asyncio.timeout(5):
        await enough.wait()
    running.cancel()
    assert len(set(seen)) == 3
