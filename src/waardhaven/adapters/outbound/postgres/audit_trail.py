"""PostgresAuditTrail: audit_entry read in pages, audit_link as the chain over it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import asyncpg

from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.application.ports.audit_trail import AuditFilter, AuditTrail, RecordedEntry, SealedHead
from waardhaven.domain.identity.audit import GENESIS, AuditEntry, ChainHead, ChainLink, links
from waardhaven.domain.types import UserId

SEALER = 7042
"""Key of the advisory lock that the one sealer holds until its transaction ends."""
WINDOW = 500
"""Ids below the newest sealed one that are looked at in every call: late commits are found here."""
SLICE = 2_000
"""Ids of the part of the past that one call looks at besides; calls go through the parts in turn."""
LOWEST = -(2**63)
"""Below every position, also below those that only a forger could have written."""

_ENTRY = (
    "e.id, e.at, e.actor_id, e.credential, e.action, e.target, e.before_digest, e.after_digest,"
    " e.occurrences, e.detail::text AS detail, e.correlation_id"
)
_WAITING = """
(SELECT id FROM audit_entry WHERE id > $2 ORDER BY id LIMIT $5)
UNION ALL (
    (SELECT id FROM audit_entry WHERE id BETWEEN $1 AND $2
     UNION SELECT id FROM audit_entry WHERE id BETWEEN $3 AND $4)
    EXCEPT
    (SELECT entry_id FROM audit_link WHERE entry_id BETWEEN $1 AND $2
     UNION SELECT entry_id FROM audit_link WHERE entry_id BETWEEN $3 AND $4)
)
ORDER BY id LIMIT $5
"""
"""Ranges on both sides: with a plain NOT EXISTS the whole of audit_link is read, every second."""
_ENTRIES = f"SELECT {_ENTRY} FROM audit_entry e WHERE e.id = ANY($1) ORDER BY e.id"
_ADD = """
INSERT INTO audit_link (position, entry_id, digest)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])
"""
_PAGE = f"""
SELECT {_ENTRY}, l.position FROM audit_entry e LEFT JOIN audit_link l ON l.entry_id = e.id
"""
_WALK = f"""
SELECT l.position, l.entry_id, l.digest, {_ENTRY}
FROM audit_link l LEFT JOIN audit_entry e ON e.id = l.entry_id
WHERE l.position > $1 ORDER BY l.position LIMIT $2
"""


class PostgresAuditTrail(AuditTrail):
    """Rows of audit_entry and audit_link; triggers refuse to change any of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, wanted: AuditFilter, *, limit: int, before: int | None = None
    ) -> list[RecordedEntry]:
        """See AuditTrail."""
        conditions = {
            "e.actor_id = ${}": wanted.actor,
            "starts_with(e.action, ${})": wanted.action,
            "e.target = ${}": wanted.target,
            "e.at >= ${}": wanted.since,
            "e.at < ${}": wanted.until,
            "e.correlation_id = ${}": wanted.correlation_id,
            "e.credential = ${}": wanted.credential,
            "e.id < ${}": before,
        }
        asked = {text: value for text, value in conditions.items() if value is not None}
        where = " AND ".join(text.format(place) for place, text in enumerate(asked, start=2)) or "true"
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                f"{_PAGE} WHERE {where} ORDER BY e.id DESC LIMIT $1", limit, *asked.values()
            )
        return [RecordedEntry(entry=_entry(row), position=row["position"]) for row in rows]

    async def head(self) -> ChainHead:
        """See AuditTrail."""
        async with self._database.acquire() as connection:
            return await _head(connection)

    async def seal(self, *, limit: int) -> SealedHead | None:
        """See AuditTrail. The lock ends with the transaction, so that of a killed sealer is free at once."""
        async with self._database.transaction() as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", SEALER):
                return None
            head = await _head(connection)
            rows = await _unsealed(connection, limit)
            if not rows:
                return SealedHead(head=head, sealed=0)
            heads = await asyncio.to_thread(_chained, head, rows)
            await connection.execute(
                _ADD,
                [one.position for one in heads],
                [row["id"] for row in rows],
                [one.digest for one in heads],
            )
        return SealedHead(head=heads[-1], sealed=len(heads))

    async def walk(self, *, batch: int = 1_000) -> AsyncIterator[list[ChainLink]]:
        """See AuditTrail. Pages by position: no transaction stays open between two of them."""
        position = LOWEST
        while True:
            async with self._database.acquire() as connection:
                rows = await connection.fetch(_WALK, position, batch)
            if not rows:
                return
            position = rows[-1]["position"]
            yield [_link(row) for row in rows]

    async def unsealed(self, *, until: datetime) -> int:
        """See AuditTrail."""
        async with self._database.acquire() as connection:
            return int(
                await connection.fetchval(
                    "SELECT count(*) FROM audit_entry e WHERE e.at < $1"
                    " AND NOT EXISTS (SELECT FROM audit_link l WHERE l.entry_id = e.id)",
                    until,
                )
            )


async def _head(connection: Connection) -> ChainHead:
    row = await connection.fetchrow("SELECT position, digest FROM audit_link ORDER BY position DESC LIMIT 1")
    return GENESIS if row is None else ChainHead(position=row["position"], digest=row["digest"])


async def _unsealed(connection: Connection, limit: int) -> Sequence[asyncpg.Record]:
    """Return entries without a link: new ones, late ones, and those of one part of the past.

    An id is taken at the insert and seen at the commit, so any id may turn up at any time. To look at
    all of them every second would take longer and longer; each call looks at one part, by the clock.
    """
    row = await connection.fetchrow(
        "SELECT coalesce(max(entry_id), 0) AS newest, extract(epoch FROM clock_timestamp())::bigint AS second"
        " FROM audit_link"
    )
    newest = row["newest"]
    part = row["second"] % (newest // SLICE + 1) * SLICE
    waiting = await connection.fetch(
        _WAITING, newest - WINDOW, newest, part, min(part + SLICE, newest), limit
    )
    if not waiting:
        return []
    rows: Sequence[asyncpg.Record] = await connection.fetch(_ENTRIES, [one["id"] for one in waiting])
    return rows


def _chained(head: ChainHead, rows: Sequence[asyncpg.Record]) -> list[ChainHead]:
    return list(links(head, map(_entry, rows)))


def _entry(row: asyncpg.Record) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        at=row["at"],
        actor=None if row["actor_id"] is None else UserId(row["actor_id"]),
        credential=row["credential"],
        action=row["action"],
        target=row["target"],
        before=row["before_digest"],
        after=row["after_digest"],
        occurrences=row["occurrences"],
        detail=json.loads(row["detail"]),
        correlation_id=row["correlation_id"],
    )


def _link(row: asyncpg.Record) -> ChainLink:
    return ChainLink(
        position=row["position"],
        entry_id=row["entry_id"],
        digest=row["digest"],
        entry=None if row["id"] is None else _entry(row),
    )
