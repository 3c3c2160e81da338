"""What a source states of an instrument, as facts about our assets."""

from collections.abc import Mapping

from waardhaven.application.ports.market_data import ListedAction, SharesOutstanding
from waardhaven.application.ports.market_facts import ActionFact, Listing, SharesFact
from waardhaven.domain.market.actions import ActionStatus
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.types import AssetId

AssetIds = Mapping[tuple[str, str], AssetId]


def key_of(listing: Listing) -> tuple[str, str]:
    """Return what an instrument is found by."""
    return listing.symbol, listing.mic


def listing_of(asset: Asset) -> Listing:
    """Return how an asset is named to a source."""
    return Listing(
        symbol=asset.symbol,
        mic=asset.mic,
        name=asset.name,
        asset_type=asset.asset_type,
        currency=asset.currency,
        sector=asset.sector,
        country=asset.country,
    )


def shares_fact(one: SharesOutstanding, ids: AssetIds) -> SharesFact:
    """Return the number of shares as a fact about our asset."""
    return SharesFact(
        asset=ids[key_of(one.listing)],
        day=one.day,
        shares=one.shares,
        status=one.status,
        source=one.source,
        float_factor=one.float_factor,
    )


def action_fact(one: ListedAction, ids: AssetIds) -> ActionFact:
    """Return the action as a fact about our asset."""
    return ActionFact(
        asset=ids[key_of(one.listing)],
        key=one.key,
        source=one.source,
        kind=one.kind,
        status=str(ActionStatus.CONFIRMED),
        ex_date=one.ex_date,
        ratio=one.ratio,
        amount=one.amount,
        currency=one.currency,
    )
