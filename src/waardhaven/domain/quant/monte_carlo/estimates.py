"""Sums of observations that can be merged, and estimates with their standard errors and intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import cbrt, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np

from waardhaven.domain.types import Floats

STRAIGHT: Final = 1e-6
"""Skewness over the root of the number of observations below which it changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value, its standard error, and the interval that holds the truth with the confidence of the run."""

    value: float
    standard_error: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, standard_error: float, width: float) -> "Estimate":
        """Return the interval of ``width`` standard errors on either side."""
        reach = width * standard_error
        return cls(value=value, standard_error=standard_error, low=value - reach, high=value + reach)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probability:
    """A share of paths with E. Wilson's score interval (JASA 22, 1927), which holds near 0 and 1, too."""

    value: float
    low: float
    high: float
    count: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Count, means (v,) and sums of products of deviations (v, v) of v variables observed together."""

    count: int
    mean: Floats
    products: Floats

    @classmethod
    def of(cls, *variables: Floats) -> "Moments":
        """Return the moments of variables (m,), each taken from its first value: constants are exact."""
        count = len(variables[0])
        apart = [one - one[0] for one in variables]
        shift = [float(one.sum()) / count for one in apart]
        mean = np.array([float(one[0]) + moved for one, moved in zip(variables, shift, strict=True)])
        around = [one - moved for one, moved in zip(apart, shift, strict=True)]
        products = np.array([[float((one * other).sum()) for other in around] for one in around])
        return cls(count=count, mean=mean, products=products)

    def merged(self, other: "Moments") -> "Moments":
        """Return the moments of both (T. Chan, G. Golub and R. LeVeque, 1983, pairwise updating)."""
        count = self.count + other.count
        apart = other.mean - self.mean
        share = other.count / count
        return Moments(
            count=count,
            mean=self.mean + apart * share,
            products=self.products + other.products + np.outer(apart, apart) * (self.count * share),
        )


def total(parts: Sequence[Moments]) -> Moments:
    """Return the moments of all parts, merged from left to right."""
    return reduce(Moments.merged, parts)


def slope(parts: Sequence[Moments]) -> float:
    """Return the coefficient of the first variable on the second within parts; 0 without a second."""
    if len(parts[0].mean) == 1:
        return 0.0
    across = sum(float(one.products[0, 1]) for one in parts)
    own = sum(float(one.products[1, 1]) for one in parts)
    return across / own if own > 0.0 else 0.0


def controlled(moments: Moments, beta: float, expected: float) -> float:
    """Return the mean of the first variable, corrected by how far the second is from what is expected."""
    if len(moments.mean) == 1:
        return float(moments.mean[0])
    return float(moments.mean[0] - beta * (moments.mean[1] - expected))


def independent(moments: Moments, expected: float, confidence: float) -> Estimate:
    """Return the estimate from independent observations; the error of a regression on the control.

    P. Glasserman, Monte Carlo Methods in Financial Engineering, 2004, section 4.1.1.
    """
    beta = slope([moments])
    left = float(moments.products[0, 0])
    if len(moments.mean) > 1:
        left -= beta * float(moments.products[0, 1])
    spread = max(left, 0.0) / (moments.count - len(moments.mean))
    value = controlled(moments, beta, expected)
    return Estimate.of(value, sqrt(spread / moments.count), normal_width(confidence))


def replicated(replicates: Sequence[Moments], expected: float, confidence: float) -> Estimate:
    """Return the estimate from independent replicates, each a set of dependent points.

    The standard error is that of the replicates' mean. The interval is Student's with one degree of freedom
    less than replicates, for the mean made symmetric by P. Hall, "On the removal of skewness by
    transformation", JRSS B 54 (1992): replicates of what has no upper bound are skewed, as the point
    farthest out decides most of their spread, and Student's alone would hold the truth too seldom.
    """
    from scipy.special import stdtrit

    beta = slope(replicates)
    values = np.array([controlled(one, beta, expected) for one in replicates])
    found = Moments.of(values)
    count, value = found.count, float(found.mean[0])
    error = sqrt(float(found.products[0, 0]) / (count - 1) / count)
    width = float(stdtrit(count - 1, 0.5 + 0.5 * confidence))
    skewed = _skewness(values - value, error * sqrt(count - 1))
    low, high = (value - error * _unskewed(one, skewed, count) for one in (width, -width))
    return Estimate(value=value, standard_error=error, low=low, high=high)


def _skewness(apart: Floats, deviation: float) -> float:
    """Return the skewness of deviations from the mean (n,), ``deviation`` their root mean square."""
    return float(((apart / deviation) ** 3).mean()) if deviation > 0.0 else 0.0


def _unskewed(width: float, skewness: float, count: int) -> float:
    """Return T with T + g T^2 / 3 + g^2 T^3 / 27 + g / 6 = ``width``, g = ``skewness`` / sqrt(n)."""
    bend = skewness / sqrt(count)
    if abs(bend) < STRAIGHT:
        return width
    return 3.0 / bend * (cbrt(1.0 + bend * (width - bend / 6.0)) - 1.0)


def normal_width(confidence: float) -> float:
    """Return how many standard errors the two-sided normal interval reaches."""
    return NormalDist().inv_cdf(0.5 + 0.5 * confidence)


def probability(count: int, of: int, confidence: float) -> Probability:
    """Return the share ``count / of`` with its interval; the ends 0 and 1 are exact where it touches them."""
    width = normal_width(confidence)
    share, slack = count / of, width * width / of
    middle = (share + 0.5 * slack) / (1.0 + slack)
    reach = width * sqrt(share * (1.0 - share) / of + 0.25 * slack / of) / (1.0 + slack)
    low = 0.0 if count == 0 else middle - reach
    high = 1.0 if count == of else middle + reach
    return Probability(value=share, low=low, high=high, count=count, of=of)
