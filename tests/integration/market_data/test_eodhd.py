"""EODHD over its local site, when nothing goes wrong."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote

import numpy as np
import pytest
from structlog.testing import capture_logs
from tests.eodhd_site import FACTOR, FREE_HISTORY, KEY, WHOLE, paper, text
from tests.integration.market_data.eodhd_tools import eodhd_bench, loaded, wanted
from tests.twelvedata_site import LAST, NOON, weekdays

from waardhaven.adapters.outbound.market_data import eodhd, eodhd_shapes
from waardhaven.application.ports.market_data import (
    BarColumns,
    NotDelivered,
    Quote,
    Reason,
    SourceUnavailable,
    Wanted,
)
from waardhaven.application.ports.market_facts import Listing
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.asset import MIC

DAYS = weekdays(LAST, 30)
ONE = paper("AAPL.US", mic="XNAS")
PENCE = paper("VOD.LSE", mic="XLON", unit="GBX", currency="GBP")


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


async def test_warning_that_repeats_the_key_is_logged_without_it(monkeypatch: pytest.MonkeyPatch):
    repeats = f'[{{"warning": "{KEY} is of a free plan"}}]'
    monkeypatch.setitem(WHOLE, "repeats", text(repeats, 200, "application/json"))
    with capture_logs() as logs:
        async with eodhd_bench([ONE]) as made:
            made.site.faults.append("repeats")
            answers = await made.bars(*wanted(ONE))
    assert [len(one) for one in answers if isinstance(one, BarColumns)] == [0, 0]
    assert [one["detail"] for one in logs if one["event"] == "provider_warned"] == ["*** is of a free plan"]


async def test_symbols_are_answered_in_order_and_a_few_at_once():
    assert 1 < eodhd.AT_ONCE < 5
    market = [paper(f"S{n}.US") for n in range(3 * eodhd.AT_ONCE)]
    async with eodhd_bench(market, barrier=asyncio.Barrier(eodhd.AT_ONCE)) as made:
        answers = await asyncio.wait_for(made.bars(*wanted(*market)), 20)
        assert loaded(made, answers)
        assert made.site.most_at_once == eodhd.AT_ONCE
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


@pytest.mark.parametrize("words", ["a/b", "a?b#c", "50% & more", "Société", "../eod/x"])
async def test_words_of_a_search_stay_words(words: str):
    async with eodhd_bench([ONE]) as made:
        assert await made.source.search(words) == []
        (asked,) = made.site.asked
    assert unquote(asked.partition("?")[0]) == f"/api/search/{words}"


@pytest.mark.parametrize("words", [".", "..", "-/-"])
async def test_signs_alone_find_nothing_and_cost_nothing(words: str):
    async with eodhd_bench([ONE]) as made:
        assert await made.source.search(words) == []
        assert made.site.asked == []


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
