"""Quotes, rates and searches kept for a while, so that asking twice spends no credit."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from waardhaven.application.ports.cache import Cache
from waardhaven.application.ports.fx_rates import FxRates, QuotedRates, SpotRate
from waardhaven.application.ports.market_data import (
    LATER,
    ActionsOf,
    BarColumns,
    MarketData,
    NotDelivered,
    Quote,
    SharesOutstanding,
    Wanted,
)
from waardhaven.application.ports.market_facts import Listing

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepFor:
    """Seconds that answers are kept, by what they are."""

    quotes: int = 60
    rates: int = 300
    searches: int = 3600


class SingleFlight:
    """Equal questions at one time are one question."""

    def __init__(self) -> None:
        """Have nothing under way."""
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Return what ``work`` returns, once for all who ask for ``key`` meanwhile.

        Whoever gives up takes nobody else's answer away.
        """
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.ensure_future(work())
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._finished(key, done))
        answer: T = await asyncio.shield(task)
        return answer

    def _finished(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._under_way.pop(key, None)
        if not task.cancelled():
            task.exception()


class _KeptQuote(msgspec.Struct, tag_field="is", tag="quote"):
    value: Quote


class _KeptRefusal(msgspec.Struct, tag_field="is", tag="refusal"):
    value: NotDelivered


_QUOTES = msgspec.json.Decoder(_KeptQuote | _KeptRefusal)
_SEARCHES = msgspec.json.Decoder(tuple[Listing, ...])
_SPOTS = msgspec.json.Decoder(SpotRate)
_encode = msgspec.json.Encoder().encode


class CachedMarketData(MarketData):
    """Remembers quotes and searches of another source; bars, actions and shares pass through.

    What is not there is remembered too, unless it may be there the next moment.
    """

    def __init__(self, source: MarketData, cache: Cache, keep: KeepFor) -> None:
        """Remember in ``cache`` what ``source`` says."""
        self.name = source.name
        self.capabilities = source.capabilities
        self._source, self._cache, self._keep = source, cache, keep
        self._flights = SingleFlight()

    def bars(self, wanted: Sequence[Wanted]) -> AsyncIterator[BarColumns | NotDelivered]:
        """See MarketData."""
        return self._source.bars(wanted)

    def actions(self, wanted: Sequence[Wanted]) -> AsyncIterator[ActionsOf | NotDelivered]:
        """See MarketData."""
        return self._source.actions(wanted)

    def shares(self, listings: Sequence[Listing]) -> AsyncIterator[SharesOutstanding | NotDelivered]:
        """See MarketData."""
        return self._source.shares(listings)

    async def quotes(self, listings: Sequence[Listing]) -> Sequence[Quote | NotDelivered]:
        """See MarketData."""
        kept = dict(zip(listings, await asyncio.gather(*map(self._kept, listings)), strict=True))
        missing = tuple(one for one, known in kept.items() if known is None)
        if missing:
            fresh = await self._flights.run(missing, lambda: self._ask(missing))
            kept |= dict(zip(missing, fresh, strict=True))
        return [one for listing in listings if (one := kept[listing]) is not None]

    async def search(self, text: str, *, limit: int = 30) -> Sequence[Listing]:
        """See MarketData."""
        key = _key("search", self.name, text.upper(), limit)
        kept = _decoded(_SEARCHES, await self._cache.get(key))
        if kept is not None:
            return kept
        return await self._flights.run(key, lambda: self._search(key, text, limit))

    async def _kept(self, listing: Listing) -> Quote | NotDelivered | None:
        kept = _decoded(_QUOTES, await self._cache.get(self._key_of(listing)))
        return None if kept is None else replace(kept.value, listing=listing)

    async def _ask(self, listings: Sequence[Listing]) -> Sequence[Quote | NotDelivered]:
        answers = await self._source.quotes(listings)
        for one in answers:
            if isinstance(one, Quote):
                await self._put(one.listing, _encode(_KeptQuote(one)))
            elif one.reason not in LATER:
                await self._put(one.listing, _encode(_KeptRefusal(one)))
        return answers

    async def _put(self, listing: Listing, content: bytes) -> None:
        await self._cache.put(self._key_of(listing), content, ttl_seconds=self._keep.quotes)

    def _key_of(self, listing: Listing) -> str:
        return _key("quote", self.name, listing.symbol, listing.mic, listing.currency)

    async def _search(self, key: str, text: str, limit: int) -> Sequence[Listing]:
        found = tuple(await self._source.search(text, limit=limit))
        await self._cache.put(key, _encode(found), ttl_seconds=self._keep.searches)
        return found


class CachedFxRates(FxRates):
    """Remembers present rates of another source; dated ones pass through."""

    def __init__(self, source: FxRates, cache: Cache, keep: KeepFor) -> None:
        """Remember in ``cache`` what ``source`` says."""
        self.name, self.fixing = source.name, source.fixing
        self._source, self._cache, self._keep = source, cache, keep
        self._flights = SingleFlight()

    async def rates(self, *, start: date | None = None, end: date | None = None) -> Sequence[QuotedRates]:
        """See FxRates."""
        return await self._source.rates(start=start, end=end)

    async def spot(self, base: str, quote: str) -> SpotRate | None:
        """See FxRates."""
        key = _key("spot", self.name, base, quote)
        kept = _decoded(_SPOTS, await self._cache.get(key))
        if kept is not None:
            return kept
        return await self._flights.run(key, lambda: self._ask(key, base, quote))

    async def _ask(self, key: str, base: str, quote: str) -> SpotRate | None:
        found = await self._source.spot(base, quote)
        if found is not None:
            await self._cache.put(key, _encode(found), ttl_seconds=self._keep.rates)
        return found


def _decoded(decoder: msgspec.json.Decoder[T], kept: bytes | None) -> T | None:
    """Return what was kept; bytes that are none of ours, of another version say, are as good as nothing."""
    if kept is None:
        return None
    try:
        return decoder.decode(kept)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _key(kind: str, *parts: object) -> str:
    text = "\n".join(str(one) for one in parts)
    return f"market:{kind}:{sha256(text.encode()).hexdigest()[:32]}"
