"""An index of three stocks, published, and the use cases that compare and measure it."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from tests.unit.application.world import AXIS, DEFINITION, VIEWER, WARM_UP, World, a_listing, day

from waardhaven.application.answers import SeriesView
from waardhaven.application.indexes.compare_benchmark import CompareBenchmark, ComparisonOrder, ReadBenchmark
from waardhaven.application.indexes.metric_views import RiskMetricsView
from waardhaven.application.indexes.read_benchmark_levels import (
    ReadBenchmarkLevels,
    ReadLevels,
)
from waardhaven.application.indexes.risk_metrics import ReadMeasurable, ReadRiskMetrics
from waardhaven.application.indexes.risk_windows import RiskOrder
from waardhaven.application.ports.market_data import MarketSetup, SourceInfo
from waardhaven.application.ports.market_facts import ActionFact
from waardhaven.application.pricing.adjusting import ReadActions
from waardhaven.application.pricing.read_closes import ReadCloses
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.types import AssetId, SeriesId

ROWS = 60
LONG_AGO = np.array(["1999-01-04", "1999-01-05"], dtype="datetime64[D]")
DAYS = AXIS[WARM_UP : WARM_UP + ROWS]


@dataclass
class Bench:
    """An index of three stocks, published, and the use cases that compare it."""

    world: World

    async def open(self, **more: dict[date, float]) -> None:
        await self.world.open(rows=ROWS)
        for currency, known in more.items():
            await self.world.add_rates(currency, known)
        half = ROWS // 2
        rates = {day(one): 1.25 if one < half else 1.5 for one in range(-90, ROWS)}
        await self.world.add_rates("USD", rates)
        await self.world.published()

    @property
    def levels(self) -> ReadLevels:
        return ReadLevels(self.world.indexes, self.world.builds, self.world.market)

    @property
    def benchmark(self) -> ReadBenchmarkLevels:
        market = self.world.market
        setup = MarketSetup(sources=(SourceInfo(name="sample", capabilities=frozenset()),))
        closes = ReadCloses(market, market, ReadActions(market), setup)
        return ReadBenchmarkLevels(self.levels, market, closes)

    @property
    def measurable(self) -> ReadMeasurable:
        return ReadMeasurable(self.levels, self.benchmark, self.world.trials)

    async def read(self, name: str | None = "BBB", **changes: Any) -> SeriesView:
        read = ReadBenchmark(self.levels, self.benchmark, self.world.pool)
        return await read(VIEWER, benchmark=name, order=an_order(**changes))

    async def compare(self, name: str | None = None, **changes: Any) -> SeriesView:
        compare = CompareBenchmark(self.levels, self.benchmark, self.world.pool)
        return await compare(VIEWER, benchmark=name, order=an_order(**changes))

    async def measure(self, **changes: Any) -> RiskMetricsView:
        read = ReadRiskMetrics(self.measurable, self.world.pool)
        return await read(VIEWER, order=RiskOrder(**{"slug": "an-index", **changes}))

    async def add(
        self,
        symbol: str,
        close: Any,
        *,
        adjustment: Adjustment = Adjustment.ALL,
        unit: str = "USD",
        axis: Any = DAYS,
        **listed: str,
    ) -> tuple[AssetId, SeriesId]:
        """Store an asset with its closes."""
        listing = a_listing(symbol, **listed)
        (asset,) = (await self.world.market.register_assets([listing])).values()
        series = await self.world.add_series(asset, listing.currency, unit, adjustment)
        if len(axis):
            await self.world.write(series, axis, close)
        return asset, series

    async def define(self, **changes: Any) -> None:
        await self.world.indexes.define(replace(DEFINITION, **changes), by=OPERATOR)

    async def acted(self, asset: AssetId, kind: str, ex_date: date, **what: str) -> None:
        fact = ActionFact(
            asset=asset,
            key=kind,
            source="sample",
            kind=kind,
            status="confirmed",
            ex_date=ex_date,
            **what,  # type: ignore[arg-type]
        )
        await self.world.market.write_actions([fact])


def an_order(**changes: Any) -> ComparisonOrder:
    return ComparisonOrder(**{"slug": "an-index", "window": 10, **changes})
