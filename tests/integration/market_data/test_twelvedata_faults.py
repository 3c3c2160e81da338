"""Twelve Data over its local site, when everything goes wrong."""

import asyncio
import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.integration.market_data.twelvedata_tools import (
    AT_ONCE,
    Bench,
    assert_equals_market,
    bench,
    wanted,
)
from tests.twelvedata_site import (
    HARMLESS,
    KEY,
    NOON,
    PASSING,
    WHOLE,
    Instrument,
    refusal,
    stocks,
)

from waardhaven.adapters.outbound.http_session.session import HttpSession, RequestFailed
from waardhaven.adapters.outbound.market_data.keyed import KeyedRequests
from waardhaven.adapters.outbound.market_data.twelvedata.account import Account
from waardhaven.adapters.outbound.market_data.twelvedata.plans import PLANS
from waardhaven.application.ports.market_data import (
    BarColumns,
    CorruptSource,
    NotDelivered,
    Reason,
    SourceUnavailable,
)
from waardhaven.application.ports.provider_gate import Breaker
from waardhaven.domain.index.definition import Adjustment

HASTY = {"timeout_seconds": 0.3}


def assert_all_delivered(answers: list[BarColumns | NotDelivered], market: list[Instrument]) -> None:
    assert sorted(one.listing.symbol for one in answers) == sorted(one.symbol for one in market)
    instruments = {one.symbol: one for one in market}
    for bars in answers:
        assert isinstance(bars, BarColumns), bars
        assert_equals_market(bars, instruments[bars.listing.symbol])


@pytest.mark.parametrize("fault", HARMLESS)
@pytest.mark.parametrize("symbols", [("AAPL",), ("AAPL", "MSFT", "IBM")])
async def test_what_passes_is_asked_again_and_delivered(fault: str, symbols: tuple[str, ...]):
    market = stocks(*symbols)
    async with bench(market, account=HASTY) as made:
        made.site.faults.append(fault)
        assert_all_delivered(await made.bars(*wanted(*market)), market)
        state = await made.gate.state("twelvedata")
    assert (state.failures, state.breaker) == (0, Breaker.CLOSED)


@pytest.mark.parametrize("fault", ["minute", "minute hidden", "minute page"])
async def test_spent_minute_is_waited_for_and_the_next_request_is_smaller(fault: str):
    market = stocks("A", "B", "C", "D")
    async with bench(market) as made:
        made.site.faults.append(fault)
        assert_all_delivered(await made.bars(*wanted(*market)), market)
    assert [path.count(",") for path in made.site.asked] == [3, 1, 1]
    assert made.clock.waited == [pytest.approx(60 - NOON % 60 + 1)]


async def test_whole_request_that_costs_more_than_the_minute_ends_in_smaller_ones():
    """Two reports saw one request cost about eight credits a symbol."""
    market = stocks("A", "B", "C", "D")
    async with bench(
        market, plan="free", cost={"/time_series": 8}, account={"patience_seconds": 3600}
    ) as made:
        answers = await made.bars(*wanted(*market))
    raw = [one for one in answers if isinstance(one, BarColumns) and one.adjustment is Adjustment.RAW]
    assert len(answers) == 8
    assert_all_delivered(list(raw), market)


async def test_symbol_without_credits_in_an_answer_waits_for_the_next_minute_alone():
    market = stocks("A", "B", "C", "D")
    async with bench(market) as made:
        made.site.faults.append("part without credits")
        assert_all_delivered(await made.bars(*wanted(*market)), market)
    assert [path.count(",") for path in made.site.asked] == [3, 0]
    assert made.clock.waited == [pytest.approx(60 - NOON % 60 + 1)]


@pytest.mark.parametrize("fault", ["too long", "too long page"])
async def test_list_that_is_too_long_is_divided(fault: str):
    market = stocks("A", "B", "C", "D")
    async with bench(market) as made:
        made.site.faults.append(fault)
        assert_all_delivered(await made.bars(*wanted(*market)), market)
    assert [path.count(",") for path in made.site.asked] == [3, 1, 1]


@pytest.mark.parametrize("fault", ["day", "day hidden"])
async def test_spent_day_ends_the_load_and_names_every_symbol_left(fault: str):
    market = stocks("A", "B", "C")
    async with bench(market) as made:
        made.site.faults.append(fault)
        answers = await made.bars(*wanted(*market))
        again = await made.bars(*wanted(*market))
    for one in (*answers, *again):
        assert isinstance(one, NotDelivered)
        assert one.reason is Reason.NO_CREDITS
    assert (len(answers), len(again), len(made.site.asked)) == (3, 3, 1)
    assert made.clock.waited == []


@pytest.mark.parametrize("fault", ["bad key", "bad key hidden"])
async def test_refused_key_stops_everything_at_once(fault: str):
    market = stocks(*(f"S{n}" for n in range(40)))
    async with bench(market) as made:
        made.site.faults.append(fault)
        answers = await made.bars(*wanted(*market))
    assert {one.reason for one in answers if isinstance(one, NotDelivered)} == {Reason.BAD_KEY}
    assert (len(answers), len(made.site.asked)) == (40, 1)


@pytest.mark.parametrize(
    ("times", "delivered"), [(1, True), (2, False)], ids=["once is doubted", "twice is believed"]
)
async def test_not_found_data_are_asked_for_once_more(times: int, delivered: bool):
    market = stocks("AAPL")
    async with bench(market) as made:
        made.site.faults.extend(["doubtful"] * times)
        (bars,) = await made.bars(*wanted(*market))
    assert isinstance(bars, BarColumns)
    assert (len(bars) > 0) is delivered
    assert len(made.site.asked) == 2


@pytest.mark.parametrize("keeps", ["newest", "oldest"])
async def test_page_that_leaves_out_the_day_it_shares_with_another_delivers_no_history(keeps: str):
    """Nothing found at the second page: the rest of a long history may be missing."""
    market = stocks("AAPL", rows=120)
    async with bench(market, page_rows=50, keeps=keeps) as made:
        made.site.faults.extend([None, "doubtful", "doubtful"])
        (answer,) = await made.bars(*wanted(*market))
        assert_all_delivered(await made.bars(*wanted(*market)), market)
    assert isinstance(answer, NotDelivered)
    assert answer.reason is Reason.UNAVAILABLE


async def test_quote_and_shares_that_are_not_found_twice_are_named():
    (one,) = market = stocks("AAPL")
    async with bench(market, plan="pro") as made:
        made.site.faults.extend(["doubtful"] * 4)
        answers = [*await made.source.quotes([one.listing])]
        answers += [each async for each in made.source.shares([one.listing])]  # type: ignore[misc]
    for answer in answers:
        assert isinstance(answer, NotDelivered)
        assert answer.reason is Reason.BAD_DATA


async def test_rates_that_can_not_be_read_are_a_corrupt_source():
    (pair,) = stocks("EUR/USD")
    broken = replace(pair, rows=({**pair.rows[0], "close": "much"},))
    async with bench([broken], quotes=("USD",)) as made:
        with pytest.raises(CorruptSource):
            await made.fx.rates()
        made.site.faults.append("wrong interval")
        with pytest.raises(SourceUnavailable):
            await made.fx.spot("EUR", "USD")
        made.site.market = [replace(pair, rows=({**pair.rows[0], "close": "0"},))]
        assert await made.fx.spot("EUR", "USD") is None


async def test_error_of_a_whole_request_is_asked_again_symbol_by_symbol():
    market = stocks("A", "B", "C")
    async with bench(market) as made:
        made.site.faults.extend(["wrong interval", "wrong interval"])
        answers = await made.bars(*wanted(*market))
    assert [one.listing.symbol for one in answers if isinstance(one, NotDelivered)] == ["A"]
    assert isinstance(answers[0], NotDelivered)
    assert (answers[0].reason, "interval" in answers[0].detail) == (Reason.BAD_DATA, True)
    assert [path.count(",") for path in made.site.asked] == [2, 0, 0, 0]


@pytest.mark.parametrize("fault", ["part failed", "part left out"])
async def test_symbol_that_always_fails_alone_is_named_and_the_others_delivered(fault: str):
    market = stocks("A", "B", "C", "D", "E")
    async with bench(market) as made:
        made.site.faults.extend([fault] * 50)
        answers = await made.bars(*wanted(*market))
    assert sorted(one.listing.symbol for one in answers) == ["A", "B", "C", "D", "E"]
    for one in answers:
        if isinstance(one, NotDelivered):
            assert one.reason is Reason.UNAVAILABLE
        else:
            assert_equals_market(one, stocks(one.listing.symbol)[0])


async def test_provider_that_stays_away_is_told_once_a_symbol_and_left_alone_after_five_failures():
    market = stocks(*(f"S{n}" for n in range(10)))
    async with bench(market, account={"patience_seconds": 30}) as made:
        made.site.faults.extend(["500"] * 1000)
        answers = await made.bars(*wanted(*market))
        state = await made.gate.state("twelvedata")
    assert sorted(one.listing.symbol for one in answers) == sorted(one.symbol for one in market)
    assert {one.reason for one in answers if isinstance(one, NotDelivered)} == {Reason.UNAVAILABLE}
    assert len(made.site.asked) == 5
    assert (state.breaker, state.failures) == (Breaker.OPEN, 5)
    assert state.last_error is not None
    assert "Internal server error" in state.last_error


async def test_breaker_opens_after_five_failures_and_one_small_request_closes_it():
    market = stocks(*(f"S{n}" for n in range(10)))
    async with bench(market) as made:
        made.site.faults.extend(["500"] * 5)
        assert_all_delivered(await made.bars(*wanted(*market)), market)
        state = await made.gate.state("twelvedata")
    assert made.clock.waited == [60]
    assert [path.count(",") for path in made.site.asked] == [9] * 5 + [0, 8]
    assert (state.breaker, state.failures) == (Breaker.CLOSED, 0)


async def test_gate_that_is_away_lets_nothing_through():
    market = stocks("A", "B")
    async with bench(market) as made:
        made.gate.away = True
        answers = await made.bars(*wanted(*market))
        with pytest.raises(SourceUnavailable):
            await made.source.search("apple")
        made.gate.away = False
        assert_all_delivered(await made.bars(*wanted(*market)), market)
    assert {one.reason for one in answers if isinstance(one, NotDelivered)} == {Reason.UNAVAILABLE}
    assert len(answers) == 2
    assert len(made.site.asked) == 1


async def test_answer_is_not_lost_when_the_gate_goes_away_while_it_comes():
    market = stocks("A")
    async with bench(market) as made:

        async def pauseless(*_: object, **__: object) -> None:
            made.gate.away = True
            made.gate._of("twelvedata")

        made.gate.observe = pauseless  # type: ignore[method-assign]
        answers = await made.bars(*wanted(*market))
    assert_all_delivered(answers, market)


async def test_dividends_that_are_not_found_are_asked_for_once_more():
    (one,) = stocks("AAPL")
    one = replace(one, dividends=({"ex_date": "2021-08-06", "amount": 0.22},))
    async with bench([one]) as made:
        made.site.faults.extend([None, "doubtful"])
        (answer,) = [each async for each in made.source.actions(wanted(one))]
    assert not isinstance(answer, NotDelivered)
    assert [each.key for each in answer.actions] == ["dividend-2021-08-06"]


async def test_who_waits_for_an_answer_is_told_soon_that_there_is_none():
    market = stocks("A")
    async with bench(market) as made:
        await made.gate.take("twelvedata", wanted=55, least=1, allotment=PLANS["grow"].allotment)
        (quote,) = await made.source.quotes([market[0].listing])
        with pytest.raises(SourceUnavailable):
            await made.source.search("A")
        with pytest.raises(SourceUnavailable):
            await made.fx.spot("EUR", "USD")
        with pytest.raises(SourceUnavailable):
            await made.source.usage()
    assert isinstance(quote, NotDelivered)
    assert quote.reason is Reason.NO_CREDITS
    assert (made.site.asked, made.clock.waited) == ([], [])


async def test_rates_that_can_not_be_had_now_are_an_error_and_not_fewer_currencies():
    async with bench(stocks("EUR/USD"), quotes=("USD", "GBP"), account={"patience_seconds": 1}) as made:
        made.site.faults.append("day")
        with pytest.raises(SourceUnavailable):
            await made.fx.rates()


@pytest.mark.parametrize("seed", range(4))
async def test_two_hundred_faults_lose_double_and_invent_nothing(seed: int):
    """Long histories over small pages, in two modes, with a fault in most requests."""
    random = Random(seed)
    market = stocks(*(f"S{n}" for n in range(30)), rows=120)
    faults = [random.choice(HARMLESS) for _ in range(200)]
    quick = [one for one in faults if one != "hang"] + ["hang"] * 3
    async with bench(
        market,
        plan="free",
        page_rows=50,
        keeps=random.choice(["newest", "oldest"]),
        per_minute=60,
        per_day=None,
        account={"rate_limit": 60, "patience_seconds": 1e9, **HASTY},
    ) as made:
        made.site.faults.extend(one if random.random() < 0.9 else None for one in quick)
        answers = await made.bars(*wanted(*market))
        rounds = 1
        named = [one for one in answers if isinstance(one, NotDelivered)]
        while made.site.faults:
            answers += await made.bars(*wanted(*market[:4]))
            rounds += 1
    instruments = {one.symbol: one for one in market}
    for one in answers:
        if isinstance(one, NotDelivered):
            assert one.reason is Reason.UNAVAILABLE
        else:
            assert_equals_market(one, instruments[one.listing.symbol])
    assert {one.listing.symbol for one in answers} == instruments.keys()
    first = [one for one in answers if isinstance(one, BarColumns)]
    assert len(first) > 40
    assert len(named) < 20
    assert made.site.most <= 60


async def cancelled(made: Bench, market: list[Instrument]) -> None:
    """Begin a load, and end it while its request is with the provider."""
    task = asyncio.create_task(made.bars(*wanted(*market)))
    await made.site.hanging.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_load_that_is_cancelled_leaves_its_credits_counted_and_the_next_one_works():
    market = stocks("A", "B", "C")
    async with bench(market) as made:
        made.site.faults.append("hang")
        await cancelled(made, market)
        state = await made.gate.state("twelvedata")
        assert (state.minute_used, state.failures) == (3, 0)
        assert_all_delivered(await made.bars(*wanted(*market)), market)
        assert (await made.gate.state("twelvedata")).minute_used == 6
    assert made.site.used.total() == 6


async def test_probe_that_is_cancelled_lets_another_try():
    market = stocks("A", "B", "C")
    async with bench(market) as made:
        made.site.faults.extend([*["500"] * 5, "hang"])
        await cancelled(made, market)
        made.clock.at += 30
        assert_all_delivered(await made.bars(*wanted(*market)), market)
        assert (await made.gate.state("twelvedata")).breaker is Breaker.CLOSED


async def test_caller_that_stops_listening_leaves_nothing_running():
    market = stocks("A", "B", "C")
    async with bench(market, account={"rate_limit": 1}) as made:
        answers = made.source.bars(wanted(*market))
        async for _ in answers:
            break
        await answers.aclose()  # type: ignore[attr-defined]
        assert len(made.site.asked) == 1
        assert_all_delivered(await made.bars(*wanted(market[0])), market[:1])


def everything_of(error: BaseException | None) -> Iterator[str]:
    """Yield every text of an exception, of its causes and of what they hold."""
    while error is not None:
        yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
        yield "".join(traceback.format_exception(error))
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "fault", [*PASSING, "minute", "day", "bad key", "doubtful", "wrong interval", "too long", None]
)
async def test_key_stands_in_no_address_log_answer_or_error(
    fault: str | None, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    (one,) = market = stocks("AAPL")
    texts: list[Any] = []
    with capture_logs() as logs:
        async with bench(market, account={**HASTY, "patience_seconds": 1, "hurry_seconds": 1}) as made:
            calls = (
                lambda: made.bars(*wanted(one)),
                lambda: made.source.quotes([one.listing]),
                lambda: made.source.search("apple"),
                lambda: made.fx.spot("EUR", "USD"),
                made.source.usage,
            )
            for call in calls:
                made.site.faults.clear()
                made.site.faults.extend([fault] * 20)
                try:
                    texts.append(repr(await call()))
                except SourceUnavailable as error:
                    texts += everything_of(error)
                await made.gate.succeeded("twelvedata")
                made.clock.at += 86_400
            texts += [repr(made.account), repr(made.source), repr(made.source._requests.keyed)]
            texts += [repr(made.gate.providers), *made.site.asked]
    texts += [repr(logs), caplog.text]
    assert len(made.site.asked) >= 5
    assert not [text for text in texts if KEY in text]


@pytest.mark.parametrize("code", [400, 403, 500])
async def test_provider_that_repeats_the_key_is_not_repeated(code: int, monkeypatch: pytest.MonkeyPatch):
    (one,) = market = stocks("AAPL")
    repeated = refusal(code, f"What is\n {KEY} to do here?", status=200)
    monkeypatch.setitem(WHOLE, "repeated", repeated)
    async with bench(market) as made:
        made.site.faults.extend(["repeated"] * 20)
        (answer,) = await made.bars(*wanted(one))
        await made.gate.succeeded("twelvedata")
        with pytest.raises(SourceUnavailable) as caught:
            await made.source.search("apple")
    assert isinstance(answer, NotDelivered)
    assert "What is *** to do here?" in answer.detail
    texts = [*everything_of(caught.value), repr(made.gate.providers)]
    assert not [text for text in texts if KEY in text]


async def test_failed_exchange_keeps_no_address_and_no_header_with_it():
    http = HttpSession()
    with pytest.raises(RequestFailed) as caught:
        await http.get("http://127.0.0.1:1/?api_token=secret", headers={"Authorization": "secret"})
    await http.close()
    assert not [text for text in everything_of(caught.value) if "secret" in text and "http.get" not in text]
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("key", ["", "with space", "new\nline", "k" * 201, "clé"])
async def test_key_that_can_not_be_sent_is_refused_without_being_repeated(key: str):
    async with bench([]) as made:
        account = Account(key=key, plan=PLANS["free"], backoff=AT_ONCE)
        with pytest.raises(ValueError, match="key of twelvedata") as caught:
            account.requests(made.http, made.gate)
    assert not key or key not in str(caught.value)


def test_requests_show_no_key() -> None:
    assert not KeyedRequests.__dataclass_fields__["key"].repr
    assert KEY not in repr(Account(key=KEY, plan=PLANS["free"]))
