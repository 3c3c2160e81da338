"""What the database itself holds about imports of prices: which state follows which, and what stays."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from waardhaven.domain.market.imports import ImportState

STEPS = {
    ImportState.UPLOADED: {ImportState.CHECKED, ImportState.REFUSED},
    ImportState.CHECKED: {ImportState.CHECKED, ImportState.REFUSED, ImportState.COMMITTED},
    ImportState.REFUSED: {ImportState.CHECKED, ImportState.REFUSED},
    ImportState.COMMITTED: {ImportState.UNDONE},
    ImportState.UNDONE: set[ImportState](),
}
WAYS = {
    ImportState.UPLOADED: (),
    ImportState.CHECKED: (ImportState.CHECKED,),
    ImportState.REFUSED: (ImportState.REFUSED,),
    ImportState.COMMITTED: (ImportState.CHECKED, ImportState.COMMITTED),
    ImportState.UNDONE: (ImportState.CHECKED, ImportState.COMMITTED, ImportState.UNDONE),
}
BECOMES = {
    ImportState.UPLOADED: "report = NULL, vintage = NULL",
    ImportState.CHECKED: "report = '{}', vintage = NULL",
    ImportState.REFUSED: "report = '{}', vintage = NULL",
    ImportState.COMMITTED: "vintage = 1",
    ImportState.UNDONE: "undone_vintage = 2",
}


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    made = await asyncpg.connect(database_url)
    await made.execute("INSERT INTO vintage (id, committed_at) VALUES (1, now()), (2, now() + '1 s')")
    yield made
    await made.close()


async def an_import(connection: asyncpg.Connection, state: ImportState) -> UUID:
    """Bring an import into a state by legal steps."""
    made = uuid4()
    await connection.execute(
        "INSERT INTO price_import (id, name, digest, size, mapping) VALUES ($1, 'a', $2, 1, '{}')",
        made,
        "a" * 64,
    )
    for step in WAYS[state]:
        await connection.execute(
            f"UPDATE price_import SET state = '{step}', {BECOMES[step]} WHERE id = $1", made
        )
    return made


async def refusal(connection: asyncpg.Connection, statement: str) -> str:
    """Return the rule that refuses a statement, "" when none does; it is taken back either way."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement)
    except asyncpg.IntegrityConstraintViolationError as error:
        return str(error.constraint_name)
    finally:
        await transaction.rollback()
    return ""


@pytest.mark.parametrize("present", ImportState)
async def test_states_follow_each_other_as_they_may_and_not_otherwise(
    connection: asyncpg.Connection, present: ImportState
):
    made = await an_import(connection, present)
    for wanted in ImportState:
        update = f"UPDATE price_import SET state = '{wanted}', {BECOMES[wanted]} WHERE id = '{made}'"
        expected = "" if wanted in STEPS[present] else "price_import_transition"
        assert await refusal(connection, update) == expected, wanted


@pytest.mark.parametrize("state", [one for one in ImportState if one is not ImportState.UPLOADED])
async def test_import_begins_as_uploaded(connection: asyncpg.Connection, state: ImportState):
    insert = (
        "INSERT INTO price_import (id, state, name, digest, size, mapping, report)"
        f" VALUES (gen_random_uuid(), '{state}', 'a', '{'a' * 64}', 1, '{{}}', '{{}}')"
    )
    assert await refusal(connection, insert) == "price_import_transition"


@pytest.mark.parametrize(
    "change",
    [
        "id = gen_random_uuid()",
        "name = 'b'",
        f"digest = '{'b' * 64}'",
        "size = 2",
        "created_at = now() + '1 s'",
        "owner_id = gen_random_uuid()",
    ],
)
async def test_what_was_brought_stays_as_it_is(connection: asyncpg.Connection, change: str):
    await an_import(connection, ImportState.UPLOADED)
    update = f"UPDATE price_import SET state = 'checked', report = '{{}}', {change}"
    assert await refusal(connection, update) == "price_import_kept"


@pytest.mark.parametrize("change", ["mapping = '{\"a\": 1}'", "report = '{\"a\": 1}'"])
async def test_what_was_checked_is_what_is_committed_and_undone(connection: asyncpg.Connection, change: str):
    for state, step in ((ImportState.CHECKED, "committed"), (ImportState.COMMITTED, "undone")):
        made = await an_import(connection, state)
        update = f"UPDATE price_import SET state = '{step}', {change} WHERE id = '{made}'"
        assert await refusal(connection, update) == "price_import_kept"


async def test_vintage_of_a_commit_stays_when_it_is_undone(connection: asyncpg.Connection):
    await an_import(connection, ImportState.COMMITTED)
    update = "UPDATE price_import SET state = 'undone', vintage = 2"
    assert await refusal(connection, update) == "price_import_kept"
