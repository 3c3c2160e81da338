"""PostgresIndexStore: definitions as JSON with the columns the database checks."""

from collections.abc import Sequence

import asyncpg
import msgspec

from waardhaven.adapters.outbound.postgres.access import access_columns, access_of, readable_by
from waardhaven.adapters.outbound.postgres.audit import record_act
from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.adapters.outbound.postgres.vintages import emit
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.pseudonyms import Pseudonyms
from waardhaven.domain.events import IndexDefined, StrategyChanged
from waardhaven.domain.identity.access import Visibility
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import IndexRecord, SlugTaken, UnknownIndex
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.types import IndexId

_SELECT = f"""
SELECT i.id, {access_columns("index", "i")}, d.version, d.rules::text AS rules, d.created_at
FROM market_index i JOIN index_definition d ON d.index_id = i.id
"""
_NEWEST = "d.version = (SELECT max(version) FROM index_definition n WHERE n.index_id = i.id)"
_DECODER = msgspec.json.Decoder(IndexDefinition)


class PostgresIndexStore(IndexStore):
    """Rows of market_index and index_definition; a trigger refuses to change a definition."""

    def __init__(self, database: Database, pseudonyms: Pseudonyms) -> None:
        self._database = database
        self._pseudonyms = pseudonyms

    async def define(self, definition: IndexDefinition, *, by: Principal) -> IndexRecord:
        """See IndexStore. Equal means equal as stored: JSON knows lists, not tuples."""
        offered = _DECODER.decode(msgspec.json.encode(definition))
        async with self._database.transaction() as connection:
            index = await _index_id(connection, definition.slug, by)
            rows = await connection.fetch(f"{_SELECT} WHERE i.id = $1 AND {_NEWEST}", index)
            known = _record(rows[0]) if rows else None
            if known is not None:
                known.access.require_edit(by, SlugTaken(f"The name {definition.slug!r} is taken."))
            if known is not None and known.definition == offered:
                return known
            version = 1 if known is None else known.version + 1
            await _insert(connection, index, version, definition)
            await record_act(
                connection,
                "index.defined",
                by=by,
                target=f"index:{index}",
                before=None if known is None else self._digest(known.definition),
                after=self._digest(offered),
                detail={"version": version},
            )
            event = IndexDefined if known is None else StrategyChanged
            await emit(connection, event(index=int(index), version=version))
            row = await connection.fetchrow(f"{_SELECT} WHERE i.id = $1 AND d.version = $2", index, version)
        return _record(row)

    def _digest(self, definition: IndexDefinition) -> bytes:
        return self._pseudonyms.of_state(msgspec.to_builtins(definition))

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

    async def by_id(self, index: IndexId) -> IndexRecord:
        """See IndexStore."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(f"{_SELECT} WHERE i.id = $1 AND {_NEWEST}", index)
        if row is None:
            raise UnknownIndex("There is no such index.")
        return _record(row)

    async def list(self, *, by: Principal, limit: int, after: str | None = None) -> Sequence[IndexRecord]:
        """See IndexStore."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                f"{_SELECT} WHERE i.deleted_at IS NULL AND {readable_by('index', 'i', '$3', '$4')} "
                f"AND {_NEWEST} AND ($1::text IS NULL OR i.slug > $1) ORDER BY i.slug LIMIT $2",
                after,
                limit,
                by.may(Permission.OPERATE),
                by.user,
            )
        return [_record(row) for row in rows]


async def _index_id(connection: Connection, slug: str, by: Principal) -> IndexId:
    await connection.execute(
        "INSERT INTO market_index (slug, owner_id, visibility) VALUES ($1, $2, $3)"
        " ON CONFLICT (slug) DO NOTHING",
        slug,
        by.user,
        str(Visibility.PUBLIC if by.user is None else Visibility.PRIVATE),
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
        access=access_of(row),
    )
