"""The sources of market data: a new one is one file and one entry."""

from collections.abc import Callable, Mapping

from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.market_data.sample import SampleMarketData
from waardhaven.application.ports.market_data import MarketData

SOURCES: Mapping[str, Callable[[], MarketData]] = {SampleMarketData.name: SampleMarketData}


class MarketDataProvider(Provider):
    """The source loads read from."""

    scope = Scope.APP

    @provide
    def source(self) -> MarketData:
        """Give the sample market, the only source that needs no key."""
        return SOURCES[SampleMarketData.name]()
