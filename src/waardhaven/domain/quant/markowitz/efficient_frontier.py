"""The efficient frontier of a problem as people ask for it: so many points, and the corners if there are."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.quant.markowitz.frontier import Frontier, variances
from waardhaven.domain.quant.markowitz.problem import Problem, refuse
from waardhaven.domain.quant.markowitz.searched import Searched
from waardhaven.domain.quant.markowitz.standard_form import require_feasible
from waardhaven.domain.quant.quadratic_programme import Infeasible, NotSolved
from waardhaven.domain.types import Floats

MOST_POINTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficientFrontier:
    """Points from the least variance to the highest return, evenly spaced in return.

    ``weights`` (p, n), ``expected_returns``, ``volatilities`` (p,): annual. ``corners`` (c, n) with
    ``corner_prices`` (c,), lambda: between them every efficient portfolio is a mix; None where they could not
    be walked, so that each point is a programme of its own. ``residual``: the largest breach of the
    Karush-Kuhn-Tucker conditions, of all corners or points.
    """

    names: tuple[str, ...]
    weights: Floats
    expected_returns: Floats
    volatilities: Floats
    corners: Floats | None
    corner_prices: Floats | None
    residual: float
    method: str


def efficient_frontier(problem: Problem, points: int) -> EfficientFrontier:
    """Return ``points`` (2 to 10,000) efficient portfolios within the limits of ``problem``.

    Raises BadProblem for a limit on the number of names (the frontier of such portfolios is in pieces),
    Infeasible with the smallest relaxation.
    """
    if not 2 <= points <= MOST_POINTS:
        raise refuse("points", f"between 2 and {MOST_POINTS}")
    if problem.limits.most_names is not None:
        raise refuse("most_names", "no limit for a frontier")
    try:
        return _walked(problem, points) or _searched(problem, points)
    except Infeasible:
        require_feasible(problem.limits, problem.moments.names)
        raise


def _walked(problem: Problem, points: int) -> EfficientFrontier | None:
    covariance, expected = problem.moments.covariance, problem.moments.expected
    try:
        frontier = Frontier.of(covariance, expected, problem.limits)
        residual = frontier.checked()
    except NotSolved:
        return None
    weights = frontier.points(points)
    return EfficientFrontier(
        names=problem.moments.names,
        weights=weights,
        expected_returns=weights @ expected,
        volatilities=np.sqrt(variances(covariance, weights)),
        corners=frontier.corners,
        corner_prices=frontier.prices,
        residual=residual,
        method="critical_line",
    )


def _searched(problem: Problem, points: int) -> EfficientFrontier:
    covariance, expected = problem.moments.covariance, problem.moments.expected
    weights, residual = Searched(covariance=covariance, expected=expected, form=problem.form).points(points)
    return EfficientFrontier(
        names=problem.moments.names,
        weights=weights,
        expected_returns=weights @ expected,
        volatilities=np.sqrt(variances(covariance, weights)),
        corners=None,
        corner_prices=None,
        residual=residual,
        method="quadratic_programmes",
    )
