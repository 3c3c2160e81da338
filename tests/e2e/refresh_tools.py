"""A small market on three evenings, served on this machine, and lives that refresh from it.

Between the evenings there are a new session, corrections of late and of long ago, a split by which every
adjusted close is another, new distributions and share counts, and corrected rates. Some bars are odd, so that
there are flags.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
from tests.conftest import SECRET
from tests.e2e.refresh_child import Ended, Order
from tests.twelvedata_site import KEY, Instrument, LocalTwelveData, Row, some_rows, weekdays

ROOT = Path(__file__).parents[2]
MONDAY = date(2026, 11, 16)
SESSIONS = 260
"""Bars on the first evening: two calendar years, and more than quality looks back."""
EVENINGS = (MONDAY, MONDAY + timedelta(days=1), MONDAY + timedelta(days=2))
MODES = ("auto", "smart", "full")
"""How the market is refreshed on each evening; `auto` is smart on the free plan and full on the other."""
UNIVERSE = "AAPL:XNAS,MSFT:XNAS,VOD:XLON"
PRICES = ("open", "high", "low", "close")
RECENT, LONG_AGO = -4, 40
"""Places of the bars that are corrected: within the days that a smart refresh asks for again, and not."""


def at_night(evening: int) -> datetime:
    """Return an instant when the session of an evening is over everywhere."""
    return datetime.combine(EVENINGS[evening], datetime.min.time(), UTC) + timedelta(hours=23)


def _scaled(row: Row, factor: float) -> Row:
    return {**row, **{name: f"{float(row[name]) * factor:.5f}" for name in PRICES}}


def _corrected(rows: Sequence[Row], changes: Mapping[int, Row]) -> tuple[Row, ...]:
    found = list(rows)
    for place, change in changes.items():
        found[place] = {**found[place], **change}
    return tuple(found)


def _odd(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return bars some of which are odd: no price, a high below the close, a leap, a gap, five days alike."""
    leap = _scaled(rows[150], 3.0)
    same = {place: {**rows[200], "datetime": rows[place]["datetime"]} for place in range(200, 208)}
    found = _corrected(rows, {60: {"close": "-1.0"}, 90: {"high": "0.01"}, 150: leap, **same})
    found = _corrected(found, {-7: {"low": "99999.0"}})
    return found[:120] + found[124:]


def market(evening: int) -> list[Instrument]:
    """Return what the provider knows on an evening."""
    days = weekdays(EVENINGS[evening], SESSIONS + evening)
    rows = {one: some_rows(one, days) for one in ("AAPL", "MSFT", "VOD")}
    rates = some_rows("EUR/TWD", days, volume=False)
    if evening > 0:
        place = SESSIONS + RECENT
        rows["AAPL"] = _corrected(
            rows["AAPL"], {place: {"volume": "123", "close": rows["AAPL"][place]["low"]}}
        )
        rates = _corrected(rates, {place: {"close": rates[place]["low"]}})
    if evening > 1:
        rows["VOD"] = _corrected(rows["VOD"], {LONG_AGO: {"volume": "5"}})
        rows["AAPL"] = _corrected(rows["AAPL"], {LONG_AGO: _scaled(rows["AAPL"][LONG_AGO], 1.01)})
    return [
        replace(_american("AAPL", rows["AAPL"], evening), factor=0.5 if evening == 0 else 0.25),
        _american("MSFT", _odd(rows["MSFT"]), evening),
        Instrument(
            symbol="VOD",
            rows=rows["VOD"],
            mic="XLON",
            currency="GBp",
            country="United Kingdom",
            dividends=_dividends(evening),
            shares=1_000_000 + evening,
        ),
        Instrument(symbol="EUR/TWD", rows=rates, kind="Physical Currency", mic=None, currency=None),
    ]


def _american(symbol: str, rows: tuple[Row, ...], evening: int) -> Instrument:
    splits = [{"date": "2026-03-02", "ratio": 0.5, "from_factor": 2, "to_factor": 1}]
    if evening > 0:
        splits.append({"date": EVENINGS[1].isoformat(), "ratio": 0.5, "from_factor": 2, "to_factor": 1})
    return Instrument(
        symbol=symbol,
        rows=rows,
        splits=tuple(splits) if symbol == "AAPL" else (),
        dividends=_dividends(evening),
        shares=15_000_000 + evening,
    )


def _dividends(evening: int) -> tuple[dict[str, object], ...]:
    """Return distributions: a new one on the second evening, an old one corrected on the third."""
    known = [{"ex_date": "2026-02-10", "amount": 0.26 if evening > 1 else 0.24}]
    known += [{"ex_date": EVENINGS[1].isoformat(), "amount": 0.3}] if evening > 0 else []
    return tuple(known)


def euro_fixing(evening: int) -> str:
    """Return the euro fixing as the ECB writes it; a rate of late is corrected on the second evening."""
    days = weekdays(EVENINGS[evening], SESSIONS + evening)
    lines = ["Date,USD,GBP,"]
    for place, day in enumerate(days):
        usd = 1.1 + place / 10_000 + (0.01 if evening > 0 and place == SESSIONS + RECENT else 0.0)
        lines.append(f"{day},{usd:.4f},{0.85 + place / 20_000:.5f},")
    return "\n".join([lines[0], *lines[:0:-1]]) + "\n"


@dataclass(kw_only=True)
class Lives:
    """A process that refreshes when told to, in a child that may be killed."""

    process: asyncio.subprocess.Process
    log: Path

    async def one(self, order: Order) -> Ended:
        """Carry out an order; fail for a life that ended by itself and not well."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(msgspec.json.encode(order) + b"\n")
        line = await asyncio.wait_for(self.process.stdout.readline(), 60)
        assert line, self.log.read_text()[-3000:]
        ended = msgspec.json.decode(line, type=Ended)
        assert ended.code in (0, -signal.SIGKILL), self.log.read_text()[-3000:]
        return ended


@asynccontextmanager
async def some_lives(folder: Path) -> AsyncIterator[Lives]:
    """Lend a process that refreshes; whatever is left of it is killed at the end."""
    log = folder / "lives.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.e2e.refresh_child",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}",
            },
            start_new_session=True,
        )
    try:
        yield Lives(process=process, log=log)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


@dataclass(kw_only=True)
class World:
    """The provider and the fixing as they are on an evening."""

    site: LocalTwelveData
    plan: str
    folder: Path
    redis_url: str
    evening: int = 0

    def turn_to(self, evening: int) -> None:
        self.evening, self.site.market, self.site.plan = evening, market(evening), self.plan
        self.fixing.write_text(euro_fixing(evening))

    @property
    def fixing(self) -> Path:
        return self.folder / "fixing.csv"

    def order(self, database_url: str, *, die_at: int = 0, sent: bool = False) -> Order:
        """Return the order to refresh as of this evening."""
        settings = {
            "DATABASE_URL": database_url,
            "REDIS_URL": self.redis_url,
            "SECRET_KEY": SECRET,
            "DATA_DIR": str(self.folder / "data"),
            "TWELVEDATA_API_KEY": KEY,
            "TWELVEDATA_URL": self.site.url,
            "TWELVEDATA_PLAN": self.plan,
            "TWELVEDATA_RATE_LIMIT": "100000",
            "ASSET_UNIVERSE": UNIVERSE,
            "ECB_RATES": str(self.fixing),
        }
        mode, now = MODES[self.evening], at_night(self.evening)
        return Order(settings=settings, mode=mode, now=now, die_at=die_at, sent=sent)
