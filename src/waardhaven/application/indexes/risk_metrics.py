"""The risk metrics of an index, measured on its official levels."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from waardhaven.application.answers import check_range, clip
from waardhaven.application.indexes.metric_views import RiskMetricsView, metric_views
from waardhaven.application.indexes.read_benchmark_levels import (
    Benchmark,
    BenchmarkNotStored,
    IndexLevels,
    ReadBenchmarkLevels,
    ReadLevels,
)
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import NothingPublished, UnknownIndex
from waardhaven.domain.index.definition import Variant
from waardhaven.domain.market.asset import AmbiguousSymbol, UnknownAsset
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.market.currency import CARRIED_DAYS
from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.comparison import Levels, period_ends
from waardhaven.domain.metrics.measuring import Measures, measure
from waardhaven.domain.metrics.periods import PERIODS_PER_YEAR, periods_per_year
from waardhaven.domain.metrics.sample import Sample, from_levels, per_period
from waardhaven.domain.types import Days, Floats, as_date


class InvalidWindow(Invalid):
    """A window in which an index has nothing to measure, or that is told twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskOrder:
    """What to measure of the index ``slug``.

    ``start`` and ``end`` None: all official days; ``sessions``: the returns of the last so many of them up to
    ``end``, in place of ``start``. ``benchmark``, ``currency`` and ``variant`` None: those of the definition.
    ``risk_free_rate``: annual. ``confidence``: of VaR and expected shortfall.
    """

    slug: str
    start: date | None = None
    end: date | None = None
    sessions: int | None = None
    frequency: Frequency = Frequency.DAILY
    benchmark: str | None = None
    currency: str | None = None
    variant: Variant | None = None
    risk_free_rate: float = 0.0
    confidence: float = 0.95
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Levels on the days of a window; ``benchmark`` None: there is none."""

    days: Days
    index: Levels
    benchmark: Levels | None
    order: RiskOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The sample that was measured, and its metrics."""

    days: Days
    base: np.datetime64
    periods_per_year: float
    measures: Measures


@dataclass(frozen=True, slots=True)
class ReadRiskMetrics:
    """Every metric of an index over a window of its official levels, a value or None with a reason.

    The level of a week or longer is the last one known at its last session, at most CARRIED_DAYS calendar
    days old; a daily return lies between two known levels of sessions that follow each other. The first and
    the last period may be parts of one.
    """

    read_levels: ReadLevels
    read_benchmark: ReadBenchmarkLevels
    pool: ComputePool

    async def __call__(self, by: Principal, *, order: RiskOrder) -> RiskMetricsView:
        """Raise UnknownIndex, NothingPublished, InvalidWindow, or what ReadBenchmarkLevels raises.

        A benchmark that only the definition names and that is not there leaves its metrics unknown.
        """
        by.require(Permission.READ_INDICES)
        check_range(order.start, order.end)
        index = await self.read_levels(
            by, slug=order.slug, variant=order.variant, currency=order.currency, as_of=order.as_of
        )
        days = _days(index.levels, order)
        benchmark, notes = await self._benchmark(by, index, order)
        levels = None if benchmark is None else benchmark.levels
        window = Window(days=days, index=index.levels, benchmark=levels, order=order)
        return _view(index, benchmark, order, await self.pool.run(measured, window), notes)

    async def _benchmark(
        self, by: Principal, index: IndexLevels, order: RiskOrder
    ) -> tuple[Benchmark | None, tuple[str, ...]]:
        if order.benchmark is not None:
            found = await self.read_benchmark(by, name=order.benchmark, beside=index, as_of=order.as_of)
            return found, found.notes
        own = index.definition.benchmark
        if own is None:
            return None, ("The definition names no benchmark: metrics that need one are unknown.",)
        try:
            found = await self.read_benchmark(by, name=own, beside=index, as_of=order.as_of)
        except (BenchmarkNotStored, UnknownAsset, AmbiguousSymbol, UnknownIndex, NothingPublished) as error:
            return None, (f"Metrics that need the benchmark {own} are unknown. {error.message}",)
        return found, found.notes


def _days(levels: Levels, order: RiskOrder) -> Days:
    """Return the official days from the first to the last known level of the window; raise InvalidWindow."""
    if order.sessions is not None and order.start is not None:
        raise _invalid("sessions", "must be left out where start is given")
    known = levels.known().day
    inside = levels.day[clip(levels.day, order.start, order.end)]
    if order.sessions is not None:
        inside = inside[-order.sessions - 1 :]
    measurable = np.flatnonzero(np.isin(inside, known))
    if len(measurable) < 2:
        there = f"known levels reach from {known[0]} to {known[-1]}" if len(known) else "no level is known"
        field = "end" if order.start is None and order.end is not None else "start"
        raise _invalid(field, f"must leave at least two levels; {there}")
    return inside[measurable[0] : measurable[-1] + 1]


def _invalid(field: str, rule: str) -> InvalidWindow:
    return InvalidWindow(
        "There is nothing to measure in this window.", errors=[FieldError(field=field, rule=rule)]
    )


def measured(window: Window) -> Found:
    """Measure a window."""
    order, daily = window.order, window.order.frequency is Frequency.DAILY
    days = window.days if daily else period_ends(window.days, order.frequency)
    year = periods_per_year(window.days) if daily else PERIODS_PER_YEAR[order.frequency]
    carried, other = 0 if daily else CARRIED_DAYS, window.benchmark
    sample = Sample(
        returns=_returns(window.index, days, carried),
        benchmark=None if other is None else _returns(other, days, carried),
        periods_per_year=year,
        risk_free=np.full((1, 1), per_period(order.risk_free_rate, year)),
        days=days[1:],
        base=days[0],
        confidence=order.confidence,
    )
    found = measure(sample, tuple(METRICS.values()))
    return Found(days=days[1:], base=days[0], periods_per_year=year, measures=found)


def _returns(levels: Levels, days: Days, carried: int) -> Floats:
    return from_levels(levels.at(days, max_days=carried)[:, None])


def _view(
    index: IndexLevels, benchmark: Benchmark | None, order: RiskOrder, found: Found, notes: tuple[str, ...]
) -> RiskMetricsView:
    measures = found.measures
    return RiskMetricsView(
        index=index.definition.slug,
        name=index.definition.name,
        currency=index.currency,
        variant=str(index.variant),
        frequency=str(order.frequency),
        base=as_date(found.base),
        first=as_date(found.days[0]),
        last=as_date(found.days[-1]),
        returns=len(found.days),
        coverage=float(measures.coverage[0]),
        common=None if benchmark is None else int(measures.common[0]),
        periods_per_year=found.periods_per_year,
        risk_free_rate=order.risk_free_rate,
        confidence=order.confidence,
        benchmark=None if benchmark is None else benchmark.view,
        metrics=metric_views(measures),
        notes=notes,
        provenance=index.history.provenance,
    )
