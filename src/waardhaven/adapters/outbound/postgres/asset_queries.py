"""Assets found again: by id, by the names they have and had, by what they are."""

from collections.abc import Sequence
from datetime import date

from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.application.ports.reference_store import AssetFilter, NameFact
from waardhaven.domain.market.asset import AmbiguousSymbol, Asset, SymbolRef, UnknownAsset
from waardhaven.domain.types import AssetId

_ASSET = """
SELECT a.id, i.value AS symbol, i.venue AS mic, c.currency, c.asset_type, c.name, c.sector, c.country,
       a.archived_at IS NOT NULL AS archived
FROM asset a
JOIN asset_identifier i ON i.asset_id = a.id AND i.scheme = 'ticker'
    AND i.vintage_to IS NULL AND i.valid_to IS NULL
JOIN classification c ON c.asset_id = a.id AND c.vintage_to IS NULL AND c.valid_to IS NULL
"""
_PRESENT = "WHERE i.value = $1 AND ($2::text IS NULL OR i.venue = $2)"
_FORMER = """
WHERE a.id IN (
    SELECT DISTINCT ON (venue) asset_id FROM asset_identifier
    WHERE scheme = 'ticker' AND value = $1 AND ($2::text IS NULL OR venue = $2)
    AND vintage_to IS NULL AND valid_to IS NOT NULL ORDER BY venue, valid_to DESC
)
"""
"""Who had a name last, on each exchange."""
_FIND = """
WHERE ($1::text IS NULL OR strpos(lower(i.value), lower($1)) > 0 OR strpos(lower(c.name), lower($1)) > 0)
AND ($2::text IS NULL OR c.asset_type = $2) AND ($3::text IS NULL OR i.venue = $3)
AND ($4::text IS NULL OR c.currency = $4) AND ($5::bool IS NULL OR (a.archived_at IS NOT NULL) = $5)
AND ($6::text IS NULL OR EXISTS (
    SELECT FROM universe_member m WHERE m.universe = $6 AND m.asset_id = a.id
    AND m.vintage_to IS NULL AND m.valid_to IS NULL))
AND ($7::bigint IS NULL OR a.id > $7) ORDER BY a.id LIMIT $8
"""


async def resolve(connection: Connection, ref: SymbolRef) -> Asset:
    """See ReferenceStore.resolve."""
    if ref.id is not None:
        rows = await connection.fetch(f"{_ASSET} WHERE a.id = $1", ref.id)
    else:
        rows = await connection.fetch(f"{_ASSET} {_PRESENT} ORDER BY a.id", ref.symbol, ref.mic)
        rows = rows or await connection.fetch(f"{_ASSET} {_FORMER} ORDER BY a.id", ref.symbol, ref.mic)
    if not rows:
        raise UnknownAsset.named(ref)
    found = [Asset(**dict(row)) for row in rows]
    if len(found) > 1:
        raise AmbiguousSymbol.between(ref, found)
    return found[0]


async def resolve_all(
    connection: Connection, refs: Sequence[SymbolRef]
) -> list[Asset | UnknownAsset | AmbiguousSymbol]:
    """See ReferenceStore.resolve_all: one question for all, another for each that goes by a former name."""
    symbols = [one.symbol for one in refs if one.symbol is not None]
    ids = [one.id for one in refs if one.id is not None]
    rows = await connection.fetch(
        f"{_ASSET} WHERE i.value = ANY($1) OR a.id = ANY($2) ORDER BY a.id", symbols, ids
    )
    known = [Asset(**dict(row)) for row in rows]
    by_id = {one.id: one for one in known}
    by_symbol: dict[str, list[Asset]] = {}
    for one in known:
        by_symbol.setdefault(one.symbol, []).append(one)
    answers: list[Asset | UnknownAsset | AmbiguousSymbol] = []
    for ref in refs:
        named = by_symbol.get(ref.symbol or "", ())
        found = [one for one in named if ref.mic in (None, one.mic)]
        if ref.id is not None:
            found = [by_id[ref.id]] if ref.id in by_id else []
        answers.append(found[0] if len(found) == 1 else await _resolved(connection, ref))
    return answers


async def _resolved(connection: Connection, ref: SymbolRef) -> Asset | UnknownAsset | AmbiguousSymbol:
    try:
        return await resolve(connection, ref)
    except (UnknownAsset, AmbiguousSymbol) as error:
        return error


async def assets(connection: Connection, ids: Sequence[AssetId]) -> list[Asset]:
    """See ReferenceStore.assets."""
    rows = await connection.fetch(f"{_ASSET} WHERE a.id = ANY($1) ORDER BY a.id", list(ids))
    return [Asset(**dict(row)) for row in rows]


async def find_assets(
    connection: Connection, wanted: AssetFilter, *, limit: int, after: AssetId | None
) -> list[Asset]:
    """See ReferenceStore.find_assets."""
    rows = await connection.fetch(
        f"{_ASSET} {_FIND}",
        wanted.text,
        wanted.asset_type,
        wanted.mic,
        wanted.currency,
        wanted.archived,
        wanted.universe,
        after,
        limit,
    )
    return [Asset(**dict(row)) for row in rows]


async def names(connection: Connection, asset: AssetId) -> list[NameFact]:
    """See ReferenceStore.names."""
    rows = await connection.fetch(
        "SELECT value, venue, valid_from, valid_to FROM asset_identifier "
        "WHERE asset_id = $1 AND scheme = 'ticker' AND vintage_to IS NULL ORDER BY valid_from, venue",
        asset,
    )
    return [
        NameFact(
            symbol=row["value"],
            mic=row["venue"],
            since=None if row["valid_from"] == date.min else row["valid_from"],
            until=row["valid_to"],
        )
        for row in rows
    ]
