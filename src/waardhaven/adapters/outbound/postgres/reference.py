"""PostgresReferenceStore: assets, series, sessions, universes, shares and FX, at any vintage."""

from collections.abc import Sequence
from datetime import date, datetime

import asyncpg
import numpy as np

from waardhaven.adapters.outbound.postgres import asset_queries
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.fx_queries import read_rates
from waardhaven.adapters.outbound.postgres.universe_facts import ACTION, known_action, universe_facts
from waardhaven.adapters.outbound.postgres.vintages import known
from waardhaven.application.ports.market_facts import SessionColumns
from waardhaven.application.ports.reference_store import (
    AssetFilter,
    KnownAction,
    NameFact,
    ReferenceStore,
    SeriesCoverage,
    SeriesRef,
    SharesColumns,
    UniverseFacts,
    VintagePoint,
)
from waardhaven.domain.index.definition import Adjustment, SeriesPolicy
from waardhaven.domain.market.asset import AmbiguousSymbol, Asset, SymbolRef, UnknownAsset
from waardhaven.domain.market.currency import RateColumns
from waardhaven.domain.types import AssetId, Days, SeriesId, Vintage

_ACTIONS = f"""
SELECT {ACTION} FROM corporate_action
WHERE asset_id = ANY($1) AND {known("$2")} ORDER BY asset_id, ex_date, source, key
"""
_COVERAGE = """
SELECT s.id, s.asset_id, s.source, s.adjustment, s.currency, s.quote_unit,
       (SELECT coalesce(sum(c.n), 0)::bigint FROM price_chunk c WHERE c.series_id = s.id) AS bars,
       (SELECT min(p.day) FROM price p WHERE p.series_id = s.id) AS first,
       (SELECT max(p.day) FROM price p WHERE p.series_id = s.id) AS last
FROM series s WHERE s.asset_id = ANY($1) ORDER BY s.asset_id, s.id
"""
_SESSION_TIMES = """
SELECT m.mic, array_agg(n.day - DATE '1970-01-01' ORDER BY n.day) AS day,
       array_agg(extract(epoch FROM n.open_at)::bigint ORDER BY n.day) AS open_at,
       array_agg(extract(epoch FROM n.close_at)::bigint ORDER BY n.day) AS close_at
FROM (SELECT DISTINCT mic FROM unnest($1::text[]) t (mic)
      WHERE EXISTS (SELECT FROM session k WHERE k.mic = t.mic AND k.vintage_to IS NULL)) m
LEFT JOIN session n ON n.mic = m.mic AND n.vintage_to IS NULL AND n.day BETWEEN $2 AND $3
GROUP BY m.mic
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
        async with self._database.acquire() as connection:
            return await asset_queries.resolve(connection, ref)

    async def resolve_all(self, refs: Sequence[SymbolRef]) -> list[Asset | UnknownAsset | AmbiguousSymbol]:
        """See ReferenceStore."""
        async with self._database.acquire() as connection:
            return await asset_queries.resolve_all(connection, refs)

    async def assets(self, ids: Sequence[AssetId]) -> list[Asset]:
        """See ReferenceStore."""
        async with self._database.acquire() as connection:
            return await asset_queries.assets(connection, ids)

    async def find_assets(
        self, wanted: AssetFilter, *, limit: int, after: AssetId | None = None
    ) -> list[Asset]:
        """See ReferenceStore."""
        async with self._database.acquire() as connection:
            return await asset_queries.find_assets(connection, wanted, limit=limit, after=after)

    async def names(self, asset: AssetId) -> list[NameFact]:
        """See ReferenceStore."""
        async with self._database.acquire() as connection:
            return await asset_queries.names(connection, asset)

    async def actions(
        self, assets: Sequence[AssetId], *, vintage: Vintage | None = None
    ) -> list[KnownAction]:
        """See ReferenceStore."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_ACTIONS, list(assets), vintage)
        return [known_action(row) for row in rows]

    async def coverage(self, assets: Sequence[AssetId]) -> list[SeriesCoverage]:
        """See ReferenceStore."""
        async with self._database.transaction(snapshot=True) as connection:
            rows = await connection.fetch(_COVERAGE, list(assets))
        return [
            SeriesCoverage(
                id=SeriesId(row["id"]),
                asset=AssetId(row["asset_id"]),
                adjustment=Adjustment(row["adjustment"]),
                **{name: row[name] for name in ("source", "currency", "quote_unit", "bars", "first", "last")},
            )
            for row in rows
        ]

    async def refreshed(self, assets: Sequence[AssetId]) -> dict[AssetId, date]:
        """See ReferenceStore."""
        query = "SELECT id, refreshed_through FROM asset WHERE id = ANY($1) AND refreshed_through IS NOT NULL"
        async with self._database.acquire() as connection:
            rows = await connection.fetch(query, list(assets))
        return {AssetId(row["id"]): row["refreshed_through"] for row in rows}

    async def session_times(
        self, mics: Sequence[str], *, start: date, end: date
    ) -> dict[str, SessionColumns]:
        """See ReferenceStore."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SESSION_TIMES, list(mics), start, end)
        return {row["mic"]: _session_columns(row) for row in rows}

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
                "SELECT array_agg(day - DATE '1970-01-01' ORDER BY day) FROM session WHERE mic = $1 "
                "AND ($2::date IS NULL OR day >= $2) AND ($3::date IS NULL OR day <= $3) "
                f"AND {known('$4')}",
                mic,
                start,
                end,
                vintage,
            )
        return np.array(days or [], dtype=np.int64).astype("datetime64[D]")

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
                "SELECT asset_id, day, shares, float_factor FROM shares_outstanding "
                f"WHERE asset_id = ANY($1) AND {known('$2')} ORDER BY asset_id, day, source",
                list(assets),
                vintage,
            )
        return SharesColumns(
            asset=np.array([row["asset_id"] for row in rows], dtype=np.int64),
            day=np.array([row["day"] for row in rows], dtype="datetime64[D]"),
            shares=np.array([row["shares"] for row in rows], dtype=np.float64),
            float_factor=np.array([row["float_factor"] for row in rows], dtype=np.float64),
        )

    async def universe_facts(
        self,
        universe: str,
        policy: SeriesPolicy,
        *,
        calendar: str,
        also: Sequence[AssetId] = (),
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> UniverseFacts:
        """See ReferenceStore."""
        async with self._database.acquire() as connection:
            return await universe_facts(
                connection,
                universe,
                policy,
                calendar=calendar,
                also=also,
                start=start,
                end=end,
                vintage=vintage,
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
            return await read_rates(connection, currencies, fixing, start, end, vintage)


def _session_columns(row: asyncpg.Record) -> SessionColumns:
    known = {name: [one for one in row[name] if one is not None] for name in ("day", "open_at", "close_at")}
    return SessionColumns(
        mic=row["mic"],
        day=np.array(known["day"], dtype="datetime64[D]"),
        open_at=np.array(known["open_at"], dtype="datetime64[s]"),
        close_at=np.array(known["close_at"], dtype="datetime64[s]"),
    )
