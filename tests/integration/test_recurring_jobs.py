"""Recurring jobs over real servers: once, however many workers ask; by the calendar of the exchange."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from dishka import AsyncContainer

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.jobs.run_schedules import RunSchedules
from waardhaven.application.jobs.schedules import ChangeSchedule, ListSchedules
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.settings import Settings
from waardhaven.domain.identity.roles import OPERATOR, SYSTEM

WORKERS = 6


@pytest.fixture
async def workers(
    published_url: str, valkey_url: str, settings_for: Callable[..., Settings]
) -> AsyncIterator[list[AsyncContainer]]:
    """Several processes, as far as the database can tell."""
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(WORKERS):
            found.append(make_container(settings_for(published_url, redis_url=valkey_url)))
            stack.push_async_callback(found[-1].close)
        yield found


async def tick(container: AsyncContainer) -> int:
    async with container() as scope:
        return await (await scope.get(RunSchedules))(SYSTEM)


async def due(container: AsyncContainer, *names: str) -> None:
    """Let the time of jobs have come a moment ago."""
    async with (await container.get(Database)).acquire() as connection:
        await connection.execute(
            "UPDATE job_schedule SET next_at = clock_timestamp() - interval '1 second'"
            " WHERE name = ANY($1::text[])",
            list(names),
        )


async def submitted(container: AsyncContainer) -> list[tuple[str, str]]:
    async with (await container.get(Database)).acquire() as connection:
        rows = await connection.fetch("SELECT type, state FROM job ORDER BY type, id")
    return [(row["type"], row["state"]) for row in rows]


async def test_job_is_submitted_once_by_any_number_of_workers_at_once(workers: list[AsyncContainer]):
    first = workers[0]
    assert sum(await asyncio.gather(*(tick(one) for one in workers))) == 0
    for times in range(1, 4):
        await due(first, "refresh", "cleanup")
        both = [one for _ in range(5) for one in workers]
        assert sum(await asyncio.gather(*(tick(one) for one in both))) == 2
        assert await submitted(first) == [("cleanup", "queued")] * times + [("refresh", "queued")] * times


async def test_next_runs_follow_the_stored_sessions_of_the_exchange(workers: list[AsyncContainer]):
    async with workers[0]() as scope:
        views = {one.name: one for one in await (await scope.get(ListSchedules))(OPERATOR)}
    async with (await workers[0].get(Database)).acquire() as connection:
        rows = await connection.fetch(
            "SELECT close_at FROM session WHERE mic = 'XNYS' AND vintage_to IS NULL"
            " AND close_at + interval '45 minutes' > now() ORDER BY close_at LIMIT 3"
        )
    closes = [row["close_at"] for row in rows]
    assert len(closes) == 3, "the calendar of the sample market has ended"
    assert views["refresh"].next_runs == tuple(one + timedelta(minutes=45) for one in closes)
    assert all(one.weekday() < 5 for one in closes)


async def test_changed_rule_counts_for_every_worker(workers: list[AsyncContainer]):
    await tick(workers[0])
    async with workers[1]() as scope:
        view = await (await scope.get(ChangeSchedule))(
            OPERATOR, name="cleanup", rule="every 1h", enabled=True
        )
    assert view.next_runs[1] - view.next_runs[0] == timedelta(hours=1)
    assert view.next_runs[0] - datetime.now(UTC) <= timedelta(hours=1)
    await tick(workers[2])
    async with workers[3]() as scope:
        found = {one.name: one for one in await (await scope.get(ListSchedules))(OPERATOR)}
    assert found["cleanup"].next_runs == view.next_runs
