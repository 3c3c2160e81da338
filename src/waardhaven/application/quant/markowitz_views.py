"""What a question about a portfolio is answered with; what is unknown is None."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from waardhaven.application.quant.read_returns import SourceOfReturns


@dataclass(frozen=True, slots=True, kw_only=True)
class JointDualView:
    """The dual value of one side, `least` or `most`, of a group."""

    group: str
    side: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DualsView:
    """What the optimum of the programme changes by when a limit is raised by one unit.

    A limit from above has a value <= 0, one from below >= 0, the budget and the target either.
    `min_weight` and `max_weight`: of the names whose bound holds the optimum back, the others have 0.
    """

    programme: str
    budget: float
    target_return: float | None
    turnover: float | None
    min_weight: Mapping[str, float]
    max_weight: Mapping[str, float]
    groups: tuple[JointDualView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairView:
    """What a repair of the covariance changed: all eigenvalues, ascending, a year.

    `largest_change`: of an entry, relative to the largest one.
    """

    method: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    largest_change: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentsView:
    """The moments that were optimised over, a year, and how they were made.

    `covariance`: row by row in the order of the names, None unless it was asked for.
    """

    made: str
    expected_returns: Mapping[str, float]
    volatilities: Mapping[str, float]
    repair: RepairView | None
    covariance: tuple[tuple[float, ...], ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPastView:
    """The stored returns that moments were estimated of.

    `first`: the day of the closes that the first return starts from. `left_out`: days that some names lack.
    """

    first: date
    last: date
    frequency: str
    periods: int
    periods_per_year: float
    left_out: int
    currency: str | None
    sources: tuple[SourceOfReturns, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierPointsView:
    """Portfolios by increasing return, in columns: figures a year, weights row by row in names' order.

    `prices`: lambda of corners, None for points.
    """

    expected_returns: tuple[float, ...]
    volatilities: tuple[float, ...]
    sharpe: tuple[float | None, ...]
    weights: tuple[tuple[float, ...], ...]
    prices: tuple[float | None, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierView:
    """The efficient frontier: points evenly spaced in return, and the corners they are exact mixes of.

    `corners` None: they could not be walked, or are too many to tell (see the notes).
    """

    method: str
    residual: float
    points: FrontierPointsView
    corners: FrontierPointsView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkowitzView:
    """Optimal weights by name, what they promise a year, and how far they are from the optimum.

    `value`: of what the objective is about, `measure`; None for rules that share risk. `risk_contributions`
    add up to the volatility. `sharpe`: None without risk. `turnover`: sum of absolute changes against the
    current weights, if there are any. `residual`: breach of the optimality conditions relative to the
    largest force (of CVaR the duality gap, of budgets of risk the largest relative miss), None where there is
    no optimum. `duals`: None where the answer has none. `active`: limits that hold the optimum back.
    """

    objective: str
    names: tuple[str, ...]
    weights: Mapping[str, float]
    expected_return: float
    volatility: float
    sharpe: float | None
    risk_free_rate: float
    risk_contributions: Mapping[str, float]
    measure: str | None
    value: float | None
    figures: Mapping[str, float | None]
    turnover: float | None
    method: str
    residual: float | None
    duals: DualsView | None
    active: tuple[str, ...]
    moments: MomentsView
    past: StoredPastView | None
    frontier: FrontierView | None
    notes: tuple[str, ...]
