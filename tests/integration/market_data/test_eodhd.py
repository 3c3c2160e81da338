"""EODHD over its local site: what comes when nothing goes wrong, and what everything else comes to."""

import asyncio
import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs
from tests.eodhd_site import FACTOR, FREE_HISTORY, KEY, PASSING, WHOLE, paper, text
from tests.integration.market_data.eodhd_tools import EodhdBench, eodhd_bench, wanted
from tests.twelvedata_site import LAST, NOON, weekdays

from waardhaven.adapters.outbound.market_data import eodhd, eodhd_shapes
from waardhaven.application.ports.market_data import (
    ActionsOf,
    BarColumns,
    NotDelivered,
    Quote,
    Reason,
    SourceUnavailable,
    Wanted,
)
from waardhaven.application.ports.market_facts import Listing
from waardhaven.application.ports.provider_gate import Allotment
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import MIC

DAYS = weekdays(LAST, 30)
ONE = paper("AAPL.US", mic="XNAS")
PENCE = paper("VOD.LSE", mic="XLON", unit="GBX", currency="GBP")
SPLIT = {"date": "2020-08-31", "split": "4.000000/1.000000"}
PAID = {
    "date": "2024-05-10",
    "value": 0.24,
    "unadjustedValue": 0.96,
    "currency": "USD",
    "period": "Quarterly",
}


async def only_action(**changes: Any) -> Any:
    """Return the one split or dividend of a stock, or why there is none."""
    async with eodhd_bench([replace(ONE, **changes)]) as made:
        (answer,) = [one async for one in made.source.actions(wanted(ONE))]
    return answer.actions[0] if isinstance(answer, ActionsOf) else answer


def loaded(market: EodhdBench, answers: list[BarColumns | NotDelivered]) -> bool:
    """Tell whether both series of everything on the market came whole."""
    lengths = [len(one) for one in answers if isinstance(one, BarColumns)]
    return lengths == [len(one.rows) for one in market.site.market for _ in (Adjustment.RAW, Adjustment.ALL)]


# --- bars


async def test_bars_come_as_traded_with_every_value_to_the_bit():
    async with eodhd_bench([ONE]) as made:
        raw, _ = await made.bars(*wanted(ONE))
    assert isinstance(raw, BarColumns)
    assert (raw.source, raw.adjustment, raw.quote_unit) == ("eodhd", Adjustment.RAW, "USD")
    assert raw.day.astype(str).tolist() == [row["datetime"] for row in ONE.rows]
    for name in ("open", "high", "low", "close", "volume"):
        assert getattr(raw, name).tobytes() == np.array([float(row[name]) for row in ONE.rows]).tobytes()


async def test_adjusted_series_has_closes_alone():
    async with eodhd_bench([ONE]) as made:
        raw, adjusted = await made.bars(*wanted(ONE))
    assert isinstance(raw, BarColumns)
    assert isinstance(adjusted, BarColumns)
    assert adjusted.adjustment is Adjustment.ALL
    assert adjusted.day.tolist() == raw.day.tolist()
    assert adjusted.close[:-1].tolist() == (raw.close[:-1] * FACTOR).tolist()
    assert adjusted.close[-1] == raw.close[-1]
    for name in ("open", "high", "low", "volume"):
        assert np.isnan(getattr(adjusted, name)).all()


async def test_one_request_brings_both_series():
    async with eodhd_bench([ONE]) as made:
        assert loaded(made, await made.bars(*wanted(ONE)))
        (asked,) = made.site.asked
    assert asked.startswith("/api/eod/AAPL.US?")
    assert {"period=d", "order=a", "fmt=json"} <= set(asked.partition("?")[2].split("&"))


@pytest.mark.parametrize("ignores_days", [False, True])
async def test_both_ends_of_the_days_wanted_are_inclusive_even_if_the_server_ignores_them(ignores_days: bool):
    async with eodhd_bench([ONE], ignores_days=ignores_days) as made:
        answers = await made.bars(*wanted(ONE, start=DAYS[3], end=DAYS[7]))
        assert f"from={DAYS[3]}&to={DAYS[7]}" in made.site.asked[0]
    for bars in answers:
        assert isinstance(bars, BarColumns)
        assert bars.day.astype(str).tolist() == [day.isoformat() for day in DAYS[3:8]]


async def test_bars_in_another_order_are_sorted_by_day():
    async with eodhd_bench([replace(ONE, rows=ONE.rows[::-1])]) as made:
        raw, _ = await made.bars(*wanted(ONE))
    assert isinstance(raw, BarColumns)
    assert raw.close.tolist() == [float(row["close"]) for row in ONE.rows]


async def test_what_a_bar_leaves_out_is_unknown(monkeypatch: pytest.MonkeyPatch):
    sparse = '[{"date": "2024-05-31", "open": null, "close": 2}, {"warning": "Something is missing."}]'
    monkeypatch.setitem(WHOLE, "sparse", text(sparse, 200, "application/json"))
    async with eodhd_bench([ONE]) as made:
        made.site.faults.append("sparse")
        raw, adjusted = await made.bars(*wanted(ONE))
    assert isinstance(raw, BarColumns)
    assert isinstance(adjusted, BarColumns)
    assert raw.close.tolist() == [2.0]
    assert np.isnan([raw.open[0], raw.high[0], raw.volume[0], adjusted.close[0]]).all()


async def test_history_cut_by_the_free_plan_comes_with_a_warning_in_the_log():
    with capture_logs() as logs:
        async with eodhd_bench([ONE], free=True) as made:
            assert loaded(made, await made.bars(*wanted(ONE)))
    (warned,) = [one for one in logs if one["event"] == "provider_warned"]
    assert (warned["symbol"], warned["detail"]) == ("AAPL", FREE_HISTORY)


async def test_symbols_are_answered_in_order_and_a_few_at_once():
    market = [paper(f"S{n}.US") for n in range(11)]
    async with eodhd_bench(market) as made:
        answers = await made.bars(*wanted(*market))
        assert loaded(made, answers)
        assert 1 < made.site.most_at_once <= eodhd.AT_ONCE
    assert [one.listing for one in answers] == [one.listing for one in market for _ in range(2)]


async def test_unknown_symbol_takes_no_other_with_it():
    async with eodhd_bench([ONE]) as made:
        stranger = replace(ONE.listing, symbol="NOSUCH")
        refused, *rest = await made.bars(Wanted(listing=stranger), *wanted(ONE))
        assert loaded(made, rest)
        assert len(made.site.asked) == 2
    assert isinstance(refused, NotDelivered)
    assert (refused.reason, refused.source) == (Reason.UNKNOWN_SYMBOL, "eodhd")


# --- names


@pytest.mark.parametrize(
    ("symbol", "mic", "code"),
    [
        ("AAPL", "XNAS", "AAPL.US"),
        ("SPY", "ARCX", "SPY.US"),
        ("BRK.B", "XNYS", "BRK-B.US"),
        ("SAP", "XETR", "SAP.XETRA"),
        ("SAP", "XFRA", "SAP.F"),
        ("MC", "XPAR", "MC.PA"),
        ("ASML", "XAMS", "ASML.AS"),
        ("ABI", "XBRU", "ABI.BR"),
        ("NESN", "XSWX", "NESN.SW"),
        ("RY", "XTSE", "RY.TO"),
        ("BTC/USD", "CRYP", "BTC-USD.CC"),
        ("BTC-USD", "CRYP", "BTC-USD.CC"),
    ],
)
async def test_symbol_goes_under_the_name_of_the_provider(symbol: str, mic: str, code: str):
    one = paper(code, mic=mic, symbol=symbol)
    async with eodhd_bench([one]) as made:
        assert loaded(made, await made.bars(*wanted(one)))
        assert made.site.asked[0].startswith(f"/api/eod/{code}?")


@pytest.mark.parametrize("changes", [{"mic": "XMIL"}, {"mic": "ZZZZ"}, {"asset_type": "index"}])
async def test_unknown_exchange_or_index_costs_nothing(changes: dict[str, str]):
    async with eodhd_bench([ONE]) as made:
        one = Wanted(listing=replace(ONE.listing, **changes))
        answers = [
            *await made.bars(one),
            *await made.source.quotes([one.listing]),
            *[answer async for answer in made.source.actions([one])],
        ]
        assert made.site.asked == []
        assert (await made.gate.state("eodhd")).day_used == 0
    assert [one.reason for one in answers if isinstance(one, NotDelivered)] == [Reason.UNKNOWN_SYMBOL] * 3
    assert all(one.listing.mic in one.detail for one in answers if isinstance(one, NotDelivered))


def test_exchanges_are_mics_and_no_two_but_the_american_share_a_name():
    assert all(MIC.fullmatch(one) for one in eodhd_shapes.EXCHANGES)
    others = [code for code in eodhd_shapes.EXCHANGES.values() if code != eodhd_shapes.AMERICAN]
    assert len(set(others)) == len(others)


# --- pounds and pence


async def test_pence_are_told_as_the_unit_of_prices_and_asked_for_once():
    async with eodhd_bench([PENCE]) as made:
        for _ in range(2):
            raw, adjusted = await made.bars(*wanted(PENCE))
            (quoted,) = await made.source.quotes([PENCE.listing])
        searches = [one for one in made.site.asked if "/search/" in one]
    assert isinstance(raw, BarColumns)
    assert isinstance(quoted, Quote)
    assert {raw.quote_unit, adjusted.quote_unit, quoted.quote_unit} == {"GBX"}  # type: ignore[union-attr]
    assert quoted.price == raw.close[-1]
    assert len(searches) == 1
    assert searches[0].startswith("/api/search/VOD?")
    assert "exchange=LSE" in searches[0]


async def test_pounds_of_london_stay_pounds():
    fund = replace(PENCE, code="VUSA.LSE", unit="GBP", kind="ETF")
    async with eodhd_bench([fund]) as made:
        raw, _ = await made.bars(*wanted(fund))
    assert isinstance(raw, BarColumns)
    assert raw.quote_unit == "GBP"


async def test_dollars_of_london_are_not_asked_about():
    dollars = replace(PENCE, code="IWDA.LSE", currency="USD", unit="USD")
    async with eodhd_bench([dollars]) as made:
        raw, _ = await made.bars(*wanted(dollars))
        assert len(made.site.asked) == 1
    assert isinstance(raw, BarColumns)
    assert raw.quote_unit == "USD"


@pytest.mark.parametrize(("unit", "reason"), [("", Reason.BAD_DATA), ("EUR", Reason.WRONG_INSTRUMENT)])
async def test_series_of_an_unknown_or_another_currency_is_not_taken(unit: str, reason: Reason):
    async with eodhd_bench([replace(PENCE, unit=unit)]) as made:
        (answer,) = await made.bars(*wanted(PENCE))
    assert isinstance(answer, NotDelivered)
    assert answer.reason is reason


# --- actions


async def test_split_tells_new_shares_for_one_old():
    split = await only_action(splits=(SPLIT,))
    assert (split.kind, split.key, split.ratio) == ("split", "split-2020-08-31", "4")
    assert (split.ex_date, split.source, split.amount) == (date(2020, 8, 31), "eodhd", None)


@pytest.mark.parametrize(
    ("stated", "ratio"),
    [("2.000000/1.000000", "2"), ("3/2", "1.5"), ("1.000000/10.000000", "0.1"), ("1/3", "0.3333333333")],
)
async def test_ratio_is_an_exact_decimal(stated: str, ratio: str):
    assert (await only_action(splits=({**SPLIT, "split": stated},))).ratio == ratio


async def test_dividend_is_what_was_paid_on_its_ex_date():
    paid = await only_action(dividends=(PAID,))
    assert (paid.kind, paid.key, paid.amount, paid.currency) == (
        "cash_dividend",
        "dividend-2024-05-10",
        "0.96",
        "USD",
    )
    assert paid.ex_date == date(2024, 5, 10)


async def test_dividend_without_the_paid_amount_is_the_adjusted_one():
    assert (await only_action(dividends=({**PAID, "unadjustedValue": None},))).amount == "0.24"


async def test_amount_keeps_every_digit_it_was_sent_with():
    assert (await only_action(dividends=({**PAID, "unadjustedValue": 0.1234567},))).amount == "0.1234567"


async def test_dividend_in_another_currency_keeps_it():
    assert (await only_action(dividends=({**PAID, "currency": "EUR"},))).currency == "EUR"


@pytest.mark.parametrize("told", [{"currency": "GBX"}, {"currency": None}])
async def test_dividend_in_pence_is_told_in_pounds(told: dict[str, Any]):
    one = replace(PENCE, dividends=({**PAID, "unadjustedValue": 4.5, **told},))
    async with eodhd_bench([one]) as made:
        (answer,) = [found async for found in made.source.actions(wanted(one))]
    assert isinstance(answer, ActionsOf)
    (paid,) = answer.actions
    assert (paid.currency, Decimal(paid.amount or "0")) == ("GBP", Decimal("0.045"))


async def test_two_dividends_on_one_day_have_keys_of_their_own():
    one = replace(ONE, dividends=(PAID, {**PAID, "unadjustedValue": 2.5}))
    async with eodhd_bench([one]) as made:
        (answer,) = [found async for found in made.source.actions(wanted(one))]
    assert isinstance(answer, ActionsOf)
    assert [action.key for action in answer.actions] == ["dividend-2024-05-10", "dividend-2024-05-10-2"]


@pytest.mark.parametrize("ignores_days", [False, True])
async def test_actions_lie_within_the_days_wanted(ignores_days: bool):
    one = replace(ONE, splits=(SPLIT,), dividends=(PAID,))
    async with eodhd_bench([one], ignores_days=ignores_days) as made:
        (answer,) = [
            found async for found in made.source.actions(wanted(one, start=date(2020, 9, 1), end=LAST))
        ]
    assert isinstance(answer, ActionsOf)
    assert [action.kind for action in answer.actions] == ["cash_dividend"]


@pytest.mark.parametrize(
    "changes",
    [
        {"splits": ({**SPLIT, "split": stated},)}
        for stated in ("", "2", "2:1", "0/1", "1/0", "-1/2", "NaN/1", "1/1e30", "Infinity/1", "two/one")
    ]
    + [{"splits": ({**SPLIT, "date": "0000-00-00"},)}]
    + [
        {"dividends": ({**PAID, **row},)}
        for row in (
            {"date": "soon"},
            {"unadjustedValue": -1},
            {"unadjustedValue": 1e40},
            {"unadjustedValue": None, "value": None},
        )
    ],
)
async def test_action_that_can_not_be_read_is_bad_data(changes: dict[str, Any]):
    answer = await only_action(**changes)
    assert isinstance(answer, NotDelivered)
    assert answer.reason is Reason.BAD_DATA


# --- quotes and search


async def test_quote_has_its_price_its_instant_and_the_close_before():
    async with eodhd_bench([ONE]) as made:
        (quoted,) = await made.source.quotes([ONE.listing])
    assert quoted == Quote(
        listing=ONE.listing,
        source="eodhd",
        price=float(ONE.rows[-1]["close"]),
        quote_unit="USD",
        at=datetime.fromtimestamp(int(NOON), UTC),
        previous_close=float(ONE.rows[-2]["close"]),
    )


@pytest.mark.parametrize("close", ['"NA"', "null", "0", "-1"])
async def test_quote_without_a_price_is_none(close: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(WHOLE, "no price", text(f'{{"close": {close}}}', 200, "application/json"))
    async with eodhd_bench([ONE]) as made:
        made.site.faults.append("no price")
        (quoted,) = await made.source.quotes([ONE.listing])
    assert isinstance(quoted, NotDelivered)
    assert quoted.reason is Reason.UNKNOWN_SYMBOL


@pytest.mark.parametrize("rest", ["", ', "timestamp": "NA", "previousClose": "NA"', ', "timestamp": 1e300'])
async def test_quote_without_an_instant_has_none(rest: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(WHOLE, "bare", text(f'{{"close": 1.5{rest}}}', 200, "application/json"))
    async with eodhd_bench([ONE]) as made:
        made.site.faults.append("bare")
        (quoted,) = await made.source.quotes([ONE.listing])
    assert isinstance(quoted, Quote)
    assert (quoted.price, quoted.at, quoted.previous_close) == (1.5, None, None)


async def test_search_finds_what_has_an_exchange_of_ours():
    german, coin = paper("SAP.XETRA", currency="EUR", unit="EUR"), paper("SAP-USD.CC", kind="Currency")
    market = [replace(german, code="SAP.MU"), ONE, german, paper("SAP.US")]
    async with eodhd_bench(market) as made:
        assert await made.source.search("sap") == [
            Listing(symbol="SAP", mic="XETR", name="SAP Company", asset_type="equity", currency="EUR")
        ]
        made.site.market = [coin]
        (found,) = await made.source.search("SAP-USD")
        assert (found.symbol, found.mic, found.asset_type) == ("SAP/USD", "CRYP", "crypto")


async def test_search_speaks_of_pounds_where_prices_are_in_pence():
    async with eodhd_bench([PENCE]) as made:
        assert [one.currency for one in await made.source.search("VOD")] == ["GBP"]


async def test_search_keeps_within_its_limit_and_asks_nothing_for_nothing():
    market = [paper(f"A.{code}", unit="EUR") for code in ("PA", "AS", "BR")]
    async with eodhd_bench(market) as made:
        assert len(await made.source.search("a", limit=2)) == 2
        assert await made.source.search(" ") == []
        assert await made.source.search("a", limit=0) == []
        assert len(made.site.asked) == 1


@pytest.mark.parametrize("words", ["a/b", "a?b#c", "50% & more", "Société", ".."])
async def test_words_of_a_search_stay_words(words: str):
    one = paper("X.PA", unit="EUR", symbol="X")
    async with eodhd_bench([one]) as made:
        assert await made.source.search(words) == []
        assert len(made.site.asked) == 1


async def test_unknown_words_find_nothing_and_faults_are_told():
    async with eodhd_bench([ONE]) as made:
        made.site.faults.extend(["unknown"])
        assert await made.source.search("what") == []
        made.site.faults.extend(["plan"])
        with pytest.raises(SourceUnavailable, match="free users"):
            await made.source.search("what")


async def test_shares_are_not_offered_and_cost_nothing():
    async with eodhd_bench([ONE]) as made:
        (answer,) = [one async for one in made.source.shares([ONE.listing])]
        assert made.site.asked == []
    assert isinstance(answer, NotDelivered)
    assert answer.reason is Reason.NOT_OFFERED


# --- what goes wrong


@pytest.mark.parametrize("fault", PASSING)
async def test_what_goes_by_is_asked_again(fault: str):
    async with eodhd_bench([ONE]) as made:
        made.site.faults.extend([fault, None])
        assert loaded(made, await made.bars(*wanted(ONE)))
        assert len(made.site.asked) == 2


@pytest.mark.parametrize("fault", PASSING)
async def test_what_does_not_go_by_is_unavailable(fault: str):
    async with eodhd_bench([ONE], attempts=3) as made:
        made.site.faults.extend([fault] * 3)
        (answer,) = await made.bars(*wanted(ONE))
        assert len(made.site.asked) == 3
    assert isinstance(answer, NotDelivered)
    assert answer.reason is Reason.UNAVAILABLE


REFUSALS = {
    "bad key": Reason.BAD_KEY,
    "bad key forbidden": Reason.BAD_KEY,
    "plan": Reason.NOT_IN_PLAN,
    "plan without words": Reason.NOT_IN_PLAN,
    "unknown": Reason.UNKNOWN_SYMBOL,
    "unknown without words": Reason.UNKNOWN_SYMBOL,
    "refused": Reason.BAD_DATA,
    "another shape": Reason.BAD_DATA,
    "null": Reason.BAD_DATA,
    "a bar of words": Reason.BAD_DATA,
    "no day": Reason.BAD_DATA,
}


@pytest.mark.parametrize(("fault", "reason"), REFUSALS.items())
async def test_refusal_is_told_and_not_asked_again(fault: str, reason: Reason):
    async with eodhd_bench([ONE]) as made:
        made.site.faults.append(fault)
        (answer,) = await made.bars(*wanted(ONE))
        assert len(made.site.asked) == 1
        assert (await made.gate.state("eodhd")).failures == 0
    assert isinstance(answer, NotDelivered)
    assert answer.reason is reason
    assert answer.detail


async def test_spent_minute_is_waited_for():
    async with eodhd_bench([ONE]) as made:
        made.site.faults.append("minute")
        assert loaded(made, await made.bars(*wanted(ONE)))
        assert made.clock.waited == [pytest.approx(56, abs=5)]


@pytest.mark.parametrize("fault", ["day", "day in words", "day as many"])
async def test_spent_day_is_told_and_nothing_more_is_asked_before_the_next(fault: str):
    market = [paper(f"S{n}.US") for n in range(6)]
    async with eodhd_bench(market) as made:
        made.site.faults.append(fault)
        first = await made.bars(*wanted(market[0]))
        rest = await made.bars(*wanted(*market))
        assert len(made.site.asked) == 1
        made.clock.at += 86_400
        assert loaded(made, await made.bars(*wanted(*market)))
    refused = [one for one in (*first, *rest) if isinstance(one, NotDelivered)]
    assert [one.reason for one in refused] == [Reason.NO_CREDITS] * 7


async def test_free_plan_learns_its_twenty_a_day_from_the_refusal():
    market = [paper(f"S{n}.US", rows=2) for n in range(40)]
    async with eodhd_bench(market, per_day=20) as made:
        answers = await made.bars(*wanted(*market))
        assert made.site.used.total() == 20
        assert made.site.refused <= eodhd.AT_ONCE
    delivered = [one for one in answers if isinstance(one, BarColumns)]
    refused = [one for one in answers if isinstance(one, NotDelivered)]
    assert (len(delivered), len(refused)) == (40, 20)
    assert {one.reason for one in refused} == {Reason.NO_CREDITS}


async def test_requests_keep_within_the_credits_of_a_minute():
    market = [paper(f"S{n}.US", rows=2) for n in range(10)]
    async with eodhd_bench(
        market, allotment=Allotment(per_minute=4), per_minute=4, patience_seconds=300
    ) as made:
        assert loaded(made, await made.bars(*wanted(*market)))
        assert made.site.refused == 0
        assert max(made.site.used.values()) <= 4


async def test_refused_key_stops_what_was_not_asked_yet():
    market = [paper(f"S{n}.US") for n in range(12)]
    async with eodhd_bench(market, key="another") as made:
        answers = await made.bars(*wanted(*market))
        assert len(made.site.asked) == eodhd.AT_ONCE
    assert [one.reason for one in answers if isinstance(one, NotDelivered)] == [Reason.BAD_KEY] * 12


async def test_credits_the_provider_reports_are_told_to_the_gate():
    async with eodhd_bench([ONE]) as made:
        made.site.used[int(NOON // 60)] = 700
        await made.bars(*wanted(ONE))
        assert (await made.gate.state("eodhd")).minute_used == 701


async def test_free_plan_has_no_actions_and_no_quotes_and_says_so():
    async with eodhd_bench([ONE], free=True) as made:
        (actions,) = [one async for one in made.source.actions(wanted(ONE))]
        (quoted,) = await made.source.quotes([ONE.listing])
    for answer in (actions, quoted):
        assert isinstance(answer, NotDelivered)
        assert answer.reason is Reason.NOT_IN_PLAN
        assert "free users" in answer.detail


async def test_cancelled_caller_leaves_nothing_running_and_the_next_is_answered():
    async with eodhd_bench([ONE]) as made:
        made.site.faults.append("hang")
        asking = asyncio.ensure_future(made.bars(*wanted(ONE)))
        await asyncio.wait_for(made.site.hanging.wait(), 5)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert loaded(made, await made.bars(*wanted(ONE)))
        assert (await made.gate.state("eodhd")).failures == 0


# --- the key


def everything_of(error: BaseException | None) -> Iterator[str]:
    """Yield every text of an exception, of its causes and of what they hold."""
    while error is not None:
        yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
        yield "".join(traceback.format_exception(error))
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("fault", [*(set(WHOLE) - {"hang"}), None])
async def test_key_stands_in_no_log_answer_or_error(fault: str | None, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    with capture_logs() as logs:
        async with eodhd_bench([PENCE], attempts=2, patience_seconds=1) as made:
            calls = (
                lambda: made.bars(*wanted(PENCE)),
                lambda: made.source.quotes([PENCE.listing]),
                lambda: made.source.search("VOD"),
            )
            for call in calls:
                made.site.faults.clear()
                made.site.faults.extend([fault] * 9)
                try:
                    texts.append(repr(await call()))
                except SourceUnavailable as error:
                    texts += everything_of(error)
                await made.gate.succeeded("eodhd")
                made.clock.at += 86_400
            texts += [repr(made.source), repr(made.requests), repr(made.gate.providers)]
            assert all(KEY in path for path in made.site.asked)
            assert len(made.site.asked) >= 3
    texts += [repr(logs), caplog.text]
    assert not [one for one in texts if KEY in one]


@pytest.mark.parametrize("status", [403, 422, 500])
async def test_provider_that_repeats_the_key_is_not_repeated(status: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(WHOLE, "repeats", text(f"Nothing for {KEY} today", status))
    async with eodhd_bench([ONE], attempts=1) as made:
        made.site.faults.append("repeats")
        (answer,) = await made.bars(*wanted(ONE))
        held = repr(made.gate.providers)
    assert isinstance(answer, NotDelivered)
    assert "***" in answer.detail or status == 500
    assert KEY not in repr(answer) + held


async def test_key_with_signs_of_a_query_is_sent_whole():
    async with eodhd_bench([ONE], key="a&b=c+d%20") as made:
        await made.bars(*wanted(ONE))
        assert made.site.asked[0].endswith("&api_token=a%26b%3Dc%2Bd%2520")
