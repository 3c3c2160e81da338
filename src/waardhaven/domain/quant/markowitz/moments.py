"""What an optimiser is told about a market: returns, or expected returns and a covariance.

Everything is annual and arithmetic: means and covariances of returns a period, times periods a year, made
annual by ``annualised`` alone, so that a variance and a return are always of the same year.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.quant.markowitz.soundness import (
    Repair,
    clip_eigenvalues,
    is_definite,
    require_semidefinite,
)
from waardhaven.domain.types import Flags, Floats

LARGEST_TYPICAL_RETURN = 1.0
"""A median absolute return above this is a level that was taken for a return."""
LEAST_LEVEL = 1e-15
"""A level below this is no price, and its returns would leave the range of what can be squared."""
LEAST_VARIANCE = 1e-140
"""A variance above 0 and below this is refused: what divides by it would overflow."""
SYMMETRIC = 1e-10
"""Largest difference of two mirrored covariances, relative to the largest variance."""


class BadMoments(Invalid):
    """Returns, expected returns or a covariance break a rule; ``errors`` names the field and the rule."""


def refuse(field: str, rule: str) -> BadMoments:
    """Return the error of one field and the rule it breaks."""
    return BadMoments(f"{field}: {rule}", errors=[FieldError(field=field, rule=rule)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """Simple returns of names, period by period; never prices.

    ``values`` (T, n): fractions, 0.01 is one per cent; at least two periods, no NaN, none at or below -1.
    ``names`` (n): different. ``periods_per_year``: 252 for sessions, 52, 12 …; above 0. Returns whose median
    size is above 100 % are levels and refused: make returns of them by ``returns_of_levels``.
    """

    values: Floats
    names: tuple[str, ...]
    periods_per_year: float

    def __post_init__(self) -> None:
        """Raise BadMoments for what no return can be."""
        values = self.values
        if values.ndim != 2 or len(values) < 2:
            raise refuse("returns", "at least two periods of returns, one row a period")
        _require_names(self.names, values.shape[1])
        _require_year(self.periods_per_year)
        if not np.isfinite(values).all():
            raise refuse("returns", f"no holes: {_first(self.names, ~np.isfinite(values))} has one")
        if (values <= -1.0).any():
            raise refuse("returns", f"above -1: {_first(self.names, values <= -1.0)} has not")
        if np.median(np.abs(values)) > LARGEST_TYPICAL_RETURN:
            raise refuse("returns", "fractions, not levels: half of them are above 100 %")


def returns_of_levels(levels: Floats, *, names: tuple[str, ...], periods_per_year: float) -> Returns:
    """Return the simple returns of ``levels`` (T + 1, n): prices or index levels, from 1e-15, no hole."""
    if levels.ndim != 2 or len(levels) < 3:
        raise refuse("levels", "at least three levels, one row a period")
    if not (np.isfinite(levels).all() and (levels > 0.0).all()):
        raise refuse("levels", "above 0, without holes")
    if (levels < LEAST_LEVEL).any():
        raise refuse("levels", f"at least {LEAST_LEVEL:g}: {_first(names, levels < LEAST_LEVEL)} is below")
    return Returns(values=levels[1:] / levels[:-1] - 1.0, names=names, periods_per_year=periods_per_year)


def annualised(mean: Floats, covariance: Floats, periods_per_year: float) -> tuple[Floats, Floats]:
    """Return mean (n,) and covariance (n, n) of returns a period as those of a year: both times f.

    Arithmetic: the mean is that of a sum of f independent returns, as the covariance is. Nothing else here
    makes a figure annual.
    """
    return mean * periods_per_year, covariance * periods_per_year


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Expected returns and covariance of a year, and how they were made.

    ``expected`` (n,), ``covariance`` (n, n): annual, fractions; the covariance symmetric and positive
    semi-definite (a riskless name has a row of zeros). ``made``: methods in words. ``repair``: what was
    changed to make the covariance positive definite, None for nothing.
    """

    expected: Floats
    covariance: Floats
    names: tuple[str, ...]
    periods_per_year: float
    made: str
    repair: Repair | None = None

    def __post_init__(self) -> None:
        """Raise BadMoments for shapes, holes and asymmetry, NotSemidefinite for a negative eigenvalue."""
        count = len(self.names)
        _require_names(self.names, len(self.expected))
        _require_year(self.periods_per_year)
        if self.expected.shape != (count,) or not np.isfinite(self.expected).all():
            raise refuse("expected_returns", f"{count} finite figures, one for each name")
        if self.covariance.shape != (count, count) or not np.isfinite(self.covariance).all():
            raise refuse("covariance", f"{count} x {count} finite figures")
        _require_variances(self.covariance)
        require_semidefinite(self.covariance)

    @property
    def volatilities(self) -> Floats:
        """Annual volatility (n,) of each name."""
        deviations: Floats = np.sqrt(self.covariance.diagonal())
        return deviations

    @classmethod
    def given(
        cls,
        *,
        expected: Floats,
        covariance: Floats,
        names: tuple[str, ...],
        periods_per_year: float = 1.0,
        repair: bool = False,
    ) -> Self:
        """Return supplied figures of a period, made annual; of a year already where that is 1.

        ``repair``: make the covariance definite by ``clip_eigenvalues`` instead of refusing one that is not
        semi-definite; one that is not symmetric, or has a negative variance, is refused all the same.
        """
        changed = None
        square = covariance.shape == (len(names), len(names)) and bool(np.isfinite(covariance).all())
        if repair and square and not is_definite(covariance):
            _require_variances(covariance)
            covariance, changed = clip_eigenvalues(covariance)
        mean, spread = annualised(expected, covariance, periods_per_year)
        return cls(
            expected=mean,
            covariance=spread,
            names=names,
            periods_per_year=periods_per_year,
            made="supplied",
            repair=None if changed is None else changed.times(periods_per_year),
        )


def _require_names(names: tuple[str, ...], count: int) -> None:
    if not names or len(names) != count or len(set(names)) != len(names):
        raise refuse("names", f"one different name for each of {count} columns")


def _require_variances(covariance: Floats) -> None:
    variances, largest = covariance.diagonal(), float(np.abs(covariance).max())
    if (np.abs(covariance - covariance.T) > SYMMETRIC * largest).any():
        raise refuse("covariance", "symmetric")
    if (variances < 0.0).any():
        raise refuse("covariance", f"variances of at least 0, not {float(variances.min()):.6g}")
    if ((variances > 0.0) & (variances < LEAST_VARIANCE)).any():
        least = float(variances[variances > 0.0].min())
        raise refuse("covariance", f"variances of 0 or at least {LEAST_VARIANCE:g}, not {least:.6g}")


def _require_year(periods_per_year: float) -> None:
    if not (np.isfinite(periods_per_year) and periods_per_year > 0.0):
        raise refuse("periods_per_year", "above 0")


def _first(names: tuple[str, ...], bad: Flags) -> str:
    """Return the name of the first column with a bad figure; ``bad`` (T, n)."""
    return names[int(np.flatnonzero(bad.any(axis=0))[0])]
