"""``python -m tests.integration.market_data.twelvedata_child``: a process that loads bars, several at once.

Its one argument says where the site and Valkey are and how fast the clock of everybody runs.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.fakes.clock import FakeClock
from tests.integration.market_data.twelvedata_tools import AT_ONCE, wanted
from tests.twelvedata_site import KEY, NOON, stocks

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.market_data.twelvedata.account import Account
from waardhaven.adapters.outbound.market_data.twelvedata.plans import PLANS
from waardhaven.adapters.outbound.market_data.twelvedata.source import TwelveDataMarketData
from waardhaven.adapters.outbound.valkey.di import ValkeySettings, connect
from waardhaven.adapters.outbound.valkey.provider_gate import ValkeyProviderGate
from waardhaven.application.ports.market_data import BarColumns

LATE_SECONDS = 15.0
"""Half a second of a clock that runs thirty times as fast: what a busy machine may need to send a request."""


def fast_clock(begun: float, speed: float) -> Callable[[], float]:
    """Return a clock that all processes of this machine share."""
    return lambda: NOON + (time.monotonic() - begun) * speed


async def load(told: dict[str, Any]) -> list[str]:
    """Return the symbols delivered."""
    speed = told["speed"]
    client = connect(ValkeySettings(url=told["valkey"], timeout_seconds=5))
    gate = ValkeyProviderGate(
        client,
        timeout_seconds=5,
        early_seconds=3,
        late_seconds=LATE_SECONDS,
        now=fast_clock(told["begun"], speed),
    )
    http = HttpSession()
    account = Account(
        key=KEY,
        plan=PLANS["grow"],
        rate_limit=told["limit"],
        base_url=told["site"],
        reach=Reach.LOOPBACK,
        patience_seconds=1e9,
        backoff=AT_ONCE,
        pause=lambda seconds: asyncio.sleep(seconds / speed),
    )
    source = TwelveDataMarketData(account, http=http, gate=gate, clock=FakeClock())

    async def some(symbols: list[str]) -> list[str]:
        answers = [one async for one in source.bars(wanted(*stocks(*symbols)))]
        return [one.listing.symbol for one in answers if isinstance(one, BarColumns) and len(one)]

    parts = await asyncio.gather(*(some(told["symbols"][n::3]) for n in range(3)))
    await http.close()
    await client.aclose()
    return sorted(symbol for part in parts for symbol in part)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(load(json.loads(sys.argv[1])))))
