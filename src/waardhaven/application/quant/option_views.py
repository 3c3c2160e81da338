"""What options are answered with; what is not known is None beside a reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from waardhaven.application.quant.market_inputs import EstimateView, SpotView
from waardhaven.application.quant.price_options import Priced
from waardhaven.application.quant.value_options import VOLATILITY
from waardhaven.domain.quant.options.american import ERROR
from waardhaven.domain.quant.options.contracts import EXPLANATIONS, REASONS, Reason
from waardhaven.domain.quant.options.greeks import GREEKS
from waardhaven.domain.types import Floats

UNITS: Final = {"price": "as spot and strike", VOLATILITY: "fraction per year"}
TITLES: Final = {"price": "Price", VOLATILITY: "Implied volatility"}
CLOSED: Final = "closed form"
AMERICAN: Final = f"spectral collocation; prices within {ERROR:g} of the strike (of the spot, for calls)"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionFigureView:
    """One figure of every option, in their order; ``lacking``: why there is none for any of them."""

    title: str
    unit: str
    values: tuple[float | None, ...]
    lacking: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsView:
    """Figures by name, each over all options.

    ``reasons``, option by option, say why figures of one are None; ``explanations`` tell the codes in words.
    ``stored_spot`` and ``estimated_volatility``: what was read from stored prices, None where it was sent.
    """

    options: int
    model: str
    payoff: str
    exercise: str
    method: str
    figures: Mapping[str, OptionFigureView]
    reasons: tuple[str | None, ...]
    explanations: Mapping[str, str]
    stored_spot: SpotView | None
    estimated_volatility: EstimateView | None


def options_view(found: Priced) -> OptionsView:
    """Return an answer as it goes out."""
    question = found.question
    codes = [None if one is None else str(one) for one in REASONS]
    told = set(found.lacking.values()) | {
        one for code in np.unique(found.reasons).tolist() if (one := REASONS[code]) is not None
    }
    return OptionsView(
        options=len(found.reasons),
        model=question.model,
        payoff=question.payoff,
        exercise=str(question.exercise),
        method=AMERICAN if question.is_american else CLOSED,
        figures={name: _figure(name, one, found.lacking.get(name)) for name, one in found.figures.items()},
        reasons=tuple(codes[code] for code in found.reasons.tolist()),
        explanations={str(one): text for one, text in EXPLANATIONS.items() if one in told},
        stored_spot=found.inputs.spot,
        estimated_volatility=found.inputs.volatility,
    )


def _figure(name: str, values: Floats, lacking: Reason | None) -> OptionFigureView:
    greek = GREEKS.get(name)
    known: tuple[float | None, ...] = tuple(values.tolist())
    if not np.isfinite(values).all():
        known = tuple(one if np.isfinite(one) else None for one in values.tolist())
    return OptionFigureView(
        title=TITLES[name] if greek is None else greek.title,
        unit=UNITS[name] if greek is None else greek.unit,
        values=known,
        lacking=None if lacking is None else str(lacking),
    )
