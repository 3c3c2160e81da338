"""PostgresMarketFacts: small facts superseded in place of being overwritten.

Each kind of fact is staged from arrays, compared with what is current, and only differences are
written: the former row gets ``vintage_to``, the new one ``vintage_from``, both the same vintage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal

import numpy as np

from waardhaven.adapters.outbound.postgres.engine import Connection, Database
from waardhaven.adapters.outbound.postgres.fx import write_fx
from waardhaven.adapters.outbound.postgres.vintages import emit, lock_facts, next_vintage
from waardhaven.application.ports.market_facts import (
    ActionFact,
    FxWrite,
    Listing,
    MarketFacts,
    SeriesKey,
    SessionColumns,
    SharesFact,
)
from waardhaven.application.ports.price_store import WriteReport
from waardhaven.domain.events import FactsCommitted
from waardhaven.domain.types import AssetId, SeriesId


@dataclass(frozen=True, slots=True, kw_only=True)
class FactKind:
    """How one table of small facts is keyed, compared and told of. Types are PostgreSQL's."""

    table: str
    what: str
    key: Mapping[str, str]
    values: Mapping[str, str]

    @property
    def columns(self) -> dict[str, str]:
        """Key and value columns with their types."""
        return {**self.key, **self.values}


IDENTIFIERS = FactKind(
    table="asset_identifier",
    what="assets",
    key={"scheme": "text", "value": "text", "venue": "text"},
    values={"asset_id": "bigint"},
)
CLASSIFICATIONS = FactKind(
    table="classification",
    what="assets",
    key={"asset_id": "bigint"},
    values={"name": "text", "asset_type": "text", "currency": "text", "sector": "text", "country": "text"},
)
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
    values={"shares": "float8", "status": "text"},
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
    },
)
MEMBERS = FactKind(
    table="universe_member",
    what="universe",
    key={"universe": "text", "asset_id": "bigint", "valid_from": "date"},
    values={"valid_to": "date"},
)


async def supersede(
    connection: Connection, kind: FactKind, rows: Mapping[str, Sequence[object]], *, note: str, ends: str = ""
) -> WriteReport:
    """Write the facts that are new or differ; ``ends`` is a condition on current rows left out.

    The caller holds the facts lock. Rows are parallel columns; a repeated key is an error of the
    database. Returns the counts and the vintage, None when nothing differed.
    """
    stage = ", ".join(f"{name} {kind_}" for name, kind_ in kind.columns.items())
    names = ", ".join(kind.columns)
    await connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS fact_{kind.table} ({stage}) ON COMMIT DROP")
    unnest = ", ".join(f"${n}::{kind_}[]" for n, kind_ in enumerate(kind.columns.values(), start=1))
    await connection.execute(
        f"INSERT INTO fact_{kind.table} ({names}) SELECT * FROM unnest({unnest})",
        *(list(rows[name]) for name in kind.columns),
    )
    counts = await connection.fetchrow(_count(kind, ends))
    inserted, differing, total = counts["inserted"], counts["changed"], counts["total"]
    changed = differing + counts["ended"]
    vintage = None
    if inserted or changed:
        vintage = await next_vintage(connection, note)
        await connection.execute(_close(kind, ends), vintage)
        await connection.execute(_open(kind), vintage)
        event = FactsCommitted(what=kind.what, vintage=vintage, inserted=inserted, changed=changed)
        await emit(connection, event)
    await connection.execute(f"DROP TABLE fact_{kind.table}")
    return WriteReport(
        inserted=inserted, changed=changed, unchanged=total - inserted - differing, vintage=vintage
    )


def _matches(kind: FactKind) -> str:
    return " AND ".join(f"f.{name} = s.{name}" for name in kind.key)


def _differs(kind: FactKind) -> str:
    left, right = (", ".join(f"{side}.{name}" for name in kind.values) for side in "fs")
    return f"ROW({left}) IS DISTINCT FROM ROW({right})"


def _absent(kind: FactKind, ends: str) -> str:
    if not ends:
        return "false"
    return f"({ends}) AND NOT EXISTS (SELECT FROM fact_{kind.table} s WHERE {_matches(kind)})"


def _count(kind: FactKind, ends: str) -> str:
    first = next(iter(kind.key))
    return f"""
        SELECT count(*) FILTER (WHERE f.{first} IS NULL) AS inserted,
               count(*) FILTER (WHERE f.{first} IS NOT NULL AND {_differs(kind)}) AS changed,
               count(*) AS total,
               (SELECT count(*) FROM {kind.table} f
                WHERE f.vintage_to IS NULL AND {_absent(kind, ends)}) AS ended
        FROM fact_{kind.table} s
        LEFT JOIN {kind.table} f ON {_matches(kind)} AND f.vintage_to IS NULL
    """


def _close(kind: FactKind, ends: str) -> str:
    return f"""
        UPDATE {kind.table} f SET vintage_to = $1 WHERE f.vintage_to IS NULL AND (
            EXISTS (SELECT FROM fact_{kind.table} s WHERE {_matches(kind)} AND {_differs(kind)})
            OR {_absent(kind, ends)})
    """


def _open(kind: FactKind) -> str:
    names = ", ".join(kind.columns)
    taken = ", ".join(f"s.{name}" for name in kind.columns)
    return f"""
        INSERT INTO {kind.table} ({names}, vintage_from) SELECT {taken}, $1 FROM fact_{kind.table} s
        WHERE NOT EXISTS (SELECT FROM {kind.table} f WHERE {_matches(kind)} AND f.vintage_to IS NULL)
    """


class PostgresMarketFacts(MarketFacts):
    """Writes reference facts; one transaction and at most one vintage a call for each kind."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register_assets(self, listings: Sequence[Listing]) -> dict[tuple[str, str], AssetId]:
        """See MarketFacts."""
        keys = [(one.symbol, one.mic) for one in listings]
        async with self._database.transaction() as connection:
            await lock_facts(connection)
            known = await _known_tickers(connection, keys)
            missing = [key for key in dict.fromkeys(keys) if key not in known]
            ids = await connection.fetch(
                "INSERT INTO asset SELECT FROM generate_series(1, $1) RETURNING id", len(missing)
            )
            known |= {key: AssetId(row["id"]) for key, row in zip(missing, ids, strict=True)}
            await supersede(connection, IDENTIFIERS, _identifiers(known, keys), note="identifiers")
            await supersede(connection, CLASSIFICATIONS, _classes(known, listings), note="classification")
        return known

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

    async def write_fx(self, rates: Sequence[FxWrite]) -> WriteReport:
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
        }
        return await self._supersede(SHARES, rows, note="shares outstanding")

    async def write_actions(self, actions: Sequence[ActionFact]) -> WriteReport:
        """See MarketFacts."""
        rows: dict[str, Sequence[object]] = {
            "asset_id": [one.asset for one in actions],
            **{
                name: [getattr(one, name) for one in actions]
                for name in ACTIONS.columns
                if name not in {"asset_id", "amount", "ratio"}
            },
            "amount": [_exact(one.amount) for one in actions],
            "ratio": [_exact(one.ratio) for one in actions],
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


async def _known_tickers(
    connection: Connection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], AssetId]:
    rows = await connection.fetch(
        "SELECT value, venue, asset_id FROM asset_identifier "
        "JOIN unnest($1::text[], $2::text[]) AS t (value, venue) USING (value, venue) "
        "WHERE scheme = 'ticker' AND vintage_to IS NULL AND valid_to IS NULL",
        [symbol for symbol, _ in keys],
        [mic for _, mic in keys],
    )
    return {(row["value"], row["venue"]): AssetId(row["asset_id"]) for row in rows}


def _identifiers(
    known: Mapping[tuple[str, str], AssetId], keys: Sequence[tuple[str, str]]
) -> dict[str, Sequence[object]]:
    unique = list(dict.fromkeys(keys))
    return {
        "scheme": ["ticker"] * len(unique),
        "value": [symbol for symbol, _ in unique],
        "venue": [mic for _, mic in unique],
        "asset_id": [known[key] for key in unique],
    }


def _classes(
    known: Mapping[tuple[str, str], AssetId], listings: Sequence[Listing]
) -> dict[str, Sequence[object]]:
    unique = list({(one.symbol, one.mic): one for one in listings}.values())
    return {
        "asset_id": [known[one.symbol, one.mic] for one in unique],
        **{name: [getattr(one, name) for one in unique] for name in CLASSIFICATIONS.values},
    }


def _instants(values: np.ndarray[tuple[int], np.dtype[np.datetime64]]) -> list[object]:
    return [one.replace(tzinfo=UTC) for one in values.astype("datetime64[s]").tolist()]


def _exact(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
