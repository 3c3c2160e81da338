"""PostgresPriceStore: COPY in, upsert where values differ, chunks for whole-matrix reads."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from waardhaven.adapters.outbound.postgres.chunks import fill_chunks, read_chunks, refresh_chunks
from waardhaven.adapters.outbound.postgres.copy_binary import Field, bigint, copy_in, copy_out, day, double
from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.adapters.outbound.postgres.vintages import emit, lock_facts, next_vintage
from waardhaven.application.ports.price_store import (
    CloseColumns,
    LastClose,
    PriceStore,
    UnknownSeries,
    WriteReport,
)
from waardhaven.domain.events import PricesCommitted
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.prices import PriceColumns, is_ordered
from waardhaven.domain.types import AssetId, Ids, SeriesId, Vintage

_BAR = ("open", "high", "low", "close", "volume")
_KEYS: tuple[Field, ...] = (bigint("series_id"), day("day"))
_BARS: tuple[Field, ...] = (*_KEYS, *(double(name) for name in _BAR))

ANALYZE_FROM = 100_000
"""Rows of a bulk load after which the planner is told at once, not when autovacuum comes round."""

_STAGE = """
CREATE TEMP TABLE price_stage (
    series_id bigint, day date, open float8, high float8, low float8, close float8, volume float8
) ON COMMIT DROP
"""
_DIFFERS = (
    "(p.open, p.high, p.low, p.close, p.volume) IS DISTINCT FROM (s.open, s.high, s.low, s.close, s.volume)"
)
_COUNT = f"""
SELECT count(*) FILTER (WHERE p.series_id IS NULL) AS inserted,
       count(*) FILTER (WHERE p.series_id IS NOT NULL AND {_DIFFERS}) AS changed,
       count(*) AS total
FROM price_stage s LEFT JOIN price p USING (series_id, day)
"""
_KEEP_OLD = f"""
INSERT INTO price_revision (series_id, day, vintage_from, vintage_to, open, high, low, close, volume)
SELECT p.series_id, p.day, p.vintage, $1, p.open, p.high, p.low, p.close, p.volume
FROM price_stage s JOIN price p USING (series_id, day) WHERE {_DIFFERS}
"""
_UPSERT = f"""
WITH written AS (
    INSERT INTO price AS p (series_id, day, open, high, low, close, volume, vintage)
    SELECT s.series_id, s.day, s.open, s.high, s.low, s.close, s.volume, $1 FROM price_stage s
    ON CONFLICT (series_id, day) DO UPDATE
    SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, vintage = excluded.vintage
    WHERE {_DIFFERS.replace("s.", "excluded.")}
    RETURNING series_id, extract(year FROM day)::smallint AS year
)
SELECT DISTINCT series_id, year FROM written
"""
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

    async def write(self, prices: PriceColumns, *, note: str = "") -> WriteReport:
        """See PriceStore. Series without any row take the fast path straight into the table."""
        prices.checked()
        if not len(prices):
            return WriteReport(inserted=0, changed=0, unchanged=0, vintage=None)
        series = np.unique(prices.series)
        async with self._database.transaction() as connection:
            await lock_facts(connection)
            if await _virgin(connection, series):
                report = await _append(connection, prices, note)
            else:
                report = await _upsert(connection, prices, note)
            if report.vintage is not None:
                await _announce(connection, report, report.vintage, len(series))
        return report

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
                inserted=0, changed=present, unchanged=len(wanted) - present, vintage=vintage
            )
            await _announce(connection, report, vintage, 1)
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
        query = _select(series, _BAR, start, end, vintage)
        async with self._database.transaction(snapshot=True) as connection:
            columns = await copy_out(connection, query, _BARS)
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
            columns = await copy_out(connection, query, (*_KEYS, double("close")))
        return CloseColumns(series=columns["series_id"], day=columns["day"], close=columns["close"])

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


async def _virgin(connection: Connection, series: Ids) -> bool:
    """Tell whether none of the (existing) series has a row yet; raise UnknownSeries."""
    row = await connection.fetchrow(
        "SELECT count(*) AS known, bool_or(EXISTS (SELECT FROM price p WHERE p.series_id = s.id)) AS used "
        "FROM series s WHERE s.id = ANY($1)",
        series.tolist(),
    )
    if row is None or row["known"] != len(series):
        raise UnknownSeries("Prices name a series that does not exist.")
    return not row["used"]


async def _append(connection: Connection, prices: PriceColumns, note: str) -> WriteReport:
    vintage = await next_vintage(connection, note)
    columns = {name: getattr(prices, name) for name in ("series", "day", *_BAR)}
    if not is_ordered(prices.series, prices.day):
        order = np.lexsort((prices.day, prices.series))
        columns = {name: values[order] for name, values in columns.items()}
    columns["series_id"] = columns.pop("series")
    stamped = {**columns, "vintage": np.broadcast_to(np.int64(vintage), len(prices))}
    await copy_in(connection, "price", (*_BARS, bigint("vintage")), stamped)
    await fill_chunks(connection, columns["series_id"], columns["day"], columns["close"], vintage)
    if len(prices) >= ANALYZE_FROM:
        await connection.execute("ANALYZE price")
    return WriteReport(inserted=len(prices), changed=0, unchanged=0, vintage=vintage)


async def _upsert(connection: Connection, prices: PriceColumns, note: str) -> WriteReport:
    await connection.execute(_STAGE)
    columns = {name: getattr(prices, name) for name in ("day", *_BAR)}
    await copy_in(connection, "price_stage", _BARS, {**columns, "series_id": prices.series})
    await connection.execute("ANALYZE price_stage")
    count = await connection.fetchrow(_COUNT)
    inserted, changed, total = count["inserted"], count["changed"], count["total"]
    vintage = None
    if inserted or changed:
        vintage = await next_vintage(connection, note)
        if changed:
            await connection.execute(_KEEP_OLD, vintage)
        touched = await connection.fetch(_UPSERT, vintage)
        await refresh_chunks(connection, touched, vintage)
    return WriteReport(
        inserted=inserted, changed=changed, unchanged=total - inserted - changed, vintage=vintage
    )


async def _announce(connection: Connection, report: WriteReport, vintage: Vintage, series: int) -> None:
    counted = {"inserted": report.inserted, "changed": report.changed}
    await emit(connection, PricesCommitted(vintage=vintage, series=series, **counted))


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
