"""Recurring jobs."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.application.jobs.office import ADMIN, ANALYST, TYPES, Office

from waardhaven.application.jobs.run_schedules import submit_due
from waardhaven.application.jobs.schedules import UnknownSchedule
from waardhaven.domain.identity.roles import SYSTEM, PermissionDenied
from waardhaven.domain.jobs.job import Job
from waardhaven.domain.jobs.schedule import InvalidSchedule

CLOSES = [datetime(2024, 11, 27, 21, tzinfo=UTC), datetime(2024, 11, 29, 18, tzinfo=UTC)]


def an_office(now: datetime) -> Office:
    office = Office()
    office.clock.instant = now
    office.uow.schedules.sessions["XNYS"] = CLOSES
    return office


def jobs(office: Office) -> list[Job]:
    return sorted((one.job for one in office.uow.jobs.rows.values()), key=lambda one: one.id)


async def test_each_job_runs_once_when_its_time_has_come_and_never_twice():
    office = an_office(CLOSES[0] - timedelta(hours=1))
    assert await office.run_schedules(SYSTEM) == 0
    office.clock.instant = CLOSES[0] + timedelta(minutes=45)
    assert await office.run_schedules(SYSTEM) == 1
    assert await office.run_schedules(SYSTEM) == 0
    [job] = jobs(office)
    assert (job.type, job.owner) == ("refresh", None)
    assert job.idempotency_key == "schedule:refresh:2024-11-27T21:45:00+00:00"
    assert office.uow.schedules.rows["refresh"].next_at == CLOSES[1] + timedelta(minutes=45)
    assert office.uow.schedules.rows["refresh"].last_job == job.id
    assert (job.id, 1) in office.queue.waiting


async def test_what_was_missed_is_done_once_and_the_next_run_is_in_the_future():
    office = an_office(datetime(2024, 11, 1, tzinfo=UTC))
    await office.run_schedules(SYSTEM)
    office.clock.instant = datetime(2024, 11, 27, 12, tzinfo=UTC)  # three Sundays later
    assert await office.run_schedules(SYSTEM) == 1
    assert [one.type for one in jobs(office)] == ["cleanup"]
    assert office.uow.schedules.rows["cleanup"].next_at == datetime(2024, 12, 1, 3, tzinfo=UTC)


async def test_nothing_runs_while_the_coming_sessions_are_not_known_and_the_view_says_so():
    office = an_office(CLOSES[1] + timedelta(days=1))
    assert await office.run_schedules(SYSTEM) == 0
    views = {one.name: one for one in await office.list_schedules(ADMIN)}
    assert views["refresh"].next_runs == ()
    assert views["refresh"].reason == (
        "No coming session of XNYS is known. Load its calendar: a refresh does."
    )
    office.uow.schedules.sessions["XNYS"] = [*CLOSES, CLOSES[1] + timedelta(days=3)]
    await office.run_schedules(SYSTEM)
    [view] = [one for one in await office.list_schedules(ADMIN) if one.name == "refresh"]
    assert view.next_runs == (CLOSES[1] + timedelta(days=3, minutes=45),)


async def test_next_runs_are_shown_before_the_first_worker_came():
    office = an_office(CLOSES[0] - timedelta(hours=1))
    views = {one.name: one for one in await office.list_schedules(ADMIN)}
    assert views["refresh"].next_runs == tuple(one + timedelta(minutes=45) for one in CLOSES)
    assert [one.weekday() for one in views["cleanup"].next_runs] == [6, 6, 6]
    assert views["cleanup"].last_run is None


async def test_changed_schedule_counts_from_then_on_and_is_audited():
    office = an_office(CLOSES[0])
    await office.run_schedules(SYSTEM)
    view = await office.change_schedule(ADMIN, name="cleanup", rule="every 15m", enabled=True)
    assert view.next_runs[0] == CLOSES[0] + timedelta(minutes=15)
    await office.run_schedules(SYSTEM)
    office.clock.instant = CLOSES[0] + timedelta(minutes=15)
    assert await office.run_schedules(SYSTEM) == 1
    off = await office.change_schedule(ADMIN, name="cleanup", rule="every 15m", enabled=False)
    assert (off.next_runs, off.reason) == ((), "It is switched off.")
    office.clock.instant += timedelta(days=7)
    assert [one.type for one in jobs(office)] == ["cleanup"]
    assert office.actions().count("schedule.changed") == 2


async def test_schedule_that_can_not_be_read_or_does_not_exist_is_refused():
    office = an_office(CLOSES[0])
    with pytest.raises(InvalidSchedule):
        await office.change_schedule(ADMIN, name="cleanup", rule="now and then", enabled=True)
    with pytest.raises(UnknownSchedule):
        await office.change_schedule(ADMIN, name="report", rule="every 15m", enabled=True)


async def test_only_administrators_see_and_change_schedules():
    office = an_office(CLOSES[0])
    with pytest.raises(PermissionDenied):
        await office.list_schedules(ANALYST)
    with pytest.raises(PermissionDenied):
        await office.change_schedule(ANALYST, name="cleanup", rule="every 15m", enabled=True)
    with pytest.raises(PermissionDenied):
        await office.run_schedules(ANALYST)


async def test_next_run_is_later_than_the_one_that_came_while_the_time_was_being_asked():
    office = an_office(CLOSES[0])
    await office.run_schedules(SYSTEM)
    office.clock.instant = (
        CLOSES[0] + timedelta(minutes=45) - timedelta(microseconds=1)
    )  # before the row was looked at
    one = office.uow.schedules.rows["refresh"]
    async with office.uow() as tx:
        await submit_due(tx, TYPES.of("refresh"), one, SYSTEM, office.clock.now())
        await tx.commit()
    assert office.uow.schedules.rows["refresh"].next_at == CLOSES[1] + timedelta(minutes=45)
