"""The risk metrics of an index, measured on its official levels."""

from dataclasses import dataclass

from waardhaven.application.indexes.metric_views import RiskMetricsView, metric_views, resampling_view
from waardhaven.application.indexes.read_benchmark_levels import (
    Benchmark,
    BenchmarkNotStored,
    IndexLevels,
    ReadBenchmarkLevels,
    ReadLevels,
)
from waardhaven.application.indexes.risk_windows import Found, RiskOrder, Window, measured, window_days
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.trial_log import TrialLog
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import NothingPublished, UnknownIndex
from waardhaven.domain.index.trials import Trials
from waardhaven.domain.market.asset import AmbiguousSymbol, UnknownAsset
from waardhaven.domain.types import as_date


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurable:
    """The levels of an index with those of its benchmark (None: there is none) and the variants tried."""

    index: IndexLevels
    benchmark: Benchmark | None
    notes: tuple[str, ...]
    trials: Trials

    def window(self, order: RiskOrder) -> Window:
        """Return the window of an order; raise InvalidWindow or InvalidRange."""
        benchmark = self.benchmark
        return Window(
            days=window_days(self.index.levels, order),
            index=self.index.levels,
            benchmark=None if benchmark is None else benchmark.levels,
            trials=self.trials,
            order=order,
        )


@dataclass(frozen=True, slots=True)
class ReadMeasurable:
    """Reads the official levels of an index, of what it is compared with, and the variants tried for it."""

    read_levels: ReadLevels
    read_benchmark: ReadBenchmarkLevels
    trials: TrialLog

    async def __call__(self, by: Principal, *, order: RiskOrder) -> Measurable:
        """Raise UnknownIndex, NothingPublished, or what ReadBenchmarkLevels raises.

        A benchmark that only the definition names and that is not there leaves its metrics unknown.
        """
        by.require(Permission.READ_INDICES)
        index = await self.read_levels(
            by, slug=order.slug, variant=order.variant, currency=order.currency, as_of=order.as_of
        )
        benchmark, notes = await self._benchmark(by, index, order)
        tried = await self.trials.tried(index.history.index.id, as_of=order.as_of)
        return Measurable(index=index, benchmark=benchmark, notes=notes, trials=tried)

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


@dataclass(frozen=True, slots=True)
class ReadRiskMetrics:
    """Every metric of an index over a window of its official levels, a value or None with a reason.

    The level of a week or longer is the last one known at its last session, at most CARRIED_DAYS calendar
    days old; a daily return lies between two known levels of sessions that follow each other. The first and
    the last period may be parts of one. The deflated Sharpe ratio counts every variant of the rules that was
    built, or previewed by somebody who may change them.
    """

    read: ReadMeasurable
    pool: ComputePool

    async def __call__(self, by: Principal, *, order: RiskOrder) -> RiskMetricsView:
        """Raise InvalidWindow or what ReadMeasurable raises."""
        by.require(Permission.READ_INDICES)
        found = await self.read(by, order=order)
        return view(found, order, await self.pool.run(measured, found.window(order)))


def view(of: Measurable, order: RiskOrder, found: Found) -> RiskMetricsView:
    """Return what was measured as it is shown."""
    index, measures = of.index, found.measures
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
        common=None if of.benchmark is None else int(measures.common[0]),
        periods_per_year=found.periods_per_year,
        risk_free_rate=order.risk_free_rate,
        confidence=order.confidence,
        trials=max(of.trials.count, 1),
        benchmark=None if of.benchmark is None else of.benchmark.view,
        metrics=metric_views(measures, found.drawn),
        resampling=None if found.drawn is None else resampling_view(found.drawn, order.seed),
        notes=of.notes,
        provenance=index.history.provenance,
    )
