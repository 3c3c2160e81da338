"""Risk parity in its full form: every name contributes the same to the risk of the whole."""

from dataclasses import dataclass

from waardhaven.domain.index.strategies.estimation import (
    CovarianceParams,
    figures,
    preflight,
    weigh_each,
)
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import Strategy
from waardhaven.domain.quant.risk_budgeting import equal_risk
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualRiskParams(CovarianceParams):
    """Window and estimator of the covariance."""


def weigh(params: EqualRiskParams, signals: Signals) -> Floats:
    """Return the weights of equal risk contributions, (r, k); see ``quant.risk_budgeting``.

    Limits are not read: weights are capped afterwards. Names without a full window or without movement
    are left out as ``weigh_each`` tells. Raises NotSolved where such weights do not exist.
    """
    return weigh_each(params, signals, lambda known: equal_risk(known.covariance))


STRATEGY = Strategy(
    name="equal_risk",
    title="Equal risk contributions",
    description=(
        "Every name contributes the same to the variance of the index, correlations included. A name "
        "whose price does not move is left out."
    ),
    params=EqualRiskParams,
    lookback=lambda params: params.lookback,
    weigh=weigh,
    figures=figures,
    preflight=preflight,
)
