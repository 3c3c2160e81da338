"""PostgresTrialLog: each variant of an index once, a second row when its ratio becomes known."""

from datetime import datetime
from math import isnan

import msgspec
import numpy as np

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.journal import Act, journal, values
from waardhaven.application.ports.trial_log import TrialLog
from waardhaven.domain.events import VariantTried
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.trials import Trials
from waardhaven.domain.types import IndexId

_COUNT = f"""
WITH fresh AS (
    INSERT INTO trial (index_id, variant, ratio) VALUES ($1, rule_variant($2::text::jsonb), $3)
    ON CONFLICT DO NOTHING RETURNING id
), {journal(4, "EXISTS (SELECT FROM fresh)")}
SELECT
"""
_TRIED = """
SELECT count(DISTINCT variant) AS tried,
       array_agg(ratio ORDER BY id) FILTER (WHERE ratio IS NOT NULL) AS ratios
FROM trial WHERE index_id = $1 AND created_at <= coalesce($2, clock_timestamp())
"""


class PostgresTrialLog(TrialLog):
    """Rows of trial; a trigger refuses to change one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(
        self, index: IndexId, definition: IndexDefinition, ratio: float, *, by: Principal
    ) -> None:
        """See TrialLog. The database takes the labels off the rules, as it does for those of a build."""
        rules = msgspec.json.encode(definition).decode()
        async with self._database.acquire() as connection:
            acts = values([_tried(index, by)], certain=0)
            await connection.execute(_COUNT, index, rules, None if isnan(ratio) else ratio, *acts)

    async def tried(self, index: IndexId, *, as_of: datetime | None = None) -> Trials:
        """See TrialLog."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_TRIED, index, as_of)
        return Trials(count=row["tried"], ratios=np.array(row["ratios"] or [], dtype=np.float64))


def _tried(index: IndexId, by: Principal) -> Act:
    return Act(
        action="index.variant_tried",
        by=by,
        target=f"index:{index}",
        event=VariantTried(index=int(index)),
        detail={},
    )
