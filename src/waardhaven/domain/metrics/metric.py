"""What a metric is, and why one may be unknown."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from waardhaven.domain.metrics.measured import Measured, evaluated
from waardhaven.domain.metrics.sample import Sample
from waardhaven.domain.types import Floats

__all__ = ["Direction", "Metric", "Need", "Reason", "Sample", "Unit"]


class Unit(StrEnum):
    """What a value counts; fractions are never per cent."""

    FRACTION = "fraction"
    """Of the value at the beginning, or of the periods: 0.01 is one per cent."""
    FRACTION_PER_YEAR = "fraction_per_year"
    FRACTION_PER_PERIOD = "fraction_per_period"
    RATIO = "ratio"
    """A number without a unit, annual where the formula says so."""
    RATIO_PER_PERIOD = "ratio_per_period"
    PROBABILITY = "probability"
    PERIODS = "periods"
    COUNT = "count"


class Direction(StrEnum):
    """Which of two values is the better one, all else equal."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Need(StrEnum):
    """What a metric reads or demands beside returns."""

    BENCHMARK = "benchmark"
    RISK_FREE = "risk_free"
    """Reads it; 0 when it is not given."""
    DATES = "dates"
    """``days`` and ``base`` of the sample."""
    TRIALS = "trials"
    """``trials`` and ``trial_variance`` of the sample."""
    YEAR = "year"
    """Compounds to a year: at least a year of returns, unless ``annualise_short``."""
    GROWTH = "growth"
    """Compounds: no return below -100 %."""


class Reason(StrEnum):
    """Why a value is unknown."""

    NO_BENCHMARK = "no_benchmark"
    NO_DATES = "no_dates"
    NO_TRIALS = "no_trials"
    NO_OBSERVATIONS = "no_observations"
    NO_OVERLAP = "no_overlap"
    """No day on which series and benchmark are both known."""
    TOO_FEW = "too_few_observations"
    UNDER_A_YEAR = "under_a_year"
    RUINED = "ruined"
    """A return below -100 %: there is nothing left that could compound."""
    CONSTANT = "constant_series"
    CONSTANT_BENCHMARK = "constant_benchmark"
    NO_DRAWDOWN = "no_drawdown"
    NO_LOSS = "no_loss"
    NO_RISE = "no_rise_of_the_benchmark"
    NO_FALL = "no_fall_of_the_benchmark"
    NO_SLOPE = "beta_is_zero"
    UNDEFINED = "undefined"
    """The formula has no real value here; ``formula`` of the metric says when."""
    OUT_OF_RANGE = "out_of_range"
    """Too large for a number of double precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure of the registry: what it is called, means, needs, and how it is computed.

    ``of`` maps measured series to one value each, NaN or infinite where there is none; ``compute`` does so
    for a sample of any width. The same returns give the same bits, alone or beside other series.
    """

    name: str
    title: str
    unit: Unit
    direction: Direction
    formula: str
    source: str
    of: Callable[[Measured], Floats]
    needs: frozenset[Need] = frozenset()
    least: int = 1
    """Observations (common ones, with a benchmark) that the formula takes at least."""
    undefined: Reason = Reason.UNDEFINED
    """Why there is no value when nothing more general is wrong: what its denominator being 0 means."""

    def compute(self, sample: Sample) -> Floats:
        """Return one value for each series (series,), NaN where unknown; never infinite."""
        if self.missing(sample) is not None:
            return np.full(sample.returns.shape[1], np.nan)
        return finite(evaluated(sample, (self.on,))[0])

    def on(self, block: Measured) -> Floats:
        """Return ``of`` a block, NaN for series with fewer observations than the formula takes."""
        own = block.pair.own if Need.BENCHMARK in self.needs else block.own
        values = self.of(block)
        return values if own.fewest >= self.least else np.where(own.count >= self.least, values, np.nan)

    def missing(self, sample: Sample) -> Reason | None:
        """Return what the sample lacks altogether, if it does."""
        if Need.BENCHMARK in self.needs and sample.benchmark is None:
            return Reason.NO_BENCHMARK
        if Need.DATES in self.needs and (sample.days is None or sample.base is None):
            return Reason.NO_DATES
        if Need.TRIALS in self.needs and (sample.trials is None or sample.trial_variance is None):
            return Reason.NO_TRIALS
        return None


def finite(values: Floats) -> Floats:
    """Return the values, NaN for those that are infinite."""
    return np.where(np.isfinite(values), values, np.nan)
