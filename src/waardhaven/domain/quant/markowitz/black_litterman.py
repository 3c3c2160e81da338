"""Views on top of an equilibrium: posterior moments that every objective can use.

Black & Litterman (1992), "Global portfolio optimization", *Financial Analysts Journal* 48(5); notation and
conventions of He & Litterman (1999), "The intuition behind Black-Litterman model portfolios", equations 8, 9
and 15. With P the views, q what they expect and W their uncertainty, pi = r + delta S w:

    m  = pi + tau S P' (P tau S P' + W)^-1 (q - P pi)
    S* = S + tau S - tau S P' (P tau S P' + W)^-1 P tau S
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from waardhaven.domain.quant.markowitz.moments import Moments, refuse
from waardhaven.domain.types import Floats

DEPENDENT = 1e-12
"""Certain views whose correlations have an eigenvalue below this leave too few digits to solve for."""
LEAST = 1e-12
"""Least tau, confidence, and largest weight of a view: below it they are as good as 0."""
RISKLESS = 1e-14
"""A variance below this share of what its names would have, all moving together, is rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An opinion: the portfolio ``weights`` (n,) earns ``expected`` a year.

    How sure: ``variance`` of the opinion (a year, tau included), or ``confidence`` in (0, 1], or neither for
    the proportional rule of He & Litterman, variance = p tau S p', which is a confidence of one half.
    """

    weights: Floats
    expected: float
    confidence: float | None = None
    variance: float | None = None


def equilibrium(covariance: Floats, market: Floats, risk_aversion: float, risk_free: float = 0.0) -> Floats:
    """Return the expected returns (n,) that make the ``market`` weights optimal: r + delta S w."""
    excess: Floats = risk_aversion * (covariance @ market)
    return excess + risk_free


def black_litterman(
    moments: Moments,
    views: Sequence[View],
    *,
    market: Floats,
    risk_aversion: float = 2.5,
    tau: float = 0.05,
    risk_free: float = 0.0,
) -> Moments:
    """Return the posterior moments of the covariance of ``moments`` and the ``views``.

    ``market`` (n,): weights of the market. Expected returns of ``moments`` are not used. Without views the
    expected returns are those of equilibrium, and the covariance is (1 + tau) times that given.

    Raises BadMoments for what no view can be: also one without a variance of its own about a portfolio that
    has no risk, and certain views that contradict or repeat each other.
    """
    count = len(moments.names)
    if market.shape != (count,) or not np.isfinite(market).all():
        raise refuse("market", f"{count} finite weights, one for each name")
    if not risk_aversion > 0.0:
        raise refuse("risk_aversion", "above 0")
    if not tau >= LEAST:
        raise refuse("tau", f"above 0, at least {LEAST:g}")
    prior = equilibrium(moments.covariance, market, risk_aversion, risk_free)
    doubt = tau * moments.covariance
    expected, covariance = prior, moments.covariance + doubt
    if views:
        picks = np.array([_pick(view, count, at) for at, view in enumerate(views)])
        wanted = np.array([view.expected for view in views])
        pull = doubt @ picks.T
        own = np.array(
            [_variance(view, p, doubt, at) for at, (view, p) in enumerate(zip(views, picks, strict=True))]
        )
        shared = picks @ pull + np.diag(own)
        _require_independent(shared)
        solved = np.linalg.solve(shared, np.column_stack([wanted - picks @ prior, pull.T]))
        expected = prior + pull @ solved[:, 0]
        covariance = covariance - pull @ solved[:, 1:]
    return Moments(
        expected=expected,
        covariance=(covariance + covariance.T) / 2.0,
        names=moments.names,
        periods_per_year=moments.periods_per_year,
        made=f"Black-Litterman, {len(views)} views, tau {tau:g}, risk aversion {risk_aversion:g}; "
        f"covariance: {moments.made}",
        repair=moments.repair,
    )


def _pick(view: View, count: int, at: int) -> Floats:
    if view.weights.shape != (count,) or not np.isfinite(view.weights).all():
        raise refuse(f"views.{at}.weights", f"{count} finite weights")
    if not np.abs(view.weights).max() >= LEAST:
        raise refuse(f"views.{at}.weights", f"not all 0, one at least {LEAST:g}")
    if not np.isfinite(view.expected):
        raise refuse(f"views.{at}.expected", "finite")
    return view.weights


def _require_independent(shared: Floats) -> None:
    """Raise BadMoments for views that follow from each other; ``shared``: their variances, above 0."""
    scale = 1.0 / np.sqrt(shared.diagonal())
    if np.linalg.eigvalsh(shared * scale * scale[:, None])[0] < DEPENDENT:
        raise refuse("views", "views that are certain must not depend on each other")


def _variance(view: View, pick: Floats, doubt: Floats, at: int) -> float:
    """Return the variance of a view.

    Of a confidence c it is (1 - c) / c p tau S p': of a view alone, the posterior then lies the share c of
    the way from equilibrium to certainty, as Idzorek (2005), "A step-by-step guide to the Black-Litterman
    model", asks of it; the closed form is that of Walters (2014), section "Idzorek's extension".
    """
    if view.confidence is not None and view.variance is not None:
        raise refuse(f"views.{at}", "a confidence or a variance, not both")
    spread = float(pick @ doubt @ pick)
    own = view.variance
    if own is None:
        sure = 0.5 if view.confidence is None else view.confidence
        if not LEAST <= sure <= 1.0:
            raise refuse(f"views.{at}.confidence", f"above 0, at least {LEAST:g}, and at most 1")
        own = (1.0 - sure) / sure * spread
    if not 0.0 <= own < np.inf and view.variance is not None:
        raise refuse(f"views.{at}.variance", "at least 0")
    if not max(own, spread) > RISKLESS * float(np.abs(pick) @ np.sqrt(doubt.diagonal())) ** 2:
        raise refuse(f"views.{at}.weights", "a portfolio with risk: one without earns what is certain")
    return max(own, 0.0)
