"""Assets and their names: found again by ticker and exchange, renamed from a day on, archived."""

from collections.abc import Mapping, Sequence
from datetime import date

from waardhaven.adapters.outbound.postgres.audit import record_act
from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.adapters.outbound.postgres.superseding import FactKind, supersede
from waardhaven.adapters.outbound.postgres.vintages import emit, next_vintage
from waardhaven.application.ports.market_facts import Listing, SymbolTaken
from waardhaven.application.ports.price_store import WriteReport
from waardhaven.domain.events import FactsCommitted
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.market.asset import SymbolRef, UnknownAsset
from waardhaven.domain.types import AssetId

Name = tuple[str, str]
"""Ticker and exchange."""

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
_HOLDERS = """
SELECT DISTINCT ON (value, venue) value, venue, asset_id FROM asset_identifier
JOIN unnest($1::text[], $2::text[]) AS t (value, venue) USING (value, venue)
WHERE scheme = 'ticker' AND vintage_to IS NULL ORDER BY value, venue, valid_to DESC NULLS FIRST
"""
"""Who has a name now, or else had it last."""
_TAKEN = """
SELECT asset_id FROM asset_identifier WHERE scheme = 'ticker' AND value = $2 AND venue = $3
AND asset_id <> $1 AND vintage_to IS NULL AND (valid_to IS NULL OR valid_to > $4) LIMIT 1
"""
_PRESENT = """
SELECT value, venue FROM asset_identifier
WHERE asset_id = $1 AND scheme = 'ticker' AND vintage_to IS NULL AND valid_to IS NULL
"""
_END_NAMES = """
UPDATE asset_identifier SET vintage_to = $3
WHERE asset_id = $1 AND scheme = 'ticker' AND vintage_to IS NULL AND (valid_to IS NULL OR valid_to > $2)
RETURNING value, venue, valid_from
"""
_NAME = """
INSERT INTO asset_identifier (asset_id, scheme, value, venue, valid_from, valid_to, vintage_from)
VALUES ($1, 'ticker', $2, $3, $4, $5, $6)
"""


async def register_assets(connection: Connection, listings: Sequence[Listing]) -> dict[Name, AssetId]:
    """See MarketFacts.register_assets; the caller holds the facts lock."""
    keys = list(dict.fromkeys((one.symbol, one.mic) for one in listings))
    rows = await connection.fetch(_HOLDERS, [symbol for symbol, _ in keys], [mic for _, mic in keys])
    known = {(row["value"], row["venue"]): AssetId(row["asset_id"]) for row in rows}
    missing = [key for key in keys if key not in known]
    ids = await connection.fetch(
        "INSERT INTO asset SELECT FROM generate_series(1, $1) RETURNING id", len(missing)
    )
    fresh = {key: AssetId(row["id"]) for key, row in zip(missing, ids, strict=True)}
    known |= fresh
    await supersede(connection, IDENTIFIERS, _identifiers(fresh), note="identifiers")
    await supersede(connection, CLASSIFICATIONS, _classes(known, listings), note="classification")
    return known


def _identifiers(fresh: Mapping[Name, AssetId]) -> dict[str, Sequence[object]]:
    return {
        "scheme": ["ticker"] * len(fresh),
        "value": [symbol for symbol, _ in fresh],
        "venue": [mic for _, mic in fresh],
        "asset_id": list(fresh.values()),
    }


def _classes(known: Mapping[Name, AssetId], listings: Sequence[Listing]) -> dict[str, Sequence[object]]:
    unique = {known[one.symbol, one.mic]: one for one in listings}
    return {
        "asset_id": list(unique),
        **{name: [getattr(one, name) for one in unique.values()] for name in CLASSIFICATIONS.values},
    }


async def rename_asset(connection: Connection, asset: AssetId, name: Name, since: date) -> WriteReport:
    """See MarketFacts.rename_asset; the caller holds the facts lock."""
    present = await connection.fetchrow(_PRESENT, asset)
    if present is None:
        raise UnknownAsset.named(SymbolRef(id=asset))
    if tuple(present) == name:
        return WriteReport(inserted=0, changed=0, unchanged=1, vintage=None)
    if await connection.fetchval(_TAKEN, asset, *name, since) is not None:
        symbol = ":".join(name)
        raise SymbolTaken(f"{symbol} is another asset.", context={"symbol": symbol})
    vintage = await next_vintage(connection, f"renamed to {name[0]}:{name[1]}")
    ended = await connection.fetch(_END_NAMES, asset, since, vintage)
    for value, venue, valid_from in ended:
        if valid_from < since:
            await connection.execute(_NAME, asset, value, venue, valid_from, since, vintage)
    await connection.execute(_NAME, asset, *name, since, None, vintage)
    report = WriteReport(inserted=1, changed=len(ended), unchanged=0, vintage=vintage)
    await emit(connection, FactsCommitted(what="assets", vintage=vintage, inserted=1, changed=report.changed))
    return report


async def set_archived(connection: Connection, asset: AssetId, *, archived: bool, by: Principal) -> None:
    """See MarketFacts.set_archived."""
    former = await connection.fetchrow("SELECT archived_at FROM asset WHERE id = $1 FOR UPDATE", asset)
    if former is None:
        raise UnknownAsset.named(SymbolRef(id=asset))
    if (former["archived_at"] is not None) == archived:
        return
    await connection.execute(
        "UPDATE asset SET archived_at = CASE WHEN $2 THEN clock_timestamp() END WHERE id = $1",
        asset,
        archived,
    )
    act = "asset.archived" if archived else "asset.restored"
    await record_act(connection, act, by=by, target=f"asset:{asset}")
    # No fact of any vintage is another: the event has the newest one, and makes lists be read again.
    newest = await connection.fetchval("SELECT coalesce(max(id), 0) FROM vintage")
    await emit(connection, FactsCommitted(what="assets", vintage=newest, inserted=0, changed=1))
