"""PostgresRiskStore: sets of risk metrics, and the publications that still need one."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import asyncpg
import numpy as np

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.journal import Act, journal, values
from waardhaven.application.ports.risk_store import RiskSet, RiskStore, Unmeasured
from waardhaven.domain.events import RiskMeasured
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.types import Floats, IndexId

_CLAIM = """
WITH due AS (
    SELECT publication_id FROM publication_to_measure WHERE due_at <= clock_timestamp()
    ORDER BY publication_id LIMIT $1 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE publication_to_measure m
    SET attempts = attempts + 1,
        due_at = clock_timestamp() + least(interval '1 minute' * 2 ^ least(attempts, 12), interval '1 day')
    FROM due WHERE m.publication_id = due.publication_id RETURNING m.publication_id
)
SELECT p.id, p.index_id, i.slug, p.from_day, p.through_day, p.effective_at
FROM taken t JOIN publication p ON p.id = t.publication_id JOIN market_index i ON i.id = p.index_id
ORDER BY p.id
"""
_DONE = "DELETE FROM publication_to_measure WHERE publication_id = $1"
_KEEP = """
INSERT INTO risk_set (publication_id, day, index_id, base, currency, variant, benchmark, returns, common,
                      coverage, periods_per_year, risk_free_rate, confidence, trials, names, units, values,
                      reasons, notes, code, measured_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
ON CONFLICT DO NOTHING RETURNING day
"""
_TELL: Final = f"WITH {journal(1)} SELECT"
_NEWEST = """
SELECT * FROM risk_set
WHERE index_id = $1 AND ($2::date IS NULL OR (day, publication_id) < ($2, $3))
ORDER BY day DESC, publication_id DESC LIMIT $4
"""


class PostgresRiskStore(RiskStore):
    """Rows of risk_set, which a trigger refuses to change, and of publication_to_measure."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, *, limit: int) -> list[Unmeasured]:
        """See RiskStore."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_CLAIM, limit)
        return [
            Unmeasured(
                publication=row["id"],
                index=IndexId(row["index_id"]),
                slug=row["slug"],
                from_day=row["from_day"],
                through_day=row["through_day"],
                effective_at=row["effective_at"],
            )
            for row in rows
        ]

    async def keep(self, one: Unmeasured, sets: Sequence[RiskSet], *, by: Principal) -> None:
        """See RiskStore."""
        async with self._database.transaction() as connection:
            await connection.execute(_DONE, one.publication)
            rows = [_row(one, each) for each in sets]
            if await connection.fetchmany(_KEEP, rows):
                await connection.execute(_TELL, *values([_measured(one, len(sets), by)], certain=1))

    async def newest(
        self, index: IndexId, *, limit: int, before: tuple[date, int] | None = None
    ) -> list[RiskSet]:
        """See RiskStore."""
        day, publication = before or (None, None)
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_NEWEST, index, day, publication, limit)
        return [_set(row) for row in rows]


def _measured(one: Unmeasured, sets: int, by: Principal) -> Act:
    return Act(
        action="index.risk_measured",
        by=by,
        target=f"index:{one.index}",
        event=RiskMeasured(index=int(one.index), publication=one.publication),
        detail={"publication": one.publication, "days": sets},
    )


def _row(one: Unmeasured, found: RiskSet) -> tuple[object, ...]:
    return (
        one.publication,
        found.day,
        one.index,
        found.base,
        found.currency,
        found.variant,
        found.benchmark,
        found.returns,
        found.common,
        found.coverage,
        found.periods_per_year,
        found.risk_free_rate,
        found.confidence,
        found.trials,
        found.names,
        found.units,
        _known(found.values),
        found.reasons,
        found.notes,
        found.code,
        found.measured_at,
    )


def _known(figures: Floats) -> list[float | None]:
    return [None if np.isnan(one) else one for one in figures.tolist()]


def _set(row: asyncpg.Record) -> RiskSet:
    return RiskSet(
        publication=row["publication_id"],
        day=row["day"],
        base=row["base"],
        currency=row["currency"],
        variant=row["variant"],
        benchmark=row["benchmark"],
        returns=row["returns"],
        common=row["common"],
        coverage=row["coverage"],
        periods_per_year=row["periods_per_year"],
        risk_free_rate=row["risk_free_rate"],
        confidence=row["confidence"],
        trials=row["trials"],
        names=tuple(row["names"]),
        units=tuple(row["units"]),
        values=np.array(row["values"], dtype=np.float64),
        reasons=tuple(row["reasons"]),
        notes=tuple(row["notes"]),
        code=row["code"],
        measured_at=row["measured_at"],
    )
