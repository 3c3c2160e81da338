"""What a backtest is answered with; what is not known is None."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from waardhaven.application.indexes.metric_views import RiskMetricView
from waardhaven.domain.types import Days, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """What a review set: ``weights`` by symbol at its effective close; ``cost`` None at the base date."""

    selection: dt.date
    effective: dt.date
    turnover: float | None
    cost: float | None
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestView:
    """What a strategy led to.

    ``dates`` and ``values``: the level after costs. ``turnover``: sum of absolute changes of weight, a year.
    ``costs`` and its parts: sums of what reviews took, each a fraction of the level then. ``metrics``: of
    daily returns after costs, beside the benchmark where there is one.
    """

    strategy: str
    params: Mapping[str, object]
    symbols: tuple[str, ...]
    source: str
    adjustment: str
    currency: str
    base: dt.date
    last: dt.date
    total_return: float
    reviews: int
    turnover: float | None
    costs: float
    transaction_costs: float
    slippage: float
    benchmark: str | None
    risk_free_rate: float
    metrics: Mapping[str, RiskMetricView]
    notes: tuple[str, ...]
    dates: Days
    values: Floats
    compositions: tuple[ReviewView, ...]
