"""Risk shared along a tree of correlated names."""

from dataclasses import dataclass

from waardhaven.domain.index.strategies.estimation import (
    CovarianceParams,
    figures,
    preflight,
    weigh_each,
)
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import Strategy
from waardhaven.domain.quant.hierarchy import hierarchical_risk_parity
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class HierarchicalRiskParityParams(CovarianceParams):
    """Window and estimator of the covariance."""


def weigh(params: HierarchicalRiskParityParams, signals: Signals) -> Floats:
    """Return the weights of hierarchical risk parity, (r, k); see ``quant.hierarchy``.

    Limits are not read: weights are capped afterwards. Names come in order of asset id, which decides
    the order within a pair. Names without a full window or without movement are left out as
    ``weigh_each`` tells.
    """
    return weigh_each(params, signals, lambda known: hierarchical_risk_parity(known.covariance))


STRATEGY = Strategy(
    name="hierarchical_risk_parity",
    title="Hierarchical risk parity",
    description=(
        "Names are ordered by a tree of correlations, and risk is shared between its halves again and "
        "again. Inverts no matrix. A name whose price does not move is left out."
    ),
    params=HierarchicalRiskParityParams,
    lookback=lambda params: params.lookback,
    weigh=weigh,
    figures=figures,
    preflight=preflight,
)
