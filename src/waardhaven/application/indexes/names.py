"""What assets are called in answers."""

from collections.abc import Iterable, Mapping

from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.types import CASH, AssetId

CASH_SYMBOL = "CASH"
"""How money that an index holds is called."""


async def named(reference: ReferenceStore, ids: Iterable[int]) -> Mapping[int, Asset]:
    """Return the assets by id in one question; cash is none of them."""
    wanted = sorted({AssetId(one) for one in ids} - {CASH})
    return {int(one.id): one for one in await reference.assets(wanted)} if wanted else {}


def symbol_of(assets: Mapping[int, Asset], asset: int) -> str:
    """Return the symbol of an asset id, CASH for money, the id itself for one that nobody knows."""
    if asset == CASH:
        return CASH_SYMBOL
    known = assets.get(asset)
    return known.symbol if known else str(asset)
