"""An index beside a benchmark: both from 100, relative to each other, and measured over the same days."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import numpy as np

from waardhaven.application.answers import SeriesView, check_range, clip
from waardhaven.application.indexes.benchmark_names import InvalidBenchmark
from waardhaven.application.indexes.metric_views import ComparedMetricView, compared_views
from waardhaven.application.indexes.queries import DEFAULT_SLUG
from waardhaven.application.indexes.read_benchmark_levels import (
    Benchmark,
    IndexLevels,
    ReadBenchmarkLevels,
    ReadLevels,
)
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.domain.errors import FieldError
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.definition import Variant
from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.comparison import Levels, common_levels, rebased
from waardhaven.domain.metrics.measuring import measure
from waardhaven.domain.metrics.periods import periods_per_year
from waardhaven.domain.metrics.rolling import rolling
from waardhaven.domain.metrics.sample import Sample, from_levels, per_period
from waardhaven.domain.types import Days, Floats, as_date

SHIFTING: Final = ("beta", "alpha", "tracking_error")
"""What is computed over a window of returns that ends on each day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonOrder:
    """What to compare with the index ``slug``.

    ``start`` and ``end`` None: all common days; ``currency`` and ``variant`` None: those of the index.
    ``window``: returns in each rolling figure, which may lie before ``start``. ``risk_free_rate``: annual.
    ``confidence``: of VaR and expected shortfall.
    """

    slug: str = DEFAULT_SLUG
    start: date | None = None
    end: date | None = None
    currency: str | None = None
    variant: Variant | None = None
    window: int = 252
    risk_free_rate: float = 0.0
    confidence: float = 0.95
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Levels (day, 2) of index and benchmark on common days; ``shown`` are those of the range asked for."""

    days: Days
    levels: Floats
    first: int
    order: ComparisonOrder
    figures: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Rolling figures (figure, day shown), NaN before the first whole window, and figures of the range."""

    rolling: Floats
    periods_per_year: float
    figures: dict[str, ComparedMetricView] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadBenchmark:
    """A benchmark beside an index on the days that both have, from 100 on the first of them.

    Its name is a symbol, ``index:slug`` or a blend; None is the S&P 500 under the first of its usual names
    that is stored.
    """

    read_levels: ReadLevels
    read_benchmark: ReadBenchmarkLevels
    pool: ComputePool

    async def __call__(self, by: Principal, *, benchmark: str | None, order: ComparisonOrder) -> SeriesView:
        """Return columns of levels, their ratio and rolling figures; ``values`` are the benchmark's.

        Raises what ReadLevels and ReadBenchmarkLevels raise, InvalidRange, or InvalidBenchmark without two
        common days.
        """
        by.require(Permission.READ_INDICES)
        check_range(order.start, order.end)
        index, other = await _both(self.read_levels, self.read_benchmark, by, benchmark, order)
        pair = _pair(index, other, order, figures=False)
        return _view(index, other, pair, await self.pool.run(compared, pair))


@dataclass(frozen=True, slots=True)
class CompareBenchmark:
    """The same with the figures of both over the same days.

    Without a name the benchmark is that of the definition, else the S&P 500.
    """

    read_levels: ReadLevels
    read_benchmark: ReadBenchmarkLevels
    pool: ComputePool

    async def __call__(self, by: Principal, *, benchmark: str | None, order: ComparisonOrder) -> SeriesView:
        """Return the columns of ReadBenchmark with ``figures`` beside them; raises the same."""
        by.require(Permission.READ_INDICES)
        check_range(order.start, order.end)
        index, other = await _both(
            self.read_levels, self.read_benchmark, by, benchmark, order, of_definition=True
        )
        pair = _pair(index, other, order, figures=True)
        return _view(index, other, pair, await self.pool.run(compared, pair))


async def _both(
    read_levels: ReadLevels,
    read_benchmark: ReadBenchmarkLevels,
    by: Principal,
    benchmark: str | None,
    order: ComparisonOrder,
    *,
    of_definition: bool = False,
) -> tuple[IndexLevels, Benchmark]:
    index = await read_levels(
        by, slug=order.slug, variant=order.variant, currency=order.currency, as_of=order.as_of
    )
    name = benchmark or (index.definition.benchmark if of_definition else None)
    return index, await read_benchmark(by, name=name, beside=index, as_of=order.as_of)


def _pair(index: IndexLevels, other: Benchmark, order: ComparisonOrder, *, figures: bool) -> Pair:
    """Return what both have up to the end of the range; raise InvalidBenchmark without two days in it."""
    days, levels = common_levels([index.levels, other.levels])
    inside = clip(days, order.start, order.end)
    if inside.stop - inside.start < 2:
        rule = (
            f"must have at least two days in the range on which the index has a level too; "
            f"the index has {_told(index.levels)}, {other.name} {_told(other.levels)}"
        )
        raise InvalidBenchmark(
            "Index and benchmark can not be compared.", errors=[FieldError(field="benchmark", rule=rule)]
        )
    begin = max(0, inside.start - order.window)
    return Pair(
        days=days[begin : inside.stop],
        levels=levels[begin : inside.stop],
        first=inside.start - begin,
        order=order,
        figures=figures,
    )


def _told(levels: Levels) -> str:
    days = levels.known().day
    return f"{days[0]} to {days[-1]}" if len(days) else "none"


def compared(pair: Pair) -> Compared:
    """Compute the figures of a pair."""
    year = periods_per_year(pair.days[pair.first :])
    order, returns = pair.order, from_levels(pair.levels)
    whole = _sample(pair, returns, year)
    found = rolling(whole, [METRICS[name] for name in SHIFTING], order.window)
    shifting = np.full((len(SHIFTING), len(pair.days)), np.nan)
    shifting[:, found.rows + 1] = found.values[:, :, 0]
    shifting = shifting[:, pair.first :]
    if not pair.figures:
        return Compared(rolling=shifting, periods_per_year=year)
    part = Pair(
        days=pair.days[pair.first :], levels=pair.levels[pair.first :], first=0, order=order, figures=True
    )
    shown = returns[pair.first :]
    every = tuple(METRICS.values())
    own = measure(_sample(part, shown, year), every)
    alone = measure(_sample(part, shown[:, ::-1], year, beside=False), every)
    return Compared(rolling=shifting, periods_per_year=year, figures=compared_views(own, alone))


def _sample(pair: Pair, returns: Floats, year: float, *, beside: bool = True) -> Sample:
    """Return the sample of the first of two columns, with the second one as its benchmark if asked."""
    return Sample(
        returns=np.ascontiguousarray(returns[:, :1]),
        benchmark=np.ascontiguousarray(returns[:, 1:]) if beside else None,
        periods_per_year=year,
        risk_free=np.full((1, 1), per_period(pair.order.risk_free_rate, year)),
        days=pair.days[1:],
        base=pair.days[0],
        confidence=pair.order.confidence,
    )


def _view(index: IndexLevels, other: Benchmark, pair: Pair, found: Compared) -> SeriesView:
    days, levels = pair.days[pair.first :], rebased(pair.levels[pair.first :])
    columns = {
        "dates": days,
        "values": levels[:, 1],
        "index_values": levels[:, 0],
        "relative": levels[:, 0] / levels[:, 1],
        **dict(zip(SHIFTING, found.rolling, strict=True)),
    }
    head: dict[str, object] = {
        "index": index.definition.slug,
        "name": index.definition.name,
        "currency": index.currency,
        "variant": str(index.variant),
        "benchmark": other.view,
        "window": pair.order.window,
        "periods_per_year": found.periods_per_year,
        "risk_free_rate": pair.order.risk_free_rate,
        "left_out": _left_out(index.levels, days),
        "notes": other.notes,
        "provenance": index.history.provenance,
    }
    if pair.figures:
        head |= {"confidence": pair.order.confidence, "figures": found.figures}
    return SeriesView(columns=columns, head=head)


def _left_out(levels: Levels, days: Days) -> int:
    """Return how many days of the index between the first and the last common one the benchmark lacks."""
    known = levels.known().day
    return len(known[clip(known, as_date(days[0]), as_date(days[-1]))]) - len(days)
