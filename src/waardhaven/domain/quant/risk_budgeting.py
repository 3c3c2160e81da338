"""Weights whose contributions to risk are given shares of it: equal risk contributions and risk budgets.

The contribution of a name to the variance w'Sw is w (Sw); contributions add up to the variance (Euler).
Maillard, Roncalli & Teiletche (2010), "The properties of equally weighted risk contribution portfolios",
*Journal of Portfolio Management* 36(4); the convex form, minimise x'Sx / 2 - sum b ln x, is that of Spinu
(2013), "An algorithm for computing risk parity weights".
"""

from collections.abc import Callable

import numpy as np

from waardhaven.domain.quant.quadratic_programme import NotSolved
from waardhaven.domain.types import Floats

CONJUGATE_FROM = 100
"""Number of names from which on conjugate gradients beat a Cholesky factor."""
Step = Callable[[Floats, Floats, Floats, Floats], Floats]
STEPS, CONJUGATE_STEPS = 200, 50
SETTLED, LARGEST_SPREAD = 1e-14, 1e-9
RISKLESS = 1e8
"""Multiple of names of unit risk that has unit risk together: beyond it their mix has none but rounding."""


def equal_risk(covariance: Floats) -> Floats:
    """Return long-only weights (k,) summing to 1 whose risk contributions are equal; see ``risk_budgets``."""
    return risk_budgets(covariance, np.full(len(covariance), 1.0 / len(covariance)))


def risk_budgets(covariance: Floats, budgets: Floats) -> Floats:
    """Return the long-only weights (k,) summing to 1 whose shares of the variance are ``budgets`` (k,).

    ``covariance`` (k, k): positive semi-definite, every variance above 0, no NaN. ``budgets``: above 0,
    summing to 1. Shares are met to 1e-9 of each budget; the weights do not depend on the units.

    Raises NotSolved if no such weights exist: a long-only mix has no risk at all.
    """
    scale = 1.0 / np.sqrt(covariance.diagonal())
    correlation = covariance * scale * scale[:, None]
    x = _newton(correlation, budgets, _conjugate if len(budgets) >= CONJUGATE_FROM else _factored)
    if not _met(correlation, budgets, x):
        x = _newton(correlation, budgets, _factored)
    if not _met(correlation, budgets, x):
        raise NotSolved(
            "Equal contributions to risk do not exist: some mix of these names has no risk at all. "
            "Estimate the covariance by ledoit_wolf or over more sessions."
        )
    weights = x * scale
    found: Floats = weights / weights.sum()
    return found


def contributions(covariance: Floats, weights: Floats) -> Floats:
    """Return each name's share of the variance of ``weights`` (k,), summing to 1."""
    force = covariance @ weights
    shares: Floats = weights * force / (weights @ force)
    return shares


def _met(correlation: Floats, budgets: Floats, x: Floats) -> bool:
    off = np.abs(x * (correlation @ x) - budgets)
    return bool((off <= LARGEST_SPREAD / 4 * budgets).all())


def _newton(correlation: Floats, budgets: Floats, newton_step: Step) -> Floats:
    """Minimise x'Cx / 2 - sum b ln x by Newton's method in relative steps dx / x.

    In these variables the gradient is x (Cx) - b and the Hessian diag(x) C diag(x) + diag(b), which is
    definite even where C is not.
    """
    x = np.sqrt(budgets)
    x /= np.sqrt(max(float(x @ correlation @ x), 1e-12))
    best, found = np.inf, x
    for _ in range(STEPS):
        slope = x * (correlation @ x) - budgets
        size = float(np.abs(slope / budgets).max())
        if size < best:
            best, found = size, x
        elif best < LARGEST_SPREAD:
            break
        if best <= SETTLED or x.max() > RISKLESS:
            break
        step = newton_step(correlation, budgets, x, slope)
        x = x * (1.0 + _damped(correlation, budgets, x, slope, step) * step)
    return found


def _factored(correlation: Floats, budgets: Floats, x: Floats, slope: Floats) -> Floats:
    """Solve for the Newton step by a Cholesky factor."""
    from scipy.linalg.lapack import dposv

    hessian = correlation * x * x[:, None]
    hessian.flat[:: len(x) + 1] += budgets
    step: Floats = dposv(hessian, -slope)[1]
    return step


def _conjugate(correlation: Floats, budgets: Floats, x: Floats, slope: Floats) -> Floats:
    """Solve for the Newton step by conjugate gradients, preconditioned by the diagonal.

    The residual asked for shrinks with the gradient, so that the steps stay quadratic.
    """
    diagonal = x * x * correlation.diagonal() + budgets
    step, rest = np.zeros_like(x), -slope
    scaled = rest / diagonal
    direction, energy = scaled, float(rest @ scaled)
    relative = float(np.abs(slope / budgets).max())
    wanted = energy * max(min(0.1, relative), 1e-4) ** 2
    for _ in range(CONJUGATE_STEPS):
        image = x * (correlation @ (x * direction)) + budgets * direction
        length = energy / float(direction @ image)
        step = step + length * direction
        rest = rest - length * image
        scaled = rest / diagonal
        following = float(rest @ scaled)
        if following <= wanted:
            break
        direction, energy = scaled + following / energy * direction, following
    return step


def _damped(correlation: Floats, budgets: Floats, x: Floats, slope: Floats, step: Floats) -> float:
    """Return how much of the Newton step is taken: all of a small one, else what lowers the objective."""
    if float(np.abs(step).max()) < 0.2:
        return 1.0
    image = correlation @ x
    moved = x * step
    bent = float(moved @ (correlation @ moved))
    tilt = float(moved @ image)
    descent = float(slope @ step)
    length = min(1.0, 0.9 / max(float(-step.min()), 0.9))
    while length > 1e-12:
        change = length * tilt + length**2 * bent / 2 - float(budgets @ np.log1p(length * step))
        if change <= 1e-4 * length * descent:
            return length
        length /= 2.0
    return length
