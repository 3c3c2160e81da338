"""Whole bars of an asset, in the series that suits a comparison best."""

from dataclasses import dataclass

from waardhaven.application.ports.price_store import CloseColumns, PriceStore
from waardhaven.application.pricing.adjusting import times_factors
from waardhaven.application.pricing.choose_series import Adjust
from waardhaven.application.pricing.read_closes import ReadCloses
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.types import Vintage


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetBars:
    """Bars of ``asset`` by increasing day, in the quote unit of its series; at least one.

    ``adjust``: what they are adjusted for, all four prices of a day by the same factor. Opens, highs and lows
    that are not known are NaN.
    """

    asset: Asset
    source: str
    adjust: Adjust
    rows: PriceColumns


@dataclass(frozen=True, slots=True)
class ReadBars:
    """Reads opens, highs, lows and closes of an asset, of the very series whose closes ReadCloses reads."""

    closes: ReadCloses
    prices: PriceStore

    async def __call__(self, asset: Asset, mode: Adjust, *, vintage: Vintage) -> AssetBars | None:
        """Return every bar known at ``vintage``, None without any that could answer."""
        suited, acting = await self.closes.suited([asset], mode, vintage=vintage)
        for one in suited:
            rows = await self.prices.bars([one.series.id], vintage=vintage)
            if one.computed:
                closes = CloseColumns(series=rows.series, day=rows.day, close=rows.close)
                rows = times_factors(rows, closes, acting, distributions=one.adjust is Adjust.ALL)
            if len(rows):
                return AssetBars(asset=asset, source=one.series.source, adjust=one.adjust, rows=rows)
        return None
