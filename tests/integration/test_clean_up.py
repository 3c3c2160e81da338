"""Cleaning up over the published sample: what is old leaves for a file, published history stays."""

import io
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import asyncpg
import polars as pl
import pytest
from tests.fakes.job_run import FakeJobRun
from tests.integration.conftest import Service

from waardhaven.application.indexes.queries import ReadHistory
from waardhaven.application.jobs.clean_up import CleanUp, CleanUpParams
from waardhaven.application.jobs.manage_jobs import CancelJob
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.application.ports.archive import Archive, Archived
from waardhaven.application.ports.event_log import EventLog
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.settings import Settings
from waardhaven.domain.identity.roles import OPERATOR

OTHERS = (
    "SELECT relname FROM pg_stat_user_tables"
    " WHERE relname NOT IN ('job', 'job_artifact', 'outbox', 'event_head')"
)


@pytest.fixture
async def service(
    published_url: str, settings_for: Callable[..., Settings], tmp_path: Path
) -> AsyncIterator[Service]:
    container = make_container(settings_for(published_url, data_dir=tmp_path))
    async with container() as scope:
        yield Service(container, scope)
    await container.close()


async def counts(service: Service) -> dict[str, int]:
    async with (await service.database).acquire() as connection:
        names = [row["relname"] for row in await connection.fetch(OTHERS)]
        return {name: await connection.fetchval(f'SELECT count(*) FROM "{name}"') for name in names}


async def ended_jobs(service: Service, count: int) -> list[str]:
    """Make ended jobs that look as if they ended long ago, by the clock of the database."""
    found = []
    for number in range(count):
        submit = await service.get(SubmitJob)
        job = await submit(OPERATOR, job_type="report", params={"period_days": number + 1})
        await (await service.get(CancelJob))(OPERATOR, job=job.id)
        found.append(str(job.id))
    await (await service.get(EventLog)).head()
    return found


async def age(service: Service, days: int) -> None:
    """Make everything there is older, past the rules that forbid it."""
    async with (await service.database).transaction() as connection:
        for table, column in (("job", "finished_at"), ("outbox", "created_at")):
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            await connection.execute(
                f"UPDATE {table} SET {column} = {column} - make_interval(days => $1)", days
            )
            await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


async def test_old_jobs_and_events_leave_for_files_and_nothing_else_is_touched(
    service: Service, tmp_path: Path
):
    history = await service.get(ReadHistory)
    before, levels = await counts(service), await history(OPERATOR, slug="autoindex")
    ids = await ended_jobs(service, 3)
    events = await (await service.get(EventLog)).head()
    await age(service, 400)
    audited = await counts(service)
    outcome = await (await service.get(CleanUp))(OPERATOR, CleanUpParams(), FakeJobRun())
    assert outcome.result["archived"] == {"jobs": 3, "events": events}
    assert await counts(service) == audited
    assert {name: n for name, n in audited.items() if name != "audit_entry"} == {
        name: n for name, n in before.items() if name != "audit_entry"
    }
    after = await history(OPERATOR, slug="autoindex")
    assert after.columns["values"].tobytes() == levels.columns["values"].tobytes()
    files = {one.name: one.read_bytes() for one in (tmp_path / "files" / "archive").iterdir()}
    kept = {name.split("-")[0]: pl.read_parquet(io.BytesIO(content)) for name, content in files.items()}
    assert kept["jobs"]["id"].to_list() == ids
    assert [json.loads(one)["period_days"] for one in kept["jobs"]["params"]] == [1, 2, 3]
    assert kept["events"]["position"].to_list() == list(range(1, events + 1))


async def test_positions_go_on_after_every_event_was_removed(service: Service):
    await ended_jobs(service, 1)
    log = await service.get(EventLog)
    newest = await log.head()
    archive = await service.get(Archive)
    batch = await archive.batch(Archived.EVENTS, older_than=timedelta(0), limit=1_000)
    assert batch is not None
    assert await archive.remove(batch) == newest
    await ended_jobs(service, 1)
    assert [one.position for one in await log.since(0, limit=10)] == [newest + 1, newest + 2]


async def test_database_refuses_to_remove_what_is_not_archived(service: Service):
    await ended_jobs(service, 1)
    async with (await service.database).acquire() as connection:
        for table in ("job", "outbox"):
            with pytest.raises(asyncpg.RestrictViolationError, match="archived before it is removed"):
                await connection.execute(f"DELETE FROM {table}")
