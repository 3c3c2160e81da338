"""EODHD: daily bars, delayed quotes, splits, dividends and search, one symbol a request.

What its errors look like is from general knowledge and was never compared with the service. Prices come
without a currency, so the search is asked once for a symbol that may be quoted in pounds or in pence.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec
import structlog

from waardhaven.adapters.outbound.http_session.session import Answer
from waardhaven.adapters.outbound.market_data.eodhd_shapes import (
    NAME,
    WireBar,
    WireDividend,
    WireFound,
    WireQuote,
    WireSplit,
    bars_of,
    dividends_of,
    found_listing,
    quote_of,
    quote_unit,
    splits_of,
    ticker,
)
from waardhaven.adapters.outbound.market_data.keyed import (
    PATIENCE_SECONDS,
    Again,
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
    MarketData,
    NotDelivered,
    Quote,
    Reason,
    SharesOutstanding,
    SourceUnavailable,
    Wanted,
)
from waardhaven.application.ports.market_facts import Listing
from waardhaven.application.ports.provider_gate import Allotment, Period
from waardhaven.domain.market.currency import MINOR_UNITS, major

log = structlog.get_logger(__name__)

T = TypeVar("T")
BASE_URL: Final = "https://eodhd.com"
LEFT_HEADER: Final = "x-ratelimit-remaining"
ALLOTMENT: Final = Allotment(per_minute=1000, per_day=100_000)
"""Of every paid plan. The free one has 20 a day, which the service tells by refusing."""
AT_ONCE: Final = 4
"""Requests under way together: fewer than the failures in a row that open the breaker."""
LARGEST: Final = 8 * 1024 * 1024
LARGEST_SEARCH: Final = "100"
_DIVIDED: Final = frozenset(currency for currency, _ in MINOR_UNITS.values())
_FOR_ALL: Final = frozenset({Reason.BAD_KEY, Reason.NO_CREDITS})
_KEY_WORDS: Final = ("token", "api key", "unauth")
_REASONS: Final = {403: Reason.NOT_IN_PLAN, 404: Reason.UNKNOWN_SYMBOL}


class EodhdMarketData(MarketData):
    """Bars come as they were traded and, closes alone, adjusted for splits and dividends.

    What is on an exchange that EODHD has no name for is refused before anything is asked.
    """

    name = NAME
    capabilities = frozenset(Capability) - {Capability.SHARES}

    def __init__(
        self,
        requests: KeyedRequests,
        *,
        base_url: str = BASE_URL,
        patience_seconds: float = PATIENCE_SECONDS,
        hurry_seconds: float = 3.0,
    ) -> None:
        """Ask nothing yet. Seconds: how long loads, and what a person waits for, may wait in all."""
        self._requests = requests
        self._base_url = base_url
        self._patience, self._hurry = patience_seconds, min(hurry_seconds, patience_seconds)
        self._units: dict[str, str] = {}

    async def bars(self, wanted: Sequence[Wanted]) -> AsyncIterator[BarColumns | NotDelivered]:
        """See MarketData."""
        async for answer in self._each(wanted, self._bars, self._patience):
            for part in (answer,) if isinstance(answer, NotDelivered) else answer:
                yield part

    async def actions(self, wanted: Sequence[Wanted]) -> AsyncIterator[ActionsOf | NotDelivered]:
        """See MarketData. Dividends are as they were paid."""
        async for answer in self._each(wanted, self._actions, self._patience):
            yield answer

    async def shares(self, listings: Sequence[Listing]) -> AsyncIterator[SharesOutstanding | NotDelivered]:
        """See MarketData: none are offered."""
        for one in listings:
            yield _nothing(one, Refused(Reason.NOT_OFFERED, "EODHD is not asked for shares."))

    async def quotes(self, listings: Sequence[Listing]) -> Sequence[Quote | NotDelivered]:
        """See MarketData. Those of stocks are some minutes old."""
        wanted = [Wanted(listing=one) for one in listings]
        return [one async for one in self._each(wanted, self._quote, self._hurry)]

    async def search(self, text: str, *, limit: int = 30) -> Sequence[Listing]:
        """See MarketData. Rows of the United States do not say which exchange and are left out."""
        words = " ".join(text.split())[:100]
        if limit < 1 or not any(letter.isalnum() for letter in words):
            return []
        try:
            rows = await self._found(words, {}, Patience(self._hurry))
        except Refused as refused:
            raise SourceUnavailable(refused.detail) from None
        return list(dict.fromkeys(one for row in rows if (one := found_listing(row)) is not None))[:limit]

    async def _each(
        self, wanted: Sequence[Wanted], ask: Callable[[Wanted, Patience], Awaitable[T]], seconds: float
    ) -> AsyncIterator[T | NotDelivered]:
        """Yield what is asked of each, in order; without a key or credits nothing more is asked."""
        patience, stopped = Patience(seconds), list[Refused]()

        async def outcome(one: Wanted) -> T | NotDelivered:
            try:
                return _nothing(one.listing, stopped[0]) if stopped else await ask(one, patience)
            except Refused as refused:
                stopped.extend([refused] if refused.reason in _FOR_ALL else [])
                return _nothing(one.listing, refused)

        for first in range(0, len(wanted), AT_ONCE):
            for answer in await asyncio.gather(*map(outcome, wanted[first : first + AT_ONCE])):
                yield answer

    async def _bars(self, one: Wanted, patience: Patience) -> tuple[BarColumns, ...]:
        params = {**_days(one), "period": "d", "order": "a"}
        rows = await self._ask("eod", ticker(one.listing), params, list[WireBar], patience)
        warning = next((row.warning for row in rows if row.warning), None)
        if warning is not None:
            detail = self._requests.clean(warning)
            log.warning("provider_warned", provider=NAME, symbol=one.listing.symbol, detail=detail)
        unit = await self._unit(one.listing, patience)
        return await asyncio.to_thread(bars_of, one, unit, rows)

    async def _actions(self, one: Wanted, patience: Patience) -> ActionsOf:
        listing, params = one.listing, _days(one)
        splits = await self._ask("splits", ticker(listing), params, list[WireSplit], patience)
        paid = await self._ask("div", ticker(listing), params, list[WireDividend], patience)
        told = all(quote_unit(row.currency) for row in paid)
        unit = listing.currency if told else await self._unit(listing, patience)
        known = (*splits_of(listing, splits), *dividends_of(listing, unit, paid))
        first, last = one.start or date.min, one.end or date.max
        inside = tuple(action for action in known if first <= action.ex_date <= last)
        return ActionsOf(listing=listing, source=NAME, actions=inside)

    async def _quote(self, one: Wanted, patience: Patience) -> Quote:
        name = ticker(one.listing)
        made = quote_of(one.listing, await self._ask("real-time", name, {}, WireQuote, patience))
        if made is None:
            raise Refused(Reason.UNKNOWN_SYMBOL, f"EODHD knows no price of {name}.")
        return replace(made, quote_unit=await self._unit(one.listing, patience))

    async def _unit(self, listing: Listing, patience: Patience) -> str:
        """Return the unit of prices; asks for it where a currency is quoted in hundredths too."""
        if listing.currency not in _DIVIDED:
            return listing.currency
        name = ticker(listing)
        unit = self._units.get(name) or await self._unit_found(name, patience)
        if major(unit)[0] != listing.currency:
            wrong = f"{name} is priced in {unit}, not in {listing.currency}."
            raise Refused(Reason.WRONG_INSTRUMENT, wrong)
        self._units[name] = unit
        return unit

    async def _unit_found(self, name: str, patience: Patience) -> str:
        code, _, exchange = name.rpartition(".")
        rows = await self._found(code, {"exchange": exchange}, patience)
        same = [row for row in rows if (row.code.upper(), row.exchange.upper()) == (code, exchange)]
        unit = quote_unit(same[0].currency) if same else ""
        if not unit:
            raise Refused(Reason.BAD_DATA, f"EODHD does not tell the unit of prices of {name}.")
        return unit

    async def _found(self, words: str, more: Mapping[str, str], patience: Patience) -> list[WireFound]:
        params = {"limit": LARGEST_SEARCH, **more}
        try:
            return await self._ask("search", words, params, list[WireFound], patience)
        except Refused as refused:
            if refused.reason is Reason.UNKNOWN_SYMBOL:
                return []
            raise

    async def _ask(
        self, path: str, name: str, params: Mapping[str, str], kind: type[T], patience: Patience
    ) -> T:
        query = urlencode({"fmt": "json", **params})
        call = Call(url=f"{self._base_url}/api/{path}/{quote(name, safe='')}?{query}", largest=LARGEST)
        clean = self._requests.clean
        question = Question(
            wanted=lambda: 1, least=1, put=lambda _: call, read=lambda answer: _read(answer, kind, clean)
        )
        return await self._requests.ask(question, patience)


def in_query(key: str, url: str) -> tuple[str, Mapping[str, str]]:
    """Put the key where EODHD wants it; every address has a query."""
    return f"{url}&{urlencode({'api_token': key})}", {}


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
    """Raise Spent, Refused or Again for an error; its words decide where a status means two things."""
    text = clean(begun.decode(errors="replace"))
    words = text.lower()
    if status == 402 or (begun[:1] not in b"[{" and "exceeded your daily" in words):
        raise Spent(Period.DAY)
    if status == 429:
        raise Spent(Period.DAY if "daily" in words else Period.MINUTE)
    if status < 300:
        return
    if status == 401 or (status == 403 and any(one in words for one in _KEY_WORDS)):
        raise Refused(Reason.BAD_KEY, "The key was refused.")
    if status < 400 or status >= 500 or begun[:1] == b"<":
        raise Again(f"HTTP {status}.")
    raise Refused(_REASONS.get(status, Reason.BAD_DATA), f"HTTP {status}: {text or 'no text'}")


def _days(one: Wanted) -> dict[str, str]:
    return {name: day.isoformat() for name, day in (("from", one.start), ("to", one.end)) if day is not None}


def _nothing(listing: Listing, refused: Refused) -> NotDelivered:
    return NotDelivered(listing=listing, source=NAME, reason=refused.reason, detail=refused.detail)
