"""An overlay that holds part of another strategy in cash, so that volatility stays near a target."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from waardhaven.domain.index.strategies.parameters import another_strategy, parameter
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import BoundStrategy, Component, Strategy
from waardhaven.domain.index.windows import FLAT, row_sums
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityTargetParams:
    """The strategy below, the target, and how volatility is measured.

    The half-lives are those of the decay factors 0.94 and 0.97 of S&P's risk control indices.
    """

    strategy: BoundStrategy = another_strategy(
        {"name": "equal_weight"}, doc="The strategy whose weights are scaled, {name, params}; no overlay."
    )
    target: float = parameter(
        0.1, minimum=0.001, maximum=2.0, doc="Volatility aimed at, annual, as a fraction."
    )
    max_exposure: float = parameter(1.0, minimum=0.01, maximum=1.0, doc="Largest share not held in cash.")
    lookback: int = parameter(60, minimum=2, maximum=756, doc="Sessions of returns that are weighed.")
    short_half_life: float = parameter(
        11.2, minimum=0.5, maximum=756.0, doc="Sessions after which a return counts half, short measure."
    )
    long_half_life: float = parameter(
        22.8, minimum=0.5, maximum=756.0, doc="Sessions after which a return counts half, long measure."
    )
    sessions_per_year: int = parameter(252, minimum=1, maximum=366, doc="Sessions that make a year.")


def weigh(params: VolatilityTargetParams, signals: Signals) -> Floats:
    """Return exposure x the weights of the strategy below, (r, k); rows sum to exposure, the rest is cash.

    Exposure = min(``max_exposure``, ``target`` / max(short, long)) where short and long are exponentially
    weighted deviations (mean taken as zero) of the session returns that today's weights would have earned
    (S&P DJI, *Index Mathematics Methodology*, "Risk Control Indices"; they use log returns of the index
    below, we simple returns of its present names). A return not known is left out, the other names of its
    session taking its share. No movement at all: ``max_exposure``. No return known at all: a zero row.
    """
    weights = params.strategy.weigh(signals)
    rows = [_exposure(params, signals.window(i, params.lookback), row) for i, row in enumerate(weights)]
    scaled: Floats = weights * np.array(rows)[:, None]
    return scaled


def _exposure(params: VolatilityTargetParams, returns: Floats, weights: Floats) -> float:
    earned = _portfolio_returns(returns, weights)
    halves = (params.short_half_life, params.long_half_life)
    variance = max(_variance(earned, half_life) for half_life in halves)
    if np.isnan(variance):
        return 0.0
    if variance <= FLAT:
        return params.max_exposure
    return min(params.max_exposure, params.target / sqrt(variance * params.sessions_per_year))


def _portfolio_returns(returns: Floats, weights: Floats) -> Floats:
    """Return what ``weights`` (k,) earned in each session of ``returns`` (m, k); NaN where none is known."""
    known = np.isfinite(returns) & (weights > 0.0)
    held = row_sums(np.where(known, weights, 0.0))
    earned = row_sums(np.where(known, returns, 0.0) * weights)
    unknown = np.full(len(earned), np.nan)
    found: Floats = np.divide(earned, held, out=unknown, where=held > 0.0)
    return found


def _variance(earned: Floats, half_life: float) -> float:
    """Return the mean of squares weighted by 2 ** (-age / half-life) over the sessions known."""
    known = np.isfinite(earned)
    if not known.any():
        return float("nan")
    decay = np.exp2(-np.arange(len(earned))[::-1] / half_life) * known
    squares = np.where(known, earned, 0.0) ** 2
    return float(np.add.accumulate(decay * squares)[-1] / np.add.accumulate(decay)[-1])


def components(params: VolatilityTargetParams, signals: Signals) -> tuple[Component, ...]:
    """Return the strategy below with its exposure in the first review."""
    exposure = float(row_sums(weigh(params, signals))[0])
    return (Component(share=exposure, strategy=params.strategy, signals=signals),)


STRATEGY = Strategy(
    name="volatility_target",
    title="Volatility target",
    description=(
        "Holds another strategy and cash, so that the volatility measured over recent sessions meets a "
        "target: the more the market moves, the more cash."
    ),
    params=VolatilityTargetParams,
    lookback=lambda params: max(params.lookback, params.strategy.lookback),
    weigh=weigh,
    components=components,
    uses_market_cap=lambda params: params.strategy.uses_market_cap,
    holds_cash=True,
)
