"""What options need and a caller left out: the last stored close, and volatility from closes."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.application.pricing.choose_series import Adjust
from waardhaven.application.pricing.read_closes import AssetCloses, ReadCloses
from waardhaven.application.quant.option_question import OptionQuestion
from waardhaven.domain.errors import FieldError, NotFound
from waardhaven.domain.market.asset import Asset, SymbolRef
from waardhaven.domain.metrics.periods import periods_per_year
from waardhaven.domain.metrics.sample import UnusableSample
from waardhaven.domain.quant.options.contracts import UnusableOptions
from waardhaven.domain.quant.volatility import VOLATILITY_ESTIMATORS, Bars, UnusablePrices, estimate
from waardhaven.domain.types import Vintage, as_date

ESTIMATOR_FIELD: Final = "volatility_estimator"


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
    """A volatility from stored closes: by which estimator, over how many returns from day to day.

    ``adjust``: what the closes are adjusted for.
    """

    symbol: str
    mic: str
    source: str
    estimator: str
    window: int
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


@dataclass(frozen=True, slots=True)
class ReadMarketInputs:
    """Reads the spot and estimates volatility, of closes adjusted for splits and distributions.

    The spot is the newest raw close, or the newest that its source adjusted where that is of a later day.
    """

    reference: ReferenceStore
    closes: ReadCloses

    async def __call__(self, question: OptionQuestion) -> MarketInputs:
        """Return what the question left out.

        Raise InvalidSymbol, UnknownAsset, AmbiguousSymbol, PricesNotStored, or UnusableOptions where the
        stored closes tell no volatility.
        """
        if question.symbol is None:
            return MarketInputs()
        asset = await self.reference.resolve(SymbolRef.parse(question.symbol))
        newest = await self.reference.latest_vintage()
        spot = volatility = None
        if newest is not None and question.needs_spot:
            spot = await self._newest_close(asset, newest.id)
        if newest is not None and question.needs_volatility:
            adjusted = await self.closes(asset, Adjust.ALL, vintage=newest.id)
            volatility = None if adjusted is None else _estimated(adjusted, question)
        missing = (question.needs_spot and spot is None) or (question.needs_volatility and volatility is None)
        if missing:
            raise PricesNotStored(f"There are no stored closes of {asset.symbol} to answer with.")
        return MarketInputs(spot=spot, volatility=volatility)

    async def _newest_close(self, asset: Asset, vintage: Vintage) -> SpotView | None:
        found = [await self.closes(asset, mode, vintage=vintage) for mode in (Adjust.RAW, Adjust.ALL)]
        known = [one for one in found if one is not None]
        return _spot(max(known, key=lambda one: as_date(one.day[-1]))) if known else None


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


def _estimated(closes: AssetCloses, question: OptionQuestion) -> EstimateView:
    try:
        year = periods_per_year(closes.day)
        found = estimate(
            Bars(close=closes.close),
            estimator=VOLATILITY_ESTIMATORS[question.estimator],
            window=question.window,
            periods_per_year=year,
        )
    except (UnusablePrices, UnusableSample) as error:
        errors = [FieldError(field=ESTIMATOR_FIELD, rule=error.message)]
        raise UnusableOptions("Stored closes tell no volatility.", errors=errors) from None
    return EstimateView(
        symbol=closes.asset.symbol,
        mic=closes.asset.mic,
        source=closes.source,
        estimator=found.estimator,
        window=found.window,
        first=as_date(closes.day[-found.window - 1]),
        last=as_date(closes.day[-1]),
        adjust=str(closes.adjust),
        periods_per_year=found.periods_per_year,
        volatility=found.volatility,
    )
