"""The weights of least variance."""

from dataclasses import dataclass

from waardhaven.domain.index.strategies.estimation import (
    CovarianceParams,
    figures,
    preflight,
    weigh_each,
)
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import Strategy
from waardhaven.domain.quant.optimal_weights import minimum_variance
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumVarianceParams(CovarianceParams):
    """Window and estimator of the covariance."""


def weigh(params: MinimumVarianceParams, signals: Signals) -> Floats:
    """Return the long-only weights of least variance within the limits, (r, k).

    Names without a full window or without movement are left out as ``weigh_each`` tells. Raises
    Infeasible where the eligible names can not keep the limits.
    """
    return weigh_each(params, signals, lambda known: minimum_variance(known.covariance, known.limits))


STRATEGY = Strategy(
    name="minimum_variance",
    title="Minimum variance",
    description=(
        "The long-only weights of least variance within the limits of the index. A name whose price does "
        "not move is left out."
    ),
    params=MinimumVarianceParams,
    lookback=lambda params: params.lookback,
    weigh=weigh,
    figures=figures,
    preflight=preflight,
)
