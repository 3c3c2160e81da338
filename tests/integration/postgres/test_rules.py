"""Every rule the database holds refuses a row that breaks it, and no rule goes without an example.

CHECKs are broken by the examples in ``rows.CHECKS``. Foreign keys, unique keys and NOT NULL columns
are read from the catalogue and broken one by one, so a new one is covered as soon as it exists.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from tests.conftest import Servers
from tests.integration.postgres.rows import BORN, CHECKS, DAY, MORE, NEXT, NOW, TWIN, VALID, Row


def _unchecked(table: str, rule: str) -> str:
    return f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{rule}"


FIRST_REMOVE = {
    "uq_asset_identifier_current": "ALTER TABLE asset_identifier DISABLE TRIGGER asset_identifier_no_overlap",
    "uq_classification_current": "ALTER TABLE classification DISABLE TRIGGER classification_no_overlap",
    "uq_universe_member_current": "ALTER TABLE universe_member DISABLE TRIGGER universe_member_no_overlap",
    "uq_build_id_index_id": "ALTER TABLE build DROP CONSTRAINT pk_build CASCADE",
    "uq_quote_unit_code_currency": "ALTER TABLE quote_unit DROP CONSTRAINT pk_quote_unit CASCADE",
    "fk_price_import_vintage": _unchecked("price_import", "vintage_when_committed"),
    "fk_price_import_undone_vintage": _unchecked("price_import", "undone_after_committed"),
    "fk_quality_flag_reviewed_by": _unchecked("quality_flag", "reviewer_has_an_instant"),
    "fk_publication_index_id": "ALTER TABLE publication DROP CONSTRAINT fk_publication_build_id_index_id",
}
"""Rules that a second rule stands in front of: what to take away to reach them."""
BEFORE_CHECKS = {one: [f"ALTER TABLE {one} DISABLE TRIGGER {one}_guard"] for one in ("job", "price_import")}
"""They begin in their first state: the CHECKs of later states are reached without that rule."""

PEOPLE = {
    *("actor_id", "owner_id", "author_id", "granted_by", "session_id", "parent_id", "changed_by"),
    *("reviewed_by", "requested_by"),
}
BESIDES = {
    "pk_session": {"vintage_to": 2},
    "pk_universe_member": {"vintage_to": 2},
    "uq_trial_variant": {"ratio": 0.07},
}
"""Further changes that keep a repeated key from breaking another rule first."""

FOREIGN_KEYS = """
SELECT conname AS name, conrelid::regclass::text AS table,
       (SELECT array_agg(attname ORDER BY attname) FROM pg_attribute
        WHERE attrelid = conrelid AND attnum = ANY(conkey)) AS columns
FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
"""
UNIQUE = """
SELECT i.indexrelid::regclass::text AS name, i.indrelid::regclass::text AS table,
       (SELECT array_agg(attname) FROM pg_attribute
        WHERE attrelid = i.indrelid AND attnum = ANY(i.indkey::smallint[])) AS columns
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version_pkc'
"""
NOT_NULL = """
SELECT c.relname AS table, a.attname AS column FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attnotnull AND a.attnum > 0 AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
AND c.relname <> 'alembic_version'
"""
OTHER_CONSTRAINTS = """
SELECT conname FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype NOT IN ('c', 'f', 'p', 'u', 'n', 't')
"""


@pytest.fixture(scope="module")
def url(servers: Servers, schema_template: str) -> Iterator[str]:
    """One database for the module: every test rolls back what it did."""
    made = servers.database(schema_template)
    yield made
    servers.drop(made)


@pytest.fixture
async def connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection in a transaction in which every table has its valid row."""
    made = await asyncpg.connect(url)
    transaction = made.transaction()
    await transaction.start()
    for table, row in VALID.items():
        further = [changes for other, changes in MORE if other == table]
        for changes in [{}, *further] if table not in BORN else []:
            await insert(made, table, {**row, **changes})
    yield made
    await transaction.rollback()
    await made.close()


class Accepted(Exception):
    """Nothing refused the statement."""


def _accept() -> None:
    raise Accepted


async def insert(connection: asyncpg.Connection, table: str, row: Row) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    await connection.execute(
        f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE VALUES ({values})", *row.values()
    )


async def refusal(
    connection: asyncpg.Connection, *statements: str, row: tuple[str, Row] | None = None
) -> str:
    """Return the name of the rule that refused the statements or the row, "" when none did."""
    try:
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement)
            if row is not None:
                await insert(connection, *row)
            _accept()
    except asyncpg.NotNullViolationError as error:
        return str(error.column_name)
    except asyncpg.IntegrityConstraintViolationError as error:
        return str(error.constraint_name)
    except Accepted:
        return ""


def twin(table: str, **changes: object) -> tuple[str, Row]:
    return table, {**VALID[table], **TWIN.get(table, {}), **changes}


def other_value(value: object, column: str) -> object:
    """Return a value of the same kind that nothing refers to."""
    if isinstance(value, UUID) or (value is None and column in PEOPLE):
        return UUID(int=9_999)
    return "ZZZ" if isinstance(value, str) else 9_999


async def test_every_table_has_a_valid_row_and_a_twin(connection: asyncpg.Connection):
    tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    assert {row["relname"] for row in tables} - {"alembic_version"} == set(VALID)
    assert set(TWIN) == set(VALID) - BORN
    refused = {table: await refusal(connection, row=twin(table)) for table in TWIN}
    assert {table: rule for table, rule in refused.items() if rule} == {}


async def test_every_check_of_the_schema_has_an_example_and_no_example_is_of_none(
    connection: asyncpg.Connection,
):
    rows = await connection.fetch(
        "SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
    )
    examples = {f"ck_{table}_{rule}" for table, rules in CHECKS.items() for rule in rules}
    assert examples == {row["conname"] for row in rows}


@pytest.mark.parametrize("table", sorted(CHECKS))
async def test_each_check_refuses_each_row_that_breaks_it(connection: asyncpg.Connection, table: str):
    for rule, examples in CHECKS[table].items():
        assert examples
        for changes in examples:
            name = await refusal(connection, *BEFORE_CHECKS.get(table, ()), row=twin(table, **changes))
            assert name == f"ck_{table}_{rule}", changes


async def test_each_foreign_key_refuses_a_value_nothing_answers_to(connection: asyncpg.Connection):
    keys = await connection.fetch(FOREIGN_KEYS)
    assert len(keys) > 30
    for key in keys:
        table, name = key["table"], key["name"]
        before = [FIRST_REMOVE[name]] if name in FIRST_REMOVE else []
        for column in key["columns"]:
            changes = {column: other_value(VALID[table].get(column), column)}
            assert await refusal(connection, *before, row=twin(table, **changes)) == name, column


async def test_each_unique_key_refuses_a_second_row_with_the_same_key(connection: asyncpg.Connection):
    keys = await connection.fetch(UNIQUE)
    assert {key["table"] for key in keys} == set(VALID)
    for key in keys:
        table, name = key["table"], key["name"]
        before = [FIRST_REMOVE[name]] if name in FIRST_REMOVE else []
        changes = {column: VALID[table][column] for column in key["columns"]}
        row = twin(table, **changes, **BESIDES.get(name, {}))
        assert await refusal(connection, *before, row=row) == name


async def test_each_column_that_must_be_known_refuses_null(connection: asyncpg.Connection):
    columns = await connection.fetch(NOT_NULL)
    assert len(columns) > 100
    for one in columns:
        row = twin(one["table"], **{one["column"]: None})
        assert await refusal(connection, row=row) == one["column"], one["table"]


async def test_schema_holds_no_kind_of_constraint_that_is_not_tested_here(connection: asyncpg.Connection):
    assert await connection.fetch(OTHER_CONSTRAINTS) == []


# --- triggers

CHANGE = {
    "asset_identifier": "value = 'OTHER'",
    "classification": "name = 'Other'",
    "session": "close_at = close_at + interval '1 hour'",
    "shares_outstanding": "shares = shares + 1",
    "corporate_action": "status = 'cancelled'",
    "universe_member": "valid_to = DATE '2030-01-01'",
    "quality_flag": "detail = 'other'",
}
OVERLAPS = {
    "asset_identifier": {"value": "AAA", "valid_from": NEXT},
    "classification": {"asset_id": 1, "valid_from": NEXT},
    "universe_member": {"asset_id": 1, "valid_from": NEXT},
}
REFERENCES = {
    "price": {"series_id": 9_999, "vintage": 9_999},
    "price_revision": {"series_id": 9_999, "vintage_from": 9_999, "vintage_to": 9_999},
    "fx_rate": {"fx_series_id": 9_999, "vintage": 9_999},
    "fx_rate_revision": {"fx_series_id": 9_999, "vintage_from": 9_999, "vintage_to": 9_999},
}
KINDS = (
    "append_only",
    "never_deleted",
    "never_emptied",
    "superseded_only",
    "no_overlap",
    "references_insert",
    "references_update",
)
ELSEWHERE = {"announce", "stamped_at_commit", "ends_tokens", "revokes", "guard", "tells_new", "tells_changed"}
"""Kinds with tests of their own."""


async def _triggers(connection: asyncpg.Connection) -> dict[str, dict[str, str]]:
    """Return trigger names by kind and table."""
    rows = await connection.fetch(
        "SELECT tgname, tgrelid::regclass::text AS table FROM pg_trigger WHERE NOT tgisinternal"
    )
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        kind = row["tgname"].removeprefix(row["table"] + "_")
        found.setdefault(kind, {})[row["table"]] = row["tgname"]
    return found


async def test_every_trigger_is_of_a_kind_tested_here(connection: asyncpg.Connection):
    found = await _triggers(connection)
    assert set(found) == {*KINDS, *ELSEWHERE}
    assert set(found["superseded_only"]) == set(CHANGE)
    assert set(found["no_overlap"]) == set(OVERLAPS)
    assert set(found["references_insert"]) == set(found["references_update"]) == set(REFERENCES)
    assert set(found["never_emptied"]) == {*found["append_only"], *found["never_deleted"], "job", "outbox"}
    assert set(found["guard"]) == {"job", "outbox", "price_import"}
    assert set(found["tells_new"]) == set(found["tells_changed"]) == {"job"}


async def test_append_only_rows_can_be_neither_changed_nor_deleted(connection: asyncpg.Connection):
    for table, name in (await _triggers(connection))["append_only"].items():
        column = next(iter(VALID[table]))
        update = f'UPDATE {table} SET "{column}" = "{column}"'
        free = {"index_definition": "name = 'Other'", "build": "restates = true", "revocation": "version = 3"}
        free |= {
            "index_revision": "largest = 1",
            "trial": "ratio = 1",
            "risk_set": "coverage = 0.5",
            "forced_review": "reason = 'other'",
            "publication": "reason = 'other'",
            "audit_entry": "target = ''",
            "vintage": "note = 'x'",
        }
        update = f"UPDATE {table} SET {free[table]}" if table in free else update
        assert await refusal(connection, update) == name
        assert await refusal(connection, f"DELETE FROM {table}") == name


async def test_rows_that_are_never_deleted_can_not_be(connection: asyncpg.Connection):
    for table, name in (await _triggers(connection))["never_deleted"].items():
        assert await refusal(connection, f"DELETE FROM {table}") == name


async def test_tables_that_are_never_emptied_can_not_be_truncated(connection: asyncpg.Connection):
    await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # pending events refuse before the rule does
    for table, name in (await _triggers(connection))["never_emptied"].items():
        assert await refusal(connection, f"TRUNCATE {table} CASCADE") == name


async def test_facts_can_be_superseded_once_and_not_otherwise_changed(connection: asyncpg.Connection):
    for table, name in (await _triggers(connection))["superseded_only"].items():
        supersede = f"UPDATE {table} SET vintage_to = 2"
        assert await refusal(connection, supersede) == ""
        assert await refusal(connection, f"UPDATE {table} SET {CHANGE[table]}") == name
        assert await refusal(connection, f"{supersede}, {CHANGE[table]}") == name
        assert await refusal(connection, f"UPDATE {table} SET vintage_to = NULL") == name
        assert await refusal(connection, supersede, f"UPDATE {table} SET vintage_to = 3") == name
        assert await refusal(connection, supersede, f"UPDATE {table} SET vintage_to = NULL") == name


async def test_current_rows_of_one_thing_can_not_overlap_in_time(connection: asyncpg.Connection):
    for table, name in (await _triggers(connection))["no_overlap"].items():
        overlapping = OVERLAPS[table]
        assert await refusal(connection, row=twin(table, **overlapping)) == name
        ended = {**overlapping, "valid_from": DAY.replace(year=2010), "valid_to": DAY}
        assert await refusal(connection, row=twin(table, **ended)) == ""
        assert await refusal(connection, row=twin(table, **{**ended, "valid_to": NEXT})) == name
        assert await refusal(connection, row=twin(table, **overlapping, vintage_to=3)) == ""
        first = f"UPDATE {table} SET vintage_to = 2 WHERE vintage_to IS NULL"
        assert await refusal(connection, first, row=twin(table, **overlapping)) == ""


async def test_bars_and_rates_of_unknown_series_or_vintages_are_refused(connection: asyncpg.Connection):
    for table, changes in REFERENCES.items():
        for column, value in changes.items():
            rest = {"vintage_to": 10_000} if column == "vintage_from" else {}
            assert (
                await refusal(connection, row=twin(table, **rest, **{column: value})) == f"{table}_references"
            )
            if not table.endswith("_revision"):
                update = f"UPDATE {table} SET {column} = {value}"
                assert await refusal(connection, update) == f"{table}_references"


async def test_unknown_reference_between_known_ones_is_refused_and_a_gap_alone_is_not(
    connection: asyncpg.Connection,
):
    for id_ in (5, 7):
        await insert(connection, "series", {**VALID["series"], "id": id_, "source": f"s{id_}"})
        await insert(connection, "fx_series", {**VALID["fx_series"], "id": id_, "source": f"s{id_}"})
    for id_ in (5, 7):
        at = NOW + timedelta(days=id_)
        await insert(connection, "vintage", {**VALID["vintage"], "id": id_, "committed_at": at})
    for table, changes in REFERENCES.items():
        key, *vintages = changes
        for column, value, rule in ((key, 6, "references"), (vintages[0], 6, "references"), (key, 7, "")):
            rows = {"low": {key: 5, vintages[0]: 5}, "high": {key: 7, vintages[0]: 5}}
            rows["middle"] = {**rows["low"], "day": DAY.replace(year=2021), column: value}
            ends = dict.fromkeys(vintages[1:], 7)
            values = [{**VALID[table], **one, **ends} for one in rows.values()]
            expected = f"{table}_{rule}" if rule else ""
            assert await refusal(connection, _insertion(table, values)) == expected, (table, column, value)


def _insertion(table: str, rows: list[Row]) -> str:
    """Return one statement with several rows, of numbers and days."""
    names = ", ".join(rows[0])
    lines = ", ".join(
        "(" + ", ".join(f"'{one}'" if hasattr(one, "year") else str(one) for one in row.values()) + ")"
        for row in rows
    )
    return f"INSERT INTO {table} ({names}) VALUES {lines}"
