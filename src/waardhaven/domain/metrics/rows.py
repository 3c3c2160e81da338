"""Sums over series that lie contiguous, holes skipped: every figure of a series alone, whatever is beside it.

Every reduction runs along one row and has an order that depends on the length of the row only, so a series
gives the same bits alone, in a block, and in a block in which others have holes.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from waardhaven.domain.types import Flags, Floats, Ids

ROUNDING = 1e-13
"""A deviation below this share of the numbers it comes from is rounding: the series is constant."""


def ratio(above: Floats, below: Floats) -> Floats:
    """Return ``above / below``, NaN where ``below`` is 0."""
    return np.divide(above, np.where(below == 0.0, np.nan, below))


def summed(values: Floats) -> Floats:
    """Return the sum of each row (series,)."""
    total: Floats = np.add.reduce(values, axis=1)
    return total


@dataclass(frozen=True, kw_only=True)
class SeriesRows:
    """Values (series, day) with what is computed from them once; not slotted: results are kept inside.

    ``values`` are 0 where not known. ``known`` (series or 1, day) is 1.0 and 0.0, None where all are known.
    ``size`` (series,) is how large the numbers were of which values are a difference, so that rounding is
    told from movement. Never changed after it is made.
    """

    values: Floats
    known: Floats | None = None
    size: Floats | None = None

    def kept(self, values: Floats) -> Floats:
        """Return ``values`` with 0 where this is not known; they may be changed in place."""
        return values if self.known is None else np.multiply(values, self.known, out=values)

    def only(self, chosen: Floats) -> "SeriesRows":
        """Return the days where ``chosen`` (1.0 and 0.0) is 1 alone."""
        return SeriesRows(values=self.values * chosen, known=chosen)

    def minus(self, other: "SeriesRows") -> "SeriesRows":
        """Return the differences; ``other`` is known wherever this is."""
        size = self.magnitude + other.magnitude
        return SeriesRows(values=self.kept(self.values - other.values), known=self.known, size=size)

    @cached_property
    def count(self) -> Floats:
        """Known values (series,)."""
        if self.known is None:
            return np.full(len(self.values), float(self.values.shape[1]))
        return np.broadcast_to(summed(self.known), len(self.values))

    @cached_property
    def last(self) -> Ids:
        """Position of the last known value (series,); that of the last row without one."""
        last = self.values.shape[1] - 1
        if self.known is None:
            return np.full(len(self.values), last)
        return np.broadcast_to(last - np.argmax(self.known[:, ::-1], axis=1), len(self.values))

    @cached_property
    def mean(self) -> Floats:
        """Arithmetic mean (series,); NaN without a value."""
        return ratio(summed(self.values), self.count)

    @cached_property
    def deviations(self) -> Floats:
        """Values less their mean (series, day), 0 where not known."""
        return self.kept(self.values - self.mean[:, None])

    @cached_property
    def squares(self) -> Floats:
        """Squared deviations (series, day)."""
        return self.deviations * self.deviations

    @cached_property
    def _raw_sum_of_squares(self) -> Floats:
        return summed(self.squares)

    @cached_property
    def magnitude(self) -> Floats:
        """How large values are: mean and deviation together (series,)."""
        return np.abs(self.mean) + np.sqrt(ratio(self._raw_sum_of_squares, self.count))

    @cached_property
    def sum_of_squares(self) -> Floats:
        """Sum of squared deviations (series,); exactly 0 when all values are equal within rounding."""
        tiny = np.abs(self.mean) if self.size is None else np.abs(self.mean) + self.size
        limit = (ROUNDING * tiny) ** 2 * self.count
        return np.where(self._raw_sum_of_squares <= limit, 0.0, self._raw_sum_of_squares)

    @cached_property
    def deviation(self) -> Floats:
        """Sample standard deviation, ddof 1 (series,); NaN below two values."""
        return np.sqrt(np.where(self.count > 1.0, self.sum_of_squares / (self.count - 1.0), np.nan))

    @cached_property
    def skew(self) -> Floats:
        """Population skew: third central moment over the deviation (ddof 0) cubed (series,)."""
        third = summed(self.squares * self.deviations) / self.count
        return ratio(third, (self.sum_of_squares / self.count) ** 1.5)

    @cached_property
    def kurtosis(self) -> Floats:
        """Excess population kurtosis: fourth central moment over the squared variance, less 3 (series,)."""
        fourth = summed(self.squares * self.squares) / self.count
        return ratio(fourth, (self.sum_of_squares / self.count) ** 2) - 3.0

    @cached_property
    def autocorrelation(self) -> Floats:
        """Correlation with the value one row before (series,), around one mean; pairs with a hole skipped."""
        moves = self.deviations
        return ratio(summed(moves[:, 1:] * moves[:, :-1]), self.sum_of_squares)

    @cached_property
    def lowest(self) -> Floats:
        """Smallest value (series,); infinite without one."""
        least: Floats = np.minimum.reduce(self._or(np.inf), axis=1)
        return least

    @cached_property
    def highest(self) -> Floats:
        """Largest value (series,); infinite without one."""
        most: Floats = np.maximum.reduce(self._or(-np.inf), axis=1)
        return most

    @cached_property
    def fewest(self) -> float:
        """Known values of the series with the fewest."""
        return float(self.values.shape[1] if self.known is None else self.count.min())

    @cached_property
    def growth(self) -> Floats:
        """Product of 1 + value (series,); NaN where a value is below -1."""
        product = np.multiply.reduce(1.0 + self.values, axis=1)
        return np.where(self.ruined, np.nan, product)

    @cached_property
    def ruined(self) -> Flags:
        """Whether a value is below -1 (series,): nothing compounds after that."""
        below: Flags = np.minimum.reduce(self.values, axis=1) < -1.0
        return below

    def partial_moment(self, target: float, order: float) -> Floats:
        """Return the mean of (target - value) to ``order`` where value is below target, else 0 (series,)."""
        short = target - self.values
        short = self.kept(np.maximum(short, 0.0, out=short))
        if order == 2.0:
            np.multiply(short, short, out=short)
        elif order != 1.0:
            np.power(short, order, out=short)
        return ratio(summed(short), self.count)

    def quantile(self, share: float) -> Floats:
        """Return the quantile (series,) by linear interpolation (Hyndman & Fan 1996, type 7)."""
        ordered, low, part = self._ordered(share)
        return _interpolated(ordered, low, part, self.count)

    def lower_tail(self, share: float) -> tuple[Floats, Floats]:
        """Return the quantile and the mean of the values at or below it (series,)."""
        ordered, low, part = self._ordered(share)
        quantile = _interpolated(ordered, low, part, self.count)
        summed = np.add.accumulate(ordered[:, : int(low.max()) + 1], axis=1)
        total = np.take_along_axis(summed, low[:, None], axis=1)[:, 0]
        at_most = np.count_nonzero(self._or(np.inf) <= quantile[:, None], axis=1)
        others = at_most - low - 1  # equal to the quantile, all of them
        return quantile, (total + others * quantile) / at_most

    def _ordered(self, share: float) -> tuple[Floats, Ids, Floats]:
        """Return rows whose first values are in order, the place below the quantile, and the part above."""
        place = np.round(np.maximum(self.count - 1.0, 0.0) * share, 9)
        low = place.astype(np.int64)
        if self.known is not None:
            return np.sort(self._or(np.inf), axis=1), low, place - low
        first = int(low[0])
        ends = sorted({first, min(first + 1, self.values.shape[1] - 1)})
        ordered = self._likely(ends[-1] + 1) if share < 0.1 else self.values.copy()
        ordered.partition(ends, axis=1)
        if share < 0.5:
            ordered[:, :first].sort(axis=1)
        return ordered, low, place - low

    def _likely(self, count: int) -> Floats:
        """Return values among which the ``count`` smallest of each row are: those a deviation below the mean.

        Filled up with infinity; all values where a row has fewer. A selection from these few is much quicker.
        """
        limit = self.mean - np.sqrt(self._raw_sum_of_squares / self.count)
        low = self.values <= limit[:, None]
        found = np.count_nonzero(low, axis=1)
        if int(found.min()) < count:
            return self.values.copy()
        width = int(found.max())
        likely = np.full((len(found), width), np.inf)
        likely[np.arange(width) < found[:, None]] = self.values.ravel()[np.flatnonzero(low)]
        return likely

    def _or(self, other: float) -> Floats:
        """Return the values, ``other`` where not known."""
        return self.values if self.known is None else np.where(self.known > 0.0, self.values, other)


def _interpolated(ordered: Floats, low: Ids, part: Floats, count: Floats) -> Floats:
    high = np.minimum(low + 1, np.maximum(count - 1.0, 0.0).astype(np.int64))
    below = np.take_along_axis(ordered, low[:, None], axis=1)[:, 0]
    above = np.take_along_axis(ordered, high[:, None], axis=1)[:, 0]
    return np.where(count > 0.0, below + part * (above - below), np.nan)
