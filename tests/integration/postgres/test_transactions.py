"""What holds a write together: notices on commit, COPY inside transactions, failures as our errors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from waardhaven.adapters.outbound.postgres.copy_binary import bigint, copy_in, copy_out, day, double
from waardhaven.adapters.outbound.postgres.engine import (
    JUST_NOW,
    Database,
    InvalidDatabaseUrl,
    PoolSettings,
    parse_url,
)
from waardhaven.adapters.outbound.postgres.errors import (
    CONSTRAINTS,
    ConcurrentChange,
    ConstraintBroken,
    DatabaseUnavailable,
    UnstorableValue,
    translate,
)
from waardhaven.adapters.outbound.postgres.event_log import PostgresEventLog
from waardhaven.application.ports.users import EmailTaken
from waardhaven.domain.errors import Conflict, Invalid, Unavailable

FIELDS = (bigint("id"), day("day"), double("value"))
ROWS = {
    "id": np.array([1, 2]),
    "day": np.array(["1999-12-31", "2000-01-02"], dtype="datetime64[D]"),
    "value": np.array([0.1, np.nan]),
}
USER = (
    "INSERT INTO app_user (id, email, username, password_hash) "
    "VALUES (gen_random_uuid(), 'ada@x.org', $1, '$argon2id$x')"
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url)
    yield made
    await made.close()


# --- notices


@asynccontextmanager
async def heard(url: str, *channels: str) -> AsyncIterator[asyncio.Queue[tuple[str, str]]]:
    """Listen; every commit of the test ends with a notice of its own, so nothing is waited for in vain."""
    notices: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    connection = await asyncpg.connect(url)
    for channel in (*channels, "end"):
        await connection.add_listener(channel, lambda _c, _p, where, what: notices.put_nowait((where, what)))
    yield notices
    await connection.close()


async def until_end(database: Database, notices: asyncio.Queue[tuple[str, str]]) -> list[tuple[str, str]]:
    async with database.acquire() as connection:
        await connection.execute("NOTIFY \"end\", ''")
    found = []
    async with asyncio.timeout(20):
        while (one := await notices.get())[0] != "end":
            found.append(one)
    return found


async def emit(connection: asyncpg.Connection, kind: str) -> None:
    await connection.execute("INSERT INTO outbox (kind, payload) VALUES ($1, '{}')", kind)


async def test_events_are_announced_once_when_their_transaction_commits(
    database: Database, database_url: str
):
    async with heard(database_url, "waardhaven_outbox") as notices:
        async with database.transaction() as connection:
            await emit(connection, "user.registered")
            await emit(connection, "user.changed")
            assert await until_end(database, notices) == []
        assert await until_end(database, notices) == [("waardhaven_outbox", "")]


async def test_event_of_a_transaction_that_fails_is_neither_kept_nor_announced(
    database: Database, database_url: str
):
    async with heard(database_url, "waardhaven_outbox", "waardhaven_generation") as notices:
        with pytest.raises(ZeroDivisionError):
            await _fail(database)
        assert await until_end(database, notices) == []
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM outbox") == 0


async def _fail(database: Database) -> None:
    async with database.transaction() as connection:
        await emit(connection, "market.changed")
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("kind", "grows"),
    [
        ("market.changed", True),
        ("index.published", True),
        ("strategy.changed", True),
        ("user.changed", False),
        ("job.changed", False),
    ],
)
async def test_generation_grows_only_with_what_can_change_an_answer(
    database: Database, database_url: str, kind: str, grows: bool
):
    async with heard(database_url, "waardhaven_generation") as notices:
        async with database.acquire() as connection:
            before = await connection.fetchval("SELECT value FROM generation")
            await emit(connection, kind)
            after = await connection.fetchval("SELECT value FROM generation")
        assert after == before + grows
        found = await until_end(database, notices)
    assert found == [("waardhaven_generation", str(after))] * grows


async def test_generation_of_an_open_transaction_is_seen_by_nobody_else(database: Database):
    async with database.transaction() as connection, database.acquire() as other:
        before = await other.fetchval("SELECT value FROM generation")
        await emit(connection, "market.changed")
        assert await connection.fetchval("SELECT value FROM generation") == before + 1
        assert await other.fetchval("SELECT value FROM generation") == before


async def test_place_of_an_event_is_that_of_its_commit_whenever_it_was_written(database: Database):
    """An id is taken at the insert, so two transactions can commit in the other order."""
    log = PostgresEventLog(database)
    async with database.transaction() as slow:
        await emit(slow, "a.slow")
        async with database.acquire() as quick:
            await emit(quick, "a.quick")
        assert await log.head() == 1
        assert [one.kind for one in await log.since(0, limit=9)] == ["a.quick"]
    assert await log.head() == 2
    found = await log.since(0, limit=9)
    assert [(one.position, one.kind) for one in found] == [(1, "a.quick"), (2, "a.slow")]


async def test_place_is_given_once_whoever_asks_while_others_write(database: Database):
    log = PostgresEventLog(database)

    async def write(kind: str) -> None:
        for _ in range(20):
            async with database.transaction() as connection:
                await emit(connection, kind)
                await emit(connection, kind)

    async def read() -> list[str]:
        seen: list[tuple[int, str]] = []
        while len(seen) < 160:
            head = await log.head()
            place = seen[-1][0] if seen else 0
            found = await log.since(place, limit=1_000)
            assert [one.position for one in found] == list(range(place + 1, place + len(found) + 1))
            assert not found or found[-1].position >= head
            seen += [(one.position, one.kind) for one in found]
        return [kind for _, kind in seen]

    readers = [read() for _ in range(3)]
    async with asyncio.timeout(50):
        seen, *_ = await asyncio.gather(*readers, *(write(f"a.{name}") for name in "bcde"))
    assert {kind: seen.count(kind) for kind in set(seen)} == {f"a.{name}": 40 for name in "bcde"}
    assert await log.head() == 160


async def test_event_of_a_transaction_that_fails_leaves_no_gap(database: Database):
    log = PostgresEventLog(database)
    async with database.acquire() as connection:
        await emit(connection, "a.first")
    with pytest.raises(ZeroDivisionError):
        await _fail(database)
    async with database.acquire() as connection:
        await emit(connection, "a.second")
    assert await log.head() == 2
    assert [one.kind for one in await log.since(0, limit=9)] == ["a.first", "a.second"]


# --- COPY and transactions


async def _table(database: Database) -> None:
    async with database.acquire() as connection:
        await connection.execute("CREATE TABLE copied (id int8, day date, value float8)")


async def _count(database: Database) -> int:
    async with database.acquire() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM copied"))


async def test_copied_columns_come_back_bit_for_bit(database: Database):
    await _table(database)
    many = {name: np.tile(values, 60_000) for name, values in ROWS.items()}
    async with database.transaction() as connection:
        await copy_in(connection, "copied", FIELDS, many)
        found = await copy_out(connection, "SELECT id, day, value FROM copied", FIELDS)
        none = await copy_out(connection, "SELECT id, day, value FROM copied WHERE false", FIELDS)
    for name, values in many.items():
        assert found[name].dtype == none[name].dtype == values.dtype
        assert found[name].tobytes() == values.tobytes()
        assert len(none[name]) == 0


async def test_copy_inside_our_transaction_is_undone_with_it(database: Database):
    await _table(database)

    async def fail() -> None:
        async with database.transaction() as connection:
            await copy_in(connection, "copied", FIELDS, ROWS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await _count(database) == 0


@pytest.mark.parametrize(("statement_first", "stays"), [(False, 2), (True, 0)])
async def test_copy_under_an_sqlalchemy_transaction_escapes_it_unless_a_statement_came_first(
    database: Database, statement_first: bool, stays: int
):
    """Why Database.transaction is asyncpg's: SQLAlchemy begins only with its own first statement."""
    await _table(database)

    async def fail() -> None:
        async with database.engine.begin() as connection:
            if statement_first:
                await connection.execute(text("SELECT 1"))
            raw = await connection.get_raw_connection()
            await copy_in(raw.driver_connection, "copied", FIELDS, ROWS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await _count(database) == stays


async def test_snapshot_does_not_see_what_commits_meanwhile(database: Database):
    await _table(database)
    async with database.transaction(snapshot=True) as reader:
        before = await reader.fetchval("SELECT count(*) FROM copied")
        async with database.transaction() as writer:
            await copy_in(writer, "copied", FIELDS, ROWS)
        assert await reader.fetchval("SELECT count(*) FROM copied") == before == 0
    assert await _count(database) == 2


async def test_every_exit_gives_the_connection_back(database: Database):
    async def cancelled() -> None:
        async with database.transaction() as connection:
            await connection.execute("SELECT pg_sleep(60)")

    task = asyncio.create_task(cancelled())
    async with asyncio.timeout(20):
        while database.checked_out == 0:
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ConstraintBroken):
        await _insert(database, "Not a username")
    assert database.checked_out == 0
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT 1") == 1


# --- failures


async def _insert(database: Database, username: str) -> None:
    async with database.transaction() as connection:
        await connection.execute(USER, username)


async def test_taken_e_mail_address_is_our_error(database: Database):
    await _insert(database, "ada")
    with pytest.raises(EmailTaken):
        await _insert(database, "other")


async def test_broken_rule_names_itself(database: Database):
    with pytest.raises(ConstraintBroken) as error:
        await _insert(database, "Not a username")
    assert isinstance(error.value, Invalid)
    assert error.value.errors[0].rule == "ck_app_user_username_is_normalised"


async def test_every_rule_with_an_error_of_its_own_exists_in_the_schema(database: Database):
    async with database.acquire() as connection:
        rows = await connection.fetch(
            "SELECT conname AS name FROM pg_constraint UNION SELECT relname FROM pg_class "
            "UNION SELECT proname FROM pg_proc UNION SELECT (regexp_matches(prosrc, "
            "'CONSTRAINT = ''([a-z_]+)''', 'g'))[1] FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        )
    assert set(CONSTRAINTS) <= {row["name"] for row in rows}


@pytest.mark.parametrize("url", ["postgresql://@/x?host=/nonexistent", "postgresql://127.0.0.1:1/x"])
async def test_unreachable_server_is_unavailable(url: str):
    database = Database(url, PoolSettings(connect_timeout=2.0))
    with pytest.raises(DatabaseUnavailable) as error:
        await _one(database)
    assert isinstance(error.value, Unavailable)
    await database.close()


async def _one(database: Database, statement: str = "SELECT 1") -> None:
    async with database.acquire() as connection:
        await connection.execute(statement)


async def test_missing_database_is_unavailable(database_url: str):
    database = Database(database_url.replace("/t_", "/missing_"))
    with pytest.raises(DatabaseUnavailable):
        await _one(database)
    await database.close()


async def test_server_that_cancels_or_driver_that_gives_up_is_unavailable(
    database: Database, database_url: str
):
    with pytest.raises(DatabaseUnavailable):
        await _one(database, "SET statement_timeout = 20; SELECT pg_sleep(60)")
    hasty = Database(database_url, PoolSettings(command_timeout=0.05))
    with pytest.raises(DatabaseUnavailable):
        await _one(hasty, "SELECT pg_sleep(60)")
    await hasty.close()


async def test_connection_killed_by_the_server_is_unavailable_and_the_next_one_works(database: Database):
    with pytest.raises(DatabaseUnavailable):
        await _one(database, "SELECT pg_terminate_backend(pg_backend_pid())")
    await _one(database)


@pytest.mark.parametrize("idle", [0.0, 2 * JUST_NOW])
async def test_connections_ended_while_nobody_had_them_are_replaced(
    database: Database, database_url: str, idle: float
):
    async with database.acquire(), database.acquire():
        pass
    other = await asyncpg.connect(database.dsn)
    ended = await other.fetch(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
    )
    await other.close()
    assert len(ended) == 2
    await asyncio.sleep(idle)
    async with database.acquire() as one, database.acquire() as two:
        assert await one.fetchval("SELECT 1") == await two.fetchval("SELECT 1") == 1


async def test_connection_that_answered_just_now_is_lent_without_a_question(database: Database):
    seen: list[str] = []
    async with database.acquire() as first:
        first.add_query_logger(lambda query: seen.append(query.query))
    for idle, asked in ((0.0, 0), (2 * JUST_NOW, 1)):
        await asyncio.sleep(idle)
        async with database.acquire() as again:
            assert again is first
        assert seen == ["SELECT"] * asked
    with pytest.raises(DatabaseUnavailable):
        await _one(database, "SET statement_timeout = 20; SELECT pg_sleep(60)")
    async with database.acquire() as again:
        assert again is first
    assert seen.count("SELECT") == 2


async def test_exhausted_pool_is_unavailable(database_url: str):
    database = Database(database_url, PoolSettings(size=1, overflow=0, checkout_timeout=0.05))
    async with database.acquire():
        with pytest.raises(DatabaseUnavailable):
            await _one(database)
    await database.close()


async def test_two_snapshots_changing_one_row_conflict(database: Database):
    change = "UPDATE generation SET value = value + 1"

    async def second(before: asyncpg.Connection) -> None:
        async with database.acquire() as connection, connection.transaction(isolation="serializable"):
            await connection.fetch("SELECT * FROM generation")
            await before.execute(change)
            await connection.execute(change)

    async with database.acquire() as first:
        with pytest.raises(ConcurrentChange) as error:
            await second(first)
    assert isinstance(error.value, Conflict)


async def test_value_no_column_can_hold_is_invalid(database: Database):
    for wrong in ("a\x00b", "\ud800"):
        with pytest.raises(UnstorableValue):
            await _insert(database, wrong)


async def test_error_of_the_code_itself_stays_what_it_is(database: Database):
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await _one(database, "SELEC 1")
    assert translate(ValueError("ours")) is None


async def test_failed_statement_tells_the_log_none_of_its_values(database: Database):
    statement = text(USER.replace("$1", ":name"))
    async with database.engine.connect() as connection:
        await connection.execute(statement, {"name": "sekret-ada"})
        with pytest.raises(IntegrityError, match="uq_app_user_email") as error:
            await connection.execute(statement, {"name": "sekret-eve"})
    assert "sekret" not in str(error.value)


def test_address_of_another_kind_is_refused_without_repeating_its_password():
    for url in (
        "mysql://u:sekret@h/x",
        "postgresql://u:sekret@h",
        "postgresql://u:sekret@h:port/x",
        "nonsense",
    ):
        with pytest.raises(InvalidDatabaseUrl) as error:
            parse_url(url)
        assert "sekret" not in str(error.value)
        assert error.value.__suppress_context__ or error.value.__context__ is None


# --- vintages


async def test_vintage_bears_the_instant_of_its_commit_not_of_its_first_row(database: Database):
    async with database.transaction() as connection:
        taken = await connection.fetchval("SELECT next_vintage('slow')")
        begun = await connection.fetchval("SELECT committed_at FROM vintage WHERE id = $1", taken)
        later = await connection.fetchval("SELECT clock_timestamp()")
    async with database.acquire() as connection:
        committed = await connection.fetchval("SELECT committed_at FROM vintage WHERE id = $1", taken)
    assert begun < later < committed


async def test_vintages_of_one_transaction_keep_their_order(database: Database):
    async with database.transaction() as connection:
        for note in ("one", "two", "three"):
            await connection.fetchval("SELECT next_vintage($1)", note)
    async with database.acquire() as connection:
        rows = await connection.fetch("SELECT id, committed_at FROM vintage ORDER BY id")
    instants = [row["committed_at"] for row in rows]
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert instants == sorted(set(instants))
