"""Every source of market data and of rates, with a small market it knows, for the suite over all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import numpy as np
from tests.contract.market import NAN, a_listing
from tests.eodhd_site import paper
from tests.fakes.cache import FakeCache
from tests.fakes.market_data import FakeFxRates, FakeMarketPackage
from tests.integration.market_data.eodhd_tools import eodhd_bench
from tests.integration.market_data.twelvedata_tools import bench
from tests.twelvedata_site import Instrument, some_rows, weekdays

from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.market_data.cached import CachedFxRates, CachedMarketData, KeepFor
from waardhaven.adapters.outbound.market_data.chain import ChainedMarketData
from waardhaven.adapters.outbound.market_data.ecb import EcbRates
from waardhaven.adapters.outbound.market_data.sample import SampleMarketData
from waardhaven.application.ports.fx_rates import FxRates, QuotedRates, SpotRate
from waardhaven.application.ports.market_data import (
    BarColumns,
    ListedAction,
    MarketData,
    Quote,
    SharesOutstanding,
)
from waardhaven.application.ports.market_facts import Listing
from waardhaven.application.ports.market_package import MarketPackage, UniverseMembers
from waardhaven.domain.index.definition import Adjustment

DAYS = np.array(["2019-12-31", "2020-01-02", "2020-01-03"], dtype="datetime64[D]")
STRANGER = a_listing("NOSUCH")
A_SPOT = SpotRate(base="EUR", quote="USD", source="sample", rate=1.1, at=datetime(2020, 1, 3, 12, tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A source and instruments it knows, with a range of days that holds some bars of the first.

    ``names``: who may stand on what it delivers.
    """

    source: MarketData
    listings: Sequence[Listing]
    names: frozenset[str]
    start: date = date(2019, 12, 31)
    end: date = date(2020, 1, 2)


def scripted(name: str = "sample") -> FakeMarketPackage:
    first, second = a_listing("AAA"), a_listing("BBB")
    unknown = np.full(3, NAN)
    closes = {"open": unknown, "high": unknown, "low": unknown, "volume": unknown}

    def of(listing: Listing) -> BarColumns:
        close = np.array([1.0, 2.0, 3.0])
        return BarColumns(
            listing=listing,
            source=name,
            adjustment=Adjustment.RAW,
            quote_unit="USD",
            day=DAYS,
            close=close,
            **closes,
        )

    split = ListedAction(
        listing=first, source=name, key="one", kind="split", ex_date=date(2020, 1, 2), ratio="2"
    )
    return FakeMarketPackage(
        name=name,
        known=[first, second],
        found=[first, second],
        prices=[of(first), of(second)],
        quoted=[
            QuotedRates(
                base="EUR",
                quote="USD",
                source=name,
                fixing="ECB",
                day=DAYS,
                rate=np.array([1.1, 1.2, 1.3]),
            )
        ],
        counts=[
            SharesOutstanding(
                listing=first, source=name, day=date(2019, 1, 2), shares=5.0, status="unchecked"
            )
        ],
        events=[split],
        last=[Quote(listing=first, source=name, price=3.0, quote_unit="USD", at=None)],
        lists=[UniverseMembers(slug="a-list", name="A list", listings=(first,), start=date(2019, 1, 2))],
    )


@asynccontextmanager
async def packaged(make: Callable[[], MarketPackage]) -> AsyncIterator[Case]:
    source = make()
    yield Case(source=source, listings=await source.listings(), names=frozenset({source.name}))


@asynccontextmanager
async def chained() -> AsyncIterator[Case]:
    """Two sources, each with one of the instruments alone."""
    first, second = scripted("first"), scripted("second")
    for source, place in ((first, 0), (second, 1)):
        source.prices = source.prices[place : place + 1]
        source.found = source.found[place : place + 1]
    second.last, second.counts = [], []
    chain = ChainedMarketData([first, second])
    yield Case(source=chain, listings=first.known, names=frozenset({"first", "second"}))


@asynccontextmanager
async def cached() -> AsyncIterator[Case]:
    source = scripted()
    kept = CachedMarketData(source, FakeCache(), KeepFor())
    yield Case(source=kept, listings=source.known, names=frozenset({source.name}))


@asynccontextmanager
async def twelvedata(plan: str) -> AsyncIterator[Case]:
    split = {"date": "2020-08-31", "ratio": 0.25, "from_factor": 4, "to_factor": 1}
    days = weekdays(date(2020, 1, 31), 60)
    market = [Instrument(symbol=one, rows=some_rows(one, days), splits=(split,)) for one in ("AAPL", "MSFT")]
    async with bench(market, plan=plan) as made:
        listings = [one.listing for one in market]
        yield Case(source=made.source, listings=listings, names=frozenset({"twelvedata"}))


@asynccontextmanager
async def eodhd() -> AsyncIterator[Case]:
    """Begins with a stock of Frankfurt: the search leaves those of the United States out."""
    splits = ({"date": "2020-08-31", "split": "4.000000/1.000000"},)
    rows = some_rows("any", weekdays(date(2020, 1, 31), 60))
    german = paper("SAP.XETRA", mic="XETR", unit="EUR", currency="EUR", rows=rows, splits=splits)
    british = paper("VOD.LSE", mic="XLON", unit="GBX", currency="GBP", rows=rows)
    market = [german, british, paper("AAPL.US", rows=rows, splits=splits)]
    async with eodhd_bench(market) as made:
        listings = [one.listing for one in market]
        yield Case(source=made.source, listings=listings, names=frozenset({"eodhd"}))


CASES: dict[str, Callable[[], AbstractAsyncContextManager[Case]]] = {
    "fake": partial(packaged, scripted),
    "sample": partial(packaged, SampleMarketData),
    "chain": chained,
    "cached": cached,
    "twelvedata free": partial(twelvedata, "free"),
    "twelvedata grow": partial(twelvedata, "grow"),
    "twelvedata pro": partial(twelvedata, "pro"),
    "eodhd": eodhd,
}


ECB_FILE = """Date,USD,JPY,ISK,
2020-01-03,1.1147,120.24,N/A,
2020-01-02,1.1193,121.75,N/A,
2019-12-31,1.1234,121.94,N/A,
2019-12-30,1.1189,122.12,N/A,
"""


@asynccontextmanager
async def ecb(folder: Path) -> AsyncIterator[FxRates]:
    place, http = folder / "rates.csv", HttpSession()
    await asyncio.to_thread(place.write_text, ECB_FILE)
    yield EcbRates(str(place), http)
    await http.close()


@asynccontextmanager
async def twelvedata_fx(_: Path) -> AsyncIterator[FxRates]:
    pairs = [
        Instrument(
            symbol=f"EUR/{quote}",
            kind="Physical Currency",
            mic=None,
            currency=None,
            rows=some_rows(quote, weekdays(date(2020, 1, 10), 30), volume=False),
        )
        for quote in ("USD", "TWD")
    ]
    async with bench(pairs, quotes=("USD", "TWD")) as made:
        yield made.fx


@asynccontextmanager
async def made(make: Callable[[], FxRates], _: Path) -> AsyncIterator[FxRates]:
    yield make()


def fake_fx() -> FxRates:
    return FakeFxRates(quoted=scripted().quoted, spots={("EUR", "USD"): A_SPOT})


RATES: dict[str, Callable[[Path], AbstractAsyncContextManager[FxRates]]] = {
    "fake": partial(made, fake_fx),
    "sample": partial(made, SampleMarketData),
    "cached": partial(made, lambda: CachedFxRates(fake_fx(), FakeCache(), KeepFor())),
    "ecb": ecb,
    "twelvedata": twelvedata_fx,
}
