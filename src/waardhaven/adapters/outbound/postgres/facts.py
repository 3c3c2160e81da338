"""PostgresMarketFacts: series, sessions, shares, actions and universes, each a kind of small facts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date
from decimal import Decimal

import numpy as np

from waardhaven.adapters.outbound.postgres.assets import register_assets, rename_asset, set_archived
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.fx import write_fx
from waardhaven.adapters.outbound.postgres.superseding import FactKind, supersede
from waardhaven.adapters.outbound.postgres.vintages import lock_facts
from waardhaven.application.ports.fx_rates import QuotedRates
from waardhaven.application.ports.market_facts import (
    ActionFact,
    Listing,
    MarketFacts,
    SeriesKey,
    SessionColumns,
    SharesFact,
)
from waardhaven.application.ports.price_store import WriteReport
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.types import AssetId, SeriesId

SESSIONS = FactKind(
    table="session",
    what="sessions",
    key={"mic": "text", "day": "date"},
    values={"open_at": "timestamptz", "close_at": "timestamptz"},
)
SHARES = FactKind(
    table="shares_outstanding",
    what="shares",
    key={"asset_id": "bigint", "day": "date", "source": "text"},
    values={"shares": "float8", "status": "text", "float_factor": "float8"},
    stands="f.status = 'reported' AND s.status = 'approximate'",
)
ACTIONS = FactKind(
    table="corporate_action",
    what="actions",
    key={"asset_id": "bigint", "source": "text", "key": "text"},
    values={
        "kind": "text",
        "status": "text",
        "announced_at": "timestamptz",
        "ex_date": "date",
        "record_date": "date",
        "pay_date": "date",
        "amount": "numeric",
        "currency": "text",
        "ratio": "numeric",
        "other_asset_id": "bigint",
    },
)
MEMBERS = FactKind(
    table="universe_member",
    what="universe",
    key={"universe": "text", "asset_id": "bigint", "valid_from": "date"},
    values={"valid_to": "date"},
)


class PostgresMarketFacts(MarketFacts):
    """Writes reference facts; one transaction and at most one vintage a call for each kind."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register_assets(self, listings: Sequence[Listing]) -> dict[tuple[str, str], AssetId]:
        """See MarketFacts."""
        async with self._database.transaction() as connection:
            await lock_facts(connection)
            return await register_assets(connection, listings)

    async def rename_asset(self, asset: AssetId, *, symbol: str, mic: str, since: date) -> WriteReport:
        """See MarketFacts."""
        async with self._database.transaction() as connection:
            await lock_facts(connection)
            return await rename_asset(connection, asset, (symbol, mic), since)

    async def set_archived(self, asset: AssetId, *, archived: bool, by: Principal) -> None:
        """See MarketFacts."""
        async with self._database.transaction() as connection:
            await lock_facts(connection)
            await set_archived(connection, asset, archived=archived, by=by)

    async def mark_refreshed(self, through: Mapping[AssetId, date]) -> None:
        """See MarketFacts."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE asset a SET refreshed_through = t.day "
                "FROM unnest($1::bigint[], $2::date[]) t (id, day) WHERE a.id = t.id "
                "AND a.refreshed_through IS DISTINCT FROM t.day",
                list(through),
                list(through.values()),
            )

    async def register_series(self, keys: Sequence[SeriesKey]) -> dict[SeriesKey, SeriesId]:
        """See MarketFacts."""
        columns = [
            [key.asset for key in keys],
            [key.source for key in keys],
            [str(key.adjustment) for key in keys],
            [key.currency for key in keys],
            [key.quote_unit for key in keys],
        ]
        offered = "unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])"
        names = "asset_id, source, adjustment, currency, quote_unit"
        async with self._database.transaction() as connection:
            await lock_facts(connection)
            await connection.execute(
                f"INSERT INTO series ({names}) SELECT DISTINCT * FROM {offered} AS t ({names}) "
                "WHERE NOT EXISTS (SELECT FROM series s WHERE (s.asset_id, s.source, s.adjustment, "
                "s.currency, s.quote_unit) = (t.asset_id, t.source, t.adjustment, t.currency, t.quote_unit))",
                *columns,
            )
            rows = await connection.fetch(
                f"SELECT s.id, t.ord FROM {offered} WITH ORDINALITY AS t ({names}, ord) "
                f"JOIN series s USING ({names})",
                *columns,
            )
        return {keys[row["ord"] - 1]: SeriesId(row["id"]) for row in rows}

    async def write_sessions(self, sessions: SessionColumns) -> WriteReport:
        """See MarketFacts."""
        if not len(sessions.day):
            return WriteReport(inserted=0, changed=0, unchanged=0, vintage=None)
        rows: dict[str, Sequence[object]] = {
            "mic": [sessions.mic] * len(sessions.day),
            "day": sessions.day.astype("datetime64[D]").tolist(),
            "open_at": _instants(sessions.open_at),
            "close_at": _instants(sessions.close_at),
        }
        first, last = str(sessions.day.min()), str(sessions.day.max())
        ends = (
            f"f.mic = (SELECT min(mic) FROM fact_session) AND f.day BETWEEN DATE '{first}' AND DATE '{last}'"
        )
        return await self._supersede(SESSIONS, rows, note=f"sessions of {sessions.mic}", ends=ends)

    async def write_fx(self, rates: Sequence[QuotedRates]) -> WriteReport:
        """See MarketFacts."""
        return await write_fx(self._database, rates)

    async def write_shares(self, shares: Sequence[SharesFact]) -> WriteReport:
        """See MarketFacts."""
        rows: dict[str, Sequence[object]] = {
            "asset_id": [one.asset for one in shares],
            "day": [one.day for one in shares],
            "source": [one.source for one in shares],
            "shares": [one.shares for one in shares],
            "status": [one.status for one in shares],
            "float_factor": [one.float_factor for one in shares],
        }
        return await self._supersede(SHARES, rows, note="shares outstanding")

    async def write_actions(self, actions: Sequence[ActionFact]) -> WriteReport:
        """See MarketFacts."""
        rows: dict[str, Sequence[object]] = {
            "asset_id": [one.asset for one in actions],
            **{
                name: [getattr(one, name) for one in actions]
                for name in ACTIONS.columns
                if name not in {"asset_id", "amount", "ratio", "other_asset_id"}
            },
            "amount": [_exact(one.amount) for one in actions],
            "ratio": [_exact(one.ratio) for one in actions],
            "other_asset_id": [one.other_asset for one in actions],
        }
        return await self._supersede(ACTIONS, rows, note="corporate actions")

    async def write_universe(
        self, slug: str, name: str, members: Mapping[AssetId, tuple[date, date | None]]
    ) -> WriteReport:
        """See MarketFacts."""
        rows: dict[str, Sequence[object]] = {
            "universe": [slug] * len(members),
            "asset_id": list(members),
            "valid_from": [since for since, _ in members.values()],
            "valid_to": [until for _, until in members.values()],
        }
        async with self._database.transaction() as connection:
            await lock_facts(connection)
            await connection.execute(
                "INSERT INTO universe (slug, name) VALUES ($1, $2) ON CONFLICT DO NOTHING", slug, name
            )
            ends = f"f.universe = '{slug}'"  # the table just took the slug, so it holds no quote
            return await supersede(connection, MEMBERS, rows, note=f"universe {slug}", ends=ends)

    async def _supersede(
        self, kind: FactKind, rows: Mapping[str, Sequence[object]], *, note: str, ends: str = ""
    ) -> WriteReport:
        async with self._database.transaction() as connection:
            await lock_facts(connection)
            return await supersede(connection, kind, rows, note=note, ends=ends)


def _instants(values: np.ndarray[tuple[int], np.dtype[np.datetime64]]) -> list[object]:
    return [one.replace(tzinfo=UTC) for one in values.astype("datetime64[s]").tolist()]


def _exact(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
