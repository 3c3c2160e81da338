"""All closes of one asset in the series that suits a comparison best."""

from dataclasses import dataclass
from typing import Final

from waardhaven.application.ports.market_data import MarketSetup
from waardhaven.application.ports.price_store import CloseColumns, PriceStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.application.pricing.adjusting import ReadActions, factors_of
from waardhaven.application.pricing.choose_series import Adjust, best_series
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.types import Days, Floats, Vintage

NEXT_BEST: Final = {
    Adjust.RAW: (Adjust.RAW,),
    Adjust.SPLITS: (Adjust.SPLITS, Adjust.ALL),
    Adjust.ALL: (Adjust.ALL, Adjust.SPLITS),
}
"""What to answer with where there are no prices of a kind; raw ones jump at every split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetCloses:
    """Closes (n,) of ``asset`` by increasing ``day``, in ``quote_unit``; at least one.

    ``adjust``: what they are adjusted for, which may be another thing than what was asked for.
    """

    asset: Asset
    source: str
    quote_unit: str
    adjust: Adjust
    day: Days
    close: Floats


@dataclass(frozen=True, slots=True)
class ReadCloses:
    """Reads the closes of an asset, of the preferred source that has them.

    Adjusted ones are computed from raw prices and dated actions where the source has both, else they are
    those it adjusted (see ``best_series``); without any of the kind asked for the next best answers.
    """

    reference: ReferenceStore
    prices: PriceStore
    actions: ReadActions
    setup: MarketSetup

    async def __call__(self, asset: Asset, mode: Adjust, *, vintage: Vintage) -> AssetCloses | None:
        """Return every close known at ``vintage``, None without any that could answer."""
        series = [one for one in await self.reference.coverage([asset.id]) if one.bars]
        acting = await self.actions(series, vintage=vintage)
        able = ((kind, best_series(series, acting, kind, self.setup)) for kind in NEXT_BEST[mode])
        kind, best = next(((kind, one) for kind, one in able if one is not None), (mode, None))
        if best is None:
            return None
        closes: CloseColumns = await self.prices.closes([best.id], vintage=vintage)
        if not len(closes):
            return None
        close = closes.close
        if kind is not Adjust.RAW and best.adjustment is Adjustment.RAW:
            close = close * factors_of(closes, acting, distributions=kind is Adjust.ALL)
        return AssetCloses(
            asset=asset,
            source=best.source,
            quote_unit=best.quote_unit,
            adjust=kind,
            day=closes.day,
            close=close,
        )
