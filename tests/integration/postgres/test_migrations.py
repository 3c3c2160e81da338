"""Every revision goes up, down and up again, and ends where the metadata says."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.migrations import (
    UnknownRevision,
    config,
    current,
    head,
    migrate,
)
from waardhaven.adapters.outbound.postgres.tables import metadata
from waardhaven.domain.market.currency import CURRENCIES, RETIRED


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return list(compare_metadata(context, metadata))


async def test_migrated_schema_equals_the_metadata(database_url):
    database = Database(database_url)
    async with database.engine.connect() as connection:
        differences = await connection.run_sync(_differences)
    await database.close()
    assert differences == []


async def test_every_revision_goes_down_and_up_again(database_url):
    database = Database(database_url)
    steps = [one.revision for one in ScriptDirectory.from_config(config()).walk_revisions()]
    for below in [*steps[1:], "base"]:
        await migrate(database, to=below)
        assert await current(database) == (None if below == "base" else below)
    for step in reversed(steps):
        await migrate(database, to=step)
        assert await current(database) == step
    await database.close()


async def test_jobs_and_events_survive_the_way_down_and_up_as_far_as_they_can(database_url):
    database = Database(database_url)
    await migrate(database, to="0003")
    async with database.acquire() as connection:
        for kind in ("user.changed", "market.changed"):
            await connection.execute("INSERT INTO outbox (kind, payload) VALUES ($1, '{}')", kind)
        await connection.execute("UPDATE outbox SET delivered_at = now() WHERE kind = 'user.changed'")
    await migrate(database)
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT number_events()") == 2
        await connection.execute(
            "INSERT INTO job (id, type, params, queue, credential, max_attempts)"
            " VALUES (gen_random_uuid(), 'report', '{}', 'bulk', 'system', 3)"
        )
        await connection.execute(
            "INSERT INTO worker (id, queues, concurrency, running) VALUES ('a', '{}', 1, 0)"
        )
        await connection.execute(
            "INSERT INTO audit_entry (credential, action, target) VALUES ('job', 'a.b', 'x')"
        )
    await migrate(database, to="0003")
    async with database.acquire() as connection:
        rows = await connection.fetch("SELECT kind, delivered_at IS NULL AS waits FROM outbox ORDER BY id")
        waits = [("user.changed", False), ("market.changed", False), ("job.changed", True)]
        assert [tuple(row) for row in rows] == waits
    await migrate(database)
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT number_events()") == 3
        assert await connection.fetchval("SELECT count(*) FROM job") == 0
        assert await connection.fetchval("SELECT count(*) FROM audit_entry WHERE credential = 'job'") == 1
    await database.close()


async def test_flags_and_currencies_survive_the_way_down_and_up_as_far_as_they_can(database_url):
    database = Database(database_url)
    async with database.acquire() as connection:
        await connection.execute(
            "INSERT INTO vintage (id, committed_at) VALUES (1, now()), (2, now() + '1 s')"
        )
        await connection.execute("INSERT INTO asset SELECT")
        await connection.execute(
            "INSERT INTO series (asset_id, source, adjustment, currency, quote_unit)"
            " VALUES (1, 'sample', 'raw', 'SKK', 'SKK')"
        )
        await connection.execute(
            "INSERT INTO quality_flag (series_id, day, kind, vintage_from) VALUES (1, '2020-01-02', 'gap', 1)"
        )
        await connection.execute("UPDATE quality_flag SET vintage_to = 2")
        await connection.execute(
            "INSERT INTO quality_flag (id, series_id, day, kind, vintage_from, state, reviewed_at)"
            " OVERRIDING SYSTEM VALUE VALUES (1, 1, '2020-01-02', 'gap', 2, 'accepted', now())"
        )
    await migrate(database, to="0004")
    async with database.acquire() as connection:
        rows = await connection.fetch("SELECT id, vintage_from FROM quality_flag ORDER BY vintage_from")
        assert [tuple(row) for row in rows] == [(2, 1), (1, 2)]
        left = "SELECT code FROM currency WHERE code IN ('SKK', 'SIT')"
        assert [row["code"] for row in await connection.fetch(left)] == ["SKK"]
    await migrate(database)
    async with database.acquire() as connection:
        assert len(await connection.fetch(left)) == 2
        assert await connection.fetchval("SELECT count(*) FROM quality_flag WHERE state = 'open'") == 2
    await database.close()


async def test_every_currency_we_ever_knew_rates_of_has_a_name_and_a_quote_unit(database_url):
    database = Database(database_url)
    async with database.acquire() as connection:
        rows = await connection.fetch("SELECT c.code, c.name FROM currency c JOIN quote_unit USING (code)")
    await database.close()
    named = {row["code"] for row in rows if row["name"] != row["code"]}
    assert named >= set(CURRENCIES) | set(RETIRED)
    assert len(set(CURRENCIES) | set(RETIRED)) == 43


async def test_downgraded_database_is_empty(database_url):
    database = Database(database_url)
    await migrate(database, to="base")
    async with database.acquire() as connection:
        left = await connection.fetch(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND relkind IN ('r', 'S') AND relname <> 'alembic_version' "
            "UNION ALL SELECT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
            "WHERE n.nspname = 'public'"
        )
    await database.close()
    assert left == []


async def test_migrating_twice_changes_nothing(database_url):
    database = Database(database_url)
    assert await migrate(database) == (head(), head())
    await database.close()


async def test_unknown_revision_is_refused_and_changes_nothing(database_url):
    database = Database(database_url)
    with pytest.raises(UnknownRevision, match="nosuch"):
        await migrate(database, to="nosuch")
    assert await current(database) == head()
    await database.close()


async def test_database_newer_than_the_code_is_refused(database_url):
    database = Database(database_url)
    async with database.acquire() as connection:
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UnknownRevision, match="9999"):
        await migrate(database)
    await database.close()
