"""What strategies that read a covariance share: its parameters, and one estimate for each review."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.limits import Limits
from waardhaven.domain.index.strategies.parameters import choice, parameter
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.windows import FLAT, normalised
from waardhaven.domain.quant.covariance import ESTIMATORS, Diagnosis, diagnose
from waardhaven.domain.types import Flags, Floats, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class CovarianceParams:
    """Window and estimator of the covariance of session returns."""

    lookback: int = parameter(
        60, minimum=3, maximum=1260, doc="Sessions over which the covariance is estimated."
    )
    covariance: str = choice(
        "ledoit_wolf",
        options=tuple(ESTIMATORS),
        doc="Estimator; a sample of fewer sessions than names is singular, ledoit_wolf is not.",
    )
    half_life: float = parameter(
        30.0,
        minimum=1.0,
        maximum=1260.0,
        doc="Sessions after which a return counts half, where exponentially weighted.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What one review knows of its m moving names: columns, figures per session, and limits among them."""

    names: Rows
    returns: Floats
    covariance: Floats
    limits: Limits


def figures(params: CovarianceParams, signals: Signals) -> dict[str, Floats]:
    """Return the deviation of each name's returns over the window, per session, (r, k)."""
    return {"volatility": signals.volatility(params.lookback)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What the covariance of one review is worth before anything is solved with it.

    ``estimator``: its name. ``diagnosis``: of the names it covers, None where no name moves. ``missing``
    (k,): returns that each eligible name lacks in the window; one that lacks any is left out.
    """

    estimator: str
    diagnosis: Diagnosis | None
    missing: Rows


def preflight(params: CovarianceParams, signals: Signals) -> Preflight:
    """Diagnose the covariance of the first review of ``signals``."""
    _, moving = _known(params, signals)
    names = np.flatnonzero(moving[0])
    found = _estimated(params, signals, 0, names) if len(names) else None
    lacking = np.isnan(signals.window(0, params.lookback)).sum(axis=0)
    return Preflight(
        estimator=params.covariance,
        diagnosis=None if found is None else diagnose(found.returns, found.covariance),
        missing=np.where(signals.eligible[0], lacking, 0),
    )


Solve = Callable[[Estimate], Floats]


def weigh_each(params: CovarianceParams, signals: Signals, solve: Solve) -> Floats:
    """Return weights (r, k), each review solved alone from its own eligible names.

    ``solve`` returns weights (m,) of the names that are eligible, have a full window and move. If none
    moves, every name with a full window gets the same weight; nothing with one: a zero row.
    """
    known, moving = _known(params, signals)
    weights = np.zeros(known.shape)
    for review, row in enumerate(weights):
        names = np.flatnonzero(moving[review])
        found = _estimated(params, signals, review, names) if len(names) else None
        if found is None:
            row[:] = known[review]
        else:
            row[found.names] = solve(found)
    return normalised(weights)


def _known(params: CovarianceParams, signals: Signals) -> tuple[Flags, Flags]:
    """Return which eligible names have a full window, and which of those move, (r, k) each."""
    volatility = signals.volatility(params.lookback)
    known = signals.eligible & np.isfinite(volatility)
    return known, known & (volatility > 0.0)


def _estimated(params: CovarianceParams, signals: Signals, review: int, names: Rows) -> Estimate | None:
    """Estimate from those of ``names`` (at least one) whose variance under the estimator is not zero, if any.

    Exponential weights can forget the only move of a name.
    """
    estimate = ESTIMATORS[params.covariance]
    window = signals.window(review, params.lookback)
    covariance = estimate(window[:, names], half_life=params.half_life)
    moved = covariance.diagonal() > FLAT
    if not moved.all():
        names = names[moved]
        if not len(names):
            return None
        covariance = estimate(window[:, names], half_life=params.half_life)
    return Estimate(
        names=names,
        returns=np.ascontiguousarray(window[:, names]),
        covariance=covariance,
        limits=signals.limits.among(names),
    )
