"""What an analysis of risk answers with; what is not known is None beside a reason."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalsView:
    """Intervals of one metric by series: from resampling, with what they say about zero."""

    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    verdict: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureView:
    """One metric of every series, in their order; ``reasons`` say why a value is None."""

    unit: str
    direction: str
    formula: str
    values: tuple[float | None, ...]
    reasons: tuple[str | None, ...]
    intervals: IntervalsView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResamplingView:
    """How intervals were made; ``block_lengths``: mean rows of a block, by series."""

    method: str
    draws: int
    level: float
    seed: int
    block_lengths: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskView:
    """Metrics by name, each over all series.

    ``periods_told_by``: stated, calendar or dates. ``coverage``: share of days with a known return;
    ``common``: days on which series and benchmark are both known, None without one.
    """

    series: tuple[str, ...]
    periods_per_year: float
    periods_told_by: str
    first: dt.date | None
    last: dt.date | None
    days: int
    observations: tuple[int, ...]
    common: tuple[int, ...] | None
    coverage: tuple[float | None, ...]
    metrics: Mapping[str, MeasureView]
    resampling: ResamplingView | None
    warnings: tuple[str, ...]
