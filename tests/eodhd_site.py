"""EODHD on this machine: its shapes, its credits and its moods, over a small market of its own.

``faults`` is what goes wrong with the next requests, one each (None: nothing). ``used`` counts requests by
the minute of ``now``, refused ones are counted apart. Requests wait for each other at ``barrier``.
"""

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from tests.twelvedata_site import HTML, LAST, NOON, Row, some_rows, weekdays

from waardhaven.application.ports.market_facts import Listing

KEY = "65a0c0ffee.12345678"
UNKNOWN = "Ticker Not Found."
OUT_OF_CREDITS = "You exceeded your daily API requests limit. Please contact support@eodhistoricaldata.com"
FREE_HISTORY = "Data is limited by one year as you have free subscription"
FREE_PLAN = "Only EOD data allowed for free users. Please, contact our support team."
FACTOR = 0.25
Json = Any


@dataclass(frozen=True, kw_only=True)
class Paper:
    """What is listed: ``code`` is EODHD's name of it, ``unit`` the currency its search tells."""

    code: str
    mic: str = "XNYS"
    unit: str = "USD"
    currency: str = "USD"
    kind: str = "Common Stock"
    rows: tuple[Row, ...] = ()
    splits: tuple[Mapping[str, Json], ...] = ()
    dividends: tuple[Mapping[str, Json], ...] = ()
    symbol: str = ""

    @property
    def listing(self) -> Listing:
        """What one of ours would call it."""
        types = {"Common Stock": "equity", "ETF": "etf", "Currency": "crypto"}
        symbol = self.symbol or self.code.rpartition(".")[0]
        return Listing(
            symbol=symbol,
            mic=self.mic,
            name=f"{symbol} Company",
            asset_type=types[self.kind],
            currency=self.currency,
        )


def paper(code: str, *, bars: int = 30, **more: Any) -> Paper:
    """Return something with bars up to the end of May 2024."""
    return Paper(code=code, **({"rows": some_rows(code, weekdays(LAST, bars))} | more))


class Fault(Exception):
    """An answer in place of the right one."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass
class LocalEodhd:
    """The service. ``free``: of a plan without anything but bars of the last year, which it tells in each."""

    market: Sequence[Paper] = ()
    now: Callable[[], float] = lambda: NOON
    per_minute: int = 1000
    per_day: int = 100_000
    free: bool = False
    ignores_days: bool = False
    faults: deque[str | None] = field(default_factory=deque)
    used: Counter[int] = field(default_factory=Counter)
    used_days: Counter[int] = field(default_factory=Counter)
    refused: int = 0
    asked: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    barrier: asyncio.Barrier | None = None
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self) -> "LocalEodhd":
        app = web.Application()
        app.router.add_route("GET", "/api/{path}/{name:.+}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01, handler_cancellation=True, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        fault = self.faults.popleft() if self.faults else None
        try:
            if self.barrier is not None:
                await self.barrier.wait()
            self._charge(request)
            if fault is not None:
                return await WHOLE[fault](self, request)
            return web.json_response(self.body(request), headers=self._headers())
        except Fault as refused:
            return web.Response(text=refused.text, status=refused.status, content_type="text/html")
        finally:
            self.at_once -= 1

    def _charge(self, request: web.Request) -> None:
        """Count a request, or refuse it for want of credits or of the key."""
        if request.query.get("api_token") != KEY:
            raise Fault(401, "Unauthenticated")
        if request.query.get("fmt") != "json":
            raise Fault(422, "Only JSON is spoken here.")
        minute, day = int(self.now() // 60), int(self.now() // 86_400)
        if self.used_days[day] >= self.per_day:
            self.refused += 1
            raise Fault(402, OUT_OF_CREDITS)
        if self.used[minute] >= self.per_minute:
            self.refused += 1
            raise Fault(429, "Too Many Requests")
        self.used[minute] += 1
        self.used_days[day] += 1

    def _headers(self) -> dict[str, str]:
        left = self.per_minute - self.used[int(self.now() // 60)]
        return {"X-RateLimit-Limit": str(self.per_minute), "X-RateLimit-Remaining": str(left)}

    def body(self, request: web.Request) -> Json:
        """Return the answer when nothing goes wrong."""
        path, name = request.match_info["path"], request.match_info["name"]
        if self.free and path != "eod":
            raise Fault(403, FREE_PLAN)
        if path == "search":
            return self._search(name, request.query)
        found = next((one for one in self.market if one.code == name.upper()), None)
        if path == "real-time":
            return self._quote(name, found)
        if found is None:
            raise Fault(404, UNKNOWN)
        rows = {"eod": self._bars, "splits": lambda one: one.splits, "div": lambda one: one.dividends}[path]
        return [row for row in rows(found) if self._within(row["date"], request.query)]

    def _within(self, day: str, query: Mapping[str, str]) -> bool:
        first, last = query.get("from", "0001-01-01"), query.get("to", "9999-12-31")
        return self.ignores_days or first <= day <= last

    def _bars(self, one: Paper) -> list[dict[str, Json]]:
        """Every close but the newest is adjusted."""
        bars = []
        for row in one.rows:
            bar = {name: float(row[name]) for name in ("open", "high", "low", "close")}
            adjusted = bar["close"] if row is one.rows[-1] else bar["close"] * FACTOR
            bar |= {"adjusted_close": adjusted, "volume": int(row.get("volume", 0))}
            bars.append({"date": row["datetime"], **bar} | ({"warning": FREE_HISTORY} if self.free else {}))
        return bars

    def _quote(self, name: str, one: Paper | None) -> dict[str, Json]:
        """``/api/real-time``: what nobody knows is a quote too."""
        if one is None or len(one.rows) < 2:
            return {"code": name, "timestamp": "NA", "close": "NA", "previousClose": "NA", "volume": "NA"}
        close, before = (float(row["close"]) for row in (one.rows[-1], one.rows[-2]))
        return {"code": name, "timestamp": int(NOON), "gmtoffset": 0, "close": close, "previousClose": before}

    def _search(self, words: str, query: Mapping[str, str]) -> list[dict[str, Json]]:
        rows = []
        for one in self.market:
            code, _, exchange = one.code.rpartition(".")
            is_meant = words.lower() in (code.lower(), one.listing.name.lower())
            if is_meant and query.get("exchange", exchange) == exchange:
                row = {"Code": code, "Exchange": exchange, "Name": one.listing.name, "Type": one.kind}
                rows.append({**row, "Country": "Somewhere", "Currency": one.unit, "ISIN": None})
        return rows[: int(query.get("limit", 15))]


Whole = Callable[[LocalEodhd, web.Request], Awaitable[web.StreamResponse]]


def text(body: str, status: int, kind: str = "text/html") -> Whole:
    async def answer(site: LocalEodhd, _: web.Request) -> web.Response:
        return web.Response(text=body, status=status, content_type=kind)

    return answer


async def truncated(site: LocalEodhd, request: web.Request) -> web.Response:
    whole = json.dumps(site.body(request))
    return web.Response(text=whole[: len(whole) // 2], content_type="application/json")


async def cut_off(site: LocalEodhd, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'[{"date": "2024')
    assert request.transport is not None
    request.transport.close()
    return response


async def hang(site: LocalEodhd, _: web.Request) -> web.Response:
    site.hanging.set()
    await asyncio.Event().wait()
    return web.Response()


PASSING: dict[str, Whole] = {
    "500": text("Server Error", 500),
    "502 page": text(HTML, 502),
    "403 page of a proxy": text(HTML, 403),
    "404 page of a proxy": text(HTML, 404),
    "moved": text("", 302),
    "page": text(HTML, 200),
    "nothing": text("", 200),
    "csv": text("Date,Open\n2024-05-31,1", 200, "text/csv"),
    "truncated": truncated,
    "cut off": cut_off,
}
"""What goes by: asked again the answer may be right."""
WHOLE: dict[str, Whole] = {
    **PASSING,
    "hang": hang,
    "minute": text("Too Many Requests", 429),
    "day": text(OUT_OF_CREDITS, 402),
    "day in words": text(OUT_OF_CREDITS, 200),
    "day as many": text("Daily limit reached", 429),
    "bad key": text("Unauthenticated", 401),
    "bad key forbidden": text("Forbidden. Please check your API token.", 403),
    "plan": text(FREE_PLAN, 403),
    "plan without words": text("Forbidden", 403),
    "unknown": text(UNKNOWN, 404),
    "unknown without words": text("", 404),
    "refused": text('{"errors": {"period": "invalid"}}', 422, "application/json"),
    "another shape": text('{"error": "what?"}', 200, "application/json"),
    "null": text("null", 200, "application/json"),
    "a bar of words": text('[{"date": "2024-05-31", "close": "high"}]', 200, "application/json"),
    "no day": text('[{"date": "0000-00-00", "close": 1.0}]', 200, "application/json"),
}


@asynccontextmanager
async def eodhd_site(market: Sequence[Paper] = (), **settings: Any) -> AsyncIterator[LocalEodhd]:
    """Serve a market on the loopback interface; ``settings`` are those of LocalEodhd."""
    site = await LocalEodhd(market=market, **settings).start()
    try:
        yield site
    finally:
        await site.stop()
