"""The weights of the highest diversification ratio."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.strategies.estimation import (
    CovarianceParams,
    Estimate,
    figures,
    preflight,
    weigh_each,
)
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import Strategy
from waardhaven.domain.quant.optimal_weights import highest_ratio
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class MaximumDiversificationParams(CovarianceParams):
    """Window and estimator of the covariance."""


def weigh(params: MaximumDiversificationParams, signals: Signals) -> Floats:
    """Return the weights that maximise (sum of w x volatility) / volatility of the whole, (r, k).

    Choueifaty & Coignard (2008), "Toward maximum diversification", *Journal of Portfolio Management*
    35(1); long only, within the limits. Names without a full window or without movement are left out as
    ``weigh_each`` tells. Raises Infeasible where the eligible names can not keep the limits.
    """
    return weigh_each(params, signals, _most_diversified)


def _most_diversified(known: Estimate) -> Floats:
    return highest_ratio(known.covariance, np.sqrt(known.covariance.diagonal()), known.limits)


STRATEGY = Strategy(
    name="maximum_diversification",
    title="Maximum diversification",
    description=(
        "The long-only weights for which the weighted average of volatilities is largest compared with "
        "the volatility of the whole. A name whose price does not move is left out."
    ),
    params=MaximumDiversificationParams,
    lookback=lambda params: params.lookback,
    weigh=weigh,
    figures=figures,
    preflight=preflight,
)
