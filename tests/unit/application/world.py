"""Use cases over fakes: three stocks, an equal-weight index, and prices that arrive session by session."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
from tests.factories import WARM_UP, a_definition, random_closes, sessions
from tests.fakes.clock import FakeClock
from tests.fakes.compute_pool import FakeComputePool
from tests.fakes.event_log import FakeEventLog
from tests.fakes.indexes import FakeBuildStore, FakeIndexStore
from tests.fakes.market import FakeMarket
from tests.fakes.quality_flags import FakeQualityFlags
from tests.fakes.risk import FakeRiskStore, FakeTrialLog

from waardhaven.application.indexes.build_index import BuildIndex
from waardhaven.application.indexes.build_many import BuildIndices
from waardhaven.application.indexes.compare_history import CompareHistory, RecomputeHistory
from waardhaven.application.indexes.publish_build import PublishBuild
from waardhaven.application.indexes.read_events import ReadEvents
from waardhaven.application.indexes.read_inputs import ReadInputs
from waardhaven.application.indexes.update_index import UpdateIndex, UpdateIndices
from waardhaven.application.indexes.verify_index import VerifyIndex
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.market_facts import (
    Listing,
    QuotedRates,
    SeriesKey,
    SessionColumns,
    SharesFact,
)
from waardhaven.domain.identity.roles import OPERATOR, Principal, Role
from waardhaven.domain.index.build_record import BuildRecord, IndexRecord, Publication
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.provenance import CodeVersion
from waardhaven.domain.types import AssetId, Days, SeriesId, UserId, as_date

SYMBOLS = ("AAA", "BBB", "CCC")
AXIS: Days = sessions(WARM_UP + 120, "2019-01-02")
CLOSES = random_closes(11, len(AXIS), len(SYMBOLS))
BASE = as_date(AXIS[WARM_UP])
DEFINITION = a_definition(base=AXIS[WARM_UP], adjustment=Adjustment.ALL)
CODE = CodeVersion(package="0.1.0", digest="a" * 64, fingerprint="b" * 64)
VIEWER = Principal(user=None, role=Role.VIEWER)
ADA = UserId(UUID(int=1))
ANALYST = Principal(user=ADA, role=Role.ANALYST)


def day(row: int) -> date:
    """Return a session by its position after the base date."""
    return as_date(AXIS[WARM_UP + row])


def a_listing(symbol: str, **changes: str) -> Listing:
    plain = {"mic": "XNYS", "name": f"{symbol} Inc.", "asset_type": "equity", "currency": "USD"}
    return Listing(symbol=symbol, **{**plain, **changes})


@dataclass
class World:
    """The stores and the use cases over them."""

    log: FakeEventLog = field(default_factory=FakeEventLog)
    clock: FakeClock = field(default_factory=FakeClock)
    code: CodeVersion = CODE
    pool: ComputePool = field(default_factory=FakeComputePool)
    assets: list[AssetId] = field(default_factory=list)
    series: list[SeriesId] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.market = FakeMarket(self.log)
        self.indexes = FakeIndexStore(self.log)
        self.trials = FakeTrialLog(self.clock)
        self.risk = FakeRiskStore(self.log, self.clock)
        self.builds = FakeBuildStore(
            self.log, self.clock, indexes=self.indexes, trials=self.trials, risk=self.risk
        )
        self.flags = FakeQualityFlags(self.market)
        self.inputs = ReadInputs(self.market, self.market, self.flags, ReadEvents(self.market))

    @property
    def build(self) -> BuildIndex:
        return BuildIndex(
            self.indexes, self.builds, self.market, self.inputs, self.code, self.clock, self.pool
        )

    @property
    def publish(self) -> PublishBuild:
        return PublishBuild(self.indexes, self.builds)

    @property
    def compare(self) -> CompareHistory:
        recompute = RecomputeHistory(self.indexes, self.inputs, self.pool)
        return CompareHistory(self.indexes, self.builds, self.market, recompute)

    @property
    def update(self) -> UpdateIndex:
        return UpdateIndex(self.build, self.publish)

    @property
    def build_all(self) -> BuildIndices:
        return BuildIndices(self.build, self.inputs, self.pool)

    @property
    def update_all(self) -> UpdateIndices:
        return UpdateIndices(self.build_all, self.update)

    @property
    def verify(self) -> VerifyIndex:
        return VerifyIndex(self.indexes, self.builds, self.market, self.inputs, self.code, self.pool)

    async def open(self, *, rows: int = 20) -> IndexRecord:
        """Load the market with prices of ``rows`` sessions after the base date, and define the index."""
        await self.add_calendar()
        known = await self.market.register_assets([a_listing(one) for one in SYMBOLS])
        self.assets = list(known.values())
        self.series = [await self.add_series(one) for one in self.assets]
        await self.market.write_universe(
            "a-universe", "A universe", dict.fromkeys(self.assets, (day(-80), None))
        )
        await self.add_prices(-WARM_UP, rows)
        return await self.indexes.define(DEFINITION, by=OPERATOR)

    async def add_calendar(self) -> None:
        opens = AXIS.astype("datetime64[s]") + np.timedelta64(52_200, "s")
        await self.market.write_sessions(
            SessionColumns(mic="XNYS", day=AXIS, open_at=opens, close_at=opens + np.timedelta64(6, "h"))
        )

    async def add_series(
        self,
        asset: AssetId,
        currency: str = "USD",
        unit: str = "USD",
        adjustment: Adjustment = Adjustment.ALL,
    ) -> SeriesId:
        key = SeriesKey(
            asset=asset, source="sample", adjustment=adjustment, currency=currency, quote_unit=unit
        )
        return (await self.market.register_series([key]))[key]

    async def add_prices(self, first: int, last: int, *, columns: tuple[int, ...] = (0, 1, 2)) -> None:
        """Write the closes of the sessions from row ``first`` to ``last``, without ``last``."""
        rows = slice(WARM_UP + first, WARM_UP + last)
        for column in columns:
            await self.write(self.series[column], AXIS[rows], CLOSES[rows, column])

    async def write(self, series: SeriesId, days: Days, close: Any) -> None:
        unknown = np.full(len(days), np.nan)
        await self.market.write(
            PriceColumns(
                series=np.full(len(days), series),
                day=np.array(days, dtype="datetime64[D]"),
                close=np.array(close, dtype=np.float64),
                **dict.fromkeys(("open", "high", "low", "volume"), unknown),
            )
        )

    async def add_rates(self, quote: str, rates: dict[date, float]) -> None:
        axis, values = np.array(list(rates), dtype="datetime64[D]"), np.array(list(rates.values()))
        write = QuotedRates(base="EUR", quote=quote, source="sample", fixing="ECB", day=axis, rate=values)
        await self.market.write_fx([write])

    async def add_shares(self) -> None:
        await self.market.write_shares(
            [
                SharesFact(asset=one, day=day(-80), shares=1e6, status="reported", source="sample")
                for one in self.assets
            ]
        )

    async def published(self, **asked: Any) -> tuple[BuildRecord, Publication]:
        build = await self.build(OPERATOR, slug="an-index", **asked)
        return build, await self.publish(OPERATOR, build.id, reason="a test")

    def tamper(self, build: BuildRecord, **changes: Any) -> None:
        """Change a stored build as no store ever would."""
        self.builds.builds[build.id] = replace(build, **changes)
