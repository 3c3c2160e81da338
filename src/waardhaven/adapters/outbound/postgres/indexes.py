"""PostgresIndexStore: definitions as JSON with the columns the database checks."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import asyncpg
import msgspec

from waardhaven.adapters.outbound.postgres.access import access_columns, access_of, readable_by
from waardhaven.adapters.outbound.postgres.audit import record_act
from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.adapters.outbound.postgres.vintages import emit
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.pseudonyms import Pseudonyms
from waardhaven.domain.events import IndexArchived, IndexDefined, IndexRestored, ReviewForced, StrategyChanged
from waardhaven.domain.identity.access import Visibility
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import ForcedReview, IndexRecord, SlugTaken, UnknownIndex
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.universe import own_universe
from waardhaven.domain.types import IndexId, UserId

_SELECT = f"""
SELECT i.id, {access_columns("index", "i")}, d.version, d.rules::text AS rules, d.created_at,
    d.author_id, d.reason, i.deleted_at
FROM market_index i JOIN index_definition d ON d.index_id = i.id
"""
_NEWEST = "d.version = (SELECT max(version) FROM index_definition n WHERE n.index_id = i.id)"
_DECODER = msgspec.json.Decoder(IndexDefinition)


class PostgresIndexStore(IndexStore):
    """Rows of market_index and index_definition; a trigger refuses to change a definition."""

    def __init__(self, database: Database, pseudonyms: Pseudonyms) -> None:
        self._database = database
        self._pseudonyms = pseudonyms

    async def define(
        self, definition: IndexDefinition, *, by: Principal, reason: str | None = None
    ) -> IndexRecord:
        """See IndexStore. Equal means equal as stored: JSON knows lists, not tuples."""
        offered = _DECODER.decode(msgspec.json.encode(definition))
        async with self._database.transaction() as connection:
            index = await _index_id(connection, definition.slug, by)
            rows = await connection.fetch(f"{_SELECT} WHERE i.id = $1 AND {_NEWEST}", index)
            known = _record(rows[0]) if rows else None
            if known is not None:
                await _check_may_define(connection, known, by, archived=rows[0]["deleted_at"] is not None)
            if known is not None and known.definition == offered:
                return known
            version = 1 if known is None else known.version + 1
            await _insert(connection, index, version, definition, by, reason)
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

    async def versions(
        self, index: IndexId, *, limit: int, before: int | None = None
    ) -> Sequence[IndexRecord]:
        """See IndexStore."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                f"{_SELECT} WHERE i.id = $1 AND ($2::bigint IS NULL OR d.version < $2)"
                " ORDER BY d.version DESC LIMIT $3",
                index,
                before,
                limit,
            )
        return [_record(row) for row in rows]

    async def archive(self, slug: str, *, by: Principal) -> None:
        """See IndexStore."""
        unknown = UnknownIndex(f"There is no index {slug!r}.", context={"slug": slug})
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                f"{_SELECT} WHERE i.slug = $1 AND i.deleted_at IS NULL AND {_NEWEST} FOR UPDATE OF i", slug
            )
            if row is None:
                raise unknown
            access_of(row).require_manage(by, unknown)
            await connection.execute("UPDATE market_index SET deleted_at = now() WHERE id = $1", row["id"])
            await record_act(connection, "index.archived", by=by, target=f"index:{row['id']}")
            await emit(connection, IndexArchived(index=row["id"]))

    async def force_review(
        self, index: IndexId, *, after_day: date, reason: str, by: Principal
    ) -> ForcedReview:
        """See IndexStore."""
        async with self._database.transaction() as connection:
            made = await connection.fetchrow(
                "INSERT INTO forced_review (index_id, after_day, reason, requested_by)"
                " VALUES ($1, $2, $3, $4) ON CONFLICT (index_id, after_day) DO NOTHING RETURNING *",
                index,
                after_day,
                reason,
                by.user,
            )
            if made is not None:
                day = after_day.isoformat()
                target, detail = f"index:{index}", {"after_day": day}
                await record_act(connection, "index.review_forced", by=by, target=target, detail=detail)
                await emit(connection, ReviewForced(index=int(index), after_day=day))
                return _forced_review(made)
            known = await connection.fetchrow(
                "SELECT * FROM forced_review WHERE index_id = $1 AND after_day = $2", index, after_day
            )
        return _forced_review(known)

    async def forced_reviews(self, index: IndexId) -> Sequence[ForcedReview]:
        """See IndexStore."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                "SELECT * FROM forced_review WHERE index_id = $1 ORDER BY after_day", index
            )
        return [_forced_review(row) for row in rows]


async def _check_may_define(
    connection: Connection, known: IndexRecord, by: Principal, *, archived: bool
) -> None:
    """Raise SlugTaken or NotYours; bring an archived index back for who may manage it."""
    taken = SlugTaken(f"The name {known.definition.slug!r} is taken.")
    if not archived:
        known.access.require_edit(by, taken)
        return
    if not known.access.may_manage(by):
        raise taken
    await connection.execute("UPDATE market_index SET deleted_at = NULL WHERE id = $1", known.id)
    await record_act(connection, "index.restored", by=by, target=f"index:{known.id}")
    await emit(connection, IndexRestored(index=int(known.id)))


async def _index_id(connection: Connection, slug: str, by: Principal) -> IndexId:
    await connection.execute(
        "INSERT INTO market_index (slug, owner_id, visibility) VALUES ($1, $2, $3)"
        " ON CONFLICT (slug) DO NOTHING",
        slug,
        by.user,
        str(Visibility.PUBLIC if by.user is None else Visibility.PRIVATE),
    )
    return IndexId(await connection.fetchval("SELECT id FROM market_index WHERE slug = $1 FOR UPDATE", slug))


async def _insert(
    connection: Connection,
    index: IndexId,
    version: int,
    definition: IndexDefinition,
    by: Principal,
    reason: str | None,
) -> None:
    if definition.universe == own_universe(definition.slug):
        await connection.execute(
            "INSERT INTO universe (slug, name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            definition.universe,
            definition.name,
        )
    await connection.execute(
        "INSERT INTO index_definition (index_id, version, name, base_date, base_value, currency, universe,"
        " lag, decimals, fixing, restatement, rules, author_id, reason)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
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
        by.user,
        reason or None,
    )


def _record(row: asyncpg.Record) -> IndexRecord:
    return IndexRecord(
        id=IndexId(row["id"]),
        definition=_DECODER.decode(row["rules"]),
        version=row["version"],
        defined_at=row["created_at"],
        access=access_of(row),
        author=_user(row["author_id"]),
        reason=row["reason"],
    )


def _forced_review(row: asyncpg.Record) -> ForcedReview:
    return ForcedReview(
        id=row["id"],
        index=IndexId(row["index_id"]),
        after_day=row["after_day"],
        reason=row["reason"],
        requested_by=_user(row["requested_by"]),
        requested_at=row["requested_at"],
    )


def _user(id_: UUID | None) -> UserId | None:
    return None if id_ is None else UserId(id_)
