"""Moments estimated from returns: a covariance, an expected return, and one step to a year."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np

from waardhaven.domain.quant.covariance import ESTIMATORS, STILL
from waardhaven.domain.quant.markowitz.moments import BadMoments, Moments, Returns, annualised, refuse
from waardhaven.domain.quant.markowitz.soundness import Repair, clip_eigenvalues
from waardhaven.domain.types import Floats

SHRUNK = frozenset({"ledoit_wolf", "oracle_approximating", "ledoit_wolf_constant_correlation"})
"""Estimators that are definite with fewer periods than names, but for moves that all repeat one another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimation:
    """How moments are estimated.

    ``covariance``: a key of ``ESTIMATORS``; ``expected``: a key of ``EXPECTED_RETURNS``. ``half_life``:
    periods, for what is exponentially weighted. ``market`` (n,): weights of the market portfolio, summing to
    1, ``risk_aversion`` and ``risk_free`` (a year): for equilibrium returns. ``repair``: whether a
    covariance that is not definite is repaired; else it is refused.
    """

    covariance: str = "ledoit_wolf"
    expected: str = "mean"
    half_life: float = 63.0
    market: Floats | None = None
    risk_aversion: float = 2.5
    risk_free: float = 0.0
    repair: bool = False


class ExpectedReturn(Protocol):
    """A method of the registry: expected returns (n,) a period, from returns and covariance a period."""

    def __call__(self, returns: Returns, covariance: Floats, how: Estimation) -> Floats:
        """Return one figure for each name."""
        ...  # pragma: no cover


def mean(returns: Returns, covariance: Floats, how: Estimation) -> Floats:  # noqa: ARG001
    """Return the arithmetic mean."""
    average: Floats = returns.values.mean(axis=0)
    return average


def exponentially_weighted(returns: Returns, covariance: Floats, how: Estimation) -> Floats:  # noqa: ARG001
    """Return the mean with weights 2 ** (-age / half_life) that sum to 1."""
    decay = np.exp2(-np.arange(len(returns.values))[::-1] / how.half_life)
    average: Floats = decay / decay.sum() @ returns.values
    return average


def implied_equilibrium(returns: Returns, covariance: Floats, how: Estimation) -> Floats:
    """Return the returns for which the market weights are optimal: r + delta S w.

    Reverse optimisation of Sharpe (1974); Black & Litterman (1992); He & Litterman (1999), equation 12.
    """
    excess = how.risk_aversion * covariance @ _market(how, len(covariance))
    return excess + how.risk_free / returns.periods_per_year


def capm(returns: Returns, covariance: Floats, how: Estimation) -> Floats:
    """Return r + beta (m - r), beta against the market weights and m their mean return.

    Sharpe (1964), "Capital asset prices", *Journal of Finance* 19.
    """
    weights = _market(how, len(covariance))
    riskless = how.risk_free / returns.periods_per_year
    shared = covariance @ weights
    variance = float(weights @ shared)
    if not variance > 0.0:
        raise refuse("market", "a market portfolio with risk")
    premium = float(returns.values.mean(axis=0) @ weights) - riskless
    return riskless + shared * (premium / variance)


def bayes_stein(returns: Returns, covariance: Floats, how: Estimation) -> Floats:  # noqa: ARG001
    """Return means drawn towards the mean of the portfolio of least variance.

    Jorion (1986), "Bayes-Stein estimation for portfolio analysis", *Journal of Financial and Quantitative
    Analysis* 21(3), equations 14 and 17: the weight of the common mean m0 is (n + 2) / (n + 2 + T d' S^-1 d),
    d = mean - m0, with S = covariance (T - 1) / (T - n - 2). Needs T > n + 2 and a definite covariance.
    """
    average = returns.values.mean(axis=0)
    periods, names = returns.values.shape
    if periods <= names + 2:
        raise refuse("expected_returns", f"bayes_stein needs more than {names + 2} periods, got {periods}")
    try:
        solved = np.linalg.solve(covariance, np.column_stack([np.ones(names), average]))
    except np.linalg.LinAlgError:
        raise refuse("expected_returns", "bayes_stein needs a covariance that is not singular") from None
    common = float(solved[:, 0] @ average / solved[:, 0].sum())
    distance = float((average - common) @ (solved[:, 1] - common * solved[:, 0]))
    distance *= periods * (periods - names - 2) / (periods - 1)
    weight = (names + 2) / (names + 2 + distance)
    drawn: Floats = (1.0 - weight) * average + weight * common
    return drawn


EXPECTED_RETURNS: Mapping[str, ExpectedReturn] = MappingProxyType(
    {
        "mean": mean,
        "exponentially_weighted": exponentially_weighted,
        "implied_equilibrium": implied_equilibrium,
        "capm": capm,
        "bayes_stein": bayes_stein,
    }
)


class TooFewPeriods(BadMoments):
    """There are no more periods than names, so the sample covariance is singular."""


def estimated(returns: Returns, how: Estimation) -> Moments:
    """Return the annual moments of ``returns``.

    Raises TooFewPeriods where a covariance without shrinkage has no more periods than names that move and
    no repair is asked for; BadMoments for an unknown method or what a method lacks.
    """
    if how.covariance not in ESTIMATORS:
        raise refuse("covariance", f"one of {', '.join(ESTIMATORS)}")
    if how.expected not in EXPECTED_RETURNS:
        raise refuse("expected_returns", f"one of {', '.join(EXPECTED_RETURNS)}")
    if not how.half_life > 0.0:
        raise refuse("half_life", "above 0")
    spread = _without_noise(returns, ESTIMATORS[how.covariance](returns.values, half_life=how.half_life))
    spread, repair = _definite(returns, spread, how)
    average = EXPECTED_RETURNS[how.expected](returns, spread, how)
    expected, covariance = annualised(average, spread, returns.periods_per_year)
    return Moments(
        expected=expected,
        covariance=covariance,
        names=returns.names,
        periods_per_year=returns.periods_per_year,
        made=f"{how.expected} and {how.covariance} of {len(returns.values)} periods",
        repair=None if repair is None else repair.times(returns.periods_per_year),
    )


def _without_noise(returns: Returns, covariance: Floats) -> Floats:
    """Return a covariance with zeros for names that do not move: their deviation is rounding of the mean."""
    noise = STILL * np.abs(returns.values).max(axis=0)
    moves = covariance.diagonal() > noise**2
    return np.where(np.multiply.outer(moves, moves), covariance, 0.0)


def _definite(returns: Returns, covariance: Floats, how: Estimation) -> tuple[Floats, Repair | None]:
    moving = int((covariance.diagonal() > 0.0).sum())
    periods = len(returns.values)
    if how.covariance in SHRUNK or periods > moving:
        return covariance, None
    if not how.repair:
        raise TooFewPeriods(
            f"returns: {periods} periods for {moving} names leave the {how.covariance} covariance singular; "
            f"give more than {moving} periods, estimate by ledoit_wolf, or ask for a repair",
            errors=refuse("returns", f"more than {moving} periods for a {how.covariance} covariance").errors,
        )
    return clip_eigenvalues(covariance)


def _market(how: Estimation, count: int) -> Floats:
    if how.market is None or how.market.shape != (count,) or not np.isfinite(how.market).all():
        raise refuse("market", f"{count} finite weights, one for each name")
    return how.market
