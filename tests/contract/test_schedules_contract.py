"""Schedules: what every implementation must do."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
from tests.contract.jobs import MINUTE, JobHouse

from waardhaven.adapters.outbound.postgres.facts import PostgresMarketFacts
from waardhaven.application.ports.market_facts import SessionColumns
from waardhaven.application.ports.schedules import Schedule, Schedules

RULES = {"refresh": "XNYS close + 45m", "cleanup": "weekly sun 03:00"}


async def ensured(jobs: JobHouse, rules: dict[str, str] | None = None) -> None:
    async with jobs.uow() as tx:
        await tx.schedules.ensure(RULES if rules is None else rules)
        await tx.commit()


async def planned(jobs: JobHouse, name: str, **changes: Any) -> None:
    async with jobs.uow() as tx:
        await tx.schedules.planned(name, **{"next_at": None, "job": None, **changes})
        await tx.commit()


async def now(jobs: JobHouse) -> datetime:
    async with jobs.uow() as tx:
        return await tx.schedules.now()


async def listed(jobs: JobHouse) -> dict[str, Schedule]:
    async with jobs.uow() as tx:
        return {one.name: one for one in await tx.schedules.all()}


async def due(jobs: JobHouse) -> list[str]:
    async with jobs.uow() as tx:
        return [one.name for one in await tx.schedules.take_due()]


async def test_new_recurring_jobs_are_enabled_and_due_at_once_in_order_of_names(jobs: JobHouse):
    await ensured(jobs)
    async with jobs.uow() as tx:
        schedules: Schedules = tx.schedules
        found = await schedules.all()
    assert found == [
        Schedule(name=name, rule=RULES[name], enabled=True, next_at=None, last_at=None, last_job=None)
        for name in ("cleanup", "refresh")
    ]
    assert await due(jobs) == ["cleanup", "refresh"]


async def test_known_recurring_jobs_stay_as_they_are(jobs: JobHouse):
    await ensured(jobs)
    async with jobs.uow() as tx:
        await tx.schedules.change("refresh", rule="every 15m", enabled=False, by=None)
        await tx.commit()
    before = await listed(jobs)
    await ensured(jobs, {**RULES, "report": "daily 03:00"})
    await ensured(jobs, {})
    assert {name: one for name, one in (await listed(jobs)).items() if name != "report"} == before


async def test_planned_run_is_due_when_its_instant_has_come(jobs: JobHouse):
    await ensured(jobs)
    at = await now(jobs)
    await planned(jobs, "refresh", next_at=at + 10 * MINUTE)
    await planned(jobs, "cleanup", next_at=at)
    assert await due(jobs) == ["cleanup"]
    await jobs.passes(11 * MINUTE)
    assert await due(jobs) == ["cleanup", "refresh"]


async def test_submitted_job_is_kept_until_the_next_one(jobs: JobHouse):
    await ensured(jobs)
    job, before = await jobs.queued(), await now(jobs)
    await planned(jobs, "refresh", next_at=before + MINUTE, job=job.id)
    found = (await listed(jobs))["refresh"]
    assert (found.next_at, found.last_job) == (before + MINUTE, job.id)
    assert found.last_at is not None
    assert before <= found.last_at <= await now(jobs)
    await planned(jobs, "refresh", next_at=None)
    later = (await listed(jobs))["refresh"]
    assert (later.next_at, later.last_job, later.last_at) == (None, job.id, found.last_at)


async def test_stopped_job_is_never_due_and_one_with_another_rule_is_at_once(jobs: JobHouse):
    await ensured(jobs)
    owner, at = await jobs.a_user(), await now(jobs)
    for name in RULES:
        await planned(jobs, name, next_at=at + 60 * MINUTE)
    async with jobs.uow() as tx:
        stopped = await tx.schedules.change("cleanup", rule="daily 03:00", enabled=False, by=owner)
        other = await tx.schedules.change("refresh", rule="every 15m", enabled=True, by=None)
        assert await tx.schedules.change("nothing", rule="every 15m", enabled=True, by=None) is None
        await tx.commit()
    assert stopped is not None
    assert other is not None
    assert (stopped.rule, stopped.enabled, stopped.next_at) == ("daily 03:00", False, None)
    assert await listed(jobs) == {"cleanup": stopped, "refresh": other}
    assert await due(jobs) == ["refresh"]


async def test_nothing_of_it_stays_without_commit(jobs: JobHouse):
    await ensured(jobs)
    before = await listed(jobs)
    async with jobs.uow() as tx:
        await tx.schedules.planned("refresh", next_at=await tx.schedules.now(), job=None)
        await tx.schedules.change("cleanup", rule="every 15m", enabled=False, by=None)
        await tx.schedules.ensure({"report": "daily 03:00"})
    assert await listed(jobs) == before


async def test_closes_of_an_exchange_come_in_order_from_the_period_alone(jobs: JobHouse):
    at = (await now(jobs)).replace(microsecond=0)
    closes = [at + timedelta(days=n) for n in range(-2, 5)]
    await _open(jobs, "XNYS", closes)
    await _open(jobs, "XAMS", [at])
    async with jobs.uow() as tx:
        found = await tx.schedules.closes("XNYS", since=at, within=timedelta(days=2))
        assert list(found) == closes[2:5]
        assert list(await tx.schedules.closes("XLON", since=at, within=timedelta(days=9))) == []


async def _open(jobs: JobHouse, mic: str, closes: list[datetime]) -> None:
    """Keep sessions; those of a real ledger were first known with closes an hour earlier."""
    if jobs.database is None:
        jobs.uow.schedules.sessions[mic] = closes[::-1]  # type: ignore[attr-defined]
        return
    ends = np.array([one.replace(tzinfo=None) for one in closes], dtype="datetime64[s]")
    for correction in (np.timedelta64(1, "h"), np.timedelta64(0, "h")):
        sessions = SessionColumns(
            mic=mic,
            day=ends.astype("datetime64[D]"),
            open_at=ends - np.timedelta64(6, "h"),
            close_at=ends - correction,
        )
        await PostgresMarketFacts(jobs.database).write_sessions(sessions)
