"""What simulations are answered with; what is not known is None beside a reason."""

from dataclasses import dataclass

from waardhaven.application.quant.read_returns import SourceOfReturns


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedEstimateView:
    """An estimate, its standard error, and the ends of its interval."""

    estimate: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedProbabilityView:
    """A share of paths, the ends of its interval (Wilson), and the paths it counts."""

    estimate: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedQuantileView:
    """A quantile, and the order statistics that hold it with the confidence of the intervals."""

    level: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDistributionView:
    """All paths together: mean, standard deviation (n - 1), ends and quantiles."""

    mean: SimulatedEstimateView
    standard_deviation: float
    minimum: float
    maximum: float
    quantiles: tuple[SimulatedQuantileView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedHistogramView:
    """Paths from each edge to the next; the outer bins hold what is beyond the 0.5 % and 99.5 % quantiles."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedFanView:
    """Worth over time: a row of `values` for each of `steps`, a number for each of `levels`.

    ``years``: from today; ``paid_in``: capital and scheduled payments up to then, less what is taken out;
    ``ruined``: share of paths that are ruined by then.
    """

    steps: tuple[int, ...]
    years: tuple[float, ...]
    levels: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]
    mean: tuple[float, ...]
    paid_in: tuple[float, ...]
    ruined: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedLossView:
    """Value at risk and expected shortfall: LOSSES of the money paid in, above 0 where money was lost.

    ``relative_``…: the same over ``invested``, the capital and all scheduled payments in.
    """

    level: float
    value_at_risk: SimulatedQuantileView
    expected_shortfall: SimulatedEstimateView
    invested: float
    relative_value_at_risk: float
    relative_expected_shortfall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRateView:
    """Annual returns (geometric) at a quantile of worth.

    ``money_weighted`` is None with ``reason``: ``ruined``, or ``no_rate`` where no rate from -98 % to 5,360 %
    solves it. ``time_weighted`` is None, ``no_rate``, beyond 1e150.
    """

    level: float
    money_weighted: float | None
    time_weighted: float | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvergenceView:
    """The estimate after some paths: the price, or the mean worth at the end."""

    simulations: int
    estimate: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedAssetView:
    """An asset of a portfolio and its weight."""

    name: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PastView:
    """The past that returns follow: ``returns`` of common days after ``first`` up to ``last``, as stored."""

    first: str
    last: str
    returns: int
    frequency: str
    currency: str | None
    left_out: int
    sources: tuple[SourceOfReturns, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPortfolioView:
    """The future of a portfolio.

    ``terminal``: worth at the end; ``growth``: of 1 over the whole time, without payments, less 1;
    ``drawdown``: the deepest of that growth, 0 or negative; ``goal``: probability of reaching it, None
    without one; ``ruin``: of losing everything. ``past``: None where returns or moments were sent.
    """

    model: str
    assets: tuple[SimulatedAssetView, ...]
    periods_per_year: float
    years: float
    terminal: SimulatedDistributionView
    histogram: SimulatedHistogramView
    fan: SimulatedFanView
    loss: SimulatedLossView
    goal: SimulatedProbabilityView | None
    ruin: SimulatedProbabilityView
    growth: SimulatedDistributionView
    drawdown: SimulatedDistributionView
    annual_returns: tuple[SimulatedRateView, ...]
    past: PastView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDerivativeView:
    """The price of a derivative; ``control``: the control variate, None without."""

    payoff: str
    sampling: str
    control: str | None
    price: SimulatedEstimateView


@dataclass(frozen=True, slots=True, kw_only=True)
class MonteCarloView:
    """The answer of a run; ``portfolio`` or ``derivative`` is there, by ``kind``.

    ``method`` in words. ``simulations``: paths that were drawn, over ``time_steps`` periods; ``numbers``:
    what that cost. The same ``seed`` gives the same answer. ``interval``: confidence of all intervals.
    ``convergence``: the estimate after 1, 2, 4, … chunks and all.
    """

    kind: str
    method: str
    seed: int
    simulations: int
    time_steps: int
    numbers: int
    interval: float
    convergence: tuple[ConvergenceView, ...]
    notes: tuple[str, ...]
    portfolio: SimulatedPortfolioView | None
    derivative: SimulatedDerivativeView | None
