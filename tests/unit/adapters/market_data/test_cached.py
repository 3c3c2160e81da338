"""Quotes, rates and searches kept for a while: what is asked again, what is not, and for how long."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import pytest
from tests.contract.market import a_listing
from tests.fakes.cache import FakeCache
from tests.fakes.market_data import FakeFxRates, FakeMarketData

from waardhaven.adapters.outbound.market_data.cached import (
    CachedFxRates,
    CachedMarketData,
    KeepFor,
    SingleFlight,
)
from waardhaven.application.ports.fx_rates import SpotRate
from waardhaven.application.ports.market_data import (
    LATER,
    NotDelivered,
    Quote,
    Reason,
    SourceUnavailable,
    Wanted,
)
from waardhaven.application.ports.market_facts import Listing

ONE, OTHER = a_listing("AAA"), a_listing("BBB")
KEEP = KeepFor(quotes=7, rates=11, searches=13)
AT = datetime(2024, 6, 3, 12, tzinfo=UTC)
QUOTE = Quote(
    listing=ONE, source="some", price=1.25, quote_unit="GBX", at=AT, previous_close=1.5, is_open=False
)
SPOT = SpotRate(base="EUR", quote="USD", source="some", rate=1.1, at=AT)


@dataclass
class TimedCache(FakeCache):
    """Remembers for how long each thing was to be kept."""

    seconds: list[int] = field(default_factory=list)

    async def put(self, key: str, value: bytes, *, ttl_seconds: int) -> None:
        self.seconds.append(ttl_seconds)
        await super().put(key, value, ttl_seconds=ttl_seconds)


@dataclass
class Slow(FakeMarketData):
    """Answers when told to; ``refuses``: with an exception."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    may: asyncio.Event = field(default_factory=asyncio.Event)
    refuses: bool = False

    async def quotes(self, listings: Sequence[Listing]) -> Sequence[Quote | NotDelivered]:
        await self._turn()
        return await super().quotes(listings)

    async def search(self, text: str, *, limit: int = 30) -> Sequence[Listing]:
        await self._turn()
        if self.refuses:
            self.asked.append("search")
            raise SourceUnavailable("It is out of reach.")
        return await super().search(text, limit=limit)

    async def _turn(self) -> None:
        self.begun.set()
        await self.may.wait()


def some(kind: type[FakeMarketData] = FakeMarketData, **more: object) -> FakeMarketData:
    return kind(name="some", last=[QUOTE], found=[ONE, OTHER], **more)  # type: ignore[arg-type]


def cached(source: FakeMarketData, cache: FakeCache | None = None) -> CachedMarketData:
    return CachedMarketData(source, cache or FakeCache(), KEEP)


# --- asking twice


async def test_second_quote_costs_nothing_and_is_equal_in_every_member():
    source = some()
    made = cached(source)
    assert await made.quotes([ONE]) == await made.quotes([ONE]) == [QUOTE]
    assert source.asked == ["quotes"]


async def test_only_what_is_not_kept_is_asked_for_and_the_order_stays():
    source = some()
    source.last.append(replace(QUOTE, listing=OTHER, price=2.0))
    made = cached(source)
    await made.quotes([ONE])
    asked: list[Sequence[Listing]] = []
    ask = source.quotes

    async def noted(listings: Sequence[Listing]) -> Sequence[Quote | NotDelivered]:
        asked.append(listings)
        return await ask(listings)

    source.quotes = noted  # type: ignore[method-assign]
    answers = await made.quotes([OTHER, ONE, OTHER])
    assert [one.listing for one in answers] == [OTHER, ONE, OTHER]
    assert [list(one) for one in asked] == [[OTHER]]


async def test_second_search_costs_nothing_in_whatever_case():
    source = some()
    made = cached(source)
    assert list(await made.search("aaa")) == list(await made.search("AAA")) == [ONE]
    assert source.asked == ["search"]


async def test_search_with_another_limit_is_another_search():
    source = some()
    made = cached(source)
    await made.search("AAA", limit=1)
    await made.search("AAA", limit=2)
    assert source.asked == ["search", "search"]


async def test_search_that_found_nothing_is_kept_too():
    source = some()
    made = cached(source)
    assert list(await made.search("zzz")) == list(await made.search("zzz")) == []
    assert source.asked == ["search"]


async def test_another_listing_of_the_symbol_has_a_quote_of_its_own():
    source = some()
    source.last.append(replace(QUOTE, listing=replace(ONE, mic="XLON"), price=9.0))
    made = cached(source)
    assert await made.quotes([ONE]) == [QUOTE]
    (london,) = await made.quotes([replace(ONE, mic="XLON")])
    assert isinstance(london, Quote)
    assert london.price == 9.0


async def test_listing_under_a_new_name_gets_its_kept_quote_back_as_asked():
    source = some()
    made = cached(source)
    await made.quotes([ONE])
    renamed = replace(ONE, name="Another Name")
    assert await made.quotes([renamed]) == [replace(QUOTE, listing=renamed)]
    assert source.asked == ["quotes"]


async def test_what_other_sources_said_is_not_taken_for_the_word_of_these():
    cache, before, after = FakeCache(), some(), some()
    before.found, before.last, after.name = [], [], "others"
    assert list(await cached(before, cache).search("AAA")) == []
    await cached(before, cache).quotes([ONE])
    assert list(await cached(after, cache).search("AAA")) == [ONE]
    assert isinstance((await cached(after, cache).quotes([ONE]))[0], Quote)


async def test_cache_out_of_reach_costs_a_question_and_no_answer():
    source = some()
    made = cached(source, FakeCache(failing=True))
    assert await made.quotes([ONE]) == await made.quotes([ONE]) == [QUOTE]
    assert list(await made.search("AAA")) == [ONE]
    assert source.asked == ["quotes", "quotes", "search"]


# --- refusals


@pytest.mark.parametrize("reason", sorted(set(Reason) - LATER))
async def test_refusal_that_will_not_change_is_kept(reason: Reason):
    source = FakeMarketData(name="some", undelivered={"AAA": reason})
    made = cached(source)
    first, second = await made.quotes([ONE]), await made.quotes([ONE])
    assert first == second
    assert [one.reason for one in first if isinstance(one, NotDelivered)] == [reason]
    assert source.asked == ["quotes"]


@pytest.mark.parametrize("reason", sorted(LATER))
async def test_refusal_that_may_be_gone_the_next_moment_is_not_kept(reason: Reason):
    source, cache = FakeMarketData(name="some", undelivered={"AAA": reason}), FakeCache()
    made = cached(source, cache)
    await made.quotes([ONE])
    assert cache.items == {}
    source.last = [QUOTE]
    assert await made.quotes([ONE]) == [QUOTE]


async def test_failed_search_is_not_kept():
    source = some(Slow, refuses=True)
    assert isinstance(source, Slow)
    source.may.set()
    made = cached(source)
    with pytest.raises(SourceUnavailable):
        await made.search("AAA")
    source.refuses = False
    assert list(await made.search("AAA")) == [ONE]


# --- what is in the cache


async def test_each_kind_of_answer_is_kept_as_long_as_it_may():
    cache = TimedCache()
    made, rates = cached(some(), cache), CachedFxRates(FakeFxRates(spots={("EUR", "USD"): SPOT}), cache, KEEP)
    await made.quotes([ONE, OTHER])
    await made.search("AAA")
    await rates.spot("EUR", "USD")
    assert cache.seconds == [7, 7, 13, 11]


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"null",
        b"[1]",
        b"\xff\xfe",
        b'{"is": "news"}',
        b'{"is": "quote", "value": {}}',
        b"[" * 9999,
    ],
)
async def test_damaged_bytes_are_a_miss_and_are_replaced(damaged: bytes):
    cache, source = FakeCache(), some()
    fx = FakeFxRates(spots={("EUR", "USD"): SPOT})
    made, rates = cached(source, cache), CachedFxRates(fx, cache, KEEP)

    async def answers() -> tuple[object, ...]:
        found = await made.search("AAA")
        return *await made.quotes([ONE]), *found, await rates.spot("EUR", "USD")

    assert await answers() == (QUOTE, ONE, SPOT)
    cache.items = dict.fromkeys(cache.items, damaged)
    assert await answers() == await answers() == (QUOTE, ONE, SPOT)
    assert len(cache.items) == 3
    assert (source.asked.count("quotes"), source.asked.count("search"), len(fx.asked)) == (2, 2, 2)


# --- several at once


async def test_ten_at_once_ask_once():
    source = some(Slow)
    assert isinstance(source, Slow)
    made = cached(source)
    quotes = [asyncio.ensure_future(made.quotes([ONE])) for _ in range(10)]
    searches = [asyncio.ensure_future(made.search("AAA")) for _ in range(10)]
    await source.begun.wait()
    source.may.set()
    assert await asyncio.gather(*quotes) == [[QUOTE]] * 10
    assert [list(one) for one in await asyncio.gather(*searches)] == [[ONE]] * 10
    assert sorted(source.asked) == ["quotes", "search"]


async def test_ten_at_once_share_one_failure_and_the_next_asks_anew():
    source = some(Slow, refuses=True)
    assert isinstance(source, Slow)
    made = cached(source)
    searches = [asyncio.ensure_future(made.search("AAA")) for _ in range(10)]
    await source.begun.wait()
    source.may.set()
    outcomes = await asyncio.gather(*searches, return_exceptions=True)
    assert {type(one) for one in outcomes} == {SourceUnavailable}
    assert source.asked == ["search"]
    source.refuses = False
    assert list(await made.search("AAA")) == [ONE]


@pytest.mark.parametrize("who", [0, 4, 9])
async def test_cancelled_caller_leaves_the_others_their_answer(who: int):
    source = some(Slow)
    assert isinstance(source, Slow)
    made = cached(source)
    callers = [asyncio.ensure_future(made.quotes([ONE])) for _ in range(10)]
    await source.begun.wait()
    callers[who].cancel()
    with pytest.raises(asyncio.CancelledError):
        await callers[who]
    source.may.set()
    rest = callers[:who] + callers[who + 1 :]
    assert await asyncio.gather(*rest) == [[QUOTE]] * 9
    assert source.asked == ["quotes"]


async def test_answer_nobody_waits_for_any_more_is_kept_for_the_next():
    source, cache = some(Slow), FakeCache()
    assert isinstance(source, Slow)
    made = cached(source, cache)
    caller = asyncio.ensure_future(made.quotes([ONE]))
    await source.begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    following = asyncio.ensure_future(made.quotes([ONE]))
    source.may.set()
    assert await following == [QUOTE]
    assert source.asked == ["quotes"]
    assert len(cache.items) == 1


async def test_flight_that_is_over_is_forgotten():
    flights, runs = SingleFlight(), []

    async def work() -> int:
        runs.append(1)
        return len(runs)

    assert await flights.run("key", work) == 1
    assert await flights.run("key", work) == 2
    assert flights._under_way == {}


async def test_other_questions_do_not_wait_for_one_another():
    flights, may = SingleFlight(), asyncio.Event()

    async def slow() -> str:
        await may.wait()
        return "slow"

    async def fast() -> str:
        return "fast"

    waiting = asyncio.ensure_future(flights.run("slow", slow))
    assert await flights.run("fast", fast) == "fast"
    assert not waiting.done()
    may.set()
    assert await waiting == "slow"


# --- what passes through


async def test_bars_actions_and_shares_are_asked_every_time():
    source = some()
    made = cached(source)
    for _ in range(2):
        for stream in (
            made.bars([Wanted(listing=ONE)]),
            made.actions([Wanted(listing=ONE)]),
            made.shares([ONE]),
        ):
            assert [one async for one in stream]
    assert source.asked == ["bars", "actions", "shares"] * 2
    assert (made.name, made.capabilities) == (source.name, source.capabilities)


async def test_spot_rates_are_kept_by_pair_and_dated_ones_pass_through():
    fx = FakeFxRates(spots={("EUR", "USD"): SPOT})
    made = CachedFxRates(fx, FakeCache(), KEEP)
    assert await made.spot("EUR", "USD") == await made.spot("EUR", "USD") == SPOT
    assert await made.spot("USD", "EUR") is None
    await made.rates(start=date(2024, 1, 1))
    await made.rates(start=date(2024, 1, 1))
    assert fx.asked == ["spot", "spot", "rates", "rates"]


async def test_spot_rate_nobody_has_is_asked_for_again():
    fx = FakeFxRates()
    made = CachedFxRates(fx, FakeCache(), KEEP)
    assert await made.spot("EUR", "USD") is None
    fx.spots[("EUR", "USD")] = SPOT
    assert await made.spot("EUR", "USD") == SPOT
