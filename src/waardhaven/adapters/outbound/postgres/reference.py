"""PostgresReferenceStore: assets, series, sessions, universes, shares and FX, at any vintage."""

from collections.abc import Sequence
from datetime import date, datetime

import numpy as np

from waardhaven.adapters.outbound.postgres.copy_binary import bigint, copy_out, day, double
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.application.ports.reference_store import (
    ReferenceStore,
    SeriesRef,
    SharesColumns,
    VintagePoint,
)
from waardhaven.domain.index.definition import SeriesPolicy
from waardhaven.domain.market.asset import AmbiguousSymbol, Asset, SymbolRef, UnknownAsset
from waardhaven.domain.market.currency import RateColumns
from waardhaven.domain.types import AssetId, Days, SeriesId, Vintage

_ASSET = """
SELECT a.id, i.value AS symbol, i.venue AS mic, c.currency, c.asset_type, c.name, c.sector, c.country
FROM asset a
JOIN asset_identifier i ON i.asset_id = a.id AND i.scheme = 'ticker'
    AND i.vintage_to IS NULL AND i.valid_to IS NULL
JOIN classification c ON c.asset_id = a.id AND c.vintage_to IS NULL AND c.valid_to IS NULL
"""


class PostgresReferenceStore(ReferenceStore):
    """Reads facts whose ``vintage_from`` is at most, and ``vintage_to`` beyond, the vintage asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest_vintage(self) -> VintagePoint | None:
        """See ReferenceStore."""
        return await self._vintage("SELECT id, committed_at FROM vintage ORDER BY id DESC LIMIT 1")

    async def vintage_at(self, instant: datetime) -> VintagePoint | None:
        """See ReferenceStore."""
        query = (
            "SELECT id, committed_at FROM vintage WHERE committed_at <= $1 ORDER BY committed_at DESC LIMIT 1"
        )
        return await self._vintage(query, instant)

    async def _vintage(self, query: str, *args: object) -> VintagePoint | None:
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(query, *args)
        return None if row is None else VintagePoint(id=Vintage(row["id"]), at=row["committed_at"])

    async def resolve(self, ref: SymbolRef) -> Asset:
        """See ReferenceStore."""
        by_id = ref.id is not None
        where = "WHERE a.id = $1" if by_id else "WHERE i.value = $1 AND ($2::text IS NULL OR i.venue = $2)"
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                f"{_ASSET} {where} ORDER BY a.id", *([ref.id] if by_id else [ref.symbol, ref.mic])
            )
        if not rows:
            raise UnknownAsset.named(ref)
        found = [Asset(**dict(row)) for row in rows]
        if len(found) > 1:
            raise AmbiguousSymbol.between(ref, found)
        return found[0]

    async def assets(self, ids: Sequence[AssetId]) -> list[Asset]:
        """See ReferenceStore."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(f"{_ASSET} WHERE a.id = ANY($1) ORDER BY a.id", list(ids))
        return [Asset(**dict(row)) for row in rows]

    async def series_of(self, assets: Sequence[AssetId], policy: SeriesPolicy) -> dict[AssetId, SeriesRef]:
        """See ReferenceStore."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT ON (asset_id) asset_id, id, quote_unit FROM series "
                "WHERE asset_id = ANY($1) AND source = $2 AND adjustment = $3 ORDER BY asset_id, id",
                list(assets),
                policy.source,
                str(policy.adjustment),
            )
        return {
            AssetId(row["asset_id"]): SeriesRef(id=SeriesId(row["id"]), quote_unit=row["quote_unit"])
            for row in rows
        }

    async def sessions(
        self, mic: str, *, start: date | None = None, end: date | None = None, vintage: Vintage | None = None
    ) -> Days:
        """See ReferenceStore."""
        async with self._database.acquire() as connection:
            days = await connection.fetchval(
                "SELECT array_agg(day ORDER BY day) FROM session WHERE mic = $1 "
                "AND ($2::date IS NULL OR day >= $2) AND ($3::date IS NULL OR day <= $3) "
                f"AND {known('$4')}",
                mic,
                start,
                end,
                vintage,
            )
        return np.array(days or [], dtype="datetime64[D]")

    async def universe(
        self, slug: str, *, vintage: Vintage | None = None
    ) -> list[tuple[AssetId, date, date | None]]:
        """See ReferenceStore."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                "SELECT asset_id, valid_from, valid_to FROM universe_member "
                f"WHERE universe = $1 AND {known('$2')} ORDER BY asset_id, valid_from",
                slug,
                vintage,
            )
        return [(AssetId(row["asset_id"]), row["valid_from"], row["valid_to"]) for row in rows]

    async def shares(self, assets: Sequence[AssetId], *, vintage: Vintage | None = None) -> SharesColumns:
        """See ReferenceStore."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(
                "SELECT asset_id, day, shares FROM shares_outstanding "
                f"WHERE asset_id = ANY($1) AND {known('$2')} ORDER BY asset_id, day, source",
                list(assets),
                vintage,
            )
        return SharesColumns(
            asset=np.array([row["asset_id"] for row in rows], dtype=np.int64),
            day=np.array([row["day"] for row in rows], dtype="datetime64[D]"),
            shares=np.array([row["shares"] for row in rows], dtype=np.float64),
        )

    async def fx(
        self,
        currencies: Sequence[str],
        *,
        fixing: str,
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> RateColumns:
        """See ReferenceStore."""
        async with self._database.transaction(snapshot=True) as connection:
            series = await connection.fetch(
                "SELECT id, quote FROM fx_series WHERE fixing = $1 AND base = 'EUR' AND quote = ANY($2) "
                "ORDER BY quote",
                fixing,
                list(currencies),
            )
            ids = [row["id"] for row in series]
            columns = await copy_out(
                connection,
                _rates(ids, start, end, vintage),
                (bigint("fx_series_id"), day("day"), double("rate")),
            )
        code = np.searchsorted(np.array(sorted(ids), dtype=np.int64), columns["fx_series_id"])
        quotes = [row["quote"] for row in sorted(series, key=lambda row: int(row["id"]))]
        return RateColumns(
            quote=tuple(quotes), code=code.astype(np.int64), day=columns["day"], rate=columns["rate"]
        )


def known(vintage: str) -> str:
    """Return the condition that a fact was known at the vintage parameter (null: now)."""
    return (
        f"CASE WHEN {vintage}::bigint IS NULL THEN vintage_to IS NULL "
        f"ELSE vintage_from <= {vintage} AND (vintage_to IS NULL OR vintage_to > {vintage}) END"
    )


def _rates(ids: Sequence[int], start: date | None, end: date | None, vintage: Vintage | None) -> str:
    where = f"fx_series_id = ANY(ARRAY[{','.join(str(int(one)) for one in ids)}]::bigint[])"
    where += f" AND day >= DATE '{start.isoformat()}'" if start else ""
    where += f" AND day <= DATE '{end.isoformat()}'" if end else ""
    if vintage is None:
        return f"SELECT fx_series_id, day, rate FROM fx_rate WHERE {where} ORDER BY 1, 2"
    at = int(vintage)
    return (
        f"SELECT fx_series_id, day, rate FROM fx_rate WHERE {where} AND vintage <= {at} UNION ALL "
        f"SELECT fx_series_id, day, rate FROM fx_rate_revision WHERE {where} "
        f"AND vintage_from <= {at} AND vintage_to > {at} ORDER BY 1, 2"
    )
