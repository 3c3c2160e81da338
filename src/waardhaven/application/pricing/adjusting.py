"""The corporate actions that raw series are adjusted for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from waardhaven.application.ports.price_store import CloseColumns
from waardhaven.application.ports.reference_store import ReferenceStore, SeriesCoverage
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.actions import DIVIDENDS, ActionKind, CorporateAction
from waardhaven.domain.market.adjustment import ActionColumns, Factors, factors
from waardhaven.domain.market.currency import RateColumns
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.market.stated_actions import FIXING, cash_in_unit, foreign, prevailing
from waardhaven.domain.types import AssetId, Floats, SeriesId, Vintage

PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusting:
    """Actions as columns, and which assets each source has distributions of."""

    columns: ActionColumns
    counts: dict[SeriesId, int]
    paying: frozenset[tuple[AssetId, str]]


@dataclass(frozen=True, slots=True)
class ReadActions:
    """Reads what raw series are adjusted for, in the quote unit of each."""

    reference: ReferenceStore

    async def __call__(
        self, series: Sequence[SeriesCoverage], *, vintage: Vintage | None = None
    ) -> Adjusting:
        """Return confirmed splits and cash distributions of the raw ones of ``series``.

        A distribution in another currency is converted at the fixing of its ex-date; without a rate it is
        left out.
        """
        raw = [one for one in series if one.adjustment is Adjustment.RAW]
        known = await self.reference.actions([one.asset for one in series], vintage=vintage)
        stated: dict[AssetId, list[tuple[str, CorporateAction]]] = {}
        for each in known:
            stated.setdefault(each.action.asset, []).append((each.source, each.action))
        chosen = [(one, action) for one in raw for action in _moving(stated.get(one.asset, ()), one)]
        rates = await self._rates(chosen, vintage)
        priced = [(one, action, _cash(one, action, rates)) for one, action in chosen]
        kept = [(one, action, cash) for one, action, cash in priced if isfinite(cash)]
        counts: dict[SeriesId, int] = {}
        for one, _, _ in kept:
            counts[one.id] = counts.get(one.id, 0) + 1
        return Adjusting(
            columns=ActionColumns(
                series=np.array([one.id for one, _, _ in kept], dtype=np.int64),
                ex_date=np.array([action.ex_date for _, action, _ in kept], dtype="datetime64[D]"),
                ratio=np.array([float(action.ratio or 1) for _, action, _ in kept], dtype=np.float64),
                cash=np.array([cash for _, _, cash in kept], dtype=np.float64),
            ),
            counts=counts,
            paying=frozenset((one.action.asset, one.source) for one in known if one.action.kind in DIVIDENDS),
        )

    async def _rates(
        self, chosen: Sequence[tuple[SeriesCoverage, CorporateAction]], vintage: Vintage | None
    ) -> RateColumns | None:
        needed = foreign((action, one.quote_unit) for one, action in chosen)
        return await self.reference.fx(needed, fixing=FIXING, vintage=vintage) if needed else None


def _moving(stated: Iterable[tuple[str, CorporateAction]], series: SeriesCoverage) -> list[CorporateAction]:
    """Return the splits and distributions of a series."""
    kinds = (ActionKind.SPLIT, *DIVIDENDS)
    return [action for action in prevailing(stated, series.source) if action.kind in kinds]


def _cash(series: SeriesCoverage, action: CorporateAction, rates: RateColumns | None) -> float:
    return 0.0 if action.kind is ActionKind.SPLIT else cash_in_unit(action, series.quote_unit, rates)


def times_factors(
    rows: PriceColumns, closes: CloseColumns, acting: Adjusting, *, distributions: bool
) -> PriceColumns:
    """Return raw rows adjusted for splits and, if asked, distributions; ``closes`` reach to the newest.

    Rows of series without closes here stay as they are. Volumes are adjusted for splits alone.
    """
    found = _factors(closes, acting)
    factor = found.split * found.cash if distributions else found.split
    place = _places(rows, closes)
    known = place >= 0
    price, volume = np.ones(len(rows)), np.ones(len(rows))
    price[known], volume[known] = factor[place[known]], found.split[place[known]]
    return replace(
        rows, **{name: getattr(rows, name) * price for name in PRICES}, volume=rows.volume / volume
    )


def factors_of(closes: CloseColumns, acting: Adjusting, *, distributions: bool) -> Floats:
    """Return what raw ``closes``, up to the newest, are multiplied by, (n,); see ``times_factors``."""
    found = _factors(closes, acting)
    return found.split * found.cash if distributions else found.split


def _factors(closes: CloseColumns, acting: Adjusting) -> Factors:
    mine = np.isin(acting.columns.series, np.unique(closes.series))
    columns = {name: getattr(acting.columns, name)[mine] for name in ("series", "ex_date", "ratio", "cash")}
    return factors(
        series=closes.series, day=closes.day, close=closes.close, actions=replace(acting.columns, **columns)
    )


def _places(rows: PriceColumns, closes: CloseColumns) -> np.ndarray:
    """Return where each row is among the closes (ordered by series, then day), -1: its series is not."""
    ids = np.unique(closes.series)
    rank = np.searchsorted(ids, rows.series)
    known = (rank < len(ids)) & (ids[np.minimum(rank, len(ids) - 1)] == rows.series)
    key = (np.searchsorted(ids, closes.series).astype(np.int64) << 32) + closes.day.astype(np.int64)
    place = np.searchsorted(key, (rank.astype(np.int64) << 32) + rows.day.astype(np.int64))
    return np.where(known, place, -1)
