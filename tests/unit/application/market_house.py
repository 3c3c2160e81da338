"""A market over fakes, behind the ports that the routes of market data need."""

from dataclasses import dataclass, field

from tests.fakes.clock import FakeClock
from tests.fakes.compute_pool import FakeComputePool
from tests.fakes.market import FakeMarket
from tests.fakes.market_data import FakeCalendars, FakeFxRates, FakeMarketPackage
from tests.fakes.price_files import FakePriceFiles
from tests.fakes.provider_gate import FakeProviderGate
from tests.fakes.quality_flags import FakeQualityFlags

from waardhaven.application.jobs.refresh_market import RefreshMarket
from waardhaven.application.market.check_quality import CheckQuality
from waardhaven.application.market.load_market import LoadMarket
from waardhaven.application.market.read_prices import ReadPrices
from waardhaven.application.market.refresh_prices import RefreshPrices
from waardhaven.application.market.refresh_rates import RefreshRates
from waardhaven.application.market.refresh_rules import RefreshRules
from waardhaven.application.market.seed_universe import SeedUniverse
from waardhaven.application.market.write_bars import WriteBars
from waardhaven.application.ports.calendars import Calendars
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.fx_rates import FxSources
from waardhaven.application.ports.market_data import MarketData, MarketSetup, SourceInfo
from waardhaven.application.ports.market_facts import MarketFacts
from waardhaven.application.ports.market_package import MarketPackage
from waardhaven.application.ports.price_files import PriceFiles
from waardhaven.application.ports.price_imports import PriceImports
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.provider_gate import ProviderGate
from waardhaven.application.ports.quality_flags import QualityFlags
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.application.pricing.adjusting import ReadActions


@dataclass
class MarketHouse:
    """One market, one scripted source, and everything that reads and writes them."""

    market: FakeMarket = field(default_factory=FakeMarket)
    source: FakeMarketPackage = field(default_factory=FakeMarketPackage)
    calendars: FakeCalendars = field(default_factory=FakeCalendars)
    files: FakePriceFiles = field(default_factory=FakePriceFiles)
    gate: FakeProviderGate = field(default_factory=FakeProviderGate)
    fx: FakeFxRates = field(default_factory=FakeFxRates)
    pool: FakeComputePool = field(default_factory=FakeComputePool)
    rules: RefreshRules = field(default_factory=RefreshRules)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.flags = FakeQualityFlags(self.market)
        self.imports = self.market.imports
        self.setup = MarketSetup(
            sources=(SourceInfo(name=self.source.name, capabilities=self.source.capabilities),)
        )

    def key(self, *, mode: str = "smart", plan: str = "free") -> None:
        """Set the source up as one that needs a key."""
        info = SourceInfo(
            name=self.source.name, capabilities=self.source.capabilities, keyed=True, plan=plan, per_minute=8
        )
        self.setup = MarketSetup(sources=(info,), refresh_mode=mode)

    @property
    def write(self) -> WriteBars:
        return WriteBars(self.market, self.market, self.flags)

    @property
    def actions(self) -> ReadActions:
        return ReadActions(self.market)

    @property
    def refresh(self) -> RefreshPrices:
        parts = (self.source, self.setup, self.market, self.market, self.market)
        return RefreshPrices(*parts, self.write, self.clock, self.rules)

    @property
    def seed(self) -> SeedUniverse:
        return SeedUniverse(self.source, self.calendars, self.market, self.market, self.rules)

    @property
    def rates(self) -> RefreshRates:
        return RefreshRates(FxSources((self.fx,)), self.market, self.market, self.clock, self.rules)

    @property
    def check(self) -> CheckQuality:
        return CheckQuality(self.market, self.market, self.actions, self.flags, self.pool)

    @property
    def load(self) -> LoadMarket:
        return LoadMarket(self.source, self.calendars, self.market, self.write)

    @property
    def job(self) -> RefreshMarket:
        return RefreshMarket(self.setup, self.seed, self.load, self.rates, self.refresh, self.check)

    @property
    def reads(self) -> ReadPrices:
        return ReadPrices(self.market, self.market, self.actions, self.setup)

    def ports(self) -> dict[type, object]:
        return {
            PriceStore: self.market,
            ReferenceStore: self.market,
            MarketFacts: self.market,
            QualityFlags: self.flags,
            PriceImports: self.imports,
            PriceFiles: self.files,
            Calendars: self.calendars,
            MarketData: self.source,
            MarketPackage: self.source,
            MarketSetup: self.setup,
            FxSources: FxSources((self.fx,)),
            ProviderGate: self.gate,
            RefreshRules: self.rules,
            ComputePool: self.pool,
        }
