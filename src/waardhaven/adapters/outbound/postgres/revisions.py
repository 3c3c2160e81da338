"""The log of what was published then beside what was known later."""

from math import isnan, nan

import asyncpg

from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.application.ports.build_store import Revision
from waardhaven.domain.index.restating import Comparison, Decision
from waardhaven.domain.types import IndexId, Vintage

_INSERT = """
INSERT INTO index_revision
    (index_id, publication_id, vintage, first_day, days, largest, published, known, decision)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (publication_id, vintage) DO NOTHING RETURNING id
"""


async def insert(connection: Connection, revision: Revision) -> int | None:
    """Store a comparison; return its id, None when there was one already."""
    found = revision.found
    number: int | None = await connection.fetchval(
        _INSERT,
        revision.index,
        revision.publication,
        revision.vintage,
        found.first_day,
        found.days,
        found.largest,
        found.published,
        None if isnan(found.known) else found.known,
        str(revision.decision),
    )
    return number


async def newest(connection: Connection, index: IndexId, *, limit: int, before: int | None) -> list[Revision]:
    """Return comparisons, newest first."""
    rows = await connection.fetch(
        "SELECT * FROM index_revision WHERE index_id = $1 AND ($2::bigint IS NULL OR id < $2)"
        " ORDER BY id DESC LIMIT $3",
        index,
        before,
        limit,
    )
    return [_revision(row) for row in rows]


def _revision(row: asyncpg.Record) -> Revision:
    return Revision(
        id=row["id"],
        index=IndexId(row["index_id"]),
        publication=row["publication_id"],
        vintage=Vintage(row["vintage"]),
        checked_at=row["checked_at"],
        decision=Decision(row["decision"]),
        found=Comparison(
            first_day=row["first_day"],
            days=row["days"],
            largest=row["largest"],
            published=row["published"],
            known=nan if row["known"] is None else row["known"],
        ),
    )
