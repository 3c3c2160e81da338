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
