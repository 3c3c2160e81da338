"""PostgresBuildStore: builds as columns, publications as a chain."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import numpy as np

from waardhaven.adapters.outbound.postgres import build_columns, build_writing, revisions
from waardhaven.adapters.outbound.postgres.audit import record_act
from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.application.ports.build_store import (
    BuildStore,
    BuildSummary,
    Head,
    PublicationDraft,
    PublishedSegment,
    Revision,
)
from waardhaven.application.ports.pseudonyms import Pseudonyms
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.index.build_record import (
    BuildRecord,
    Publication,
    PublicationKind,
    StaleBuild,
    UnknownBuild,
)
from waardhaven.domain.index.composition import CompositionColumns, IndexState
from waardhaven.domain.provenance import CodeVersion, Provenance
from waardhaven.domain.types import BuildId, IndexId, Vintage

_BUILD = """
SELECT b.*, v.committed_at AS vintage_at,
       EXISTS (SELECT FROM publication p WHERE p.build_id = b.id) AS published
FROM build b JOIN vintage v ON v.id = b.vintage
"""
_LEVEL_NAMES = [f"level.{name}" for name in build_columns.LEVEL | build_columns.VARIANTS] + ["forced.day"]
_COMPOSITION_NAMES = [f"composition.{name}" for name in build_columns.EVERY_COMPOSITION]
_NO_COMPOSITIONS = CompositionColumns(
    selection=np.array([], dtype="datetime64[D]"),
    effective=np.array([], dtype="datetime64[D]"),
    reason=np.array([], dtype=np.int8),
    divisor=np.array([]),
    offset=np.zeros(1, dtype=np.int64),
    asset=np.array([], dtype=np.int64),
    weight=np.array([]),
    units=np.array([]),
)
_PUBLISHED = """
SELECT p.id, p.index_id, p.build_id, p.kind, p.from_day, p.through_day, p.announced_at, p.effective_at,
       p.reason, b.definition_version, b.vintage, v.committed_at AS vintage_at, b.code_version,
       b.code_digest, b.fingerprint, b.input_hash, c.names, c.data
FROM publication p
JOIN build b ON b.id = p.build_id
JOIN vintage v ON v.id = b.vintage
CROSS JOIN LATERAL (
    SELECT array_agg(name) AS names, array_agg(data) AS data FROM build_column
    WHERE build_id = p.build_id AND name = ANY($3)
) c
WHERE p.index_id = $1 AND p.effective_at <= coalesce($2, clock_timestamp())
ORDER BY p.id
"""
_COVERAGE = """
SELECT p.index_id, r.first, p.through_day AS last, substring(c.data FROM 1 FOR 8) AS level
FROM (
    SELECT index_id, min(from_day) AS first, max(id) AS newest FROM publication
    WHERE index_id = ANY($1) AND effective_at <= clock_timestamp() GROUP BY index_id
) r
JOIN publication p ON p.id = r.newest
JOIN build_column c ON c.build_id = p.build_id AND c.name = 'closing.value'
"""
_HEAD = """
SELECT p.*, c.names, c.data
FROM publication p
CROSS JOIN LATERAL (
    SELECT array_agg(name) AS names, array_agg(data) AS data FROM build_column
    WHERE build_id = p.build_id AND name LIKE 'closing.%'
) c
WHERE p.index_id = $1 AND p.effective_at <= clock_timestamp() ORDER BY p.id DESC LIMIT 1
"""


class PostgresBuildStore(BuildStore):
    """Rows of build, build_column and publication; triggers refuse to change any of them."""

    def __init__(self, database: Database, pseudonyms: Pseudonyms) -> None:
        self._database = database
        self._pseudonyms = pseudonyms

    async def save(self, build: BuildRecord, *, by: Principal) -> None:
        """See BuildStore."""
        async with self._database.transaction() as connection:
            stored, _ = await build_writing.store(connection, build, numbered=False)
            if stored:
                await build_writing.tell(connection, [build_writing.built(build, by, self._pseudonyms)])

    async def load(self, build: BuildId) -> BuildRecord:
        """See BuildStore."""
        async with self._database.transaction(snapshot=True) as connection:
            row = await connection.fetchrow(f"{_BUILD} WHERE b.id = $1", build)
            if row is None:
                raise _unknown(build)
            columns = await _columns(connection, build)
        return BuildRecord(
            id=build,
            index=IndexId(row["index_id"]),
            provenance=_provenance(row),
            opening=build_columns.state(columns, "opening"),
            restates=row["restates"],
            forced=build_columns.from_bytes(columns, "forced", {"day": "<i4"})["day"],
            universe=build_columns.from_bytes(columns, "universe", {"asset": "<i8"})["asset"],
            result=build_columns.result(columns),
            created_at=row["created_at"],
        )

    async def summary(self, build: BuildId) -> BuildSummary:
        """See BuildStore."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(f"{_BUILD} WHERE b.id = $1", build)
        if row is None:
            raise _unknown(build)
        return _summary(row)

    async def summaries(
        self, index: IndexId, *, limit: int, before: BuildId | None = None
    ) -> list[BuildSummary]:
        """See BuildStore."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                f"{_BUILD} WHERE b.index_id = $1 AND ($2::uuid IS NULL OR (b.created_at, b.id) < "
                "(SELECT o.created_at, o.id FROM build o WHERE o.id = $2)) "
                "ORDER BY b.created_at DESC, b.id DESC LIMIT $3",
                index,
                before,
                limit,
            )
        return [_summary(row) for row in rows]

    async def publish(self, draft: PublicationDraft, *, by: Principal) -> Publication:
        """See BuildStore. The unique chain (index, follows) lets one successor through."""
        async with self._database.transaction() as connection:
            number = await build_writing.draw_number(connection)
            act = build_writing.published(draft, number, by, self._pseudonyms)
            row = await build_writing.publish(connection, draft, number, [act])
        return _publication(row) if row is not None else await self._published_before(draft)

    async def publish_new(self, build: BuildRecord, draft: PublicationDraft, *, by: Principal) -> Publication:
        """See BuildStore."""
        async with self._database.transaction() as connection:
            stored, number = await build_writing.store(connection, build, numbered=True)
            acts = [build_writing.built(build, by, self._pseudonyms)] if stored else []
            acts.append(build_writing.published(draft, number, by, self._pseudonyms))
            row = await build_writing.publish(connection, draft, number, acts)
        return _publication(row) if row is not None else await self._published_before(draft)

    async def _published_before(self, draft: PublicationDraft) -> Publication:
        """Return the publication that a build has; raise StaleBuild when it has none."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow("SELECT * FROM publication WHERE build_id = $1", draft.build)
        if row is None:
            raise StaleBuild("Another publication of this index came first. Build again.")
        return _publication(row)

    async def published(
        self, index: IndexId, *, as_of: datetime | None = None, compositions: bool = False
    ) -> Sequence[PublishedSegment]:
        """See BuildStore."""
        names = _LEVEL_NAMES + (_COMPOSITION_NAMES if compositions else [])
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_PUBLISHED, index, as_of, names)
        return [_segment(row, with_compositions=compositions) for row in rows]

    async def chain(self, index: IndexId) -> list[Publication]:
        """See BuildStore."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                "SELECT * FROM publication WHERE index_id = $1 AND effective_at <= clock_timestamp() "
                "ORDER BY id",
                index,
            )
        return [_publication(row) for row in rows]

    async def head(self, index: IndexId) -> Head | None:
        """See BuildStore."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_HEAD, index)
        if row is None:
            return None
        columns = dict(zip(row["names"], row["data"], strict=True))
        return Head(publication=_publication(row), closing=_closing(columns))

    async def closing(self, build: BuildId) -> IndexState | None:
        """See BuildStore."""
        async with self._database.acquire() as connection:
            columns = await _columns(connection, build, "closing.%")
        return _closing(columns)

    async def log_revision(self, revision: Revision, *, by: Principal) -> None:
        """See BuildStore."""
        async with self._database.transaction() as connection:
            number = await revisions.insert(connection, revision)
            if number is not None:
                await record_act(
                    connection,
                    "index.compared",
                    by=by,
                    target=f"index:{revision.index}",
                    detail={"revision": number, "decision": str(revision.decision)},
                )

    async def revisions(self, index: IndexId, *, limit: int, before: int | None = None) -> list[Revision]:
        """See BuildStore."""
        async with self._database.acquire() as connection:
            return await revisions.newest(connection, index, limit=limit, before=before)

    async def coverage(self, indexes: Sequence[IndexId]) -> dict[IndexId, tuple[date, date, float]]:
        """See BuildStore. The newest publication reaches furthest and its build ends with the last level."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_COVERAGE, list(indexes))
        return {
            IndexId(row["index_id"]): (
                row["first"],
                row["last"],
                float(np.frombuffer(row["level"], "<f8")[0]),
            )
            for row in rows
        }


def _unknown(build: BuildId) -> UnknownBuild:
    return UnknownBuild(f"There is no build {build}.", context={"build": str(build)})


async def _columns(connection: Connection, build: BuildId, like: str = "%") -> dict[str, bytes]:
    rows = await connection.fetch(
        "SELECT name, data FROM build_column WHERE build_id = $1 AND name LIKE $2", build, like
    )
    return {row["name"]: row["data"] for row in rows}


def _provenance(row: asyncpg.Record) -> Provenance:
    return Provenance(
        definition_version=row["definition_version"],
        vintage=Vintage(row["vintage"]),
        vintage_at=row["vintage_at"],
        code=CodeVersion(
            package=row["code_version"], digest=row["code_digest"], fingerprint=row["fingerprint"]
        ),
        input_hash=row["input_hash"],
    )


def _closing(columns: Mapping[str, bytes]) -> IndexState | None:
    """Return the closing state, None of a build stored before the last review was part of it."""
    return build_columns.state(columns, "closing") if "closing.reviewed" in columns else None


def _summary(row: asyncpg.Record) -> BuildSummary:
    return BuildSummary(
        id=BuildId(row["id"]),
        provenance=_provenance(row),
        start=row["start_day"],
        through=row["through_day"],
        sessions=row["sessions"],
        restates=row["restates"],
        opened_from=row["opened_from"],
        created_at=row["created_at"],
        published=row["published"],
    )


def _publication(row: Mapping[str, Any]) -> Publication:
    return Publication(
        id=row["id"],
        index=IndexId(row["index_id"]),
        build=BuildId(row["build_id"]),
        kind=PublicationKind(row["kind"]),
        from_day=row["from_day"],
        through_day=row["through_day"],
        announced_at=row["announced_at"],
        effective_at=row["effective_at"],
        reason=row["reason"],
    )


def _segment(row: asyncpg.Record, *, with_compositions: bool) -> PublishedSegment:
    columns = dict(zip(row["names"], row["data"], strict=True))
    return PublishedSegment(
        publication=_publication(row),
        made_from=_provenance(row),
        levels=build_columns.levels(columns),
        compositions=build_columns.compositions(columns) if with_compositions else _NO_COMPOSITIONS,
        forced=build_columns.from_bytes(columns, "forced", {"day": "<i4"})["day"],
    )
