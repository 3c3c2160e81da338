"""PostgresIndexStore: definitions as JSON with the columns the database checks."""

from collections.abc import Sequence

import asyncpg
import msgspec

from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.adapters.outbound.postgres.vintages import emit
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.domain.index.build_record import IndexRecord, UnknownIndex
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.types import IndexId

_SELECT = """
SELECT i.id, i.visibility, d.version, d.rules::text AS rules, d.created_at
FROM market_index i JOIN index_definition d ON d.index_id = i.id
"""
_NEWEST = "d.version = (SELECT max(version) FROM index_definition n WHERE n.index_id = i.id)"
_DECODER = msgspec.json.Decoder(IndexDefinition)


class PostgresIndexStore(IndexStore):
    """Rows of market_index and index_definition; a trigger refuses to change a definition."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def define(self, definition: IndexDefinition) -> IndexRecord:
        """See IndexStore. Equal means equal as stored: JSON knows lists, not tuples."""
        offered = _DECODER.decode(msgspec.json.encode(definition))
        async with self._database.transaction() as connection:
            index = await _index_id(connection, definition.slug)
            rows = await connection.fetch(f"{_SELECT} WHERE i.id = $1 AND {_NEWEST}", index)
            if rows and _record(rows[0]).definition == offered:
                return _record(rows[0])
            version = 1 + (rows[0]["version"] if rows else 0)
            await _insert(connection, index, version, definition)
            await emit(connection, "index.defined", {"index": int(index), "version": version})
            row = await connection.fetchrow(f"{_SELECT} WHERE i.id = $1 AND d.version = $2", index, version)
        return _record(row)

    async def get(self, slug: str, *, version: int | None = None) -> IndexRecord:
        """See IndexStore."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(
                f"{_SELECT} WHERE i.slug = $1 AND i.deleted_at IS NULL AND "
                f"CASE WHEN $2::int IS NULL THEN {_NEWEST} ELSE d.version = $2 END",
                slug,
                version,
            )
        if row is None:
            raise UnknownIndex(f"There is no index {slug!r}.", context={"slug": slug})
        return _record(row)

    async def list(self, *, limit: int, after: str | None = None) -> Sequence[IndexRecord]:
        """See IndexStore."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                f"{_SELECT} WHERE i.deleted_at IS NULL AND i.visibility = 'public' AND {_NEWEST} "
                "AND ($1::text IS NULL OR i.slug > $1) ORDER BY i.slug LIMIT $2",
                after,
                limit,
            )
        return [_record(row) for row in rows]


async def _index_id(connection: Connection, slug: str) -> IndexId:
    await connection.execute(
        "INSERT INTO market_index (slug) VALUES ($1) ON CONFLICT (slug) DO NOTHING", slug
    )
    return IndexId(await connection.fetchval("SELECT id FROM market_index WHERE slug = $1 FOR UPDATE", slug))


async def _insert(connection: Connection, index: IndexId, version: int, definition: IndexDefinition) -> None:
    await connection.execute(
        "INSERT INTO index_definition (index_id, version, name, base_date, base_value, currency, universe,"
        " lag, decimals, fixing, restatement, rules)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        index,
        version,
        definition.name,
        definition.base_date,
        definition.base_value,
        definition.currency,
        definition.universe,
        definition.schedule.lag,
        definition.decimals,
        definition.fixing,
        str(definition.restatement),
        msgspec.json.encode(definition).decode(),
    )


def _record(row: asyncpg.Record) -> IndexRecord:
    return IndexRecord(
        id=IndexId(row["id"]),
        definition=_DECODER.decode(row["rules"]),
        version=row["version"],
        defined_at=row["created_at"],
        visibility=row["visibility"],
    )
