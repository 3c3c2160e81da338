"""Metrics of stored levels as they are shown; what is not known is None beside a reason."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from waardhaven.application.indexes.level_views import known
from waardhaven.application.indexes.views import ProvenanceView
from waardhaven.domain.metrics.measuring import Measures
from waardhaven.domain.metrics.uncertainty import Uncertainty


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalView:
    """An interval from resampled returns, both ends None where there is none, and what it says of zero."""

    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexResamplingView:
    """How intervals were made; ``block_length``: mean periods of a block."""

    method: str
    draws: int
    level: float
    seed: int
    block_length: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskMetricView:
    """One metric: its ``value``, or why it is None; ``interval`` None: not asked for."""

    value: float | None
    reason: str | None
    unit: str
    direction: str
    formula: str
    interval: IntervalView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedMetricView:
    """One metric of an index and of its benchmark over the same days."""

    index: float | None
    index_reason: str | None
    benchmark: float | None
    benchmark_reason: str | None
    unit: str
    direction: str
    formula: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkPartView:
    """A part of a benchmark: an asset with whose closes and what they are adjusted for, or an index."""

    name: str
    title: str
    weight: float
    kind: str
    source: str | None
    adjust: str | None
    variant: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkView:
    """What an index is compared with."""

    name: str
    parts: tuple[BenchmarkPartView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskMetricsView:
    """The metrics of an index over a window of its official levels.

    ``base``: the day of the level that the first return starts from; ``returns``: periods there are;
    ``common``: those on which the benchmark is known too, None without one; ``coverage``: the known share;
    ``trials``: variants of the rules tried, for the deflated Sharpe ratio; ``resampling`` None: no intervals.
    """

    index: str
    name: str
    currency: str
    variant: str
    frequency: str
    base: dt.date
    first: dt.date
    last: dt.date
    returns: int
    coverage: float
    common: int | None
    periods_per_year: float
    risk_free_rate: float
    confidence: float
    trials: int
    benchmark: BenchmarkView | None
    metrics: Mapping[str, RiskMetricView]
    resampling: IndexResamplingView | None
    notes: tuple[str, ...]
    provenance: ProvenanceView


def metric_views(found: Measures, drawn: Uncertainty | None = None) -> dict[str, RiskMetricView]:
    """Return the metrics of one series by name, with their intervals where they were drawn."""
    intervals = [None] * len(found.metrics) if drawn is None else _intervals(drawn)
    return {
        one.name: RiskMetricView(
            value=value,
            reason=reason,
            unit=str(one.unit),
            direction=str(one.direction),
            formula=one.formula,
            interval=interval,
        )
        for one, (value, reason), interval in zip(found.metrics, _values(found), intervals, strict=True)
    }


def resampling_view(drawn: Uncertainty, seed: int) -> IndexResamplingView:
    """Return how intervals were made."""
    return IndexResamplingView(
        method=str(drawn.how.method),
        draws=drawn.how.draws,
        level=drawn.how.level,
        seed=seed,
        block_length=drawn.block_length,
    )


def _intervals(drawn: Uncertainty) -> list[IntervalView | None]:
    ends = zip(drawn.low.tolist(), drawn.high.tolist(), drawn.verdict, strict=True)
    return [IntervalView(low=known(low), high=known(high), verdict=str(told)) for low, high, told in ends]


def compared_views(index: Measures, benchmark: Measures) -> dict[str, ComparedMetricView]:
    """Return the same metrics of two series by name."""
    rows = zip(index.metrics, _values(index), _values(benchmark), strict=True)
    return {
        one.name: ComparedMetricView(
            index=own[0],
            index_reason=own[1],
            benchmark=theirs[0],
            benchmark_reason=theirs[1],
            unit=str(one.unit),
            direction=str(one.direction),
            formula=one.formula,
        )
        for one, own, theirs in rows
    }


def _values(found: Measures) -> list[tuple[float | None, str | None]]:
    return [
        (float(value), None) if reason is None else (None, str(reason))
        for value, (reason,) in zip(found.values[:, 0].tolist(), found.reasons, strict=True)
    ]
