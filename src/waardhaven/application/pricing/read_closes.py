"""All closes of assets, each in the series that suits a comparison best."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from waardhaven.application.ports.market_data import MarketSetup
from waardhaven.application.ports.price_store import CloseColumns, PriceStore
from waardhaven.application.ports.reference_store import ReferenceStore, SeriesCoverage
from waardhaven.application.pricing.adjusting import Adjusting, ReadActions, factors_of
from waardhaven.application.pricing.choose_series import Adjust, bars_within, best_series
from waardhaven.domain.errors import Invalid
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.types import AssetId, Days, Floats, Vintage

NEXT_BEST: Final = {
    Adjust.RAW: (Adjust.RAW,),
    Adjust.SPLITS: (Adjust.SPLITS, Adjust.ALL),
    Adjust.ALL: (Adjust.ALL, Adjust.SPLITS),
}
"""What to answer with where there are no prices of a kind; raw ones jump at every split."""
NOTHING: Final = CloseColumns(
    series=np.empty(0, dtype=np.int64), day=np.empty(0, dtype="datetime64[D]"), close=np.empty(0)
)


class TooManyCloses(Invalid):
    """More closes than may be read at once."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Suited:
    """The series that answers for an asset, and what its closes are adjusted for when they are."""

    asset: Asset
    series: SeriesCoverage
    adjust: Adjust

    @property
    def computed(self) -> bool:
        """Whether its closes are raw ones still to be adjusted."""
        return self.adjust is not Adjust.RAW and self.series.adjustment is Adjustment.RAW


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCloses:
    """Closes of many series as they are stored, with what raw ones are adjusted for.

    ``suited``: at most one of each asset, in any order. Reading is done; ``adjusted`` is arithmetic.
    """

    suited: tuple[Suited, ...]
    closes: CloseColumns
    acting: Adjusting

    def adjusted(self) -> dict[AssetId, AssetCloses]:
        """Return the closes of each asset that has any; those of a range are as of its last day."""
        closes, level = self.closes, self.closes.close.copy()
        for kind in (Adjust.SPLITS, Adjust.ALL):
            computed = [one.series.id for one in self.suited if one.computed and one.adjust is kind]
            rows = np.isin(closes.series, np.array(computed, dtype=np.int64))
            if rows.any():
                mine = CloseColumns(series=closes.series[rows], day=closes.day[rows], close=level[rows])
                level[rows] *= factors_of(mine, self.acting, distributions=kind is Adjust.ALL)
        found = {}
        for one in self.suited:
            first, end = np.searchsorted(closes.series, [one.series.id, one.series.id + 1]).tolist()
            if first < end:
                found[one.asset.id] = AssetCloses(
                    asset=one.asset,
                    source=one.series.source,
                    quote_unit=one.series.quote_unit,
                    adjust=one.adjust,
                    day=closes.day[first:end],
                    close=level[first:end],
                )
        return found


@dataclass(frozen=True, slots=True)
class ReadCloses:
    """Reads the closes of assets, each of the preferred source that has them.

    Adjusted ones are computed from raw prices and dated actions where the source has both, else they are
    those it adjusted (see ``best_series``); without any of the kind asked for the next best answers.
    """

    reference: ReferenceStore
    prices: PriceStore
    actions: ReadActions
    setup: MarketSetup

    async def __call__(self, asset: Asset, mode: Adjust, *, vintage: Vintage) -> AssetCloses | None:
        """Return every close known at ``vintage``, None without any that could answer."""
        stored = await self.of_many([asset], mode, vintage=vintage)
        return stored.adjusted().get(asset.id)

    async def of_many(
        self,
        assets: Sequence[Asset],
        mode: Adjust,
        *,
        vintage: Vintage,
        start: date | None = None,
        end: date | None = None,
        most: int | None = None,
    ) -> StoredCloses:
        """Return the closes of ``assets``, each once, within a range: one question to each store.

        An asset without a series that could answer is absent. Raise TooManyCloses for more than ``most``.
        """
        suited, acting = await self.suited(assets, mode, vintage=vintage)
        _require_few(suited, start, end, most)
        ids = [one.series.id for one in suited]
        closes = NOTHING if not ids else await self.prices.closes(ids, start=start, end=end, vintage=vintage)
        return StoredCloses(suited=suited, closes=closes, acting=acting)

    async def suited(
        self, assets: Sequence[Asset], mode: Adjust, *, vintage: Vintage
    ) -> tuple[tuple[Suited, ...], Adjusting]:
        """Return the series that answer for ``assets``, in their order, and what raw ones are adjusted for.

        An asset without a series that could answer is absent.
        """
        known: dict[AssetId, list[SeriesCoverage]] = {one.id: [] for one in assets}
        for one in await self.reference.coverage(list(known)):
            if one.bars:
                known[one.asset].append(one)
        acting = await self.actions([one for mine in known.values() for one in mine], vintage=vintage)
        found = (self._suited(one, known[one.id], acting, mode) for one in assets)
        return tuple(one for one in found if one is not None), acting

    def _suited(
        self, asset: Asset, mine: Sequence[SeriesCoverage], acting: Adjusting, mode: Adjust
    ) -> Suited | None:
        able = ((kind, best_series(mine, acting, kind, self.setup)) for kind in NEXT_BEST[mode])
        return next((Suited(asset=asset, series=one, adjust=kind) for kind, one in able if one), None)


def _require_few(suited: Iterable[Suited], start: date | None, end: date | None, most: int | None) -> None:
    count = sum(bars_within(one.series, start, end) for one in suited)
    if most is not None and count > most:
        raise TooManyCloses(
            f"These are up to {count} closes; at most {most} are read at once. Ask for a shorter time or "
            "fewer symbols.",
            context={"closes": count, "limit": most},
        )
