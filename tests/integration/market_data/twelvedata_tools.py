"""Twelve Data over its local site, at a clock that moves when somebody waits for credits."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from tests.fakes.clock import FakeClock
from tests.fakes.provider_gate import FakeProviderGate
from tests.integration.market_data.hand import Hand
from tests.twelvedata_site import KEY, NOON, Instrument, LocalTwelveData, twelvedata_site

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.market_data.keyed import Backoff
from waardhaven.adapters.outbound.market_data.twelvedata.account import Account
from waardhaven.adapters.outbound.market_data.twelvedata.fx import TwelveDataFx
from waardhaven.adapters.outbound.market_data.twelvedata.plans import PLANS
from waardhaven.adapters.outbound.market_data.twelvedata.source import TwelveDataMarketData
from waardhaven.application.ports.market_data import BarColumns, NotDelivered, Wanted
from waardhaven.domain.index.definition import Adjustment

AT_ONCE = Backoff(first=0.0, longest=0.0, jitter=0.0)
VALUES = ("open", "high", "low", "close", "volume")
MODES = {Adjustment.RAW: "none", Adjustment.ALL: "all"}


@dataclass(frozen=True, kw_only=True)
class Bench:
    site: LocalTwelveData
    clock: Hand
    gate: FakeProviderGate
    http: HttpSession
    account: Account
    source: TwelveDataMarketData
    fx: TwelveDataFx

    async def bars(self, *wanted: Wanted) -> list[BarColumns | NotDelivered]:
        return [one async for one in self.source.bars(wanted)]


@asynccontextmanager
async def bench(
    market: Sequence[Instrument],
    *,
    plan: str = "grow",
    account: dict[str, Any] | None = None,
    quotes: Sequence[str] = (),
    **settings: Any,
) -> AsyncIterator[Bench]:
    """A source over a site that counts as its plan says; ``settings`` are those of the site."""
    clock, http = Hand(), HttpSession()
    limits = PLANS[plan].allotment
    counted = {"per_minute": limits.per_minute, "per_day": limits.per_day, "plan": plan}
    async with twelvedata_site(market, now=clock, **(counted | settings)) as site:
        gate = FakeProviderGate(clock)
        made = Account(
            key=KEY,
            plan=PLANS[plan],
            base_url=site.url,
            reach=Reach.LOOPBACK,
            **(
                {"backoff": AT_ONCE, "pause": clock.pause, "page_rows": site.page_rows, "timeout_seconds": 5}
                | (account or {})
            ),
        )
        today = FakeClock(datetime.fromtimestamp(NOON, UTC))
        source = TwelveDataMarketData(made, http=http, gate=gate, clock=today)
        fx = TwelveDataFx(made, http=http, gate=gate, clock=today, quotes=quotes)
        try:
            yield Bench(site=site, clock=clock, gate=gate, http=http, account=made, source=source, fx=fx)
        finally:
            await http.close()


def wanted(*instruments: Instrument, **days: Any) -> list[Wanted]:
    return [Wanted(listing=one.listing, **days) for one in instruments]


def assert_equals_market(bars: BarColumns, instrument: Instrument) -> None:
    """Every bar of the market is there once, with the very values, and no other."""
    rows = instrument.adjusted(MODES[bars.adjustment])
    assert bars.day.astype(str).tolist() == [row["datetime"] for row in rows]
    for name in VALUES:
        expected = np.array([float(row.get(name, "nan")) for row in rows])
        assert getattr(bars, name).tobytes() == expected.tobytes(), name
