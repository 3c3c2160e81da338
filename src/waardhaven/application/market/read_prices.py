"""Prices of many assets at once, as columns."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial

import numpy as np

from waardhaven.application.answers import SeriesView, check_range
from waardhaven.application.ports.market_data import MarketSetup
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.reference_store import ReferenceStore, SeriesCoverage
from waardhaven.application.pricing.adjusting import PRICES, Adjusting, ReadActions, times_factors
from waardhaven.application.pricing.choose_series import Adjust, Chosen, bars_within, best_series
from waardhaven.domain.errors import FieldError, Invalid, NotFound
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import Asset, SymbolRef
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.market.currency import CARRIED_DAYS, CURRENCIES, RETIRED, RateColumns, major
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.market.resampling import resampled
from waardhaven.domain.market.stated_actions import FIXING
from waardhaven.domain.types import AssetId, Floats, SeriesId, Vintage

MOST_SYMBOLS = 500
MOST_ROWS = 500_000


class NoSuchPrices(NotFound):
    """None of the assets asked for has prices of that kind in that range."""


class PricesOutOfBounds(Invalid):
    """The answer would have more rows than one answer may."""


@dataclass(frozen=True, slots=True)
class ReadPrices:
    """Daily bars of many assets, adjusted, converted and gathered into periods as asked.

    Each asset's bars come from one source: the preferred one that has them, or the one named. Adjusted
    prices are computed from raw ones and dated actions where the source has both, else they are those the
    source adjusted; the answer says which.
    """

    reference: ReferenceStore
    prices: PriceStore
    actions: ReadActions
    setup: MarketSetup

    async def __call__(
        self,
        by: Principal,
        *,
        symbols: tuple[str, ...],
        start: date | None = None,
        end: date | None = None,
        adjust: str = Adjust.RAW,
        currency: str | None = None,
        frequency: str = Frequency.DAILY,
        source: str | None = None,
        as_of: datetime | None = None,
    ) -> SeriesView:
        """Return parallel columns in the order of the symbols, then by day; ``head`` names what lacks."""
        by.require(Permission.READ_INDICES)
        check_range(start, end)
        _check(symbols, currency)
        point = await self.reference.vintage_at(as_of) if as_of else await self.reference.latest_vintage()
        found, missing = await self._find(symbols)
        coverage = await self.reference.coverage([one.id for one in found])
        acting = await self.actions(coverage, vintage=point.id if point else None)
        mode = Adjust(adjust)
        chosen, without = self._choose(found, coverage, acting, mode, source)
        missing += without
        if not chosen or point is None:
            raise _nothing(missing, mode)
        rows = await self._rows(chosen, start, end, point.id)
        rates = await self._rates(chosen, currency, point.id)
        adjusted = await self._adjusted(rows, chosen, acting, mode, start, point.id)
        return await asyncio.to_thread(
            _view, adjusted, chosen, acting, missing, rates, currency, Frequency(frequency), mode, point.id
        )

    async def _find(self, symbols: Sequence[str]) -> tuple[list[Asset], list[dict[str, object]]]:
        found: dict[AssetId, Asset] = {}
        missing: list[dict[str, object]] = []
        asked = list(dict.fromkeys(symbols))
        answers = await self.reference.resolve_all([SymbolRef.parse(one) for one in asked])
        for text, answer in zip(asked, answers, strict=True):
            if isinstance(answer, Asset):
                found.setdefault(answer.id, answer)
            else:
                missing.append({"symbol": text, "code": answer.code, "detail": answer.message})
        return list(found.values()), missing

    def _choose(
        self,
        assets: Sequence[Asset],
        coverage: Sequence[SeriesCoverage],
        acting: Adjusting,
        mode: Adjust,
        source: str | None,
    ) -> tuple[list[Chosen], list[dict[str, object]]]:
        chosen: list[Chosen] = []
        missing: list[dict[str, object]] = []
        for asset in assets:
            mine = [one for one in coverage if one.asset == asset.id and one.bars]
            mine = [one for one in mine if source in (None, one.source)]
            best = best_series(mine, acting, mode, self.setup)
            if best is None:
                detail = f"There are no {mode} prices of {asset.symbol}:{asset.mic}."
                symbol = f"{asset.symbol}:{asset.mic}"
                missing.append({"symbol": symbol, "code": "no_prices", "detail": detail})
            else:
                computed = mode is not Adjust.RAW and best.adjustment is Adjustment.RAW
                chosen.append(Chosen(asset=asset, series=best, computed=computed))
        return chosen, missing

    async def _rows(
        self, chosen: Sequence[Chosen], start: date | None, end: date | None, vintage: Vintage
    ) -> PriceColumns:
        most = sum(bars_within(one.series, start, end) for one in chosen)
        if most > MOST_ROWS:
            rule = f"must ask for at most {MOST_ROWS} bars; this may be {most}: fewer symbols or days"
            raise PricesOutOfBounds(
                "The answer would be too large.", errors=[FieldError(field="symbols", rule=rule)]
            )
        return await self.prices.bars(
            [one.series.id for one in chosen], start=start, end=end, vintage=vintage
        )

    async def _rates(
        self, chosen: Sequence[Chosen], currency: str | None, vintage: Vintage
    ) -> RateColumns | None:
        needed = {one.series.currency for one in chosen if currency not in (None, one.series.currency)}
        if not needed or currency is None:
            return None
        return await self.reference.fx(sorted({*needed, currency}), fixing=FIXING, vintage=vintage)

    async def _adjusted(
        self,
        rows: PriceColumns,
        chosen: Sequence[Chosen],
        acting: Adjusting,
        mode: Adjust,
        start: date | None,
        vintage: Vintage,
    ) -> PriceColumns:
        """Return the rows times their factors, which closes and actions after the range decide too."""
        computed = [one.series.id for one in chosen if one.computed and acting.counts.get(one.series.id)]
        if not computed or not len(rows):
            return rows
        closes = await self.prices.closes(sorted(computed), start=start, vintage=vintage)
        return await asyncio.to_thread(
            partial(times_factors, rows, closes, acting, distributions=mode is Adjust.ALL)
        )


def _check(symbols: Sequence[str], currency: str | None) -> None:
    if not 1 <= len(symbols) <= MOST_SYMBOLS:
        raise PricesOutOfBounds(
            "The number of symbols is out of bounds.",
            errors=[FieldError(field="symbols", rule=f"must be 1 to {MOST_SYMBOLS} symbols")],
        )
    if currency is not None and currency not in CURRENCIES | RETIRED:
        raise PricesOutOfBounds(
            f"{currency!r} is not a currency we convert to.",
            errors=[FieldError(field="currency", rule="must be one of /index/currencies")],
        )


def _nothing(missing: Sequence[Mapping[str, object]], mode: Adjust) -> NoSuchPrices:
    first = missing[0]["detail"] if missing else f"There are no {mode} prices."
    return NoSuchPrices(str(first), context={"missing": list(missing)})


def _view(
    rows: PriceColumns,
    chosen: Sequence[Chosen],
    acting: Adjusting,
    missing: Sequence[Mapping[str, object]],
    rates: RateColumns | None,
    currency: str | None,
    frequency: Frequency,
    mode: Adjust,
    vintage: Vintage,
) -> SeriesView:
    order = _order(rows, chosen)
    rows = PriceColumns(**{name: getattr(rows, name)[order] for name in PriceColumns.__slots__})
    factor = _money(rows, chosen, rates, currency)
    rows = replace(rows, **{name: getattr(rows, name) * factor for name in PRICES})
    rows = resampled(rows, frequency)
    labels = {one.series.id: one.asset.symbol for one in chosen}
    mics = {one.series.id: one.asset.mic for one in chosen}
    which, place = np.unique(rows.series, return_inverse=True)
    return SeriesView(
        columns={
            "symbols": np.array([labels[SeriesId(one)] for one in which.tolist()], dtype=str)[place],
            "mics": np.array([mics[SeriesId(one)] for one in which.tolist()], dtype=str)[place],
            "dates": rows.day,
            **{name: getattr(rows, name) for name in (*PRICES, "volume")},
        },
        head={
            "adjust": str(mode),
            "frequency": str(frequency),
            "vintage": int(vintage),
            "series": [_described(one, rows, acting, currency) for one in chosen],
            "missing": list(missing),
        },
    )


def _order(rows: PriceColumns, chosen: Sequence[Chosen]) -> np.ndarray:
    """Return the rows in the order of the symbols asked for, then by day."""
    ids = np.array([one.series.id for one in chosen])
    rank = np.argsort(ids, kind="stable")
    return np.lexsort((rows.day, rank[np.searchsorted(ids[rank], rows.series)]))


def _money(
    rows: PriceColumns, chosen: Sequence[Chosen], rates: RateColumns | None, currency: str | None
) -> Floats:
    """Return what prices of each row are multiplied by to be in the currency asked for, NaN unknown."""
    factor = np.ones(len(rows))
    for unit in {one.series.quote_unit for one in chosen}:
        ids = [one.series.id for one in chosen if one.series.quote_unit == unit]
        mine = np.isin(rows.series, ids)
        own, parts = major(unit)
        if currency in (None, own) or rates is None:
            factor[mine] = 1.0 / parts
            continue
        days, place = np.unique(rows.day[mine], return_inverse=True)
        known = not {own, str(currency)} - {*rates.quote, rates.base}
        rate = (
            rates.cross(unit, str(currency), days, max_days=CARRIED_DAYS)
            if known
            else np.full(len(days), np.nan)
        )
        factor[mine] = rate[place]
    return factor


def _described(one: Chosen, rows: PriceColumns, acting: Adjusting, currency: str | None) -> dict[str, object]:
    mine = rows.series == one.series.id
    days, close = rows.day[mine], rows.close[mine]
    unknown = int(np.isnan(close).sum())
    return {
        "symbol": one.asset.symbol,
        "mic": one.asset.mic,
        "asset": int(one.asset.id),
        "name": one.asset.name,
        "source": one.series.source,
        "currency": currency or one.series.currency,
        "method": "computed" if one.computed else "stored",
        "actions": acting.counts.get(one.series.id, 0) if one.computed else None,
        "bars": len(days),
        "first": str(days[0]) if len(days) else None,
        "last": str(days[-1]) if len(days) else None,
        "reason": f"{unknown} values have no exchange rate of their day." if unknown else None,
    }
