"""PostgresPriceStore: COPY in and out, chunks for whole-matrix reads."""

import asyncio
from collections.abc import Sequence
from datetime import date

import numpy as np

from waardhaven.adapters.outbound.postgres.chunk_matrix import read_matrix
from waardhaven.adapters.outbound.postgres.chunks import read_chunks, refresh_chunks
from waardhaven.adapters.outbound.postgres.copy_binary import copy_out, double
from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.adapters.outbound.postgres.imports import mark_committed, require_checked
from waardhaven.adapters.outbound.postgres.price_comparing import BARS, KEYS, VALUES
from waardhaven.adapters.outbound.postgres.price_undo import undo_import
from waardhaven.adapters.outbound.postgres.price_writing import announce, write_bars
from waardhaven.adapters.outbound.postgres.vintages import lock_facts, next_vintage
from waardhaven.application.ports.price_store import (
    CloseColumns,
    LastClose,
    PriceStore,
    WriteReport,
)
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.close_matrix import CloseMatrix
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.types import AssetId, ImportId, SeriesId, Vintage

NOTHING = WriteReport(inserted=0, changed=0, unchanged=0, vintage=None)

_WITHDRAW = """
WITH gone AS (
    DELETE FROM price WHERE series_id = $1 AND day = ANY($2)
    RETURNING series_id, day, vintage, open, high, low, close, volume
), kept AS (
    INSERT INTO price_revision
        (series_id, day, vintage_from, vintage_to, open, high, low, close, volume, withdrawn)
    SELECT series_id, day, vintage, $3, open, high, low, close, volume, $4 FROM gone
)
SELECT DISTINCT series_id, extract(year FROM day)::smallint AS year FROM gone
"""
_LAST = """
SELECT DISTINCT ON (s.asset_id) s.asset_id, s.source, s.adjustment, s.quote_unit, p.day, p.close, n.close_at
FROM series s
CROSS JOIN LATERAL (SELECT day, close FROM price WHERE series_id = s.id ORDER BY day DESC LIMIT 1) p
LEFT JOIN asset_identifier i ON i.asset_id = s.asset_id AND i.scheme = 'ticker'
    AND i.vintage_to IS NULL AND i.valid_to IS NULL
LEFT JOIN session n ON n.mic = i.venue AND n.day = p.day AND n.vintage_to IS NULL
WHERE s.asset_id = ANY($1)
ORDER BY s.asset_id, array_position(ARRAY['raw', 'splits', 'all'], s.adjustment), p.day DESC, s.id
"""


class PostgresPriceStore(PriceStore):
    """Bars in one table keyed by (series, day), their past in another, closes again as year chunks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(
        self, prices: PriceColumns, *, note: str = "", for_import: ImportId | None = None
    ) -> WriteReport:
        """See PriceStore."""
        await asyncio.to_thread(prices.checked)
        if not len(prices) and for_import is None:
            return NOTHING
        async with self._database.transaction() as connection:
            await lock_facts(connection)
            if for_import is not None:
                await require_checked(connection, for_import)
            report = await write_bars(connection, prices, note) if len(prices) else NOTHING
            if for_import is not None:
                await mark_committed(connection, for_import, report.vintage)
        return report

    async def undo(self, import_: ImportId, *, reason: str) -> WriteReport:
        """See PriceStore."""
        async with self._database.transaction() as connection:
            await lock_facts(connection)
            return await undo_import(connection, import_, reason)

    async def withdraw(self, series: SeriesId, days: Sequence[date], *, reason: str) -> WriteReport:
        """See PriceStore."""
        wanted = sorted(set(days))
        async with self._database.transaction() as connection:
            await lock_facts(connection)
            present = await connection.fetchval(
                "SELECT count(*) FROM price WHERE series_id = $1 AND day = ANY($2)", series, wanted
            )
            if not present:
                return WriteReport(inserted=0, changed=0, unchanged=len(wanted), vintage=None)
            vintage = await next_vintage(connection, f"withdrawn: {reason}")
            touched = await connection.fetch(_WITHDRAW, series, wanted, vintage, reason)
            await refresh_chunks(connection, touched, vintage)
            report = WriteReport(
                inserted=0,
                changed=present,
                unchanged=len(wanted) - present,
                vintage=vintage,
                touched=frozenset([series]),
            )
            await announce(connection, report)
        return report

    async def bars(
        self,
        series: Sequence[SeriesId],
        *,
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> PriceColumns:
        """See PriceStore."""
        query = _select(series, VALUES, start, end, vintage)
        async with self._database.transaction(snapshot=True) as connection:
            columns = await copy_out(connection, query, BARS)
        return PriceColumns(series=columns.pop("series_id"), **columns)

    async def closes(
        self,
        series: Sequence[SeriesId],
        *,
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> CloseColumns:
        """See PriceStore. Reads chunks when nothing changed in these series after ``vintage``."""
        async with self._database.transaction(snapshot=True) as connection:
            if vintage is None or await _unchanged_since(connection, series, vintage):
                return await read_chunks(connection, series, start, end)
            query = _select(series, ("close",), start, end, vintage)
            columns = await copy_out(connection, query, (*KEYS, double("close")))
        return CloseColumns(series=columns["series_id"], day=columns["day"], close=columns["close"])

    async def close_matrix(
        self,
        series: Sequence[SeriesId],
        *,
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> CloseMatrix:
        """See PriceStore. Reads chunks when nothing changed in these series after ``vintage``."""
        async with self._database.acquire() as connection:
            found = await read_matrix(connection, series, start, end, vintage)
        if found is not None:
            return found
        rows = await self.closes(series, start=start, end=end, vintage=vintage)
        columns = np.array(series, dtype=np.int64)
        return CloseMatrix.of(series=rows.series, day=rows.day, close=rows.close, columns=columns)

    async def last_closes(self, assets: Sequence[AssetId]) -> list[LastClose]:
        """See PriceStore."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_LAST, list(assets))
        return [
            LastClose(
                asset=AssetId(row["asset_id"]),
                source=row["source"],
                adjustment=Adjustment(row["adjustment"]),
                quote_unit=row["quote_unit"],
                day=row["day"],
                close=row["close"],
                closed_at=row["close_at"],
            )
            for row in rows
        ]


async def _unchanged_since(connection: Connection, series: Sequence[SeriesId], vintage: Vintage) -> bool:
    newest = await connection.fetchval(
        "SELECT greatest((SELECT max(vintage) FROM price_chunk WHERE series_id = ANY($1)),"
        " (SELECT max(vintage_to) FROM price_revision WHERE series_id = ANY($1)))",
        list(series),
    )
    return newest is None or bool(newest <= vintage)


def _select(
    series: Sequence[SeriesId],
    values: Sequence[str],
    start: date | None,
    end: date | None,
    vintage: Vintage | None,
) -> str:
    """Return the query for COPY, made of integers, ISO dates and our own column names only."""
    where = f"series_id = ANY(ARRAY[{','.join(str(int(one)) for one in series)}]::bigint[])"
    where += f" AND day >= DATE '{start.isoformat()}'" if start else ""
    where += f" AND day <= DATE '{end.isoformat()}'" if end else ""
    names = ", ".join(("series_id", "day", *values))
    if vintage is None:
        return f"SELECT {names} FROM price WHERE {where} ORDER BY series_id, day"
    at = int(vintage)
    return (
        f"SELECT {names} FROM price WHERE {where} AND vintage <= {at} UNION ALL "
        f"SELECT {names} FROM price_revision WHERE {where} AND vintage_from <= {at} AND vintage_to > {at} "
        "ORDER BY series_id, day"
    )
