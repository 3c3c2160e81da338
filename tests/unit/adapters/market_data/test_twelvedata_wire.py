"""What Twelve Data's answers come to, shape by shape."""

import json
from typing import Any

import numpy as np
import pytest

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import Answer
from waardhaven.adapters.outbound.market_data.keyed import Again, Refused, Spent
from waardhaven.adapters.outbound.market_data.twelvedata.actions import dividends_of, shares_of, splits_of
from waardhaven.adapters.outbound.market_data.twelvedata.answers import (
    Meaning,
    Problem,
    by_symbol,
    meaning,
    members,
    problem_in,
    typed,
    whole,
)
from waardhaven.adapters.outbound.market_data.twelvedata.names import (
    contradiction,
    found_listing,
    operating_mic,
    quote_unit,
)
from waardhaven.adapters.outbound.market_data.twelvedata.quotes import quote_of
from waardhaven.adapters.outbound.market_data.twelvedata.series import Page, to_page
from waardhaven.adapters.outbound.market_data.twelvedata.wire import (
    Dividends,
    Splits,
    Statistics,
    TimeSeries,
    WireQuote,
)
from waardhaven.application.ports.market_data import Quote, Reason
from waardhaven.application.ports.market_facts import Listing
from waardhaven.application.ports.provider_gate import Period

APPLE = Listing(symbol="AAPL", mic="XNAS", name="Apple", asset_type="equity", currency="USD")
PRICES = {"open": "1.5", "high": "2", "low": "1", "close": "1.75"}
BAR = {"datetime": "2024-05-31", **PRICES}
SERIES = {"meta": {"symbol": "AAPL", "interval": "1day", "type": "Common Stock"}, "values": [BAR]}


def answer(body: Any, status: int = 200) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers={}, body=raw, reach=Reach.LOOPBACK)


def series(body: Any, *symbols: str, status: int = 200) -> dict[str, TimeSeries | Problem]:
    parts = by_symbol(answer(body, status), symbols or ("AAPL",), "values")
    return {name: typed(part, TimeSeries) for name, part in parts.items()}


MEANINGS = [
    (429, "You have run out of API credits for the current minute. Wait for the next minute", Meaning.MINUTE),
    (429, "", Meaning.MINUTE),
    (0, "You have run out of API credits for the current minute.", Meaning.MINUTE),
    (429, "You have run out of API credits for the day. Consider upgrading", Meaning.DAY),
    (401, "**apikey** parameter is incorrect or not specified.", Meaning.BAD_KEY),
    (400, "**apikey** parameter is incorrect or not specified.", Meaning.BAD_KEY),
    (401, "", Meaning.BAD_KEY),
    (403, "The demo API key is for examples only", Meaning.BAD_KEY),
    (403, "/splits is available exclusively with grow or pro plans. Upgrade your API Key", Meaning.PLAN),
    (403, "", Meaning.PLAN),
    (404, "This symbol is available starting with the Grow or Venture plan.", Meaning.PLAN),
    (404, "The index unavailable", Meaning.PLAN),
    (403, "**symbol** XYZ is not available with your plan", Meaning.PLAN),
    (400, "No data is available on the specified dates. Try setting different dates.", Meaning.NO_DATA),
    (404, "Data not found", Meaning.DOUBTFUL),
    (404, "**symbol** or **figi** parameter is missing or invalid.", Meaning.UNKNOWN),
    (400, "**symbol** not found: FAKE. Please specify it correctly", Meaning.UNKNOWN),
    (400, "not found", Meaning.UNKNOWN),
    (404, "", Meaning.UNKNOWN),
    (414, "", Meaning.TOO_MANY),
    (500, "symbol not found in cache", Meaning.SERVER),
    (520, "", Meaning.SERVER),
    (400, "Invalid **interval** provided: 0.99min.", Meaning.REFUSED),
    (0, "something else", Meaning.REFUSED),
]


@pytest.mark.parametrize(("code", "text", "expected"), MEANINGS)
def test_error_means_what_its_words_say_and_then_its_code(code: int, text: str, expected: Meaning):
    assert meaning(code, text) is expected


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("rest", [{"status": "error"}, {}, {"status": "error", "meta": {"symbol": "X"}}])
def test_error_is_found_whatever_status_it_comes_with_and_whether_it_says_so(status: int, rest: Any):
    found = series({"code": 400, "message": "No data is available", **rest}, status=status)
    assert found == {"aapl": Problem(Meaning.NO_DATA, "No data is available")}


def test_code_may_be_text():
    assert series({"code": "404", "message": "x"})["aapl"] == Problem(Meaning.UNKNOWN, "x")


def test_error_without_a_code_is_judged_by_its_status():
    with pytest.raises(Again):
        series({"status": "error", "message": "oops"}, status=503)


def test_code_of_success_is_no_error():
    found = members(answer({"code": 200, "status": "success", "data": {}}))
    assert problem_in(found, "values") is None


@pytest.mark.parametrize("symbols", [("STATUS", "CODE", "META"), ("VALUES", "MESSAGE"), ("code", "status")])
def test_symbols_named_like_members_are_symbols(symbols: tuple[str, ...]):
    found = series(dict.fromkeys(symbols, SERIES), *symbols)
    assert sorted(found) == sorted(one.lower() for one in symbols)
    assert all(isinstance(one, TimeSeries) for one in found.values())


def test_single_symbol_comes_flat_and_may_come_under_its_name():
    assert isinstance(series(SERIES)["aapl"], TimeSeries)
    assert isinstance(series({"AAPL": SERIES})["aapl"], TimeSeries)


def test_symbols_are_found_in_any_case_and_by_what_they_say_they_are():
    found = series({"aapl": SERIES, "MSFT:NASDAQ": {**SERIES, "meta": {"symbol": "msft"}}}, "AAPL", "MSFT")
    assert sorted(found) == ["aapl", "msft"]
    assert "msft" in series({**SERIES, "meta": {"symbol": "MSFT"}}, "AAPL", "MSFT")


def test_symbols_left_out_are_left_out_and_strangers_ignored():
    body = {"AAPL": SERIES, "X": SERIES, "EMPTY": {}, "NULL": None, "is_batch": True}
    assert list(series(body, "AAPL", "MSFT", "EMPTY", "NULL")) == ["aapl"]


def test_error_of_one_symbol_is_that_of_no_other():
    body = {"AAPL": SERIES, "X": {"code": 400, "message": "not found"}}
    found = series(body, "AAPL", "X")
    assert isinstance(found["aapl"], TimeSeries)
    assert found["x"] == Problem(Meaning.UNKNOWN, "not found")


@pytest.mark.parametrize("values", ["text", [1], [{"datetime": 5}], [{"datetime": "2024-05-31", "open": {}}]])
def test_wrong_type_under_one_symbol_is_a_problem_of_that_symbol(values: Any):
    found = series({"AAPL": SERIES, "X": {"values": values}}, "AAPL", "X")
    assert isinstance(found["aapl"], TimeSeries)
    problem = found["x"]
    assert isinstance(problem, Problem)
    assert problem.meaning is Meaning.REFUSED


GARBLED = [
    b"",
    b"<html>",
    b'{"values": [',
    b"[1]",
    b"null",
    b'"x"',
    b'{"values": NaN}',
    b"\xff\xfe",
    b"[" * 10_000,
]


@pytest.mark.parametrize("status", [200, 301, 404, 500, 502])
@pytest.mark.parametrize("body", GARBLED)
def test_what_is_no_object_is_asked_for_again(body: bytes, status: int):
    with pytest.raises(Again):
        series(body, status=status)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b""])
def test_status_tells_where_a_proxy_answered(body: bytes):
    with pytest.raises(Spent) as spent:
        series(body, status=429)
    assert spent.value.period is Period.MINUTE
    with pytest.raises(Refused) as refused:
        series(body, status=401)
    assert refused.value.reason is Reason.BAD_KEY
    assert series(body, status=414)["aapl"].meaning is Meaning.TOO_MANY  # type: ignore[union-attr]


def test_answer_about_one_thing_that_lacks_it_is_asked_for_again():
    with pytest.raises(Again):
        whole(answer({"meta": {}}), "splits", Splits)


def test_spent_day_is_told_from_a_spent_minute():
    with pytest.raises(Spent) as spent:
        series({"code": 429, "message": "You have run out of API credits for the day.", "status": "error"})
    assert spent.value.period is Period.DAY


def page(*bars: dict[str, Any]) -> Page | Problem:
    found = series({"values": list(bars)})["aapl"]
    assert isinstance(found, TimeSeries)
    return to_page(found)


def test_numbers_may_be_text_or_numbers_and_what_is_missing_is_unknown():
    found = page(
        {"datetime": "2024-05-31", **PRICES, "volume": "12"},
        {
            "datetime": "2024-05-30 00:00:00",
            "open": 1,
            "high": 2.5,
            "low": None,
            "close": "1.00001",
            "volume": 7,
        },
        {"datetime": "2024-05-29", "close": "3"},
    )
    assert isinstance(found, Page)
    columns = found.columns
    assert columns.day.astype(str).tolist() == ["2024-05-29", "2024-05-30", "2024-05-31"]
    assert columns.values["close"].tolist() == [3.0, 1.00001, 1.75]
    np.testing.assert_array_equal(columns.values["volume"], [np.nan, 7, 12])
    np.testing.assert_array_equal(columns.values["low"], [np.nan, np.nan, 1])
    assert {one.dtype for one in columns.values.values()} == {np.dtype(np.float64)}


@pytest.mark.parametrize(
    "change",
    [{"close": "one"}, {"close": ""}, {"datetime": "2024"}, {"datetime": "2024-13-01"}, {"datetime": ""}],
)
def test_value_that_is_none_is_a_problem_of_the_symbol(change: dict[str, str]):
    problem = page({**BAR, **change})
    assert isinstance(problem, Problem)
    assert problem.meaning is Meaning.REFUSED


@pytest.mark.parametrize("values", [[], None])
def test_no_values_are_a_page_without_bars(values: Any):
    found = series({"values": values, "status": "ok"})["aapl"]
    assert isinstance(found, TimeSeries)
    made = to_page(found)
    assert isinstance(made, Page)
    assert (made.count, len(made.columns)) == (0, 0)


def split_ratios(*rows: dict[str, Any]) -> list[str | None] | Problem:
    made = splits_of(APPLE, whole(answer({"splits": list(rows)}), "splits", Splits))  # type: ignore[arg-type]
    return made if isinstance(made, Problem) else [one.ratio for one in made]


@pytest.mark.parametrize(
    ("row", "ratio"),
    [
        ({"from_factor": 4, "to_factor": 1, "ratio": 0.25}, "4"),
        ({"from_factor": 1, "to_factor": 10, "ratio": 10}, "0.1"),
        ({"from_factor": 3, "to_factor": 2, "ratio": 0.66667}, "1.5"),
        ({"from_factor": "7", "to_factor": 1}, "7"),
        ({"from_factor": 1, "to_factor": 3}, "0.3333333333"),
        ({"from_factor": 1.05, "to_factor": 1}, "1.05"),
        ({"from_factor": 1000, "to_factor": 1}, "1000"),
        ({"ratio": 0.25}, "4"),
    ],
)
def test_ratio_of_a_split_is_new_shares_for_one_old(row: dict[str, Any], ratio: str):
    assert split_ratios({"date": "2020-08-31", **row}) == [ratio]


@pytest.mark.parametrize(
    "row",
    [
        {"date": "2020-08-31"},
        {"date": "soon", "ratio": 1},
        {"date": "2020-08-31", "from_factor": -1, "to_factor": 2},
        {"date": "2020-08-31", "from_factor": 0, "to_factor": 0, "ratio": 0},
        {"date": "2020-08-31", "from_factor": "Infinity", "to_factor": 1},
        {"date": "2020-08-31", "from_factor": "NaN", "to_factor": 1},
    ],
)
def test_split_that_says_no_ratio_is_a_problem(row: dict[str, Any]):
    assert isinstance(split_ratios(row), Problem)


def paid(rows: Any, **meta: str) -> Any:
    found = whole(answer({"meta": meta, "dividends": rows}), "dividends", Dividends)
    return found if isinstance(found, Problem) else dividends_of(APPLE, found)


def test_amounts_are_exact_and_several_on_a_day_have_keys_of_their_own():
    row = b'{"ex_date": "2021-08-06", "amount": '
    raw = b'{"dividends": [' + row + b"0.1}, " + row + b"0.09000000000000001}]}"
    made = dividends_of(APPLE, whole(answer(raw), "dividends", Dividends))  # type: ignore[arg-type]
    assert not isinstance(made, Problem)
    assert [(one.key, one.amount, one.currency) for one in made] == [
        ("dividend-2021-08-06", "0.09", "USD"),
        ("dividend-2021-08-06-2", "0.1", "USD"),
    ]


def test_dividend_in_pence_is_told_in_pounds():
    pound = Listing(symbol="VOD", mic="XLON", name="V", asset_type="equity", currency="GBP")
    body = {"meta": {"currency": "GBp"}, "dividends": [{"ex_date": "2021-08-06", "amount": 4.5}]}
    found = whole(answer(body), "dividends", Dividends)
    made = dividends_of(pound, found)  # type: ignore[arg-type]
    assert not isinstance(made, Problem)
    assert (made[0].amount, made[0].currency) == ("0.045", "GBP")


@pytest.mark.parametrize(
    "rows",
    [
        [{"ex_date": "2021-08-06", "amount": -1}],
        [{"ex_date": "x", "amount": 1}],
        [{"ex_date": "2021-08-06", "amount": "NaN"}],
        [{"ex_date": "2021-08-06", "amount": None}],
    ],
)
def test_dividend_that_is_none_is_a_problem(rows: Any):
    assert isinstance(paid(rows), Problem)


def test_no_dividends_are_none():
    assert paid([]) == paid(None) == ()


@pytest.mark.parametrize("meta", [{"currency": "EUR"}, {"mic_code": "XETR"}, {"type": "ETF"}])
def test_facts_of_another_instrument_are_a_problem(meta: dict[str, str]):
    body = answer({"meta": meta, "splits": [], "statistics": {"stock_statistics": {"shares_outstanding": 1}}})
    problems = [
        paid([], **meta),
        splits_of(APPLE, whole(body, "splits", Splits)),  # type: ignore[arg-type]
        shares_of(APPLE, whole(body, "statistics", Statistics)),  # type: ignore[arg-type]
    ]
    for problem in problems:
        assert isinstance(problem, Problem)
        assert problem.meaning is Meaning.WRONG


@pytest.mark.parametrize(
    ("block", "shares"), [({"shares_outstanding": 5}, 5.0), ({"shares_outstanding": "5e9"}, 5e9)]
)
def test_count_of_shares_may_be_text(block: Any, shares: float):
    body = {"statistics": {"stock_statistics": block}}
    assert shares_of(APPLE, whole(answer(body), "statistics", Statistics)) == (shares, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "block",
    [
        None,
        {},
        {"shares_outstanding": 0},
        {"shares_outstanding": "inf"},
        {"shares_outstanding": "many"},
        {"shares_outstanding": None},
    ],
)
def test_no_count_of_shares_is_a_problem(block: Any):
    body = {"statistics": {"stock_statistics": block}}
    made = shares_of(APPLE, whole(answer(body), "statistics", Statistics))  # type: ignore[arg-type]
    assert isinstance(made, Problem)


@pytest.mark.parametrize("close", [None, "0", "-1", "x", "nan", "inf", ""])
def test_quote_without_a_price_is_a_problem(close: Any):
    assert isinstance(quote_of(APPLE, WireQuote(close=close)), Problem)


def test_quote_knows_no_instant_where_none_is_told():
    for seconds in (None, 0, -5, 10**15):
        made = quote_of(APPLE, WireQuote(close=1.0, timestamp=seconds))
        assert isinstance(made, Quote)
        assert made.at is None


@pytest.mark.parametrize(
    ("text", "mic"),
    [
        ("XNGS", "XNAS"),
        ("xnms", "XNAS"),
        ("XNCM", "XNAS"),
        ("XNYS", "XNYS"),
        ("DIGITAL_CURRENCY", None),
        ("", None),
        (None, None),
    ],
)
def test_segment_belongs_to_its_exchange(text: str | None, mic: str | None):
    assert operating_mic(text) == mic


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("USD", "USD"),
        ("usd", "USD"),
        ("GBp", "GBX"),
        ("GBX", "GBX"),
        ("GBP", "GBP"),
        ("ZAc", "ZAC"),
        ("ILA", "ILA"),
        ("", None),
        (None, None),
        ("US Dollar", None),
        ("U$D", None),
    ],
)
def test_currency_is_the_unit_of_prices(text: str | None, unit: str | None):
    assert quote_unit(text) == unit


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"kind": "", "unit": "", "mic": ""},
        {"kind": "Common Stock", "unit": "USD", "mic": "XNGS"},
        {"kind": "American Depositary Receipt"},
        {"kind": "A type of tomorrow", "mic": "DIGITAL_CURRENCY"},
    ],
)
def test_what_is_missing_or_unknown_contradicts_nothing(told: dict[str, str]):
    assert contradiction(APPLE, **{"kind": None, "unit": None, "mic": None, **told}) is None


@pytest.mark.parametrize("told", [{"kind": "ETF"}, {"unit": "EUR"}, {"mic": "XNYS"}, {"kind": "Index"}])
def test_what_differs_contradicts(told: dict[str, str]):
    assert contradiction(APPLE, **{"kind": None, "unit": None, "mic": None, **told})


def test_index_is_held_against_no_exchange():
    index = Listing(symbol="RUT", mic="XCBO", name="R", asset_type="index", currency="USD")
    assert contradiction(index, kind="Index", unit="USD", mic="BATS") is None


@pytest.mark.parametrize(
    "change",
    [
        {"symbol": ""},
        {"symbol": None},
        {"symbol": "A B"},
        {"kind": "Warrant"},
        {"kind": None},
        {"mic": ""},
        {"unit": ""},
        {"unit": "Dollar"},
        {"kind": "Digital Currency", "symbol": "BTC"},
    ],
)
def test_row_that_makes_no_listing_is_left_out(change: dict[str, Any]):
    row = {
        "symbol": "AAPL",
        "name": "Apple",
        "kind": "Common Stock",
        "mic": "XNGS",
        "unit": "USD",
        "land": "x",
    }
    assert found_listing(**row) is not None
    assert found_listing(**{**row, **change}) is None
