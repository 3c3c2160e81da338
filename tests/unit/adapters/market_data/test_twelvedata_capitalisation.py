"""What a page of market capitalisations comes to."""

import json
from typing import Any

import numpy as np
import pytest

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import Answer
from waardhaven.adapters.outbound.market_data.keyed import Again
from waardhaven.adapters.outbound.market_data.twelvedata.answers import Meaning, Problem, whole
from waardhaven.adapters.outbound.market_data.twelvedata.capitalisation import (
    MARKET_CAP,
    Capitals,
    to_capitals,
)
from waardhaven.application.ports.market_facts import Listing

APPLE = Listing(symbol="AAPL", mic="XNAS", name="Apple", asset_type="equity", currency="USD")
META = {"symbol": "AAPL", "currency": "USD", "exchange": "NASDAQ", "mic_code": "XNGS"}
ROW = {"date": "2025-08-07", "value": 3_000_000_000_000}


def page(body: dict[str, Any]) -> Capitals | Problem:
    answer = Answer(status=200, headers={}, body=json.dumps(body).encode(), reach=Reach.LOOPBACK)
    found = whole(answer, MARKET_CAP.payload, MARKET_CAP.kind)
    return found if isinstance(found, Problem) else to_capitals(APPLE, found)


def test_rows_are_columns_as_they_were_sent_and_what_is_missing_is_unknown():
    rows = [ROW, {"date": "2025-08-06 00:00:00", "value": "2.5"}, {"date": "2025-08-05"}, ROW]
    made = page({"meta": META, "market_cap": rows})
    assert isinstance(made, Capitals)
    assert made.day.astype(str).tolist() == ["2025-08-07", "2025-08-06", "2025-08-05", "2025-08-07"]
    np.testing.assert_array_equal(made.value, [3e12, 2.5, np.nan, 3e12])


@pytest.mark.parametrize("rows", [[], None])
def test_no_rows_are_a_page_without_rows(rows: Any):
    made = page({"market_cap": rows})
    assert isinstance(made, Capitals)
    assert (len(made), made.day.dtype, made.value.dtype) == (0, np.dtype("datetime64[D]"), np.dtype(float))


@pytest.mark.parametrize("change", [{"currency": "EUR"}, {"mic_code": "XETR"}, {"type": "ETF"}])
def test_page_of_another_instrument_is_a_problem(change: dict[str, str]):
    made = page({"meta": META | change, "market_cap": [ROW]})
    assert isinstance(made, Problem)
    assert made.meaning is Meaning.WRONG


@pytest.mark.parametrize(
    "change",
    [
        {"date": "2025"},
        {"date": "2025-13-01"},
        {"date": ""},
        {"date": None},
        {"value": "much"},
        {"value": ""},
        {"value": [1]},
    ],
)
def test_row_with_a_day_or_a_value_that_is_none_is_a_problem(change: dict[str, Any]):
    made = page({"meta": META, "market_cap": [ROW | change]})
    assert isinstance(made, Problem)
    assert made.meaning is Meaning.REFUSED


def test_answer_without_capitalisations_is_asked_for_again():
    with pytest.raises(Again):
        page({"meta": META})
