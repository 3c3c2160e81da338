"""EODHD over its local site, at a clock that moves when somebody waits for credits."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.eodhd_site import KEY, LocalEodhd, Paper, eodhd_site
from tests.fakes.provider_gate import FakeProviderGate
from tests.integration.market_data.hand import Hand

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.market_data.eodhd import (
    ALLOTMENT,
    LEFT_HEADER,
    EodhdMarketData,
    in_query,
)
from waardhaven.adapters.outbound.market_data.keyed import Backoff, KeyedRequests
from waardhaven.application.ports.market_data import BarColumns, NotDelivered, Wanted
from waardhaven.application.ports.provider_gate import Allotment
from waardhaven.domain.index.definition import Adjustment


@dataclass(frozen=True, kw_only=True)
class EodhdBench:
    site: LocalEodhd
    clock: Hand
    gate: FakeProviderGate
    requests: KeyedRequests
    source: EodhdMarketData

    async def bars(self, *wanted: Wanted) -> list[BarColumns | NotDelivered]:
        return [one async for one in self.source.bars(wanted)]


@asynccontextmanager
async def eodhd_bench(
    market: Sequence[Paper] = (),
    *,
    key: str = KEY,
    allotment: Allotment = ALLOTMENT,
    attempts: int = 6,
    patience_seconds: float = 90.0,
    **settings: Any,
) -> AsyncIterator[EodhdBench]:
    """A source over a site; ``settings`` are those of the site."""
    clock, http = Hand(), HttpSession()
    async with eodhd_site(market, now=clock, **settings) as site:
        gate = FakeProviderGate(clock)
        requests = KeyedRequests(
            provider=EodhdMarketData.name,
            key=key,
            authenticate=in_query,
            http=http,
            gate=gate,
            allotment=allotment,
            left_header=LEFT_HEADER,
            reach=Reach.LOOPBACK,
            backoff=Backoff(attempts=attempts, first=0.0, longest=0.0, jitter=0.0),
            pause=clock.pause,
        )
        source = EodhdMarketData(requests, base_url=site.url, patience_seconds=patience_seconds)
        try:
            yield EodhdBench(site=site, clock=clock, gate=gate, requests=requests, source=source)
        finally:
            await http.close()


def wanted(*papers: Paper, **days: Any) -> list[Wanted]:
    return [Wanted(listing=one.listing, **days) for one in papers]


def loaded(market: EodhdBench, answers: list[BarColumns | NotDelivered]) -> bool:
    """Tell whether both series of everything on the market came whole."""
    lengths = [len(one) for one in answers if isinstance(one, BarColumns)]
    return lengths == [len(one.rows) for one in market.site.market for _ in (Adjustment.RAW, Adjustment.ALL)]
