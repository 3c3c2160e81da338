"""Twelve Data on this machine: its shapes, its credits and its moods, over a small market of its own.

``faults`` is what goes wrong with the next requests, one each (None: nothing). ``used`` counts credits by the
minute of ``now``; ``most`` is the highest count of any minute, what was refused included. With
``key_in_query`` it is some other provider, which answers everything alike.
"""

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from aiohttp import web

from waardhaven.application.ports.market_facts import Listing

KEY = "0123456789abcdef0123456789abcdef"
NOON = datetime(2024, 6, 3, 12, 0, 5, tzinfo=UTC).timestamp()
SEGMENTS = {"XNAS": "XNGS"}
NO_DATA = "No data is available on the specified dates. Try setting different start/end dates."
UNKNOWN = (
    "**symbol** or **figi** parameter is missing or invalid. Please provide a valid symbol according to API "
    "documentation: https://twelvedata.com/docs#reference-data"
)
GATED = (
    "This symbol is available starting with the Grow or Venture plan. Consider upgrading now at "
    "https://twelvedata.com/pricing"
)
BAD_KEY = (
    "**apikey** parameter is incorrect or not specified. You can get your free API key instantly following "
    "this link: https://twelvedata.com/pricing."
)
OUT_OF_CREDITS = (
    "You have run out of API credits for the {period}. {used} API credits were used, with the current limit "
    "being {limit}. Wait for the next minute or consider switching to a higher tier plan at "
    "https://twelvedata.com/pricing"
)
EXCLUSIVE = (
    "{path} is available exclusively with grow or pro or ultra or enterprise plans. Consider upgrading your "
    "API Key now at https://twelvedata.com/pricing"
)
Row = dict[str, str]
Part = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """An instrument and what the site knows of it. ``rows``: unadjusted, oldest first.

    ``capitals``: market capitalisations, oldest first. ``gated_paths``: what a greater plan has of it.
    """

    symbol: str
    rows: tuple[Row, ...] = ()
    name: str = "A Company"
    kind: str = "Common Stock"
    mic: str | None = "XNAS"
    currency: str | None = "USD"
    country: str = "United States"
    factor: float = 0.5
    splits: tuple[Part, ...] = ()
    dividends: tuple[Part, ...] = ()
    shares: int | None = None
    floating: object = None
    capitals: tuple[Part, ...] = ()
    gated: bool = False
    gated_paths: tuple[str, ...] = ()

    @property
    def listing(self) -> Listing:
        """What one of ours would call it."""
        types = {"Common Stock": "equity", "ETF": "etf", "Index": "index", "Digital Currency": "crypto"}
        return Listing(
            symbol=self.symbol,
            mic=self.mic or "CRYP",
            name=self.name,
            asset_type=types[self.kind],
            currency=self.currency or self.symbol.partition("/")[2],
        )

    def adjusted(self, mode: str) -> list[Row]:
        """Return the rows in a mode: everything but the newest row is halved by what adjusts."""
        if mode == "none":
            return list(self.rows)
        old = [
            {
                name: f"{float(value) * self.factor:.5f}"
                if name in ("open", "high", "low", "close")
                else value
                for name, value in row.items()
            }
            for row in self.rows[:-1]
        ]
        return [*old, *self.rows[-1:]]


def some_rows(symbol: str, days: Iterable[date], *, volume: bool = True) -> tuple[Row, ...]:
    """Return made-up bars, the same for the same symbol and days."""
    random, close, rows = Random(symbol), 100.0, []
    for day in days:
        opened = close * random.uniform(0.98, 1.02)
        close = opened * random.uniform(0.97, 1.03)
        row = {
            "datetime": day.isoformat(),
            "open": f"{opened:.5f}",
            "high": f"{max(opened, close) * 1.01:.5f}",
            "low": f"{min(opened, close) * 0.99:.5f}",
            "close": f"{close:.5f}",
        }
        rows.append({**row, "volume": str(random.randrange(10**6))} if volume else row)
    return tuple(rows)


def capitals_of(rows: Iterable[Row], shares: int) -> tuple[Part, ...]:
    """Return what so many shares are worth at each close."""
    return tuple({"date": row["datetime"], "value": round(float(row["close"]) * shares)} for row in rows)


def weekdays(last: date, count: int) -> list[date]:
    """Return so many weekdays up to a day, oldest first."""
    days = (last - timedelta(days=back) for back in range(2 * count + 7))
    return sorted([day for day in days if day.weekday() < 5][:count])


LAST = date(2024, 5, 31)


def stocks(*symbols: str, rows: int = 30) -> list[Instrument]:
    """Return stocks with bars up to the end of May 2024."""
    return [Instrument(symbol=one, rows=some_rows(one, weekdays(LAST, rows))) for one in symbols]


class Fault(Exception):
    """An answer in place of the right one."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass
class LocalTwelveData:
    """The service. ``hides``: errors come with the HTTP status 200. ``keeps``: the end a full page keeps.

    ``gives_end``: the last day asked for is given too, which the documents leave open. ``turns_pages``: no
    means that every page of capitalisations is the first.
    """

    market: Sequence[Instrument] = ()
    now: Callable[[], float] = lambda: NOON
    per_minute: int | None = None
    per_day: int | None = None
    plan: str = "grow"
    page_rows: int = 5000
    keeps: str = "newest"
    hides: bool = False
    tells_credits: bool = True
    empty_is_ok: bool = False
    gives_end: bool = False
    turns_pages: bool = True
    longest_list: int = 120
    cost: Mapping[str, int] = field(
        default_factory=lambda: {"/splits": 20, "/dividends": 20, "/statistics": 50, "/market_cap": 5}
    )
    faults: deque[str | None] = field(default_factory=deque)
    used: Counter[int] = field(default_factory=Counter)
    used_days: Counter[int] = field(default_factory=Counter)
    refused: int = 0
    most: int = 0
    largest_list: int = 0
    asked: list[str] = field(default_factory=list)
    key_in_query: str | None = None
    extra_headers: Mapping[str, str] = field(default_factory=dict)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self) -> "LocalTwelveData":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01, handler_cancellation=True, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def known(self, symbol: str) -> Instrument | None:
        return next((one for one in self.market if one.symbol.lower() == symbol.lower()), None)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        fault = self.faults.popleft() if self.faults else None
        if fault in LISTS and "," not in request.query.get("symbol", ""):
            fault = None
        try:
            self._charge(request)
            if fault is not None and fault in WHOLE:
                return await WHOLE[fault](self, request)
            body = self._body(request)
            if fault is not None:
                body = PARTS[fault](body)
        except Fault as refused:
            return self._error(refused)
        return web.json_response(body, headers=self._headers())

    def _charge(self, request: web.Request) -> None:
        """Count the credits of a request, or refuse it for want of them."""
        told = request.query.get("api_token") or request.headers.get("Authorization")
        if told != (self.key_in_query or f"apikey {KEY}"):
            raise Fault(401, BAD_KEY)
        names = request.query.get("symbol", "").split(",")
        self.largest_list = max(self.largest_list, len(names))
        if len(names) > self.longest_list:
            raise Fault(414, "The list of symbols is too long.")
        cost = self.cost.get(request.path, 1) * len(names)
        minute, day = int(self.now() // 60), int(self.now() // 86_400)
        self.most = max(self.most, self.used[minute] + cost)
        for period, used, limit in (
            ("day", self.used_days[day], self.per_day),
            ("current minute", self.used[minute], self.per_minute),
        ):
            if limit is not None and used + cost > limit:
                self.refused += 1
                raise Fault(429, OUT_OF_CREDITS.format(period=period, used=used + cost, limit=limit))
        self.used[minute] += cost
        self.used_days[day] += cost

    def _headers(self) -> dict[str, str]:
        if not self.tells_credits or self.per_minute is None:
            return dict(self.extra_headers)
        used = self.used[int(self.now() // 60)]
        told = {"api-credits-used": str(used), "api-credits-left": str(self.per_minute - used)}
        return {**told, **self.extra_headers}

    def _error(self, fault: Fault) -> web.Response:
        body = {"code": fault.code, "message": fault.message, "status": "error"}
        return web.json_response(body, status=200 if self.hides else fault.code, headers=self._headers())

    def _body(self, request: web.Request) -> Part:
        query = request.query
        if self.key_in_query is not None:
            return {"asked": request.path}
        if request.path in PLAIN:
            return PLAIN[request.path](self, query)
        if request.path in ("/splits", "/dividends", "/statistics") and self.plan == "free":
            raise Fault(403, EXCLUSIVE.format(path=request.path))
        if request.path == "/market_cap" and self.plan not in ("ultra", "enterprise"):
            raise Fault(403, EXCLUSIVE.format(path=request.path))
        symbols = query["symbol"].split(",")
        if len(symbols) == 1:
            return self._one(request.path, symbols[0], query)
        return {one: self._part(request.path, one, query) for one in symbols}

    def _part(self, path: str, symbol: str, query: Mapping[str, str]) -> Part:
        try:
            return self._one(path, symbol, query)
        except Fault as fault:
            return {"code": fault.code, "message": fault.message, "status": "error"}

    def _one(self, path: str, symbol: str, query: Mapping[str, str]) -> Part:
        found, mic = self.known(symbol), query.get("mic_code")
        if found is None or (mic is not None and mic != found.mic):
            raise Fault(404, UNKNOWN)
        if found.gated or path in found.gated_paths:
            raise Fault(404, GATED)
        return BY_SYMBOL[path](self, found, query)

    def series(self, one: Instrument, query: Mapping[str, str]) -> Part:
        """``/time_series``: the last day is the first one not given, a full page keeps one end."""
        assert query["interval"] == "1day"
        start, end = query.get("start_date", "0001-01-01"), query.get("end_date", "9999-12-31")
        rows = [row for row in one.adjusted(query.get("adjust", "splits")) if start <= row["datetime"] <= end]
        rows = [row for row in rows if self.gives_end or row["datetime"] != end]
        size = min(int(query.get("outputsize", 30)), self.page_rows)
        rows = rows[-size:] if self.keeps == "newest" else rows[:size]
        if not rows and not self.empty_is_ok:
            raise Fault(400, NO_DATA)
        if query.get("order", "desc") == "desc":
            rows = rows[::-1]
        return {"meta": {**self.meta(one), "interval": "1day"}, "values": rows, "status": "ok"}

    def quote(self, one: Instrument, query: Mapping[str, str]) -> Part:
        """``/quote``."""
        row, before = one.rows[-1], one.rows[-2]
        meta = {name: value for name, value in self.meta(one).items() if name != "type"}
        rest = {"previous_close": before["close"], "is_market_open": True, "fifty_two_week": {"low": "1.0"}}
        return {**meta, **row, "name": one.name, "timestamp": int(NOON), **rest}

    def meta(self, one: Instrument) -> Part:
        if one.kind == "Physical Currency":
            return {
                "symbol": one.symbol,
                "currency_base": "Euro",
                "currency_quote": "Other",
                "type": one.kind,
            }
        if one.kind == "Digital Currency":
            return {"symbol": one.symbol, "currency_base": "Coin", "exchange": "Some Venue", "type": one.kind}
        mic = SEGMENTS.get(one.mic or "", one.mic)
        return {"symbol": one.symbol, "currency": one.currency, "mic_code": mic, "type": one.kind}

    def splits(self, one: Instrument, query: Mapping[str, str]) -> Part:
        """``/splits``: the newest alone unless all are asked for."""
        rows = list(one.splits) if query.get("range") == "full" else list(one.splits)[-1:]
        return {"meta": self.about(one), "splits": rows}

    def dividends(self, one: Instrument, query: Mapping[str, str]) -> Part:
        """``/dividends``: halved where nobody asks for those that were paid."""
        rows = list(one.dividends) if query.get("range") == "full" else list(one.dividends)[-1:]
        if query.get("adjust", "true") == "true":
            rows = [{**row, "amount": row["amount"] / 2} for row in rows]
        return {"meta": self.about(one), "dividends": rows}

    def statistics(self, one: Instrument, query: Mapping[str, str]) -> Part:
        """``/statistics``."""
        block = {"shares_outstanding": one.shares, "float_shares": one.floating}
        return {"meta": self.about(one), "statistics": {"stock_statistics": block, "valuations_metrics": {}}}

    def market_cap(self, one: Instrument, query: Mapping[str, str]) -> Part:
        """``/market_cap``: newest first, ten unless more are asked for."""
        size, page = int(query.get("outputsize", 10)), int(query.get("page", 1))
        skipped = (page - 1) * size if self.turns_pages else 0
        rows = one.capitals[::-1][skipped : skipped + size]
        if not rows and not self.empty_is_ok:
            raise Fault(400, NO_DATA)
        return {"meta": self.about(one), "market_cap": list(rows)}

    def about(self, one: Instrument) -> Part:
        return {name: value for name, value in self.meta(one).items() if name != "type"}

    def rate(self, query: Mapping[str, str]) -> Part:
        """``/exchange_rate``: a number, not a text."""
        found = self.known(query["symbol"])
        if found is None:
            raise Fault(404, UNKNOWN)
        close = float(found.rows[-1]["close"])
        return {"symbol": found.symbol, "rate": close, "timestamp": int(NOON)}

    def search(self, query: Mapping[str, str]) -> Part:
        """``/symbol_search``: crypto has no currency and a MIC that is none."""
        words = query["symbol"].lower()
        found = [one for one in self.market if words in one.symbol.lower() or words in one.name.lower()]
        rows = [
            {
                "symbol": one.symbol,
                "instrument_name": one.name,
                "mic_code": SEGMENTS.get(one.mic, one.mic) if one.mic else "DIGITAL_CURRENCY",
                "instrument_type": one.kind,
                "country": one.country if one.mic else "",
                "currency": one.currency or "",
            }
            for one in found
        ]
        return {"data": rows[: int(query.get("outputsize", 30))], "status": "ok"}

    def usage(self, query: Mapping[str, str]) -> Part:
        """``/api_usage``: it counts itself."""
        minute, day = int(self.now() // 60), int(self.now() // 86_400)
        body: Part = {"timestamp": "2024-06-03 12:00:05", "current_usage": self.used[minute]}
        body |= {"plan_limit": self.per_minute or 0, "plan_category": self.plan}
        daily = {"daily_usage": self.used_days[day], "plan_daily_limit": self.per_day}
        return body | (daily if self.per_day is not None else {})


PLAIN: dict[str, Callable[[LocalTwelveData, Mapping[str, str]], Part]] = {
    "/exchange_rate": LocalTwelveData.rate,
    "/symbol_search": LocalTwelveData.search,
    "/api_usage": LocalTwelveData.usage,
}
BY_SYMBOL: dict[str, Callable[[LocalTwelveData, Instrument, Mapping[str, str]], Part]] = {
    "/time_series": LocalTwelveData.series,
    "/quote": LocalTwelveData.quote,
    "/splits": LocalTwelveData.splits,
    "/dividends": LocalTwelveData.dividends,
    "/statistics": LocalTwelveData.statistics,
    "/market_cap": LocalTwelveData.market_cap,
}
Whole = Callable[[LocalTwelveData, web.Request], Awaitable[web.StreamResponse]]


def refusal(code: int, message: str, *, status: int | None = None, told: bool = True) -> Whole:
    """Return an error of the whole request; ``told``: it says that it is one."""

    async def answer(site: LocalTwelveData, _: web.Request) -> web.Response:
        body = {"code": code, "message": message} | ({"status": "error"} if told else {})
        return web.json_response(body, status=code if status is None else status)

    return answer


def text(body: str, status: int, kind: str = "text/html") -> Whole:
    async def answer(site: LocalTwelveData, _: web.Request) -> web.Response:
        return web.Response(text=body, status=status, content_type=kind)

    return answer


async def truncated(site: LocalTwelveData, request: web.Request) -> web.Response:
    whole = json.dumps(site._body(request))
    return web.Response(text=whole[: len(whole) // 2], content_type="application/json")


async def cut_off(site: LocalTwelveData, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"meta": {')
    assert request.transport is not None
    request.transport.close()
    return response


async def hang_up(site: LocalTwelveData, request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def hang(site: LocalTwelveData, _: web.Request) -> web.Response:
    site.hanging.set()
    await asyncio.Event().wait()
    return web.Response()


MINUTE = OUT_OF_CREDITS.format(period="current minute", used=12, limit=8)
DAY = OUT_OF_CREDITS.format(period="day", used=801, limit=800)
HTML = "<html><head><title>502 Bad Gateway</title></head></html>"
PASSING: dict[str, Whole] = {
    "500": refusal(500, "Internal server error"),
    "500 hidden": refusal(500, "Internal server error", status=200),
    "500 untold": refusal(500, "Internal server error", status=200, told=False),
    "503 of a proxy": text("{}", 503, "application/json"),
    "502 page": text(HTML, 502),
    "page": text(HTML, 200),
    "520": text("", 520),
    "nothing": text("", 200),
    "list": text("[1]", 200, "application/json"),
    "null": text("null", 200, "application/json"),
    "not a number": text('{"values": NaN}', 200, "application/json"),
    "truncated": truncated,
    "cut off": cut_off,
    "hang up": hang_up,
    "hang": hang,
}
"""What goes by: asked again the answer may be right."""
WHOLE: dict[str, Whole] = {
    **PASSING,
    "minute": refusal(429, MINUTE),
    "minute hidden": refusal(429, MINUTE, status=200),
    "minute page": text(HTML, 429),
    "day": refusal(429, DAY),
    "day hidden": refusal(429, DAY, status=200),
    "too long": refusal(414, "The list of symbols is too long."),
    "too long page": text(HTML, 414),
    "bad key": refusal(401, BAD_KEY),
    "bad key hidden": refusal(401, BAD_KEY, status=200),
    "doubtful": refusal(404, "Data not found"),
    "wrong interval": refusal(400, "Invalid **interval** provided: 0.99min."),
}


def spoilt(fault: Part | None) -> Callable[[Part], Part]:
    """Return what replaces the first symbol of an answer about several, or leaves it out."""

    def change(body: Part) -> Part:
        if "meta" in body or len(body) < 2:
            return body
        (first, *rest) = body
        return ({} if fault is None else {first: fault}) | {name: body[name] for name in rest}

    return change


PARTS: dict[str, Callable[[Part], Part]] = {
    "part failed": spoilt({"code": 500, "message": "Internal server error", "status": "error"}),
    "part failed untold": spoilt({"code": 500, "message": "Internal server error"}),
    "part without credits": spoilt({"code": 429, "message": MINUTE, "status": "error"}),
    "part doubtful": spoilt({"code": 404, "message": "Data not found", "status": "error"}),
    "part left out": spoilt(None),
}
LISTS = ("too long", "too long page")
"""Answers to requests about several symbols alone."""
HARMLESS = (*PASSING, "minute", "minute hidden", "minute page", *LISTS, *PARTS)
"""Faults after which everything is still delivered, given patience."""


@asynccontextmanager
async def twelvedata_site(
    market: Sequence[Instrument] = (), **settings: Any
) -> AsyncIterator[LocalTwelveData]:
    """Serve a market on the loopback interface; ``settings`` are those of LocalTwelveData."""
    site = await LocalTwelveData(market=market, **settings).start()
    try:
        yield site
    finally:
        await site.stop()
