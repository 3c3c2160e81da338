"""What the paths of a portfolio say together."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log, log1p, sqrt

import numpy as np

from waardhaven.domain.quant.monte_carlo.estimates import (
    Estimate,
    Moments,
    Probability,
    normal_width,
    probability,
)
from waardhaven.domain.quant.monte_carlo.flows import internal_rate
from waardhaven.domain.quant.monte_carlo.parts import in_order
from waardhaven.domain.quant.monte_carlo.portfolio import PortfolioPlan, PortfolioProblem
from waardhaven.domain.quant.monte_carlo.portfolio import plan as plan_of
from waardhaven.domain.quant.monte_carlo.portfolio_run import LARGEST, PortfolioPart, run_chunk
from waardhaven.domain.types import Floats, Ids

OUTSIDE = 0.005
"""Share of paths on either side of the equal bins of a histogram."""
SHORT = "annual returns are what a whole year like the part of one that was simulated would come to"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    """A quantile by linear interpolation (type 7), between order statistics that hold it with confidence.

    The interval is that of order statistics n q ± z sqrt(n q (1 - q)), free of any distribution
    (W. Conover, Practical Nonparametric Statistics, 3rd ed. 1999, section 3.2).
    """

    level: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Values of all paths: mean with its error, standard deviation (n - 1), ends and quantiles."""

    mean: Estimate
    standard_deviation: float
    minimum: float
    maximum: float
    quantiles: tuple[Quantile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Paths from each edge (bins + 1,) to the next, the last included.

    The first and the last bin hold what lies beyond the 0.5 % and 99.5 % quantiles, the others are equal;
    one bin where all values are equal.
    """

    edges: Floats
    counts: Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    """Worth over time: quantiles (dates, levels) and mean (dates,) after ``steps`` periods (dates,).

    ``paid_in`` (dates,): capital and scheduled payments up to then, less what is taken out. ``ruined``
    (dates,): share of paths that are ruined by then.
    """

    steps: tuple[int, ...]
    levels: tuple[float, ...]
    values: Floats
    mean: Floats
    paid_in: Floats
    ruined: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class TailLoss:
    """VaR and ES as LOSSES (above 0 is lost) of money paid in: capital + payments made - taken out - worth.

    VaR: quantile (type 7) of the losses at ``level``; ES: mean of the losses at or above it. ``relative``:
    the same over ``invested``, capital and all scheduled payments in.
    """

    level: float
    value_at_risk: Quantile
    expected_shortfall: Estimate
    invested: float
    relative_value_at_risk: float
    relative_expected_shortfall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RateOfReturn:
    """Annual returns (geometric, by periods) that belong to quantiles of worth; None: ruined, or no rate.

    Of less than a year they say what a whole one like it would come to, which a note tells; beyond 1e150
    that is no number.

    Without ruin the payments of all paths are the same, and the money-weighted return grows with the worth
    at the end: its quantiles are those of the worth. ``time_weighted`` leaves the payments out.
    """

    levels: tuple[float, ...]
    money_weighted: tuple[float | None, ...]
    time_weighted: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioResult:
    """Answer of a run; ``seed``, ``paths`` and ``model`` let anybody find it again.

    ``growth``: growth of 1 over the whole time that payments leave out, less 1 (time-weighted return).
    ``drawdown``: deepest drawdown of that growth, 0 or negative. ``goal``: None without a goal.
    """

    seed: int
    paths: int
    model: str
    interval: float
    worth: Distribution
    histogram: Histogram
    fan: Fan
    loss: TailLoss
    goal: Probability | None
    ruin: Probability
    growth: Distribution
    drawdown: Distribution
    returns: RateOfReturn
    notes: tuple[str, ...]


def merge(plan: PortfolioPlan, parts: Sequence[PortfolioPart]) -> PortfolioResult:
    """Return what all chunks say together, whatever order they come in.

    Quantiles are exact: all kept numbers are sorted. Raises UnusableSimulation unless there is each chunk
    of the plan once.
    """
    ordered = in_order(parts, plan.chunks)
    problem = plan.problem
    worth, growth = _column([one.worth for one in ordered]), _column([one.unit - 1.0 for one in ordered])
    loss = _column([one.paid - one.worth for one in ordered])
    drawdown = _column([one.drawdown for one in ordered])
    count = len(worth)
    goal = None if problem.goal is None else int(np.count_nonzero(worth >= problem.goal))
    is_short = problem.steps < problem.periods_per_year
    return PortfolioResult(
        seed=problem.seed,
        paths=count,
        model=problem.model.name,
        interval=problem.interval,
        worth=_distribution(plan, worth),
        histogram=_histogram(worth, problem.bins),
        fan=_fan(plan, ordered),
        loss=_tail_loss(plan, loss),
        goal=None if goal is None else probability(goal, count, problem.interval),
        ruin=probability(int(np.count_nonzero(worth <= 0.0)), count, problem.interval),
        growth=_distribution(plan, growth),
        drawdown=_distribution(plan, drawdown),
        returns=_rates(plan, worth, growth),
        notes=(*problem.model.notes, *plan.drawer.notes, *([SHORT] if is_short else [])),
    )


def simulated(problem: PortfolioProblem) -> PortfolioResult:
    """Return the answer to a problem, chunk after chunk. Raises UnusableSimulation."""
    made = plan_of(problem)
    return merge(made, [run_chunk(made, chunk) for chunk in range(made.chunks)])


def _column(parts: list[Floats]) -> Floats:
    """Return all values, sorted."""
    values: Floats = np.concatenate(parts)
    values.sort()
    return values


def _distribution(plan: PortfolioPlan, ordered: Floats) -> Distribution:
    confidence = plan.problem.interval
    moments = Moments.of(ordered)
    deviation = sqrt(float(moments.products[0, 0]) / (moments.count - 1))
    error = deviation / sqrt(moments.count)
    return Distribution(
        mean=Estimate.of(float(moments.mean[0]), error, normal_width(confidence)),
        standard_deviation=deviation,
        minimum=float(ordered[0]),
        maximum=float(ordered[-1]),
        quantiles=tuple(_quantile(ordered, one, confidence) for one in plan.problem.quantiles),
    )


def _quantile(ordered: Floats, level: float, confidence: float) -> Quantile:
    count = len(ordered)
    reach = normal_width(confidence) * sqrt(count * level * (1.0 - level))
    low = min(max(floor(count * level - reach), 1), count)
    high = min(max(ceil(count * level + reach), 1), count)
    value = _at(ordered, level)
    return Quantile(
        level=level,
        value=value,
        low=min(float(ordered[low - 1]), value),
        high=max(float(ordered[high - 1]), value),
    )


def _at(ordered: Floats, level: float) -> float:
    """Return the quantile of sorted values by linear interpolation (Hyndman & Fan 1996, type 7)."""
    place = (len(ordered) - 1) * level
    below = min(floor(place), len(ordered) - 2)
    low, high = float(ordered[below]), float(ordered[below + 1])
    return low + (high - low) * (place - below)


def _histogram(ordered: Floats, bins: int) -> Histogram:
    inner = max(bins - 2, 1)
    low, high = _at(ordered, OUTSIDE), _at(ordered, 1.0 - OUTSIDE)
    middle = np.linspace(low, high, inner + 1)
    edges = np.unique(np.concatenate(([ordered[0]], middle, [ordered[-1]]))) if bins > 2 else ordered[[0, -1]]
    places = np.searchsorted(ordered, edges[1:-1])
    counts = np.diff(np.concatenate(([0], places, [len(ordered)]))).astype(np.int64)
    if len(edges) == 1:
        edges = ordered[[0, -1]]
    return Histogram(edges=edges, counts=counts)


def _fan(plan: PortfolioPlan, parts: Sequence[PortfolioPart]) -> Fan:
    problem = plan.problem
    steps = problem.fan_steps
    values, mean = np.empty((len(steps), len(problem.quantiles))), np.empty(len(steps))
    ruined = np.empty(len(steps))
    for row in range(len(steps)):
        ordered = _column([one.fan[row] for one in parts])
        values[row] = [_at(ordered, level) for level in problem.quantiles]
        mean[row] = float(Moments.of(ordered).mean[0])
        ruined[row] = np.searchsorted(ordered, 0.0, side="right") / len(ordered)
    return Fan(
        steps=steps,
        levels=problem.quantiles,
        values=values,
        mean=mean,
        paid_in=_paid_in(plan)[list(steps)],
        ruined=ruined,
    )


def _paid_in(plan: PortfolioPlan) -> Floats:
    """Return capital and scheduled payments (steps + 1,), with those at the end of each period."""
    begin, end = np.add.accumulate(plan.schedule.begin), np.add.accumulate(plan.schedule.end)
    return np.concatenate(([plan.problem.capital], plan.problem.capital + begin + end))


def _tail_loss(plan: PortfolioPlan, ordered: Floats) -> TailLoss:
    """Return VaR and ES; the error of ES by B. Manistre and G. Hancock, NAAJ 9 (2005): (s^2 + level d^2) / k.

    s^2: variance of the k losses at or above VaR; d: how far ES is above VaR.
    """
    problem = plan.problem
    risk = _quantile(ordered, problem.confidence, problem.interval)
    tail = Moments.of(ordered[np.searchsorted(ordered, risk.value) :])
    mean, spread = float(tail.mean[0]), float(tail.products[0, 0]) / tail.count
    error = sqrt((spread + problem.confidence * (mean - risk.value) ** 2) / tail.count)
    invested = plan.schedule.paid_in(problem.capital)
    return TailLoss(
        level=problem.confidence,
        value_at_risk=risk,
        expected_shortfall=Estimate.of(mean, error, normal_width(problem.interval)),
        invested=invested,
        relative_value_at_risk=risk.value / invested,
        relative_expected_shortfall=mean / invested,
    )


def _rates(plan: PortfolioPlan, worth: Floats, growth: Floats) -> RateOfReturn:
    problem = plan.problem
    years = problem.steps / problem.periods_per_year
    worths = [_at(worth, level) for level in problem.quantiles]
    return RateOfReturn(
        levels=problem.quantiles,
        money_weighted=tuple(
            internal_rate(problem.capital, plan.schedule, one, problem.periods_per_year)
            if one > 0.0
            else None
            for one in worths
        ),
        time_weighted=tuple(_annual(_at(growth, level), years) for level in problem.quantiles),
    )


def _annual(growth: float, years: float) -> float | None:
    """Return the geometric return a year; None beyond ``LARGEST``."""
    is_beyond = growth > 0.0 and log1p(growth) > years * log(LARGEST)
    return None if is_beyond else (1.0 + growth) ** (1.0 / years) - 1.0
