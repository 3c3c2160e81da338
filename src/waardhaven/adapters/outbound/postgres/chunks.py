"""Closes again, as one row for each (series, year): what makes whole-matrix reads fast.

Derived, rewritten in the transaction of the rows they come from. Days are int32 days since
1970-01-01, closes float8, both in network byte order, so that SQL alone can rebuild a chunk.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg
import numpy as np

from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.application.ports.price_store import CloseColumns
from waardhaven.domain.types import Days, Flags, Floats, Ids, Rows, SeriesId, Vintage

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
_COLUMNS = ("series_id", "year", "n", "days", "closes", "vintage")
_REPLACE = """
UPDATE price_chunk c SET n = t.n, days = t.days, closes = t.closes, vintage = t.vintage
FROM unnest($1::bigint[], $2::smallint[], $3::smallint[], $4::bytea[], $5::bytea[], $6::bigint[])
    AS t (series_id, year, n, days, closes, vintage)
WHERE c.series_id = t.series_id AND c.year = t.year
"""
_AT_ONCE = 2_000
"""Chunks in one statement: about 6 MB."""
Record = tuple[int, int, int, bytes, bytes, int]
_READ = """
SELECT series_id, n, days, closes FROM price_chunk
WHERE series_id = ANY($1) AND year BETWEEN $2 AND $3 ORDER BY series_id, year
"""
_READ_SOME = """
SELECT c.series_id, c.year, c.n, c.days, c.closes
FROM unnest($1::bigint[], $2::smallint[]) AS t (series_id, year) JOIN price_chunk c USING (series_id, year)
ORDER BY c.series_id, c.year
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretches:
    """Where each (series, year) begins and ends in rows ordered by series, then day."""

    series: Ids
    year: Ids
    start: Rows
    end: Rows

    @classmethod
    def of(cls, series: Ids, day: Days) -> "Stretches":
        """Find them; the rows may be none."""
        years = _years(day)
        steps = (series[1:] != series[:-1]) | (years[1:] != years[:-1])
        start = np.flatnonzero(np.concatenate([np.ones(min(len(day), 1), dtype=np.bool_), steps]))
        return cls(series=series[start], year=years[start], start=start, end=np.append(start[1:], len(day)))

    @property
    def pairs(self) -> tuple[list[int], list[int]]:
        """Series and years as parallel lists."""
        return self.series.tolist(), self.year.tolist()

    def any_of(self, rows: Flags) -> Flags:
        """Tell which stretches have one of the rows that are marked."""
        return np.logical_or.reduceat(rows, self.start) if len(self.start) else np.zeros(0, dtype=np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCloses:
    """The rows of some chunks, and which chunks those are."""

    closes: CloseColumns
    chunks: frozenset[tuple[int, int]]


def _years(days: Days) -> Ids:
    """Return the year of each day, looked up: the calendar is asked once a day, not once a row."""
    if not len(days):
        return np.zeros(0, dtype=np.int64)
    numbers = days.astype("datetime64[D]").astype(np.int64)
    first = numbers.min()
    axis = np.arange(first, numbers.max() + 1).astype("datetime64[D]")
    years: Ids = (axis.astype("datetime64[Y]").astype(np.int64) + 1970)[numbers - first]
    return years


async def refresh_chunks(
    connection: Connection, touched: Sequence[Mapping[str, int]], vintage: Vintage
) -> None:
    """Rebuild the chunks of the touched (series, year) pairs from their rows."""
    pairs = [row["series_id"] for row in touched], [row["year"] for row in touched]
    await connection.execute(_REBUILD, *pairs, vintage)
    await connection.execute(_DROP_EMPTY, *pairs, vintage)


async def read_held(connection: Connection, where: Stretches) -> HeldCloses:
    """Return what the chunks of some (series, year) pairs hold, ordered by series, then day."""
    rows = await connection.fetch(_READ_SOME, *where.pairs)
    return HeldCloses(
        closes=await asyncio.to_thread(_columns, rows),
        chunks=frozenset((row["series_id"], row["year"]) for row in rows),
    )


async def write_chunks(
    connection: Connection, records: Sequence[Record], held: frozenset[tuple[int, int]]
) -> None:
    """Write chunks. ``held``: the (series, year) pairs of those that are there already."""
    fresh = [one for one in records if one[:2] not in held]
    if fresh:
        await connection.copy_records_to_table("price_chunk", records=fresh, columns=list(_COLUMNS))
    former = [one for one in records if one[:2] in held]
    for start in range(0, len(former), _AT_ONCE):
        await connection.execute(_REPLACE, *map(list, zip(*former[start : start + _AT_ONCE], strict=True)))


def chunk_records(whole: CloseColumns, where: Stretches, wanted: Flags, vintage: Vintage) -> list[Record]:
    """Return chunks made of all their rows, ordered by series, then day; ``where``: the stretches of these.

    ``wanted`` (rows,): the chunks with such a row are returned.
    """
    days = memoryview(whole.day.astype("datetime64[D]").astype(">i4").tobytes())
    closes = memoryview(whole.close.astype(">f8").tobytes())
    some = where.any_of(wanted)
    chosen = (array[some].tolist() for array in (where.series, where.year, where.start, where.end))
    return [
        (series, year, b - a, bytes(days[4 * a : 4 * b]), bytes(closes[8 * a : 8 * b]), vintage)
        for series, year, a, b in zip(*chosen, strict=True)
    ]


async def read_chunks(
    connection: Connection, series: Sequence[SeriesId], start: date | None, end: date | None
) -> CloseColumns:
    """Return the closes of the present, ordered by series, then day."""
    first, last = (start.year if start else 1), (end.year if end else 9999)
    rows = await connection.fetch(_READ, list(series), first, last)
    found = await asyncio.to_thread(_columns, rows)
    if start is None and end is None:
        return found
    keep = np.ones(len(found), dtype=np.bool_)
    if start:
        keep &= found.day >= np.datetime64(start)
    if end:
        keep &= found.day <= np.datetime64(end)
    return CloseColumns(series=found.series[keep], day=found.day[keep], close=found.close[keep])


def _columns(rows: Sequence[asyncpg.Record]) -> CloseColumns:
    days = np.frombuffer(b"".join(row["days"] for row in rows), ">i4").astype("<i4")
    closes: Floats = np.frombuffer(b"".join(row["closes"] for row in rows), ">f8").astype("<f8")
    series = np.repeat([row["series_id"] for row in rows], [row["n"] for row in rows]).astype(np.int64)
    return CloseColumns(series=series, day=days.astype("datetime64[D]"), close=closes)
