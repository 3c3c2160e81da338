"""Who may less than before has to prove anew who he is: the schema sees to it, and tells every process."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

ADA, SESSION = UUID(int=1), UUID(int=2)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database with an account and a session of it."""
    made = await asyncpg.connect(database_url)
    await made.execute(
        "INSERT INTO app_user (id, email, username, password_hash) "
        "VALUES ($1, 'ada@x.org', 'ada', '$argon2id$')",
        ADA,
    )
    await made.execute(
        "INSERT INTO login_session (id, user_id, last_used_at, expires_at) "
        "VALUES ($1, $2, now(), now() + interval '1 day')",
        SESSION,
        ADA,
    )
    yield made
    await made.close()


async def revocations(connection: asyncpg.Connection) -> list[tuple[UUID, UUID | None, int | None]]:
    rows = await connection.fetch("SELECT user_id, session_id, version FROM revocation ORDER BY id")
    return [tuple(row) for row in rows]


async def version(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SELECT token_version FROM app_user WHERE id = $1", ADA))


@pytest.mark.parametrize(
    "change",
    ["role = 'admin'", "is_active = false", "deleted_at = now()", "token_version = token_version + 1"],
)
async def test_change_of_what_an_account_may_ends_its_tokens(connection: asyncpg.Connection, change: str):
    assert await version(connection) == 1
    await connection.execute(f"UPDATE app_user SET {change}")
    assert await version(connection) == 2
    assert await revocations(connection) == [(ADA, None, 2)]


async def test_account_that_comes_back_begins_with_new_tokens(connection: asyncpg.Connection):
    await connection.execute("UPDATE app_user SET deleted_at = now()")
    await connection.execute("UPDATE app_user SET deleted_at = deleted_at + interval '1 day'")
    await connection.execute("UPDATE app_user SET deleted_at = NULL, is_active = false")
    assert await version(connection) == 3
    assert await revocations(connection) == [(ADA, None, 2), (ADA, None, 3)]


async def test_no_statement_can_keep_the_version_when_the_role_changes(connection: asyncpg.Connection):
    await connection.execute("UPDATE app_user SET role = 'admin', token_version = 1")
    assert await version(connection) == 2


@pytest.mark.parametrize(
    "change", ["username = 'other'", "is_verified = true", "role = role, is_active = true"]
)
async def test_change_of_anything_else_leaves_tokens_alone(connection: asyncpg.Connection, change: str):
    await connection.execute(f"UPDATE app_user SET {change}")
    assert await version(connection) == 1
    assert await revocations(connection) == []


async def test_end_of_a_session_revokes_it_once(connection: asyncpg.Connection):
    await connection.execute("UPDATE login_session SET last_used_at = now()")
    assert await revocations(connection) == []
    await connection.execute("UPDATE login_session SET ended_at = now(), end_reason = 'logout'")
    await connection.execute("UPDATE login_session SET end_reason = 'other'")
    assert await revocations(connection) == [(ADA, SESSION, None)]


async def test_revocation_is_announced_with_its_id_when_it_commits(
    connection: asyncpg.Connection, database_url: str
):
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(database_url)
    await listener.add_listener("waardhaven_revocation", lambda *notice: heard.put_nowait(notice[3]))
    async with connection.transaction():
        await connection.execute("UPDATE app_user SET role = 'admin'")
        await listener.execute("SELECT 1")
        assert heard.empty()
    async with asyncio.timeout(20):
        assert await heard.get() == str(await connection.fetchval("SELECT max(id) FROM revocation"))
    await listener.close()


async def test_change_that_is_rolled_back_revokes_nothing(connection: asyncpg.Connection):
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("UPDATE login_session SET ended_at = now(), end_reason = 'logout'")
    await transaction.rollback()
    assert await revocations(connection) == []
