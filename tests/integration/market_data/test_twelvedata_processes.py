"""One key, one budget, two processes."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.integration.market_data.twelvedata_child import fast_clock
from tests.twelvedata_site import stocks, twelvedata_site

ROOT = Path(__file__).parents[3]
SPEED = 30.0
LIMIT = 8
CHILD = "tests.integration.market_data.twelvedata_child"


async def child(told: dict[str, Any]) -> list[str]:
    """Run a process to its end and return the symbols it was given."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", CHILD, json.dumps(told), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    delivered: list[str] = json.loads(out.splitlines()[-1])
    return delivered


@pytest.mark.timeout(120)
async def test_two_processes_together_never_exceed_a_minute_and_both_get_everything(valkey_url: str):
    """Minutes of two seconds: the site counts each on arrival by the same clock, and refuses what is over."""
    begun = time.monotonic()
    symbols = [[f"{name}{n}" for n in range(24)] for name in "AB"]
    market = stocks(*symbols[0], *symbols[1], rows=5)
    async with twelvedata_site(market, now=fast_clock(begun, SPEED), per_minute=LIMIT) as site:
        told = {"site": site.url, "valkey": valkey_url, "begun": begun, "speed": SPEED, "limit": LIMIT}
        delivered = await asyncio.gather(*(child({**told, "symbols": part}) for part in symbols))
    assert [sorted(part) for part in symbols] == list(delivered)
    assert site.most <= LIMIT
    assert site.refused == 0
    assert site.used.total() == 48
    assert len(site.used) >= 5
