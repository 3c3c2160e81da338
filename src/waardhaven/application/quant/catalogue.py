"""What options can be priced by, and which figures there are, for people and programs that choose."""

from collections.abc import Mapping
from dataclasses import dataclass

from waardhaven.application.quant.market_inputs import least_days
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.quant.options.american_greeks import FIGURES
from waardhaven.domain.quant.options.contracts import EXPLANATIONS
from waardhaven.domain.quant.options.greeks import GREEKS, Greek
from waardhaven.domain.quant.options.models import MODELS
from waardhaven.domain.quant.options.payoffs import PAYOFFS
from waardhaven.domain.quant.volatility import VOLATILITY_ESTIMATORS


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """A model: what its spot and its yield are, and the cost of carry that follows."""

    name: str
    title: str
    spot: str
    dividend_yield: str
    carry: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoffView:
    """What a call and a put pay at expiry, and what they are worth."""

    name: str
    title: str
    call: str
    put: str
    formula: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GreekView:
    """A derivative of the price in its unit; ``american``: there is one for American exercise too."""

    name: str
    title: str
    derivative: str
    unit: str
    formula: str
    source: str
    american: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorView:
    """An estimator of volatility.

    ``least``: days it needs at least; ``needs_ranges``: with opens, highs and lows beside closes.
    """

    name: str
    title: str
    formula: str
    source: str
    least: int
    needs_ranges: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionModelsView:
    """Everything options can be asked for; ``reasons``: why a figure may be unknown, in words."""

    models: tuple[ModelView, ...]
    payoffs: tuple[PayoffView, ...]
    greeks: tuple[GreekView, ...]
    volatility_estimators: tuple[EstimatorView, ...]
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ListOptionModels:
    """Every model, payoff, Greek and estimator of volatility there is."""

    async def __call__(self, by: Principal) -> OptionModelsView:
        """Return the whole catalogue."""
        by.require(Permission.READ_INDICES)
        return OptionModelsView(
            models=tuple(
                ModelView(
                    name=one.name,
                    title=one.title,
                    spot=one.spot,
                    dividend_yield=one.dividend_yield,
                    carry=one.carry,
                    source=one.source,
                )
                for one in MODELS.values()
            ),
            payoffs=tuple(
                PayoffView(
                    name=one.name,
                    title=one.title,
                    call=one.call,
                    put=one.put,
                    formula=one.formula,
                    source=one.source,
                )
                for one in PAYOFFS.values()
            ),
            greeks=tuple(_greek(one) for one in GREEKS.values()),
            volatility_estimators=tuple(
                EstimatorView(
                    name=one.name,
                    title=one.title,
                    formula=one.formula,
                    source=one.source,
                    least=least_days(one),
                    needs_ranges=one.needs_ranges,
                )
                for one in VOLATILITY_ESTIMATORS.values()
            ),
            reasons={str(one): text for one, text in EXPLANATIONS.items()},
        )


def _greek(greek: Greek) -> GreekView:
    return GreekView(
        name=greek.name,
        title=greek.title,
        derivative=greek.derivative,
        unit=greek.unit,
        formula=greek.formula,
        source=greek.source,
        american=greek.figure in FIGURES,
    )
