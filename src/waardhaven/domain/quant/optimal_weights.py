"""Weights that minimise variance, or maximise a gain per unit of risk, within limits."""

import numpy as np

from waardhaven.domain.errors import Invalid
from waardhaven.domain.quant.qp import minimise
from waardhaven.domain.quant.weight_limits import WeightLimits, best_gain, require_feasible
from waardhaven.domain.types import Floats


class NothingGained(Invalid):
    """No weights within the limits have a gain above 0, so a ratio of gain to risk has no meaning."""


def minimum_variance(covariance: Floats, limits: WeightLimits) -> Floats:
    """Return the weights (k,) of least variance w'Sw that sum to 1 and keep ``limits``.

    Markowitz (1952), "Portfolio selection", *Journal of Finance* 7. ``covariance`` (k, k): positive
    semi-definite, no NaN. Raises Infeasible, naming the smallest relaxation, or NotSolved.
    """
    require_feasible(limits)
    return minimise(
        covariance,
        equalities=np.ones((1, len(covariance))),
        totals=np.ones(1),
        inequalities=limits.member.astype(np.float64),
        ceilings=limits.cap,
        lower=limits.lower,
        upper=limits.upper,
    ).x


def highest_ratio(covariance: Floats, gain: Floats, limits: WeightLimits) -> Floats:
    """Return the weights (k,) of the highest gain'w / sqrt(w'Sw) that sum to 1 and keep ``limits``.

    The ratio does not change when w is scaled,
    so the least y'Sy of those with gain'y = 1 is w times a factor (Charnes & Cooper 1962; Tutuncu &
    Cornuejols, *Optimization Methods in Finance*, section 5.2), and a bound w <= u reads y <= u sum(y).
    With gain = expected excess returns this is the highest Sharpe ratio, with gain = volatilities the
    highest diversification ratio. Neither depends on the units of gain or covariance.

    Raises NothingGained if no weights within the limits have a gain above 0, Infeasible, naming the
    smallest relaxation, or NotSolved.
    """
    require_feasible(limits)
    rows = _homogeneous(limits)
    best = best_gain(gain, limits) if len(rows) else float(gain.max())
    largest = float(np.abs(gain).max())
    if not best > 1e-12 * largest:
        raise NothingGained("No weights within the limits have a gain above 0.")
    found = minimise(
        covariance,
        equalities=gain[None, :] / best,
        totals=np.ones(1),
        inequalities=rows,
        ceilings=np.zeros(len(rows)),
        lower=np.where(limits.lower > 0.0, -np.inf, 0.0),
    ).x
    weights: Floats = found / found.sum()
    return weights


def _homogeneous(limits: WeightLimits) -> Floats:
    """Return the rows of limits that can be broken, as rows y <= 0 over any multiple y of weights.

    A bound from below that is not 0 is a row, and then the only one: two of the same meaning would leave
    their multipliers open.
    """
    one = np.eye(len(limits.lower))
    below, above, capped = limits.lower > 0.0, limits.upper < 1.0, limits.cap < 1.0
    return np.concatenate(
        [
            one[above] - limits.upper[above, None],
            limits.lower[below, None] - one[below],
            limits.member[capped] - limits.cap[capped, None],
        ]
    )
