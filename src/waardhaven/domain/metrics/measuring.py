"""Many metrics of many series in one pass over blocks, with a reason beside each value that is unknown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from waardhaven.domain.metrics.measured import Measured, evaluated
from waardhaven.domain.metrics.metric import Metric, Need, Reason, finite
from waardhaven.domain.metrics.sample import Sample
from waardhaven.domain.types import Flags, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Values of metrics (metric, series) with what tells how far to trust them.

    A value is NaN where it is unknown and then has a reason, never infinite and never 0 in place of unknown.
    """

    metrics: tuple[Metric, ...]
    values: Floats
    reasons: tuple[tuple[Reason | None, ...], ...]
    """(metric, series): None beside a known value."""
    observations: Floats
    """(series,) known returns."""
    common: Floats
    """(series,) days on which the benchmark is known too; 0 without one."""
    coverage: Floats
    """(series,) share of the days with a known return; NaN without days."""

    def value(self, name: str) -> Floats:
        """Return the values (series,) of one metric."""
        values: Floats = self.values[self._row(name)]
        return values

    def reason(self, name: str) -> tuple[Reason | None, ...]:
        """Return the reasons (series,) of one metric."""
        return self.reasons[self._row(name)]

    def _row(self, name: str) -> int:
        return [one.name for one in self.metrics].index(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What decides why a value is unknown (series,)."""

    observations: Floats
    common: Floats
    ruined: Flags
    common_ruined: Flags
    level_benchmark: Flags
    years: Floats


def measure(sample: Sample, metrics: Sequence[Metric]) -> Measures:
    """Return every metric of every series; what they share is computed once for each block."""
    lacking = [one.missing(sample) for one in metrics]
    asked = [one.on for one, reason in zip(metrics, lacking, strict=True) if reason is None]
    found = evaluated(sample, [*asked, *_FACTS])
    split = len(asked)
    values = np.full((len(metrics), sample.returns.shape[1]), np.nan)
    present = [row for row, reason in enumerate(lacking) if reason is None]
    values[present] = found[:split]
    facts = _facts(found[split:])
    days = len(sample.returns)
    incomplete = ~np.isfinite(values).all(axis=1)
    nothing: tuple[Reason | None, ...] = (None,) * values.shape[1]
    reasons = tuple(
        _reasons(sample, metrics[row], lacking[row], values[row], facts) if incomplete[row] else nothing
        for row in range(len(metrics))
    )
    return Measures(
        metrics=tuple(metrics),
        values=finite(values),
        reasons=reasons,
        observations=facts.observations,
        common=facts.common,
        coverage=facts.observations / days if days else np.full(values.shape[1], np.nan),
    )


def _reasons(
    sample: Sample, metric: Metric, lacking: Reason | None, values: Floats, facts: _Facts
) -> tuple[Reason | None, ...]:
    if lacking is not None:
        return (lacking,) * len(values)
    unknown = np.flatnonzero(~np.isfinite(values))
    reasons: list[Reason | None] = [None] * len(values)
    rules = _rules(sample, metric, facts, np.isinf(values))
    for series in unknown:
        reasons[series] = next((reason for reason, holds in rules if holds[series]), metric.undefined)
    return tuple(reasons)


def _rules(
    sample: Sample, metric: Metric, facts: _Facts, infinite: Flags
) -> tuple[tuple[Reason, Flags], ...]:
    """Return what may be wrong (series,), the most general first."""
    paired, never = Need.BENCHMARK in metric.needs, np.zeros(len(infinite), dtype=bool)
    count = facts.common if paired else facts.observations
    ruined = facts.common_ruined if paired else facts.ruined
    short = facts.years < 1.0 if Need.DATES in metric.needs else count < sample.periods_per_year
    yearly = Need.YEAR in metric.needs and not sample.annualise_short
    sloped = paired and metric.undefined in _OF_A_SLOPE
    return (
        (Reason.NO_OBSERVATIONS, facts.observations == 0.0),
        (Reason.NO_OVERLAP, count == 0.0),
        (Reason.TOO_FEW, count < metric.least),
        (Reason.RUINED, ruined if Need.GROWTH in metric.needs else never),
        (Reason.UNDER_A_YEAR, short if yearly else never),
        (Reason.CONSTANT_BENCHMARK, facts.level_benchmark if sloped else never),
        (Reason.OUT_OF_RANGE, infinite),
    )


def _facts(rows: Floats) -> _Facts:
    observations, common, ruined, common_ruined, squares, years = rows
    return _Facts(
        observations=np.nan_to_num(observations),
        common=np.nan_to_num(common),
        ruined=ruined == 1.0,
        common_ruined=common_ruined == 1.0,
        level_benchmark=squares == 0.0,
        years=years,
    )


_OF_A_SLOPE = {Reason.CONSTANT, Reason.CONSTANT_BENCHMARK, Reason.NO_SLOPE}


def _common_ruin(block: Measured) -> Floats:
    return (block.pair.own.ruined | block.pair.benchmark.ruined).astype(np.float64)


_FACTS: tuple[Callable[[Measured], Floats], ...] = (
    lambda block: block.own.count,
    lambda block: block.pair.own.count,
    lambda block: block.own.ruined.astype(np.float64),
    _common_ruin,
    lambda block: block.pair.benchmark_excess.sum_of_squares,
    lambda block: block.calendar_years,
)
