"""Market data for the container. Needs MarketSettings from outside."""

from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.market_data.cached import CachedFxRates, CachedMarketData
from waardhaven.adapters.outbound.market_data.calendars import PackagedCalendars
from waardhaven.adapters.outbound.market_data.chain import ChainedMarketData
from waardhaven.adapters.outbound.market_data.file_prices.reader import FilePrices
from waardhaven.adapters.outbound.market_data.registry import (
    MarketSettings,
    Offer,
    Surroundings,
    fixings,
    offers,
)
from waardhaven.adapters.outbound.market_data.sample import SampleMarketData
from waardhaven.application.ports.cache import Cache
from waardhaven.application.ports.calendars import Calendars
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.fx_rates import FxSources
from waardhaven.application.ports.market_data import MarketData, MarketSetup, SourceInfo
from waardhaven.application.ports.market_package import MarketPackage
from waardhaven.application.ports.price_files import PriceFiles
from waardhaven.application.ports.provider_gate import ProviderGate


class MarketDataProvider(Provider):
    """Where prices, facts, rates and calendars come from.

    Without any provider the sample market is the only source; beside one it is never asked, so that its
    prices do not mix with those of today.
    """

    scope = Scope.APP

    @provide
    def calendars(self) -> Calendars:
        """Give the packaged sessions."""
        return PackagedCalendars()

    @provide
    def package(self) -> MarketPackage:
        """Give the sample market, which needs no key."""
        return SampleMarketData()

    @provide
    def files(self, pool: ComputePool, clock: Clock) -> PriceFiles:
        """Give the reader of files."""
        return FilePrices(pool, clock)

    @provide
    def surroundings(
        self, settings: MarketSettings, http: HttpSession, gate: ProviderGate, clock: Clock
    ) -> Surroundings:
        """Give what sources are made with."""
        return Surroundings(settings=settings, http=http, gate=gate, clock=clock)

    @provide
    def offers(self, around: Surroundings, package: MarketPackage) -> tuple[Offer, ...]:
        """Give the sources that are set up, at least the sample market."""
        found = tuple(offers(around))
        info = SourceInfo(name=package.name, capabilities=package.capabilities)
        return found or (Offer(source=package, info=info, refresh_mode="full"),)

    @provide
    def source(self, found: tuple[Offer, ...], settings: MarketSettings, cache: Cache) -> MarketData:
        """Give all sources as one."""
        return CachedMarketData(ChainedMarketData([one.source for one in found]), cache, settings.keep)

    @provide
    def setup(self, found: tuple[Offer, ...]) -> MarketSetup:
        """Give what is set up."""
        return MarketSetup(sources=tuple(one.info for one in found), refresh_mode=found[0].refresh_mode)

    @provide
    def fx(
        self, around: Surroundings, found: tuple[Offer, ...], settings: MarketSettings, cache: Cache
    ) -> FxSources:
        """Give the sources of rates that are set up."""
        sources = fixings(around, found)
        return FxSources(tuple(CachedFxRates(one, cache, settings.keep) for one in sources))
