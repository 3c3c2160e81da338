"""EODHD: daily bars, delayed quotes, splits, dividends and search, one symbol a request.

``/api/eod`` is read as the provider documents it: prices as traded, ``adjusted_close`` for splits and
dividends; whether volume is as traded is left open there. The other shapes and the errors are from general
knowledge and were never compared with the service. It tells no currency with its prices, so where pounds and
pence are both usual the search is asked once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec
import numpy as np
import structlog

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import Answer, HttpSession
from waardhaven.adapters.outbound.market_data.keyed import (
    PATIENCE_SECONDS,
    Again,
    Backoff,
    Call,
    KeyedRequests,
    Patience,
    Question,
    Refused,
    Spent,
)
from waardhaven.application.ports.market_data import (
    ActionsOf,
    BarColumns,
    Capability,
    ListedAction,
    MarketData,
    NotDelivered,
    Quote,
    Reason,
    SharesOutstanding,
    SourceUnavailable,
    Wanted,
)
from waardhaven.application.ports.market_facts import Listing
from waardhaven.application.ports.provider_gate import Allotment, Period, ProviderGate
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import ROUND_THE_CLOCK, SYMBOL
from waardhaven.domain.market.currency import MINOR_UNITS, major

log = structlog.get_logger(__name__)

T = TypeVar("T")
Number = float | str | None
NAME: Final = "eodhd"
BASE_URL: Final = "https://eodhd.com"
ALLOTMENT: Final = Allotment(per_minute=1000, per_day=100_000)
"""Of every paid plan. The free one has 20 a day, which the service tells by refusing."""
CAPABILITIES: Final = frozenset(Capability) - {Capability.SHARES}
AT_ONCE: Final = 4
"""Requests under way together; fewer than the failures in a row that open the breaker."""
LARGEST: Final = 8 * 1024 * 1024
LARGEST_SEARCH: Final = 100
FOR_ALL: Final = frozenset({Reason.BAD_KEY, Reason.NO_CREDITS})
AMERICAN: Final = "US"
EXCHANGES: Final[Mapping[str, str]] = {
    **dict.fromkeys("XNAS XNGS XNMS XNCM XNYS XASE ARCX BATS OTCM".split(), AMERICAN),
    **{"XLON": "LSE", "XETR": "XETRA", "XFRA": "F", "XPAR": "PA", "XAMS": "AS", "XBRU": "BR", "XLIS": "LS"},
    **{"XSWX": "SW", "XWBO": "VI", "XDUB": "IR", "XHEL": "HE", "XSTO": "ST", "XCSE": "CO", "XOSL": "OL"},
    **{"BMEX": "MC", "XMAD": "MC", "XWAR": "WAR", "XPRA": "PR", "XBUD": "BUD", "XTAE": "TA", "XJSE": "JSE"},
    **{"XTSE": "TO", "XTSX": "V", "XASX": "AU", "XKRX": "KO", "XTAI": "TW", ROUND_THE_CLOCK: "CC"},
}
"""Our exchanges and EODHD's, as its list of exchanges names them. Milan and Tokyo are not on that list."""
_MICS: Final = {code: mic for mic, code in EXCHANGES.items() if code != AMERICAN}
_TYPES: Final = {"common stock": "equity", "preferred stock": "equity", "etf": "etf", "fund": "fund"}
_UNITS: Final = {"GBp": "GBX", "ZAc": "ZAC"}
_DIVIDED: Final = frozenset(currency for currency, _ in MINOR_UNITS.values())
_LATEST: Final = 253_402_300_799
_KEY_WORDS: Final = ("token", "api key", "unauth")


@dataclass(frozen=True, slots=True, kw_only=True)
class EodhdAccount:
    """A key and how patient its requests are: seconds for loads, and for what a person waits for."""

    key: str = field(repr=False)
    base_url: str = BASE_URL
    reach: Reach = Reach.PUBLIC
    patience_seconds: float = PATIENCE_SECONDS
    hurry_seconds: float = 3.0
    backoff: Backoff = field(default_factory=Backoff)
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    timeout_seconds: float = 30.0

    def requests(self, http: HttpSession, gate: ProviderGate) -> KeyedRequests:
        """Return what asks with this key."""
        return KeyedRequests(
            provider=NAME,
            key=self.key,
            authenticate=lambda key, url: (f"{url}&{urlencode({'api_token': key})}", {}),
            http=http,
            gate=gate,
            allotment=ALLOTMENT,
            left_header="x-ratelimit-remaining",
            reach=self.reach,
            backoff=self.backoff,
            pause=self.pause,
        )


class WireBar(msgspec.Struct, frozen=True):
    """One row of ``/api/eod``; the free plan puts a ``warning`` into rows, or in place of one."""

    date: str | None = None
    open: Number = None
    high: Number = None
    low: Number = None
    close: Number = None
    adjusted_close: Number = None
    volume: Number = None
    warning: str | None = None


class WireQuote(msgspec.Struct, frozen=True):
    """``/api/real-time``; what is unknown is the text NA."""

    code: str | None = None
    timestamp: Number = None
    close: Number = None
    before: Number = msgspec.field(name="previousClose", default=None)


class WireSplit(msgspec.Struct, frozen=True):
    """One row of ``/api/splits``: new shares for old ones, as in 2.000000/1.000000."""

    date: str
    split: str


class WireDividend(msgspec.Struct, frozen=True):
    """One row of ``/api/div``: ``date`` is the ex-date, ``value`` is adjusted for later splits."""

    date: str
    value: Decimal | None = None
    unadjusted: Decimal | None = msgspec.field(name="unadjustedValue", default=None)
    currency: str | None = None


class Found(msgspec.Struct, frozen=True, rename="pascal"):
    """One row of ``/api/search``."""

    code: str
    exchange: str
    name: str | None = None
    type: str | None = None
    currency: str | None = None


class EodhdMarketData(MarketData):
    """Bars come as they were traded and, closes alone, adjusted for splits and dividends.

    An exchange without a name of EODHD's is refused before anything is asked.
    """

    name = NAME
    capabilities = CAPABILITIES

    def __init__(self, account: EodhdAccount, *, http: HttpSession, gate: ProviderGate) -> None:
        """Ask nothing yet; raise ValueError for a key that can be none."""
        self._account = account
        self._requests = account.requests(http, gate)
        self._units: dict[str, str] = {}

    async def bars(self, wanted: Sequence[Wanted]) -> AsyncIterator[BarColumns | NotDelivered]:
        """See MarketData."""
        async for answer in self._each(wanted, self._bars, self._account.patience_seconds):
            if isinstance(answer, NotDelivered):
                yield answer
            else:
                for part in answer:
                    yield part

    async def actions(self, wanted: Sequence[Wanted]) -> AsyncIterator[ActionsOf | NotDelivered]:
        """See MarketData. Dividends are as they were paid."""
        async for answer in self._each(wanted, self._actions, self._account.patience_seconds):
            yield answer

    async def shares(self, listings: Sequence[Listing]) -> AsyncIterator[SharesOutstanding | NotDelivered]:
        """See MarketData: none are offered."""
        for one in listings:
            yield _nothing(one, Refused(Reason.NOT_OFFERED, "EODHD is not asked for shares."))

    async def quotes(self, listings: Sequence[Listing]) -> Sequence[Quote | NotDelivered]:
        """See MarketData. Quotes of stocks are some minutes old."""
        wanted = [Wanted(listing=one) for one in listings]
        return [one async for one in self._each(wanted, self._quote, self._hurry)]

    async def search(self, text: str, *, limit: int = 30) -> Sequence[Listing]:
        """See MarketData. Rows of the United States do not say which exchange and are left out."""
        words = " ".join(text.split())[:100]
        if not words or limit < 1:
            return []
        params = {"limit": str(LARGEST_SEARCH)}
        try:
            found = await self._ask("search", words, params, list[Found], Patience(self._hurry))
        except Refused as refused:
            if refused.reason is Reason.UNKNOWN_SYMBOL:
                return []
            raise SourceUnavailable(refused.detail) from None
        listings = [one for row in found if (one := _listing(row)) is not None]
        return list(dict.fromkeys(listings))[:limit]

    @property
    def _hurry(self) -> float:
        return min(self._account.hurry_seconds, self._account.patience_seconds)

    async def _each(
        self, wanted: Sequence[Wanted], ask: Callable[[Wanted, Patience], Awaitable[T]], seconds: float
    ) -> AsyncIterator[T | NotDelivered]:
        """Yield what is asked of each, in order; nothing more is asked once nobody would be answered."""
        patience, stopped = Patience(seconds), list[Refused]()

        async def outcome(one: Wanted) -> T | NotDelivered:
            try:
                return _nothing(one.listing, stopped[0]) if stopped else await ask(one, patience)
            except Refused as refused:
                stopped.extend([refused] if refused.reason in FOR_ALL else [])
                return _nothing(one.listing, refused)

        for first in range(0, len(wanted), AT_ONCE):
            for answer in await asyncio.gather(*map(outcome, wanted[first : first + AT_ONCE])):
                yield answer

    async def _ask(
        self, path: str, name: str, params: Mapping[str, str], kind: type[T], patience: Patience
    ) -> T:
        query = urlencode({"fmt": "json", **params})
        url = f"{self._account.base_url}/api/{path}/{quote(name, safe='')}?{query}"
        call = Call(url=url, largest=LARGEST, timeout_seconds=self._account.timeout_seconds)
        clean = self._requests.clean
        question = Question(
            wanted=lambda: 1, least=1, put=lambda _: call, read=lambda answer: _read(answer, kind, clean)
        )
        return await self._requests.ask(question, patience)

    async def _bars(self, one: Wanted, patience: Patience) -> tuple[BarColumns, ...]:
        params = {**_days(one), "period": "d", "order": "a"}
        rows = await self._ask("eod", _ticker(one.listing), params, list[WireBar], patience)
        unit = await self._unit(one.listing, patience)
        if warning := next((row.warning for row in rows if row.warning), None):
            told = self._requests.clean(warning)
            log.warning("provider_warned", provider=NAME, symbol=one.listing.symbol, detail=told)
        return await asyncio.to_thread(_columns, one, unit, rows)

    async def _actions(self, one: Wanted, patience: Patience) -> ActionsOf:
        ticker, params = _ticker(one.listing), _days(one)
        splits = await self._ask("splits", ticker, params, list[WireSplit], patience)
        paid = await self._ask("div", ticker, params, list[WireDividend], patience)
        unit = await self._unit(one.listing, patience) if any(not row.currency for row in paid) else ""
        try:
            actions = [*_splits(one.listing, splits), *_dividends(one.listing, unit, paid)]
        except (ValueError, ArithmeticError):
            raise Refused(Reason.BAD_DATA, "A split or dividend has no day, ratio or amount.") from None
        first, last = one.start or date.min, one.end or date.max
        inside = tuple(action for action in actions if first <= action.ex_date <= last)
        return ActionsOf(listing=one.listing, source=NAME, actions=inside)

    async def _quote(self, one: Wanted, patience: Patience) -> Quote:
        listing, ticker = one.listing, _ticker(one.listing)
        found = await self._ask("real-time", ticker, {}, WireQuote, patience)
        price = _positive(found.close)
        if price is None:
            raise Refused(Reason.UNKNOWN_SYMBOL, f"EODHD knows no price of {ticker}.")
        if found.code is not None and found.code.upper() != ticker:
            raise Refused(Reason.WRONG_INSTRUMENT, f"The quote of another symbol came for {ticker}.")
        at, unit = _positive(found.timestamp), await self._unit(listing, patience)
        return Quote(
            listing=listing,
            source=NAME,
            price=price,
            quote_unit=unit,
            at=datetime.fromtimestamp(at, UTC) if at is not None and at <= _LATEST else None,
            previous_close=_positive(found.before),
        )

    async def _unit(self, listing: Listing, patience: Patience) -> str:
        """Return the unit of prices; asks for it where a currency is quoted in hundredths too."""
        if listing.currency not in _DIVIDED:
            return listing.currency
        ticker = _ticker(listing)
        if ticker not in self._units:
            code, _, exchange = ticker.rpartition(".")
            params = {"limit": str(LARGEST_SEARCH), "exchange": exchange}
            rows = await self._ask("search", code, params, list[Found], patience)
            same = (row for row in rows if (row.code.upper(), row.exchange.upper()) == (code, exchange))
            unit = next((_quote_unit(row.currency) for row in same), "")
            if not unit:
                raise Refused(Reason.BAD_DATA, f"EODHD does not tell the unit of prices of {ticker}.")
            self._units[ticker] = unit
        if major(self._units[ticker])[0] != listing.currency:
            wrong = f"{ticker} is priced in {self._units[ticker]}, not in {listing.currency}."
            raise Refused(Reason.WRONG_INSTRUMENT, wrong)
        return self._units[ticker]


def _read(answer: Answer, kind: type[T], clean: Callable[[str], str]) -> T:
    """Return an answer as a type; raise what it comes to when it is none. Runs in a thread."""
    _judge(answer.status, answer.body.lstrip()[:1000], clean)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.ValidationError:
        raise Refused(Reason.BAD_DATA, "The answer is not what was expected.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Again("The answer is no JSON.") from None


def _judge(status: int, begun: bytes, clean: Callable[[str], str]) -> None:
    """Raise Spent, Refused or Again for an error; the text decides where a status means two things."""
    text = clean(begun.decode(errors="replace"))
    words = text.lower()
    daily = "daily" in words or "per day" in words
    if status == 402 or (begun[:1] not in b"[{" and "exceeded your daily" in words):
        raise Spent(Period.DAY)
    if status == 429:
        raise Spent(Period.DAY if daily else Period.MINUTE)
    if status < 300:
        return
    if status == 401:
        raise Refused(Reason.BAD_KEY, "The key was refused.")
    if status < 400 or status >= 500 or begun[:1] == b"<":
        raise Again(f"HTTP {status}.")
    if status == 403 and any(one in words for one in _KEY_WORDS):
        raise Refused(Reason.BAD_KEY, "The key was refused.")
    reasons = {403: Reason.NOT_IN_PLAN, 404: Reason.UNKNOWN_SYMBOL}
    raise Refused(reasons.get(status, Reason.BAD_DATA), f"HTTP {status}: {text or 'no text'}")


def _ticker(listing: Listing) -> str:
    """Return EODHD's name (BRK-B.US, BTC-USD.CC); raise Refused where there is none."""
    exchange = EXCHANGES.get(listing.mic)
    if exchange is None or listing.asset_type in ("index", "fx"):
        raise Refused(Reason.UNKNOWN_SYMBOL, f"EODHD has no name for a {listing.asset_type} of {listing.mic}.")
    return f"{listing.symbol.replace('.', '-').replace('/', '-')}.{exchange}"


def _listing(row: Found) -> Listing | None:
    """Return an instrument that a search found, None for what has no type, exchange or currency of ours."""
    mic, currency = _MICS.get(row.exchange.upper()), major(_quote_unit(row.currency))[0]
    is_coin = mic == ROUND_THE_CLOCK
    kind = "crypto" if is_coin else _TYPES.get((row.type or "").strip().lower())
    symbol = row.code.strip().upper().replace("-", "/" if is_coin else ".")
    if mic is None or kind is None or not currency or not SYMBOL.fullmatch(symbol):
        return None
    name = (row.name or "").strip() or symbol
    return Listing(symbol=symbol, mic=mic, name=name, asset_type=kind, currency=currency)


def _days(one: Wanted) -> dict[str, str]:
    ends = {"from": one.start, "to": one.end}
    return {name: day.isoformat() for name, day in ends.items() if day is not None}


def _columns(one: Wanted, unit: str, rows: Sequence[WireBar]) -> tuple[BarColumns, ...]:
    """Return the bars as they were traded and the adjusted closes; raise Refused for what is no number."""
    rows = [row for row in rows if row.date is not None]
    try:
        day = np.array([row.date for row in rows], dtype="datetime64[D]")
        table = [(row.open, row.high, row.low, row.close, row.volume, row.adjusted_close) for row in rows]
        values = np.array(table, dtype=np.float64).reshape(len(rows), 6)
    except ValueError:
        raise Refused(Reason.BAD_DATA, "A bar has a day or a value that is none.") from None
    order = np.argsort(day, kind="stable")
    first, last = np.datetime64(one.start or date.min, "D"), np.datetime64(one.end or date.max, "D")
    kept = order[(day[order] >= first) & (day[order] <= last)]
    opened, high, low, close, volume, adjusted = values[kept].T.copy()
    unknown = np.full(len(kept), np.nan)

    def bars(mode: Adjustment, **known: Floats) -> BarColumns:
        others = dict.fromkeys(("open", "high", "low", "volume"), unknown)
        about = {"listing": one.listing, "source": NAME, "adjustment": mode, "quote_unit": unit}
        return BarColumns(day=day[kept], **about, **(others | known))

    raw = bars(Adjustment.RAW, open=opened, high=high, low=low, close=close, volume=volume)
    return raw, bars(Adjustment.ALL, close=adjusted)


def _splits(listing: Listing, rows: Iterable[WireSplit]) -> list[ListedAction]:
    known = sorted((date.fromisoformat(row.date), _ratio(row.split)) for row in rows)
    return [
        ListedAction(listing=listing, source=NAME, key=key, kind="split", ex_date=day, ratio=ratio)
        for key, (day, ratio) in _keyed("split", known)
    ]
