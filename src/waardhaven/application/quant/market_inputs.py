"""What options need and a caller left out: the last stored close, and volatility from stored prices."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.application.pricing.choose_series import Adjust
from waardhaven.application.pricing.read_bars import AssetBars, ReadBars
from waardhaven.application.pricing.read_closes import AssetCloses, ReadCloses
from waardhaven.application.quant.option_question import OptionQuestion
from waardhaven.domain.errors import FieldError, NotFound
from waardhaven.domain.market.asset import Asset, SymbolRef
from waardhaven.domain.metrics.periods import periods_per_year
from waardhaven.domain.quant.options.contracts import BOUNDS, UnusableOptions
from waardhaven.domain.quant.volatility import (
    VOLATILITY_ESTIMATORS,
    Bars,
    UnusablePrices,
    VolatilityEstimator,
    consistent,
    estimate,
)
from waardhaven.domain.types import Days, Vintage, as_date

ESTIMATOR_FIELD: Final = "volatility_estimator"
LEAST_DAYS: Final = 2
"""Days whose distance tells how many of them a year has."""


class PricesNotStored(NotFound):
    """There are no closes of the symbol here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotView:
    """The last stored close that was taken for the spot: of which asset, of which day, in which unit.

    ``adjust``: what it is adjusted for; of the newest close that is as good as nothing.
    """

    symbol: str
    mic: str
    source: str
    day: date
    close: float
    quote_unit: str
    adjust: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateView:
    """A volatility from stored prices: by which estimator, over how many days.

    ``bars``: days that were read, those of the window and, where returns start from the close of the day
    before, that one; ``first`` and ``last`` of them. ``left_out``: days from ``first`` on without all four
    prices, or with a high or low that is none, which an estimator of ranges can not use. ``adjust``: what
    prices are adjusted for.
    """

    symbol: str
    mic: str
    source: str
    estimator: str
    window: int
    bars: int
    left_out: int
    first: date
    last: date
    adjust: str
    periods_per_year: float
    volatility: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketInputs:
    """What was read; None: it was sent."""

    spot: SpotView | None = None
    volatility: EstimateView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Stored prices of an asset that an estimator can use, by ``day``, and the days that it can not."""

    asset: Asset
    source: str
    adjust: str
    day: Days
    prices: Bars
    left_out: Days


@dataclass(frozen=True, slots=True)
class ReadMarketInputs:
    """Reads the spot and estimates volatility, of prices adjusted for splits and distributions.

    The spot is the newest raw close, or the newest that its source adjusted where that is of a later day.
    """

    reference: ReferenceStore
    closes: ReadCloses
    bars: ReadBars

    async def __call__(self, question: OptionQuestion) -> MarketInputs:
        """Return what the question left out.

        Raise InvalidSymbol, UnknownAsset, AmbiguousSymbol, PricesNotStored, or UnusableOptions where the
        stored prices tell no volatility.
        """
        if question.symbol is None:
            return MarketInputs()
        asset = await self.reference.resolve(SymbolRef.parse(question.symbol))
        newest = await self.reference.latest_vintage()
        spot = volatility = None
        if newest is not None and question.needs_spot:
            spot = await self._newest_close(asset, newest.id)
        if newest is not None and question.needs_volatility:
            volatility = await self._volatility(asset, newest.id, question)
        missing = (question.needs_spot and spot is None) or (question.needs_volatility and volatility is None)
        if missing:
            raise PricesNotStored(f"There are no stored closes of {asset.symbol} to answer with.")
        return MarketInputs(spot=spot, volatility=volatility)

    async def _volatility(
        self, asset: Asset, vintage: Vintage, question: OptionQuestion
    ) -> EstimateView | None:
        if VOLATILITY_ESTIMATORS[question.estimator].needs_ranges:
            bars = await self.bars(asset, Adjust.ALL, vintage=vintage)
            return None if bars is None else _estimated(_of_bars(bars), question)
        closes = await self.closes(asset, Adjust.ALL, vintage=vintage)
        return None if closes is None else _estimated(_of_closes(closes), question)

    async def _newest_close(self, asset: Asset, vintage: Vintage) -> SpotView | None:
        found = [await self.closes(asset, mode, vintage=vintage) for mode in (Adjust.RAW, Adjust.ALL)]
        known = [one for one in found if one is not None]
        return _spot(max(known, key=lambda one: as_date(one.day[-1]))) if known else None


def least_days(estimator: VolatilityEstimator) -> int:
    """Return how many stored days an estimator needs."""
    return max(estimator.least, LEAST_DAYS)


def _spot(closes: AssetCloses) -> SpotView:
    return SpotView(
        symbol=closes.asset.symbol,
        mic=closes.asset.mic,
        source=closes.source,
        day=as_date(closes.day[-1]),
        close=float(closes.close[-1]),
        quote_unit=closes.quote_unit,
        adjust=str(closes.adjust),
    )


def _of_closes(found: AssetCloses) -> Past:
    return Past(
        asset=found.asset,
        source=found.source,
        adjust=str(found.adjust),
        day=found.day,
        prices=Bars(close=found.close),
        left_out=np.empty(0, dtype=found.day.dtype),
    )


def _of_bars(found: AssetBars) -> Past:
    rows = found.rows
    whole = consistent(open=rows.open, high=rows.high, low=rows.low, close=rows.close)
    return Past(
        asset=found.asset,
        source=found.source,
        adjust=str(found.adjust),
        day=rows.day[whole],
        prices=Bars(
            open=rows.open[whole], high=rows.high[whole], low=rows.low[whole], close=rows.close[whole]
        ),
        left_out=rows.day[~whole],
    )


def _estimated(past: Past, question: OptionQuestion) -> EstimateView:
    estimator = VOLATILITY_ESTIMATORS[question.estimator]
    if len(past.day) < least_days(estimator):
        raise _untold(_too_few(past, estimator))
    try:
        found = estimate(
            past.prices,
            estimator=estimator,
            window=question.window,
            periods_per_year=periods_per_year(past.day),
        )
    except UnusablePrices as error:
        raise _untold(error.message) from None
    if BOUNDS["volatility"].broken(np.asarray(found.volatility)):
        rule = f"{estimator.name} finds {found.volatility:g} a year of {past.asset.symbol}: volatility"
        raise _untold(f"{rule} {BOUNDS['volatility'].rule}")
    first = past.day[-found.bars]
    return EstimateView(
        symbol=past.asset.symbol,
        mic=past.asset.mic,
        source=past.source,
        estimator=found.estimator,
        window=found.window,
        bars=found.bars,
        left_out=int((past.left_out >= first).sum()),
        first=as_date(first),
        last=as_date(past.day[-1]),
        adjust=past.adjust,
        periods_per_year=found.periods_per_year,
        volatility=found.volatility,
    )


def _untold(rule: str) -> UnusableOptions:
    errors = [FieldError(field=ESTIMATOR_FIELD, rule=rule)]
    return UnusableOptions("Stored prices tell no volatility.", errors=errors)


def _too_few(past: Past, estimator: VolatilityEstimator) -> str:
    least = least_days(estimator)
    rule = f"{estimator.name} needs at least {least} days of {past.asset.symbol}, not {len(past.day)}"
    if not len(past.left_out):
        return rule
    return f"{rule}: {len(past.left_out)} lack an open, a high or a low, or have one that is none"
