"""Twelve Data over its local site, when nothing goes wrong."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from tests.integration.market_data.twelvedata_tools import assert_equals_market, bench, wanted
from tests.twelvedata_site import LAST, NOON, Instrument, some_rows, stocks, weekdays

from waardhaven.application.ports.fx_rates import SpotRate
from waardhaven.application.ports.market_data import (
    ActionsOf,
    BarColumns,
    NotDelivered,
    Quote,
    Reason,
    SharesOutstanding,
    SourceUnavailable,
    Wanted,
)
from waardhaven.domain.index.definition import Adjustment

DAYS = weekdays(LAST, 30)
SPLIT = {"date": "2020-08-31", "description": "4-for-1", "ratio": 0.25, "from_factor": 4, "to_factor": 1}


def stock(symbol: str = "AAPL", **changes: object) -> Instrument:
    return replace(stocks(symbol)[0], **changes)  # type: ignore[arg-type]


async def test_bars_of_several_symbols_equal_the_market_bit_for_bit():
    market = stocks("AAPL", "MSFT", "BRK.B")
    async with bench(market) as made:
        answers = await made.bars(*wanted(*market))
    assert [one.listing for one in answers] == [one.listing for one in market]
    for bars, instrument in zip(answers, market, strict=True):
        assert isinstance(bars, BarColumns)
        assert (bars.source, bars.adjustment, bars.quote_unit) == ("twelvedata", Adjustment.RAW, "USD")
        assert_equals_market(bars, instrument)
    assert len(made.site.asked) == 1


async def test_free_plan_brings_unadjusted_and_adjusted_bars():
    (one,) = market = stocks("AAPL")
    async with bench(market, plan="free") as made:
        raw, adjusted = await made.bars(*wanted(one))
    assert isinstance(raw, BarColumns)
    assert isinstance(adjusted, BarColumns)
    assert (raw.adjustment, adjusted.adjustment) == (Adjustment.RAW, Adjustment.ALL)
    assert_equals_market(raw, one)
    assert_equals_market(adjusted, one)
    assert raw.close[0] != adjusted.close[0]


@pytest.mark.parametrize("gives_end", [False, True])
async def test_both_ends_of_the_days_wanted_are_inclusive_and_nothing_is_beyond(gives_end: bool):
    (one,) = market = stocks("AAPL")
    async with bench(market, gives_end=gives_end) as made:
        (bars,) = await made.bars(*wanted(one, start=DAYS[3], end=DAYS[7]))
        (single,) = await made.bars(*wanted(one, start=DAYS[5], end=DAYS[5]))
    assert isinstance(bars, BarColumns)
    assert isinstance(single, BarColumns)
    assert bars.day.astype(str).tolist() == [day.isoformat() for day in DAYS[3:8]]
    assert single.day.astype(str).tolist() == [DAYS[5].isoformat()]


@pytest.mark.parametrize("empty_is_ok", [False, True])
@pytest.mark.parametrize("symbols", [("AAPL",), ("AAPL", "MSFT")])
async def test_days_without_bars_are_an_answer_without_bars(symbols: tuple[str, ...], empty_is_ok: bool):
    market = stocks(*symbols)
    async with bench(market, empty_is_ok=empty_is_ok) as made:
        answers = await made.bars(*wanted(*market, start=date(2099, 1, 1), end=date(2099, 2, 1)))
    assert [len(one) for one in answers if isinstance(one, BarColumns)] == [0] * len(symbols)


@pytest.mark.parametrize("keeps", ["newest", "oldest"])
@pytest.mark.parametrize("rows", [49, 50, 51, 99, 100, 101, 173])
@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("gives_end", [False, True])
async def test_long_history_comes_whole_over_pages_whichever_end_a_page_keeps(
    keeps: str, rows: int, bounded: bool, gives_end: bool
):
    (one,) = market = stocks("AAPL", rows=rows)
    days = weekdays(LAST, rows)
    window = {"start": days[0], "end": days[-1]} if bounded else {}
    async with bench(market, page_rows=50, keeps=keeps, gives_end=gives_end) as made:
        (bars,) = await made.bars(*wanted(one, **window))
    assert isinstance(bars, BarColumns)
    assert_equals_market(bars, one)


async def test_bars_repeated_at_the_seam_of_pages_come_once_and_contradicting_ones_both():
    rows = list(some_rows("AAPL", weekdays(LAST, 120)))
    rows[70:71] = [rows[70], {**rows[70], "close": "1.00000"}]
    one = Instrument(symbol="AAPL", rows=tuple(rows))
    async with bench([one], page_rows=50) as made:
        (bars,) = await made.bars(*wanted(one))
    assert isinstance(bars, BarColumns)
    twice = [row["datetime"] for row in rows if row["datetime"] == rows[70]["datetime"]]
    assert len(twice) == 2
    assert bars.day.astype(str).tolist() == [row["datetime"] for row in rows]
    assert sorted(bars.close) == sorted(float(row["close"]) for row in rows)


@pytest.mark.parametrize("place", range(66, 76))
async def test_contradiction_survives_wherever_a_page_ends(place: int):
    rows = list(some_rows("AAPL", weekdays(LAST, 120)))
    rows[place : place + 1] = [rows[place], {**rows[place], "close": "1.00000"}]
    one = Instrument(symbol="AAPL", rows=tuple(rows))
    async with bench([one], page_rows=50) as made:
        (bars,) = await made.bars(*wanted(one))
    assert isinstance(bars, BarColumns)
    assert sorted(bars.close) == sorted(float(row["close"]) for row in rows)


async def test_requests_are_no_larger_than_the_credits_left():
    market = stocks(*(f"S{n}" for n in range(20)))
    async with bench(market, account={"rate_limit": 6, "patience_seconds": 300}, per_minute=6) as made:
        answers = await made.bars(*wanted(*market))
    assert len(answers) == 20
    assert all(isinstance(one, BarColumns) for one in answers)
    assert (made.site.refused, made.site.most, made.site.largest_list) == (0, 6, 6)
    assert len(made.clock.waited) == 3


async def test_symbols_with_other_days_or_exchanges_go_into_requests_of_their_own():
    one, other, third = stocks("AAPL", "MSFT", "VOW3")
    third = replace(third, mic="XETR", currency="EUR")
    async with bench([one, other, third]) as made:
        answers = await made.bars(
            *wanted(one, start=DAYS[0]), *wanted(other, start=DAYS[1]), *wanted(third, start=DAYS[0])
        )
    assert [len(made) for made in answers if isinstance(made, BarColumns)] == [30, 29, 30]
    assert len(made.site.asked) == 3
    assert [path.count("mic_code=XETR") for path in made.site.asked] == [0, 0, 1]


async def test_same_symbol_wanted_twice_is_answered_twice():
    (one,) = market = stocks("AAPL")
    async with bench(market) as made:
        answers = await made.bars(*wanted(one, one))
    assert [len(bars) for bars in answers if isinstance(bars, BarColumns)] == [30, 30]


async def test_end_of_the_calendar_can_be_wanted():
    (one,) = market = stocks("AAPL")
    async with bench(market) as made:
        (bars,) = await made.bars(*wanted(one, start=date.min, end=date.max))
    assert isinstance(bars, BarColumns)
    assert len(bars) == 30


async def test_segment_of_an_exchange_is_asked_for_as_the_exchange():
    (one,) = market = stocks("AAPL")
    listing = replace(one.listing, mic="XNGS")
    async with bench(market) as made:
        (bars,) = await made.bars(Wanted(listing=listing))
    assert isinstance(bars, BarColumns)
    assert "mic_code=XNAS" in made.site.asked[0]


@pytest.mark.parametrize("mic", ["CRYP", "XNAS"])
async def test_crypto_is_asked_for_without_an_exchange_and_has_no_volume(mic: str):
    coin = Instrument(
        symbol="BTC/USD",
        kind="Digital Currency",
        mic=None,
        currency=None,
        rows=some_rows("BTC", DAYS, volume=False),
    )
    async with bench([coin]) as made:
        (bars,) = await made.bars(Wanted(listing=replace(coin.listing, mic=mic)))
    assert isinstance(bars, BarColumns)
    assert "mic_code" not in made.site.asked[0]
    assert np.isnan(bars.volume).all()
    assert bars.quote_unit == "USD"


async def test_volume_of_nothing_stays_nothing_for_stocks_and_is_unknown_for_indices():
    rows = tuple({**row, "volume": "0"} for row in some_rows("X", DAYS))
    share, index = stock(rows=rows), Instrument(symbol="SPX", kind="Index", rows=rows)
    async with bench([share, index]) as made:
        answers = {one.listing.symbol: one for one in await made.bars(*wanted(share, index))}
    assert not answers["AAPL"].volume.any()  # type: ignore[union-attr]
    assert np.isnan(answers["SPX"].volume).all()  # type: ignore[union-attr]


async def test_pence_are_told_as_the_unit_of_prices():
    one = stock("VOD", mic="XLON", currency="GBp")
    async with bench([one]) as made:
        (bars,) = await made.bars(Wanted(listing=replace(one.listing, currency="GBP")))
    assert isinstance(bars, BarColumns)
    assert bars.quote_unit == "GBX"


WRONG = {"asset_type": "fund", "currency": "EUR"}


@pytest.mark.parametrize(("member", "value"), WRONG.items())
async def test_another_instrument_under_the_name_is_not_taken(member: str, value: str):
    one, other = market = stocks("AAPL", "MSFT")
    mistaken = replace(one.listing, **{member: value})
    async with bench(market, plan="free") as made:
        answers = await made.bars(Wanted(listing=mistaken), *wanted(other))
        quotes = await made.source.quotes([mistaken])
    refused = [each for each in answers if isinstance(each, NotDelivered)]
    assert [(each.listing, each.reason) for each in refused] == [(mistaken, Reason.WRONG_INSTRUMENT)]
    assert "AAPL" in refused[0].detail
    assert len(answers) == 3
    if member == "currency":
        assert isinstance(quotes[0], NotDelivered)
        assert quotes[0].reason is Reason.WRONG_INSTRUMENT


async def test_symbols_that_fail_take_no_others_with_them():
    good, gated = stock(), stock("VUAG", gated=True)
    unknown = stock("NOSUCH")
    async with bench([good, gated]) as made:
        answers = {one.listing.symbol: one for one in await made.bars(*wanted(unknown, good, gated))}
    assert isinstance(answers["AAPL"], BarColumns)
    reasons = {name: one.reason for name, one in answers.items() if isinstance(one, NotDelivered)}
    assert reasons == {"NOSUCH": Reason.UNKNOWN_SYMBOL, "VUAG": Reason.NOT_IN_PLAN}


async def test_symbol_that_failed_in_one_mode_is_not_asked_for_in_the_next():
    async with bench([], plan="free") as made:
        answers = await made.bars(*wanted(stock("NOSUCH")))
    assert len(answers) == 1
    assert len(made.site.asked) == 1


async def test_actions_are_new_shares_for_old_and_amounts_as_they_were_paid():
    paid = [{"ex_date": "2021-08-06", "amount": 0.22}, {"ex_date": "2021-08-06", "amount": 0.1}]
    one = stock(splits=(SPLIT, {**SPLIT, "date": "2023-01-02"}), dividends=tuple(paid))
    async with bench([one]) as made:
        (answer,) = [each async for each in made.source.actions(wanted(one, end=date(2022, 1, 1)))]
    assert isinstance(answer, ActionsOf)
    told = [
        (each.key, each.kind, str(each.ex_date), each.ratio, each.amount, each.currency)
        for each in answer.actions
    ]
    assert told == [
        ("split-2020-08-31", "split", "2020-08-31", "4", None, None),
        ("dividend-2021-08-06", "cash_dividend", "2021-08-06", None, "0.1", "USD"),
        ("dividend-2021-08-06-2", "cash_dividend", "2021-08-06", None, "0.22", "USD"),
    ]
    assert made.site.most == 40


async def test_what_the_plan_lacks_costs_nothing():
    (one,) = market = stocks("AAPL")
    async with bench(market, plan="free") as made:
        actions = [each async for each in made.source.actions(wanted(one))]
        shares = [each async for each in made.source.shares([one.listing])]
    for answer in (*actions, *shares):
        assert isinstance(answer, NotDelivered)
        assert answer.reason is Reason.NOT_IN_PLAN
    assert made.site.asked == []
    assert made.gate.providers == {}


async def test_actions_beyond_the_credits_are_named_and_those_before_delivered():
    market = [stock(name) for name in ("A", "B", "C")]
    async with bench(market, account={"patience_seconds": 61}) as made:
        answers = [each async for each in made.source.actions(wanted(*market))]
    assert [isinstance(each, ActionsOf) for each in answers] == [True, True, False] or (
        [isinstance(each, ActionsOf) for each in answers] == [True, False, False]
    )
    assert isinstance(answers[-1], NotDelivered)
    assert answers[-1].reason is Reason.NO_CREDITS


async def test_shares_hold_from_today_on():
    one, other = stock(shares=5_186_549_760, floating=2_593_274_880), stock("MSFT")
    async with bench([one, other], plan="pro") as made:
        answers = [each async for each in made.source.shares([one.listing, other.listing])]
    assert answers[0] == SharesOutstanding(
        listing=one.listing,
        source="twelvedata",
        day=date(2024, 6, 3),
        shares=5_186_549_760.0,
        status="reported",
        float_factor=0.5,
    )
    assert isinstance(answers[1], NotDelivered)
    assert answers[1].reason is Reason.BAD_DATA


@pytest.mark.parametrize("floating", [0, -5, 101, "many", None])
async def test_a_float_that_can_be_none_is_left_out(floating: object):
    one = stock(shares=100, floating=floating)
    async with bench([one], plan="pro") as made:
        [answer] = [each async for each in made.source.shares([one.listing])]
    assert (answer.shares, answer.float_factor) == (100.0, None)


async def test_quotes_come_in_the_order_asked_with_those_that_failed():
    one, other = market = stocks("AAPL", "MSFT")
    async with bench(market) as made:
        asked = [other.listing, stock("NOSUCH").listing, one.listing]
        answers = await made.source.quotes(asked)
        assert await made.source.quotes([]) == []
    assert [each.listing for each in answers] == asked
    assert answers[0] == Quote(
        listing=other.listing,
        source="twelvedata",
        price=float(other.rows[-1]["close"]),
        quote_unit="USD",
        at=datetime.fromtimestamp(int(NOON), UTC),
        previous_close=float(other.rows[-2]["close"]),
        is_open=True,
    )
    assert isinstance(answers[1], NotDelivered)
    assert isinstance(answers[2], Quote)


async def test_search_finds_what_can_be_a_listing_best_first():
    coin = Instrument(
        symbol="ETH/EUR", name="Ethereum Euro", kind="Digital Currency", mic=None, currency=None
    )
    fund = Instrument(symbol="ETHE", name="Ethereum Trust", kind="ETF", mic="ARCX")
    right = Instrument(symbol="ETHR", name="Ethereum right", kind="Right")
    nowhere = Instrument(symbol="ETHX", name="Ethereum X", mic=None, currency="USD")
    async with bench([coin, right, fund, nowhere, fund]) as made:
        found = await made.source.search(" ethereum ", limit=5)
        first = await made.source.search("ethereum", limit=1)
        assert await made.source.search("nothing like it") == []
        assert await made.source.search(" ") == []
    assert [(one.symbol, one.mic, one.asset_type, one.currency, one.country) for one in found] == [
        ("ETH/EUR", "CRYP", "crypto", "EUR", None),
        ("ETHE", "ARCX", "etf", "USD", "US"),
    ]
    assert [one.symbol for one in first] == ["ETH/EUR"]


async def test_usage_is_what_the_provider_counts():
    async with bench([], plan="free") as made:
        usage = await made.source.usage()
    assert (usage.current_usage, usage.plan_limit) == (1, 8)
    assert (usage.daily_usage, usage.plan_daily_limit) == (1, 800)


def pair(symbol: str, days: list[date]) -> Instrument:
    rows = some_rows(symbol, days, volume=False)
    return Instrument(symbol=symbol, kind="Physical Currency", mic=None, currency=None, rows=rows)


async def test_rates_are_closes_of_days_that_are_over_against_the_euro():
    days = weekdays(date(2024, 6, 3), 20)
    dollar, pound = pair("EUR/USD", days), pair("EUR/GBP", days)
    async with bench([dollar, pound], quotes=("USD", "EUR", "ABC", "GBP")) as made:
        rates = await made.fx.rates()
        some = await made.fx.rates(start=days[3], end=days[5])
        none = await made.fx.rates(start=date(2024, 6, 3))
    assert [(one.base, one.quote, one.fixing) for one in rates] == [
        ("EUR", "USD", "TWELVEDATA"),
        ("EUR", "GBP", "TWELVEDATA"),
    ]
    assert rates[0].day.astype(str).tolist() == [day.isoformat() for day in days[:-1]]
    assert rates[1].rate.tolist() == [float(row["close"]) for row in pound.rows[:-1]]
    assert [len(one.day) for one in some] == [3, 3]
    assert none == []


async def test_day_with_two_rates_has_none_and_a_repeated_one_has_one():
    rows = list(some_rows("X", DAYS[:3], volume=False))
    rows = [rows[0], rows[0], rows[1], {**rows[1], "close": "9.0"}, {**rows[2], "close": "0"}]
    dollar = replace(pair("EUR/USD", []), rows=tuple(rows))
    async with bench([dollar], quotes=("USD",)) as made:
        (rates,) = await made.fx.rates()
    assert rates.day.astype(str).tolist() == [DAYS[0].isoformat()]
    assert rates.rate.tolist() == [float(rows[0]["close"])]


async def test_present_rate_of_a_pair_comes_with_its_instant():
    dollar = pair("EUR/USD", DAYS)
    async with bench([dollar]) as made:
        spot = await made.fx.spot("EUR", "USD")
        assert await made.fx.spot("EUR", "XXX") is None
        made.site.faults.append("bad key")
        with pytest.raises(SourceUnavailable):
            await made.fx.spot("EUR", "USD")
    rate, at = float(dollar.rows[-1]["close"]), datetime.fromtimestamp(int(NOON), UTC)
    assert spot == SpotRate(base="EUR", quote="USD", source="twelvedata", rate=rate, at=at)
