"""Year chunks put together as one matrix, without a row for each bar in between."""

import asyncio
from collections.abc import Sequence
from datetime import date

import asyncpg
import numpy as np

from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.domain.market.close_matrix import CloseMatrix
from waardhaven.domain.types import Days, Floats, Rows, SeriesId, Vintage

_READ = """
SELECT c.series_id, nullif(c.days, o.days) AS days, c.closes, c.year
FROM price_chunk c
LEFT JOIN price_chunk o ON o.series_id = ($1::bigint[])[1] AND o.year = c.year AND o.series_id <> c.series_id
WHERE c.series_id = ANY($1) AND c.year BETWEEN $2 AND $3 AND (
    $4::bigint IS NULL OR NOT EXISTS (SELECT FROM vintage WHERE id > $4)
    OR NOT EXISTS (SELECT FROM price_chunk WHERE series_id = ANY($1) AND vintage > $4)
        AND NOT EXISTS (SELECT FROM price_revision WHERE series_id = ANY($1) AND vintage_to > $4))
"""
"""Days that are those of the first series come without them: a third of the bytes less."""
_FEW = 500
"""Chunks that are put together sooner than a thread is begun."""


async def read_matrix(
    connection: Connection,
    series: Sequence[SeriesId],
    start: date | None,
    end: date | None,
    vintage: Vintage | None,
) -> CloseMatrix | None:
    """Return the closes of the present as a matrix, a column for each of ``series``.

    None: there are no bars, or some of these series changed after ``vintage``. One statement, so one
    instant: a vintage, its rows and its chunks are committed together.
    """
    first, last = (start.year if start else 1), (end.year if end else 9999)
    rows = await connection.fetch(_READ, list(series), first, last, vintage)
    if not rows:
        return None
    if len(rows) <= _FEW:
        return _matrix(rows, series, start, end)
    return await asyncio.to_thread(_matrix, rows, series, start, end)


def _matrix(
    rows: Sequence[asyncpg.Record], series: Sequence[SeriesId], start: date | None, end: date | None
) -> CloseMatrix:
    shared = {row["year"]: row["days"] for row in rows if row["series_id"] == series[0]}
    groups: dict[bytes, list[asyncpg.Record]] = {}
    for row in rows:
        groups.setdefault(row["days"] or shared[row["year"]], []).append(row)
    column = {one: place for place, one in enumerate(series)}
    parts = [_part(days, group, start, end) for days, group in groups.items()]
    axis = np.unique(np.concatenate([days for days, _ in parts]))
    close = np.full((len(axis), len(series)), np.nan)
    for (days, block), group in zip(parts, groups.values(), strict=True):
        columns = np.array([column[row["series_id"]] for row in group])
        order = np.argsort(columns)
        _put(close, np.searchsorted(axis, days), columns[order], block[order])
    return CloseMatrix(day=axis, close=close)


def _part(
    days: bytes, group: Sequence[asyncpg.Record], start: date | None, end: date | None
) -> tuple[Days, Floats]:
    """Return the days (m,) of chunks that agree in them, within the range, and closes (chunks, m)."""
    axis = np.frombuffer(days, ">i4").astype("datetime64[D]")
    first = 0 if start is None else int(np.searchsorted(axis, np.datetime64(start)))
    last = len(axis) if end is None else int(np.searchsorted(axis, np.datetime64(end), side="right"))
    block = np.frombuffer(b"".join([row["closes"] for row in group]), ">f8").reshape(len(group), -1)
    return axis[first:last], block[:, first:last]


def _put(close: Floats, rows: Rows, columns: Rows, block: Floats) -> None:
    """Write closes (c, m) of ``columns`` (c,) on ``rows`` (m,), both increasing, to the matrix."""
    if len(columns) == close.shape[1] and len(rows) and rows[-1] - rows[0] == len(rows) - 1:
        close[rows[0] : rows[-1] + 1] = block.T
    else:
        close[rows[:, None], columns] = block.T
