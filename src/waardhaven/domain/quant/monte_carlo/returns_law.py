"""Annual means and covariances, and what they say of one period.

Three conventions are in use for the same letters; each is stated by name (see ``Convention``).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from waardhaven.domain.quant.covariance import sample
from waardhaven.domain.quant.monte_carlo.correlation import examined
from waardhaven.domain.quant.monte_carlo.refusals import insist, within
from waardhaven.domain.types import Floats

HISTORY: Final = (
    "must be simple returns (rows of days, one column an asset), at least 2 rows, each from -1 to 10: "
    "returns as fractions, not prices and not per cent"
)


class Convention(StrEnum):
    """What an annual mean mu and covariance Sigma are of; f is periods per year."""

    SIMPLE = "simple"
    """Simple returns of a period have mean mu / f, covariance Sigma / f: E[S_T] = S_0 (1 + mu / f)^(f T)."""
    CONTINUOUS = "continuous"
    """E[S_T] = S_0 exp(mu T), and log returns have covariance Sigma / f a period."""
    LOGARITHMIC = "logarithmic"
    """Log returns of a period have mean mu / f and covariance Sigma / f: median S_T = S_0 exp(mu T)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnualMoments:
    """Annual mean (n,) and covariance (n, n) of returns (never of prices), as fractions.

    Raises UnusableSimulation: another shape, not finite, beyond ±10 a year, a covariance that is not
    positive semi-definite (unless ``repair`` asks for the nearest; ``examined`` tells).
    """

    mean: Floats
    covariance: Floats
    convention: Convention
    repair: bool = False
    repairs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the fields, and repair the covariance if asked to."""
        mean = np.array(self.mean, dtype=np.float64)
        covariance = np.array(self.covariance, dtype=np.float64)
        count = len(mean)
        insist(
            {
                "model.mean": (count > 0 and within(mean, -10.0, 10.0), "mean must be from -10 to 10 a year"),
                "model.covariance": (
                    covariance.shape == (count, count) and within(covariance, -100.0, 100.0),
                    f"covariance must be {count} × {count}, one row for each mean, from -100 to 100 a year",
                ),
            }
        )
        kept, repairs = examined(covariance, "model.covariance", repair=self.repair)
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "covariance", kept)
        object.__setattr__(self, "repairs", (*self.repairs, *repairs))

    def logarithmic(self, periods_per_year: float) -> tuple[Floats, Floats]:
        """Return mean (n,) and covariance (n, n) of the normal log returns of a period; see ``lognormal``."""
        mean, covariance, _ = self.lognormal(periods_per_year)
        return mean, covariance

    def lognormal(self, periods_per_year: float) -> tuple[Floats, Floats, tuple[str, ...]]:
        """Return mean (n,) and covariance (n, n) of the normal log returns of a period, and repairs in words.

        From simple moments m, C: Sigma_ij = log(1 + C_ij / ((1 + m_i) (1 + m_j))), mean log(1 + m_i) -
        Sigma_ii / 2, so that the lognormal returns have exactly the mean and covariance stated. Raises
        UnusableSimulation where no lognormal returns have them: a mean of -100 % or less a period, a
        covariance of -100 % of the growths or less, or an indefinite matrix of logarithms, which a singular
        C may have; asked to ``repair``, the nearest takes its place.
        """
        mean, covariance = self.mean / periods_per_year, self.covariance / periods_per_year
        if self.convention is Convention.LOGARITHMIC:
            return mean, covariance, ()
        if self.convention is Convention.CONTINUOUS:
            return mean - 0.5 * covariance.diagonal(), covariance, ()
        insist({"model.mean": (bool((mean > -1.0).all()), "must be above -100 % a period")})
        relative = covariance / np.outer(1.0 + mean, 1.0 + mean)
        insist(
            {"model.covariance": (bool((relative > -1.0).all()), "must be possible for returns above -100 %")}
        )
        logs, repairs = examined(np.log1p(relative), "model.covariance", repair=self.repair)
        told = tuple(f"of log returns a period: {one}" for one in repairs)
        return np.log1p(mean) - 0.5 * logs.diagonal(), logs, told

    def simple(self, periods_per_year: float) -> tuple[Floats, Floats]:
        """Return mean (n,) and covariance (n, n) of the simple returns of a period; inverse of the above."""
        if self.convention is Convention.SIMPLE:
            return self.mean / periods_per_year, self.covariance / periods_per_year
        mean, covariance = self.logarithmic(periods_per_year)
        growth = np.exp(mean + 0.5 * covariance.diagonal())
        return growth - 1.0, np.expm1(covariance) * np.outer(growth, growth)


def moments_of(history: Floats, periods_per_year: float, *, repair: bool = False) -> AnnualMoments:
    """Return simple annual moments of a history (T, n) of simple returns: mean × f, sample covariance × f.

    The covariance has the divisor T - 1, and is singular unless T is above n: ``repair`` then lets lognormal
    returns have the nearest that they can. Raises UnusableSimulation (see ``checked_history``).
    """
    returns = checked_history(history)
    return AnnualMoments(
        mean=returns.mean(axis=0) * periods_per_year,
        covariance=sample(returns) * periods_per_year,
        convention=Convention.SIMPLE,
        repair=repair,
    )


def checked_history(history: Floats) -> Floats:
    """Return a history (T, n) of simple returns, T >= 2, as float64.

    Raises UnusableSimulation for holes, for returns below -100 %, and where any is above 1000 %: that is
    what prices given for returns look like.
    """
    returns = np.array(history, dtype=np.float64)
    is_table = returns.ndim == 2 and returns.shape[0] >= 2 and returns.shape[1] >= 1
    insist(
        {
            "model.history": (
                is_table and within(returns, -1.0, 10.0),
                HISTORY,
            )
        }
    )
    return returns
