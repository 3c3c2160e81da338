"""Portfolios of the domain as they go out: names in place of positions, None for what is unknown."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import numpy as np

from waardhaven.application.quant.markowitz_views import (
    DualsView,
    FrontierPointsView,
    FrontierView,
    JointDualView,
    MarkowitzView,
    MomentsView,
    RepairView,
    StoredPastView,
)
from waardhaven.application.quant.read_returns import StoredReturns
from waardhaven.domain.metrics.sample import look_like_per_cent
from waardhaven.domain.quant.markowitz.efficient_frontier import EfficientFrontier
from waardhaven.domain.quant.markowitz.frontier import variances
from waardhaven.domain.quant.markowitz.moments import Moments
from waardhaven.domain.quant.markowitz.portfolio import Duals, Portfolio
from waardhaven.domain.quant.markowitz.problem import Problem
from waardhaven.domain.types import Floats

MOST_SHOWN: Final = 150_000
"""Weights of corner portfolios in one answer."""
MEASURES: Final[Mapping[str, tuple[str, Callable[[Portfolio], float | None]]]] = {
    "minimum_variance": ("variance", lambda found: found.volatility**2),
    "target_return": ("variance", lambda found: found.volatility**2),
    "target_risk": ("expected_return", lambda found: found.expected_return),
    "maximum_sharpe": ("sharpe", lambda found: found.sharpe),
    "risk_aversion": ("utility", lambda found: found.figures["utility"]),
    "maximum_diversification": (
        "diversification_ratio",
        lambda found: found.figures["diversification_ratio"],
    ),
    "minimum_cvar": ("cvar", lambda found: found.figures["cvar"]),
}
"""What an objective is about, and its value in an answer."""
PROGRAMMES: Final[Mapping[str, str]] = {
    "maximum_diversification": "minimise w'Sw / 2 - lambda s'w, lambda as in figures, s the volatilities",
    "minimum_cvar": "minimise a + mean(max(-r'w - a, 0)) / (1 - confidence)",
}
USUAL_PROGRAMME: Final = "minimise w'Sw / 2 - lambda m'w, lambda as in figures"
SIDES: Final = {1: "most", -1: "least"}


def markowitz_view(
    *,
    problem: Problem,
    found: Portfolio,
    frontier: EfficientFrontier | None,
    stored: StoredReturns | None,
    current: Floats | None,
    with_covariance: bool,
) -> MarkowitzView:
    """Return an answer as it goes out; ``current`` (n,): weights held now."""
    names = found.names
    measure, value = MEASURES.get(found.objective, (None, lambda _: None))
    return MarkowitzView(
        objective=found.objective,
        names=names,
        weights=_named(names, found.weights),
        expected_return=found.expected_return,
        volatility=found.volatility,
        sharpe=found.sharpe,
        risk_free_rate=found.risk_free,
        risk_contributions=_named(names, found.risk_contributions),
        measure=measure,
        value=value(found),
        figures={name: _known(one) for name, one in found.figures.items()},
        turnover=None if current is None else float(np.abs(found.weights - current).sum()),
        method=found.method,
        residual=found.residual,
        duals=None if found.duals is None else _duals(found.objective, names, found.duals),
        active=found.active,
        moments=_moments(problem.moments, with_covariance=with_covariance),
        past=None if stored is None else _past(stored),
        frontier=None if frontier is None else _frontier(frontier, problem),
        notes=tuple(_notes(problem, found, frontier, stored)),
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _named(names: tuple[str, ...], figures: Floats) -> dict[str, float]:
    return dict(zip(names, figures.tolist(), strict=True))


def _rows(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, matrix.tolist()))


def _duals(objective: str, names: tuple[str, ...], duals: Duals) -> DualsView:
    turnover = [value for _, side, value in duals.rows if side not in SIDES]
    return DualsView(
        programme=PROGRAMMES.get(objective, USUAL_PROGRAMME),
        budget=duals.budget,
        target_return=duals.target,
        turnover=turnover[0] if turnover else None,
        min_weight={name: one for name, one in _named(names, duals.lower).items() if one},
        max_weight={name: one for name, one in _named(names, duals.upper).items() if one},
        groups=tuple(
            JointDualView(group=name, side=SIDES[side], value=value)
            for name, side, value in duals.rows
            if side in SIDES
        ),
    )


def _moments(moments: Moments, *, with_covariance: bool) -> MomentsView:
    repair = moments.repair
    return MomentsView(
        made=moments.made,
        expected_returns=_named(moments.names, moments.expected),
        volatilities=_named(moments.names, moments.volatilities),
        repair=None
        if repair is None
        else RepairView(
            method=repair.method,
            before=tuple(repair.before.tolist()),
            after=tuple(repair.after.tolist()),
            largest_change=repair.largest_change,
        ),
        covariance=_rows(moments.covariance) if with_covariance else None,
    )


def _past(stored: StoredReturns) -> StoredPastView:
    return StoredPastView(
        first=stored.first,
        last=stored.last,
        frequency=stored.frequency,
        periods=len(stored.values),
        periods_per_year=stored.periods_per_year,
        left_out=stored.left_out,
        currency=stored.currency,
        sources=stored.sources,
    )


def _frontier(frontier: EfficientFrontier, problem: Problem) -> FrontierView:
    corners, prices = frontier.corners, frontier.corner_prices
    shown = corners is not None and corners.size <= MOST_SHOWN
    return FrontierView(
        method=frontier.method,
        residual=frontier.residual,
        points=_points(frontier.weights, problem),
        corners=_points(corners, problem, prices) if shown and corners is not None else None,
    )


def _points(weights: Floats, problem: Problem, prices: Floats | None = None) -> FrontierPointsView:
    expected = weights @ problem.moments.expected
    volatilities = np.sqrt(variances(problem.moments.covariance, weights))
    ratios = np.full(len(weights), np.nan)
    np.divide(expected - problem.risk_free, volatilities, out=ratios, where=volatilities > 0.0)
    return FrontierPointsView(
        expected_returns=tuple(expected.tolist()),
        volatilities=tuple(volatilities.tolist()),
        sharpe=tuple(map(_known, ratios.tolist())),
        weights=_rows(weights),
        prices=None if prices is None else tuple(map(_known, prices.tolist())),
    )


def _notes(
    problem: Problem, found: Portfolio, frontier: EfficientFrontier | None, stored: StoredReturns | None
) -> Iterable[str]:
    yield from () if stored is None else stored.notes
    yield from found.warnings
    returns = problem.returns
    if returns is not None:
        periods, count = returns.values.shape
        per_cent = np.flatnonzero(look_like_per_cent(returns.values))
        if len(per_cent):
            listed = ", ".join(returns.names[at] for at in per_cent[:10].tolist())
            yield f"Half of the returns are above 20 %, perhaps per cent taken for fractions: {listed}."
        if periods <= count:
            yield f"There are {periods} returns for {count} names: what is estimated of them is rough."
    if frontier is not None and frontier.corners is None:
        yield "The corners of the frontier could not be walked: each point is a programme of its own."
    elif frontier is not None and frontier.corners is not None and frontier.corners.size > MOST_SHOWN:
        yield f"The {len(frontier.corners)} corner portfolios are too many to tell their weights here."
