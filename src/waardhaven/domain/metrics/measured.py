"""Blocks of series and what metrics share about them, each computed once and only when asked for."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from waardhaven.domain.metrics.drawdowns import Drawdowns, events_of
from waardhaven.domain.metrics.rows import SeriesRows, ratio, summed
from waardhaven.domain.metrics.sample import Sample
from waardhaven.domain.types import Flags, Floats, Ids

BLOCK = 32 * 5_000
"""Values in one block: a handful of such arrays stay in the caches of one core."""
DAYS_AT_ONCE = 512
DAYS_OF_A_YEAR = 365.0


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A series and its benchmark on the days on which both are known."""

    own: SeriesRows
    benchmark: SeriesRows
    risk_free: Floats | None

    @cached_property
    def excess(self) -> SeriesRows:
        """Own returns less the risk-free rate."""
        return less(self.own, self.risk_free)

    @cached_property
    def benchmark_excess(self) -> SeriesRows:
        """Returns of the benchmark less the risk-free rate."""
        return less(self.benchmark, self.risk_free)

    @cached_property
    def active(self) -> SeriesRows:
        """Own returns less those of the benchmark."""
        return self.own.minus(self.benchmark)

    @cached_property
    def joint(self) -> Floats:
        """Sum of the products of the deviations of both excess returns (series,)."""
        return summed(self.excess.deviations * self.benchmark_excess.deviations)

    @cached_property
    def beta(self) -> Floats:
        """Slope of the regression of own on the benchmark's excess returns (series,)."""
        slope = ratio(self.joint, self.benchmark_excess.sum_of_squares)
        return np.where(self.own.count > 1.0, slope, np.nan)

    @cached_property
    def intercept(self) -> Floats:
        """Intercept of that regression, per period (series,)."""
        return self.excess.mean - self.beta * self.benchmark_excess.mean

    @cached_property
    def residual(self) -> SeriesRows:
        """What the regression leaves."""
        left = self.excess.deviations - self.beta[:, None] * self.benchmark_excess.deviations
        return SeriesRows(values=left, known=self.own.known, size=self.own.magnitude)

    @cached_property
    def rising(self) -> "Pair":
        """The days on which the benchmark rises."""
        return self._on(self.benchmark.values > 0.0)

    @cached_property
    def falling(self) -> "Pair":
        """The days on which the benchmark falls."""
        return self._on(self.benchmark.values < 0.0)

    def _on(self, days: Flags) -> "Pair":
        chosen = days.astype(np.float64)  # a hole of the benchmark is 0: neither
        return Pair(
            own=self.own.only(chosen), benchmark=self.benchmark.only(chosen), risk_free=self.risk_free
        )


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A block of series, rows contiguous, with the figures that metrics are made of; not slotted: kept in it.

    ``sample`` holds the settings; its arrays are the day-major ones of all series. Everything else here is
    (series, day) or (1, day) of this block. ``risk_free`` is None where it is 0 on every day.
    """

    sample: Sample
    own: SeriesRows
    benchmark: SeriesRows
    """All holes where the sample has none."""
    risk_free: Floats | None
    calendar: Ids
    """(series or 1, day + 1): days since 1970 of the base and of each row; 0 where the sample has none."""

    @property
    def year(self) -> float:
        """Periods per year."""
        return self.sample.periods_per_year

    @cached_property
    def excess(self) -> SeriesRows:
        """Returns less the risk-free rate."""
        return less(self.own, self.risk_free)

    @cached_property
    def tail(self) -> tuple[Floats, Floats]:
        """Quantile of the returns at 1 - confidence, and the mean of those at or below it (series,)."""
        return self.own.lower_tail(1.0 - self.sample.confidence)

    @cached_property
    def pair(self) -> Pair:
        """Series and benchmark on common days."""
        known, theirs = self.own.known, self.benchmark.known
        both = theirs if known is None else known if theirs is None else known * theirs
        if both is None:
            return Pair(own=self.own, benchmark=self.benchmark, risk_free=self.risk_free)
        return Pair(own=self.own.only(both), benchmark=self.benchmark.only(both), risk_free=self.risk_free)

    @cached_property
    def underwater(self) -> Floats:
        """Wealth over its highest so far, less 1 (series, day): the starting capital is the first peak.

        NaN rows where ruined.
        """
        wealth = np.multiply.accumulate(1.0 + self.own.values, axis=1)
        wealth[self.own.ruined] = np.nan
        peak = np.maximum.accumulate(wealth, axis=1)
        np.maximum(peak, 1.0, out=peak)
        np.divide(wealth, peak, out=wealth)
        wealth -= 1.0
        return wealth

    @cached_property
    def drawdown(self) -> SeriesRows:
        """The same, without the days that are not known."""
        known = self.own.known
        return SeriesRows(values=self.underwater if known is None else self.underwater * known, known=known)

    @cached_property
    def drawdowns(self) -> Drawdowns:
        """The drawdowns as events."""
        return events_of(self.underwater, self.own.last)

    @cached_property
    def max_drawdown(self) -> Floats:
        """The deepest drawdown, negative or 0 (series,)."""
        deepest: Floats = np.minimum.reduce(self.underwater, axis=1)
        return deepest

    @cached_property
    def annual_return(self) -> Floats:
        """Growth to the power f / n, less 1 (series,); NaN under a year unless asked for."""
        return self.annualised(self.own)

    @cached_property
    def annual_risk_free(self) -> Floats:
        """The risk-free rate compounded over the known days and annualised the same way (series,)."""
        return self.annual_rate(self.own)

    def annual_rate(self, rows: SeriesRows) -> Floats:
        """Return the risk-free rate compounded over the days of ``rows`` and annualised (series,)."""
        if self.risk_free is None:
            return np.zeros(len(rows.values))
        rate = np.broadcast_to(self.risk_free, rows.values.shape)
        known = rows.known
        return self.annualised(SeriesRows(values=rate if known is None else rate * known, known=known))

    def annualised(self, rows: SeriesRows) -> Floats:
        """Return the growth of ``rows`` compounded to a year, less 1 (series,)."""
        return np.where(self.is_short(rows.count), np.nan, compounded(rows, self.year))

    def is_short(self, count: Floats) -> Flags:
        """Return whether ``count`` periods are less than a year, and that matters."""
        return (count < self.year) & (not self.sample.annualise_short)

    @cached_property
    def calendar_years(self) -> Floats:
        """Calendar days from the day before the first known return to the last one, over 365 (series,)."""
        rows, days = self.own.values.shape
        calendar = np.broadcast_to(self.calendar, (rows, days + 1))
        if self.own.known is None:
            return (calendar[:, -1] - calendar[:, 0]) / DAYS_OF_A_YEAR
        first = np.argmax(self.own.known, axis=1)[:, None]  # the base of a row is one column to the left
        end = np.take_along_axis(calendar, self.own.last[:, None] + 1, axis=1)
        span = end - np.take_along_axis(calendar, first, axis=1)
        return span[:, 0] / DAYS_OF_A_YEAR


def less(rows: SeriesRows, rate: Floats | None) -> SeriesRows:
    """Return ``rows`` less a rate (series or 1, day); themselves where it is None."""
    if rate is None:
        return rows
    return SeriesRows(values=rows.kept(rows.values - rate), known=rows.known, size=rows.magnitude)


def compounded(rows: SeriesRows, year: float) -> Floats:
    """Return growth to the power ``year`` over count, less 1 (series,)."""
    grown = np.power(rows.growth, year / rows.count) - 1.0
    return np.where(rows.count > 0.0, grown, np.nan)


def evaluated(sample: Sample, functions: Sequence[Callable[[Measured], Floats]]) -> Floats:
    """Return (function, series) for the whole sample, block by block; not finite where there is no value."""
    found = np.full((len(functions), sample.returns.shape[1]), np.nan)
    for columns, block in blocks(sample):
        found[:, columns] = evaluated_block(block, functions)
    return found


def evaluated_block(block: Measured, functions: Sequence[Callable[[Measured], Floats]]) -> Floats:
    """Return (function, series) of one block; not finite where there is no value."""
    found = np.empty((len(functions), len(block.own.values)))
    with silent():
        for row, function in enumerate(functions):
            found[row] = function(block)
    return found


def silent() -> AbstractContextManager[object]:
    """Let a division by 0 or a number too large give what is not finite, without a warning."""
    return np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore")


def blocks(sample: Sample) -> Iterator[tuple[slice, Measured]]:
    """Yield the series of a sample as blocks of about ``BLOCK`` values; none where there is no day."""
    days, count = sample.returns.shape
    width = max(1, BLOCK // max(1, days))
    for first in range(0, count if days else 0, width):
        columns = slice(first, min(first + width, count))
        yield columns, block_of(sample, columns)


def block_of(sample: Sample, columns: slice) -> Measured:
    """Return some series of a sample, ready to be measured."""
    rate = _transposed(sample.risk_free, columns) if sample.risk_free.any() else None
    return Measured(
        sample=sample,
        own=rows_of(_transposed(sample.returns, columns)),
        benchmark=_benchmark(sample, columns),
        risk_free=rate,
        calendar=calendar_of(sample)[None],
    )


def calendar_of(sample: Sample) -> Ids:
    """Return (day + 1,) days since 1970 of the base and of each row; 0 where the sample has no dates."""
    if sample.days is None or sample.base is None:
        return np.zeros(len(sample.returns) + 1, dtype=np.int64)
    days = np.concatenate(([sample.base], sample.days)).astype("datetime64[D]")
    return days.astype(np.int64)


def _benchmark(sample: Sample, columns: slice) -> SeriesRows:
    if sample.benchmark is not None:
        return rows_of(_transposed(sample.benchmark, columns))
    nothing = np.zeros((1, len(sample.returns)))
    return SeriesRows(values=nothing, known=nothing)


def rows_of(values: Floats) -> SeriesRows:
    """Return contiguous rows (series, day) of ``values`` in which NaN is a hole."""
    if np.isfinite(np.add.reduce(values, axis=None)):
        return SeriesRows(values=values)
    known = np.isfinite(values)
    return SeriesRows(values=np.where(known, values, 0.0), known=known.astype(np.float64))


def _transposed(values: Floats, columns: slice) -> Floats:
    """Return (series, day), or (1, day) of what all share; some days at a time, which is quick."""
    chosen = values if values.shape[1] == 1 else values[:, columns]
    if chosen.shape[1] == 1:
        return np.ascontiguousarray(chosen.T)
    turned = np.empty(chosen.shape[::-1])
    for first in range(0, len(chosen), DAYS_AT_ONCE):
        turned[:, first : first + DAYS_AT_ONCE] = chosen[first : first + DAYS_AT_ONCE].T
    return turned
