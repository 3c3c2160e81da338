"""Foreign-exchange rates: one current row and its revisions, like prices, but narrower."""

from collections.abc import Sequence

import numpy as np

from waardhaven.adapters.outbound.postgres.copy_binary import bigint, copy_in, day, double
from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.adapters.outbound.postgres.vintages import emit, lock_facts, next_vintage
from waardhaven.application.ports.fx_rates import QuotedRates
from waardhaven.application.ports.price_store import WriteReport
from waardhaven.domain.events import FactsCommitted

_FIELDS = (bigint("fx_series_id"), day("day"), double("rate"))
_STAGE = "CREATE TEMP TABLE fx_stage (fx_series_id bigint, day date, rate float8) ON COMMIT DROP"
_COUNT = """
SELECT count(*) FILTER (WHERE r.fx_series_id IS NULL) AS inserted,
       count(*) FILTER (WHERE r.rate <> s.rate) AS changed, count(*) AS total
FROM fx_stage s LEFT JOIN fx_rate r USING (fx_series_id, day)
"""
_KEEP_OLD = """
INSERT INTO fx_rate_revision (fx_series_id, day, vintage_from, vintage_to, rate)
SELECT r.fx_series_id, r.day, r.vintage, $1, r.rate
FROM fx_stage s JOIN fx_rate r USING (fx_series_id, day) WHERE r.rate <> s.rate
"""
_UPSERT = """
INSERT INTO fx_rate AS r (fx_series_id, day, rate, vintage)
SELECT fx_series_id, day, rate, $1 FROM fx_stage
ON CONFLICT (fx_series_id, day) DO UPDATE SET rate = excluded.rate, vintage = excluded.vintage
WHERE r.rate <> excluded.rate
"""


async def write_fx(database: Database, rates: Sequence[QuotedRates]) -> WriteReport:
    """Write rates in one transaction; see MarketFacts.write_fx."""
    rates = [one for one in rates if len(one.day)]
    if not rates:
        return WriteReport(inserted=0, changed=0, unchanged=0, vintage=None)
    async with database.transaction() as connection:
        await lock_facts(connection)
        ids = await _register(connection, rates)
        await connection.execute(_STAGE)
        columns = {
            "fx_series_id": np.repeat(ids, [len(one.day) for one in rates]),
            "day": np.concatenate([one.day for one in rates]),
            "rate": np.concatenate([one.rate for one in rates]),
        }
        await copy_in(connection, "fx_stage", _FIELDS, columns)
        await connection.execute("ANALYZE fx_stage")
        count = await connection.fetchrow(_COUNT)
        inserted, changed, total = count["inserted"], count["changed"], count["total"]
        vintage = None
        if inserted or changed:
            vintage = await next_vintage(connection, "foreign exchange")
            await connection.execute(_KEEP_OLD, vintage)
            await connection.execute(_UPSERT, vintage)
            event = FactsCommitted(what="fx", vintage=vintage, inserted=inserted, changed=changed)
            await emit(connection, event)
    return WriteReport(
        inserted=inserted, changed=changed, unchanged=total - inserted - changed, vintage=vintage
    )


async def _register(connection: Connection, rates: Sequence[QuotedRates]) -> list[int]:
    columns = [[getattr(one, name) for one in rates] for name in ("base", "quote", "source", "fixing")]
    offered = "unnest($1::text[], $2::text[], $3::text[], $4::text[])"
    await connection.execute(
        "INSERT INTO currency (code, name) SELECT DISTINCT c, c FROM unnest($1::text[] || $2::text[]) c "
        "ON CONFLICT DO NOTHING",
        columns[0],
        columns[1],
    )
    await connection.execute(
        f"INSERT INTO fx_series (base, quote, source, fixing) SELECT * FROM {offered} "
        "ON CONFLICT (base, quote, source, fixing) DO NOTHING",
        *columns,
    )
    rows = await connection.fetch(
        f"SELECT f.id FROM {offered} WITH ORDINALITY AS t (base, quote, source, fixing, ord) "
        "JOIN fx_series f USING (base, quote, source, fixing) ORDER BY t.ord",
        *columns,
    )
    return [row["id"] for row in rows]
