"""PostgresQualityFlags: findings about bars and what people said of them, each state at its vintages."""

from collections.abc import Sequence
from datetime import date

import asyncpg
import numpy as np

from waardhaven.adapters.outbound.postgres.audit import record_act
from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.adapters.outbound.postgres.vintages import emit, known, lock_facts, next_vintage
from waardhaven.application.ports.quality_flags import (
    FlagCount,
    FlagFilter,
    HeldColumns,
    QualityFlag,
    QualityFlags,
    UnknownFlag,
)
from waardhaven.domain.events import FactsCommitted
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.market.quality import Finding, FindingKind, ReviewState
from waardhaven.domain.types import AssetId, SeriesId, Vintage

_STAGE = """
CREATE TEMP TABLE flag_found (
    series_id bigint, day date, kind text, detail text, PRIMARY KEY (series_id, day, kind)
) ON COMMIT DROP
"""
_FIND = "INSERT INTO flag_found SELECT * FROM unnest($1::bigint[], $2::date[], $3::text[], $4::text[])"
_MATCH = "f.series_id = s.series_id AND f.day = s.day AND f.kind = s.kind AND f.vintage_to IS NULL"
_ENDED = f"""
f.vintage_to IS NULL AND f.state = 'open' AND f.series_id = ANY($1) AND f.kind = ANY($2)
AND ($3::date IS NULL OR f.day >= $3) AND NOT EXISTS (SELECT FROM flag_found s WHERE {_MATCH})
"""
_COUNT = f"""
SELECT count(*) FILTER (WHERE f.id IS NULL) AS inserted,
       count(*) FILTER (WHERE f.detail <> s.detail) AS changed,
       (SELECT count(*) FROM quality_flag f WHERE {_ENDED}) AS ended
FROM flag_found s LEFT JOIN quality_flag f ON {_MATCH}
"""
_END = f"UPDATE quality_flag f SET vintage_to = $4 WHERE {_ENDED}"
_SUPERSEDE = f"""
WITH former AS (
    UPDATE quality_flag f SET vintage_to = $1 FROM flag_found s WHERE {_MATCH} AND f.detail <> s.detail
    RETURNING f.id, f.series_id, f.day, f.kind, f.found_at, s.detail
)
INSERT INTO quality_flag (id, series_id, day, kind, detail, vintage_from, found_at)
OVERRIDING SYSTEM VALUE SELECT id, series_id, day, kind, detail, $1, found_at FROM former
"""
_INSERT = f"""
INSERT INTO quality_flag (series_id, day, kind, detail, vintage_from)
SELECT s.series_id, s.day, s.kind, s.detail, $1 FROM flag_found s
WHERE NOT EXISTS (SELECT FROM quality_flag f WHERE {_MATCH}) ORDER BY s.day, s.series_id, s.kind
"""
_REVIEW = """
WITH former AS (
    UPDATE quality_flag SET vintage_to = $2 WHERE id = $1 AND vintage_to IS NULL
    RETURNING id, series_id, day, kind, detail, found_at
)
INSERT INTO quality_flag
    (id, series_id, day, kind, detail, vintage_from, found_at, state, note, reviewed_at, reviewed_by)
OVERRIDING SYSTEM VALUE
SELECT id, series_id, day, kind, detail, $2, found_at, $3::text, nullif($4::text, ''),
       CASE WHEN $3 <> 'open' THEN clock_timestamp() END, CASE WHEN $3 <> 'open' THEN $5::uuid END
FROM former
"""
_PAGE = """
SELECT f.id, f.series_id AS series, s.asset_id AS asset, i.value AS symbol, i.venue AS mic, s.source,
       s.adjustment, f.day, f.kind, f.detail, f.state, f.found_at, f.reviewed_at, f.note
FROM quality_flag f
JOIN series s ON s.id = f.series_id
JOIN asset_identifier i ON i.asset_id = s.asset_id AND i.scheme = 'ticker'
    AND i.vintage_to IS NULL AND i.valid_to IS NULL
WHERE f.vintage_to IS NULL AND f.kind = ANY($1)
"""
_WANTED = """
AND ($2::text IS NULL OR f.state = $2) AND ($3::bigint IS NULL OR s.asset_id = $3)
AND ($4::date IS NULL OR f.day >= $4) AND ($5::date IS NULL OR f.day <= $5)
AND ($6::bigint IS NULL OR f.id < $6) ORDER BY f.id DESC LIMIT $7
"""
KINDS = [str(kind) for kind in FindingKind]


class PostgresQualityFlags(QualityFlags):
    """Rows of quality_flag; a flag keeps its id over its versions. Kinds of former releases stay unread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self,
        findings: Sequence[Finding],
        *,
        series: Sequence[SeriesId],
        kinds: Sequence[FindingKind],
        start: date | None = None,
    ) -> Vintage | None:
        """See QualityFlags."""
        scope = (list(series), [str(kind) for kind in kinds], start)
        async with self._database.transaction() as connection:
            await lock_facts(connection)
            await connection.execute(_STAGE)
            await connection.execute(_FIND, *_arrays(findings))
            count = await connection.fetchrow(_COUNT, *scope)
            changed = count["changed"] + count["ended"]
            if not count["inserted"] and not changed:
                return None
            vintage = await next_vintage(connection, "quality of prices")
            await connection.execute(_END, *scope, vintage)
            await connection.execute(_SUPERSEDE, vintage)
            await connection.execute(_INSERT, vintage)
            await _tell(connection, vintage, inserted=count["inserted"], changed=changed)
        return vintage

    async def page(
        self, wanted: FlagFilter, *, limit: int, before: int | None = None
    ) -> Sequence[QualityFlag]:
        """See QualityFlags."""
        kinds = KINDS if wanted.kind is None else [str(wanted.kind)]
        state = None if wanted.state is None else str(wanted.state)
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                _PAGE + _WANTED, kinds, state, wanted.asset, wanted.start, wanted.end, before, limit
            )
        return [_flag(row) for row in rows]

    async def counts(self) -> Sequence[FlagCount]:
        """See QualityFlags. Ordered by kind, then state."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                "SELECT kind, state, count(*) AS count, max(day) AS latest FROM quality_flag "
                "WHERE vintage_to IS NULL AND kind = ANY($1) GROUP BY kind, state ORDER BY kind, state",
                KINDS,
            )
        return [
            FlagCount(
                kind=FindingKind(row["kind"]),
                state=ReviewState(row["state"]),
                count=row["count"],
                latest=row["latest"],
            )
            for row in rows
        ]

    async def review(self, id_: int, *, state: ReviewState, note: str, by: Principal) -> QualityFlag:
        """See QualityFlags."""
        async with self._database.transaction() as connection:
            await lock_facts(connection)
            former = await connection.fetchval(
                "SELECT state FROM quality_flag WHERE id = $1 AND vintage_to IS NULL AND kind = ANY($2)",
                id_,
                KINDS,
            )
            if former is None:
                raise UnknownFlag("There is no such flag.", context={"flag": id_})
            vintage = await next_vintage(connection, f"review of flag {id_}")
            await connection.execute(_REVIEW, id_, vintage, str(state), note, by.user)
            await record_act(
                connection,
                "quality.reviewed",
                by=by,
                target=f"quality_flag:{id_}",
                detail={"from": former, "to": str(state)},
            )
            await _tell(connection, vintage, inserted=0, changed=1)
            row = await connection.fetchrow(f"{_PAGE} AND f.id = $2", KINDS, id_)
        return _flag(row)

    async def held(
        self, series: Sequence[SeriesId], *, kinds: Sequence[FindingKind], vintage: Vintage | None = None
    ) -> HeldColumns:
        """See QualityFlags."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT series_id, day FROM quality_flag WHERE series_id = ANY($1) "
                f"AND kind = ANY($2) AND state <> 'accepted' AND {known('$3')} ORDER BY series_id, day",
                list(series),
                [str(kind) for kind in kinds],
                vintage,
            )
        return HeldColumns(
            series=np.array([row["series_id"] for row in rows], dtype=np.int64),
            day=np.array([row["day"] for row in rows], dtype="datetime64[D]"),
        )


async def _tell(connection: Connection, vintage: Vintage, *, inserted: int, changed: int) -> None:
    await emit(
        connection, FactsCommitted(what="quality", vintage=vintage, inserted=inserted, changed=changed)
    )


def _arrays(findings: Sequence[Finding]) -> tuple[list[object], ...]:
    return (
        [one.series for one in findings],
        [one.day for one in findings],
        [str(one.kind) for one in findings],
        [one.detail for one in findings],
    )


def _flag(row: asyncpg.Record) -> QualityFlag:
    values = dict(row)
    values["series"], values["asset"] = SeriesId(values["series"]), AssetId(values["asset"])
    values["kind"], values["state"] = FindingKind(values["kind"]), ReviewState(values["state"])
    return QualityFlag(**values)
