"""Everything a store knows of a market, without the numbers that depend on when it was written.

Each part is a sorted list of texts, one a row, floats in the shortest form that says them exactly. Series and
assets go by their names, vintages by their order: what differs in two stores then differs in what they know.
"""

from collections import Counter
from collections.abc import Mapping

import asyncpg

SERIES = """
    WITH named AS (
        SELECT s.id, concat_ws(' ', i.value, i.venue, s.source, s.adjustment, s.quote_unit) AS name
        FROM series s LEFT JOIN asset_identifier i ON i.asset_id = s.asset_id AND i.scheme = 'ticker'
            AND i.vintage_to IS NULL AND i.valid_to IS NULL
    ), ticker AS (
        SELECT asset_id, concat_ws(' ', value, venue) AS name FROM asset_identifier
        WHERE scheme = 'ticker' AND vintage_to IS NULL AND valid_to IS NULL
    )
"""
BAR = "p.open, p.high, p.low, p.close, p.volume"


def _versions(key: str) -> str:
    """Return the place of a version among those of its key, and whether it is the present one."""
    return f"row_number() OVER (PARTITION BY {key} ORDER BY f.vintage_from), f.vintage_to IS NULL"


PARTS: Mapping[str, str] = {
    "series": "SELECT (n.name, count(*)) FROM named n GROUP BY n.name",
    "bars": f"SELECT (n.name, p.day, {BAR}) FROM price p JOIN named n ON n.id = p.series_id",
    "superseded bars": (
        f"SELECT (n.name, p.day, {BAR}, p.withdrawn, row_number() OVER (PARTITION BY p.series_id, p.day"
        " ORDER BY p.vintage_from)) FROM price_revision p JOIN named n ON n.id = p.series_id"
    ),
    "closes of a year": (
        "SELECT (n.name, c.year, c.n, c.days, c.closes) FROM price_chunk c JOIN named n ON n.id = c.series_id"
    ),
    "rates": (
        "SELECT (s.base, s.quote, s.source, s.fixing, r.day, r.rate)"
        " FROM fx_rate r JOIN fx_series s ON s.id = r.fx_series_id"
    ),
    "superseded rates": (
        "SELECT (s.base, s.quote, s.source, s.fixing, r.day, r.rate, r.withdrawn,"
        " row_number() OVER (PARTITION BY s.id, r.day ORDER BY r.vintage_from))"
        " FROM fx_rate_revision r JOIN fx_series s ON s.id = r.fx_series_id"
    ),
    "actions": (
        "SELECT (t.name, f.source, f.key, f.kind, f.status, f.ex_date, f.record_date, f.pay_date, f.amount,"
        f" f.currency, f.ratio, {_versions('f.asset_id, f.source, f.key')})"
        " FROM corporate_action f JOIN ticker t USING (asset_id)"
    ),
    "shares": (
        "SELECT (t.name, f.day, f.source, f.shares, f.status,"
        f" {_versions('f.asset_id, f.day, f.source')})"
        " FROM shares_outstanding f JOIN ticker t USING (asset_id)"
    ),
    "identifiers": (
        "SELECT (f.scheme, f.value, f.venue, f.valid_from, f.valid_to,"
        f" {_versions('f.scheme, f.value, f.venue, f.valid_from')}) FROM asset_identifier f"
    ),
    "classifications": (
        "SELECT (t.name, f.name, f.asset_type, f.currency, f.sector, f.country, f.valid_from, f.valid_to,"
        f" {_versions('f.asset_id, f.valid_from')}) FROM classification f JOIN ticker t USING (asset_id)"
    ),
    "assets": ("SELECT (t.name, a.archived_at IS NULL) FROM asset a LEFT JOIN ticker t ON t.asset_id = a.id"),
    "universe": (
        f"SELECT (f.universe, t.name, f.valid_from, f.valid_to,"
        f" {_versions('f.universe, f.asset_id, f.valid_from')})"
        " FROM universe_member f JOIN ticker t USING (asset_id)"
    ),
    "sessions": (f"SELECT (f.mic, f.day, f.open_at, f.close_at, {_versions('f.mic, f.day')}) FROM session f"),
    "flags": (
        "SELECT (n.name, f.day, f.kind, f.detail, f.state, f.note,"
        f" {_versions('f.series_id, f.day, f.kind')})"
        " FROM quality_flag f JOIN named n ON n.id = f.series_id"
    ),
}
ORPHANS = {
    "a vintage was not told of exactly once": (
        "SELECT v.id FROM vintage v LEFT JOIN outbox o ON o.kind LIKE 'market.%'"
        " AND (o.payload->>'vintage')::bigint = v.id GROUP BY v.id HAVING count(o.id) <> 1"
    ),
    "a vintage stands in the trail of audits other than once": (
        "SELECT v.id FROM vintage v LEFT JOIN audit_entry a ON a.action = 'market.committed'"
        " AND a.target = 'vintage:' || v.id GROUP BY v.id HAVING count(a.id) <> 1"
    ),
    "a series has no bars": (
        "SELECT s.id FROM series s WHERE NOT EXISTS (SELECT FROM price p WHERE p.series_id = s.id)"
    ),
    "an asset has no series": (
        "SELECT a.id FROM asset a WHERE NOT EXISTS (SELECT FROM series s WHERE s.asset_id = a.id)"
    ),
    "rates have no rate": (
        "SELECT s.id FROM fx_series s WHERE NOT EXISTS (SELECT FROM fx_rate r WHERE r.fx_series_id = s.id)"
    ),
}
Content = dict[str, list[str]]


async def content_of(connection: asyncpg.Connection) -> Content:
    """Return what a store knows, part by part."""
    found: Content = {}
    for part, query in PARTS.items():
        rows = await connection.fetch(f"{SERIES} SELECT x::text AS text FROM ({query}) q (x) ORDER BY text")
        found[part] = [row["text"] for row in rows]
    return found


def difference(one: Content, other: Content) -> str:
    """Return the first rows that two stores differ in, an empty text when none do."""
    said: list[str] = []
    for part in PARTS:
        here, there = Counter(one[part]), Counter(other[part])
        rows = [f"- {row[:200]}" for row in (here - there).elements()]
        rows += [f"+ {row[:200]}" for row in (there - here).elements()]
        if rows:
            said += [f"{part}: {len(rows)} rows differ", *rows[:6]]
    return "\n".join(said)
