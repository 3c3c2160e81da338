"""The weights of the highest Sharpe ratio under estimated returns."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.strategies.estimation import (
    CovarianceParams,
    Estimate,
    figures,
    preflight,
    weigh_each,
)
from waardhaven.domain.index.strategies.parameters import choice, parameter
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import Strategy
from waardhaven.domain.quant.optimal_weights import NothingGained, highest_ratio, minimum_variance
from waardhaven.domain.types import Floats


def sample_mean(returns: Floats, half_life: float) -> Floats:  # noqa: ARG001
    """Return the mean of each column of ``returns`` (T, k), per session."""
    mean: Floats = returns.mean(axis=0)
    return mean


def exponentially_weighted(returns: Floats, half_life: float) -> Floats:
    """Return the mean of each column with weights 2 ** (-age / half_life), per session."""
    decay = np.exp2(-np.arange(len(returns))[::-1] / half_life)
    mean: Floats = decay @ returns / decay.sum()
    return mean


EXPECTATIONS: dict[str, Callable[[Floats, float], Floats]] = {
    "sample_mean": sample_mean,
    "exponentially_weighted": exponentially_weighted,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MaximumSharpeParams(CovarianceParams):
    """Window, estimators of covariance and expected returns, and the risk-free rate."""

    expected_returns: str = choice(
        "sample_mean", options=tuple(EXPECTATIONS), doc="Estimator of the expected returns."
    )
    risk_free: float = parameter(
        0.0, minimum=-0.2, maximum=1.0, doc="Annual risk-free rate, a fraction, compounded by session."
    )
    sessions_per_year: int = parameter(252, minimum=1, maximum=366, doc="Sessions that make a year.")


def weigh(params: MaximumSharpeParams, signals: Signals) -> Floats:
    """Return the long-only weights of the highest Sharpe ratio within the limits, (r, k).

    Sharpe (1966), "Mutual fund performance", *Journal of Business* 39: expected excess return per unit of
    deviation. If no weights within the limits have an expected return above the risk-free rate, the
    ratio rewards risk, so the weights of least variance are taken instead. Names without a full window
    or without movement are left out as ``weigh_each`` tells. Raises Infeasible where the eligible names
    can not keep the limits.
    """
    free = (1.0 + params.risk_free) ** (1.0 / params.sessions_per_year) - 1.0

    def solve(known: Estimate) -> Floats:
        expected = EXPECTATIONS[params.expected_returns](known.returns, params.half_life)
        try:
            return highest_ratio(known.covariance, expected - free, known.limits)
        except NothingGained:
            return minimum_variance(known.covariance, known.limits)

    return weigh_each(params, signals, solve)


STRATEGY = Strategy(
    name="maximum_sharpe",
    title="Maximum Sharpe ratio",
    description=(
        "The long-only weights of the highest expected excess return per unit of risk, both estimated "
        "from past returns; minimum variance when no expected return exceeds the risk-free rate. A name "
        "whose price does not move is left out."
    ),
    params=MaximumSharpeParams,
    lookback=lambda params: params.lookback,
    weigh=weigh,
    figures=figures,
    preflight=preflight,
)
