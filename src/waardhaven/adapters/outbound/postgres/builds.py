"""PostgresBuildStore: builds as columns, publications as a chain."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import numpy as np

from waardhaven.adapters.outbound.postgres import build_columns, revisions
from waardhaven.adapters.outbound.postgres.audit import record_act
from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.adapters.outbound.postgres.vintages import emit
from waardhaven.application.ports.build_store import (
    BuildStore,
    BuildSummary,
    PublicationDraft,
    PublishedSegment,
    Revision,
)
from waardhaven.application.ports.pseudonyms import Pseudonyms
from waardhaven.domain.events import BuildFinished, IndexPublished
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
from waardhaven.domain.types import BuildId, IndexId, Vintage, as_date

_BUILD = """
SELECT b.*, v.committed_at AS vintage_at,
       EXISTS (SELECT FROM publication p WHERE p.build_id = b.id) AS published
FROM build b JOIN vintage v ON v.id = b.vintage
"""
_LEVEL_NAMES = [f"level.{name}" for name in build_columns.LEVEL | build_columns.VARIANTS] + ["forced.day"]
_COMPOSITION_NAMES = [
    f"composition.{name}" for name in build_columns.COMPOSITION | build_columns.LATER_COMPOSITION
]
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
_BEFORE = """
(SELECT * FROM publication WHERE index_id = $1 ORDER BY id DESC LIMIT 1)
UNION ALL SELECT * FROM publication WHERE build_id = $2
"""
_PUBLISH = """
INSERT INTO publication (index_id, build_id, kind, follows, from_day, through_day, announced_at,
                         effective_at, reason)
SELECT $1, $2, $3, $4, $5, $6, t.instant, greatest(t.instant, $8), $7
FROM (
    SELECT greatest(clock_timestamp(), max(announced_at) + interval '1 microsecond') AS instant
    FROM publication WHERE index_id = $1
) t
RETURNING *
"""


class PostgresBuildStore(BuildStore):
    """Rows of build, build_column and publication; triggers refuse to change any of them."""

    def __init__(self, database: Database, pseudonyms: Pseudonyms) -> None:
        self._database = database
        self._pseudonyms = pseudonyms

    async def save(self, build: BuildRecord, *, by: Principal) -> None:
        """See BuildStore."""
        async with self._database.transaction() as connection:
            stored = await connection.fetchval(
                "INSERT INTO build (id, index_id, definition_version, vintage, code_version, code_digest,"
                " fingerprint, input_hash, restates, opened_from, start_day, through_day, sessions,"
                " created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
                " ON CONFLICT (id) DO NOTHING RETURNING id",
                *_build_row(build),
            )
            if stored is None:
                return
            names = ["build_id", "name", "dtype", "n", "data"]
            records = [(build.id, *row) for row in build_columns.to_rows(build)]
            await connection.copy_records_to_table("build_column", records=records, columns=names)
            await record_act(
                connection,
                "index.built",
                by=by,
                target=f"build:{build.id}",
                after=self._pseudonyms.of_state(_state(build)),
                detail={"index": int(build.index), "vintage": int(build.provenance.vintage)},
            )
            await emit(connection, BuildFinished(build=build.id, index=int(build.index)))

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
            await connection.execute("SELECT FROM market_index WHERE id = $1 FOR UPDATE", draft.index)
            before = await connection.fetch(_BEFORE, draft.index, draft.build)
            already = next((one for one in before if one["build_id"] == draft.build), None)
            if already is not None:
                return _publication(already)
            if max((one["id"] for one in before), default=None) != draft.follows:
                raise StaleBuild("Another publication of this index came first. Build again.")
            row = await connection.fetchrow(
                _PUBLISH,
                draft.index,
                draft.build,
                str(draft.kind),
                draft.follows,
                draft.from_day,
                draft.through_day,
                draft.reason,
                draft.effective_at,
            )
            await record_act(
                connection,
                "index.published",
                by=by,
                target=f"index:{draft.index}",
                before=self._newest(draft.follows),
                after=self._newest(row["id"]),
                detail={"publication": row["id"], "build": str(draft.build), "kind": str(draft.kind)},
            )
            await emit(connection, IndexPublished(publication=row["id"], index=int(draft.index)))
        return _publication(row)

    def _newest(self, publication: int | None) -> bytes | None:
        """Return the digest of what is official: the chain of publications by its newest one."""
        return None if publication is None else self._pseudonyms.of_state({"publication": publication})

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

    async def closing(self, build: BuildId) -> IndexState | None:
        """See BuildStore."""
        async with self._database.acquire() as connection:
            columns = await _columns(connection, build, "closing.%")
        return build_columns.state(columns, "closing") if "closing.reviewed" in columns else None

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


def _build_row(build: BuildRecord) -> tuple[object, ...]:
    made = build.provenance
    opened = None if build.opening is None else as_date(build.opening.day)
    return (
        build.id,
        build.index,
        made.definition_version,
        made.vintage,
        made.code.package,
        made.code.digest,
        made.code.fingerprint,
        made.input_hash,
        build.restates,
        opened,
        build.start,
        build.through,
        len(build.result.levels),
        build.created_at,
    )


def _state(build: BuildRecord) -> dict[str, object]:
    """Return what a build is determined by: the same rules, facts and code give the same figures."""
    made = build.provenance
    return {
        "index": int(build.index),
        "definition_version": made.definition_version,
        "input_hash": made.input_hash,
        "code": made.code.digest,
        "restates": build.restates,
        "through": str(build.through),
    }


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
