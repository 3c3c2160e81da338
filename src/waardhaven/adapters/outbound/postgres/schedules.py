"""PostgresSchedules: recurring jobs as rows, taken by one worker at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from waardhaven.adapters.outbound.postgres.statements import fetch
from waardhaven.application.ports.schedules import Schedule, Schedules
from waardhaven.domain.types import JobId, UserId

_ROW = "name, rule, enabled, next_at, last_at, last_job"
_ENSURE = """
INSERT INTO job_schedule (name, rule) SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT (name) DO NOTHING
"""
_TAKE_DUE = f"""
SELECT {_ROW} FROM job_schedule WHERE enabled AND (next_at IS NULL OR next_at <= clock_timestamp())
ORDER BY name FOR UPDATE SKIP LOCKED
"""
_PLANNED = """
UPDATE job_schedule SET next_at = $2::timestamptz, last_job = coalesce($3::uuid, last_job),
    last_at = CASE WHEN $3::uuid IS NULL THEN last_at ELSE clock_timestamp() END
WHERE name = $1
"""
_CHANGE = f"""
UPDATE job_schedule
SET rule = $2, enabled = $3, changed_by = $4::uuid, changed_at = clock_timestamp(), next_at = NULL
WHERE name = $1 RETURNING {_ROW}
"""
_CLOSES = """
SELECT close_at FROM session
WHERE mic = $1 AND vintage_to IS NULL AND close_at BETWEEN $2 AND $2::timestamptz + $3::interval
ORDER BY close_at
"""


class PostgresSchedules(Schedules):
    """Rows of job_schedule over one connection, in its transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def now(self) -> datetime:
        """See Schedules."""
        (row,) = await fetch(self._connection, "SELECT clock_timestamp() AS now")
        instant: datetime = row["now"]
        return instant

    async def ensure(self, rules: Mapping[str, str]) -> None:
        """See Schedules."""
        await fetch(self._connection, _ENSURE, list(rules), list(rules.values()))

    async def all(self) -> Sequence[Schedule]:
        """See Schedules."""
        return await self._rows(f"SELECT {_ROW} FROM job_schedule ORDER BY name")

    async def take_due(self) -> Sequence[Schedule]:
        """See Schedules."""
        return await self._rows(_TAKE_DUE)

    async def planned(self, name: str, *, next_at: datetime | None, job: JobId | None) -> None:
        """See Schedules."""
        await fetch(self._connection, _PLANNED, name, next_at, job)

    async def change(self, name: str, *, rule: str, enabled: bool, by: UserId | None) -> Schedule | None:
        """See Schedules."""
        found = await self._rows(_CHANGE, name, rule, enabled, by)
        return found[0] if found else None

    async def closes(self, mic: str, *, since: datetime, within: timedelta) -> Sequence[datetime]:
        """See Schedules."""
        return [row["close_at"] for row in await fetch(self._connection, _CLOSES, mic, since, within)]

    async def _rows(self, statement: str, *values: object) -> Sequence[Schedule]:
        return [_schedule(row) for row in await fetch(self._connection, statement, *values)]


def _schedule(row: Mapping[str, Any]) -> Schedule:
    return Schedule(
        name=row["name"],
        rule=row["rule"],
        enabled=row["enabled"],
        next_at=row["next_at"],
        last_at=row["last_at"],
        last_job=None if row["last_job"] is None else JobId(row["last_job"]),
    )
