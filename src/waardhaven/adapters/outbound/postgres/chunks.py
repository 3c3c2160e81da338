"""Closes again, as one row for each (series, year): what makes whole-matrix reads fast.

Derived, rewritten in the transaction of the rows they come from. Days are int32 days since
1970-01-01, closes float8, both in network byte order, so that SQL alone can rebuild a chunk.
"""

from collections.abc import Sequence
from datetime import date

import asyncpg
import numpy as np

from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.application.ports.price_store import CloseColumns
from waardhaven.domain.types import Days, Floats, Ids, SeriesId, Vintage

_REBUILD = """
INSERT INTO price_chunk (series_id, year, n, days, closes, vintage)
SELECT p.series_id, t.year, count(*),
       string_agg(int4send(p.day - DATE '1970-01-01'), ''::bytea ORDER BY p.day),
       string_agg(float8send(p.close), ''::bytea ORDER BY p.day), $3
FROM unnest($1::bigint[], $2::smallint[]) AS t (series_id, year)
JOIN price p ON p.series_id = t.series_id
    AND p.day >= make_date(t.year, 1, 1) AND p.day < make_date(t.year + 1, 1, 1)
GROUP BY p.series_id, t.year
ON CONFLICT (series_id, year) DO UPDATE
SET n = excluded.n, days = excluded.days, closes = excluded.closes, vintage = excluded.vintage
"""
_DROP_EMPTY = """
DELETE FROM price_chunk c USING unnest($1::bigint[], $2::smallint[]) AS t (series_id, year)
WHERE c.series_id = t.series_id AND c.year = t.year AND c.vintage < $3
"""
_READ = """
SELECT series_id, n, days, closes FROM price_chunk
WHERE series_id = ANY($1) AND year BETWEEN $2 AND $3 ORDER BY series_id, year
"""


async def refresh_chunks(connection: Connection, touched: Sequence[asyncpg.Record], vintage: Vintage) -> None:
    """Rebuild the chunks of the touched (series, year) pairs from their rows."""
    pairs = [row["series_id"] for row in touched], [row["year"] for row in touched]
    await connection.execute(_REBUILD, *pairs, vintage)
    await connection.execute(_DROP_EMPTY, *pairs, vintage)


async def fill_chunks(
    connection: Connection, series: Ids, days: Days, closes: Floats, vintage: Vintage
) -> None:
    """Write the chunks of series that had no rows; input ordered by series, then day."""
    years = days.astype("datetime64[Y]").astype(np.int64) + 1970
    starts = np.flatnonzero(np.r_[True, (np.diff(series) != 0) | (np.diff(years) != 0)])
    ends = np.r_[starts[1:], len(days)]
    day_bytes = days.astype("datetime64[D]").astype(">i4").tobytes()
    close_bytes = closes.astype(">f8").tobytes()
    records = [
        (
            int(series[a]),
            int(years[a]),
            int(b - a),
            day_bytes[4 * a : 4 * b],
            close_bytes[8 * a : 8 * b],
            vintage,
        )
        for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    names = ["series_id", "year", "n", "days", "closes", "vintage"]
    await connection.copy_records_to_table("price_chunk", records=records, columns=names)


async def read_chunks(
    connection: Connection, series: Sequence[SeriesId], start: date | None, end: date | None
) -> CloseColumns:
    """Return the closes of the present, ordered by series, then day."""
    first, last = (start.year if start else 1), (end.year if end else 9999)
    rows = await connection.fetch(_READ, list(series), first, last)
    ids = np.repeat([row["series_id"] for row in rows], [row["n"] for row in rows]).astype(np.int64)
    days = np.frombuffer(b"".join(row["days"] for row in rows), ">i4").astype("<i4").astype("datetime64[D]")
    closes = np.frombuffer(b"".join(row["closes"] for row in rows), ">f8").astype("<f8")
    keep = np.ones(len(days), dtype=np.bool_)
    if start:
        keep &= days >= np.datetime64(start)
    if end:
        keep &= days <= np.datetime64(end)
    return CloseColumns(series=ids[keep], day=days[keep], close=closes[keep])
