"""Long arrays are taken out of a body, and nothing else of it changes."""

import msgspec
import numpy as np
import pytest
from litestar.exceptions import ClientException

from waardhaven.adapters.inbound.http.number_arrays import LONG, ShortBody
from waardhaven.adapters.inbound.http.risk_wire import risk_of_json
from waardhaven.adapters.inbound.http.sent_bodies import LISTED_BYTES
from waardhaven.application.metrics.risk_question import UnusableQuestion
from waardhaven.domain.metrics.sample import UnusableSample

LARGE = 60_000
NUMBERS = np.random.default_rng(2).normal(0.0, 0.01, LARGE)
NAMES = ("plain", "a]b", "a[b", "[1,2]", 'quo"te', "back\\slash", "[")


def body(**changes: object) -> bytes:
    series = {name: NUMBERS.tolist() for name in NAMES}
    encoded: bytes = msgspec.json.encode({"returns": series, "calendar": "daily"} | changes)
    assert len(encoded) > LISTED_BYTES
    return encoded


def test_names_with_brackets_and_quotes_keep_their_arrays():
    question = risk_of_json(body(benchmark=NUMBERS.tolist(), metrics=["sharpe"]))
    assert question.names == NAMES
    assert np.array_equal(question.values, np.repeat(NUMBERS[:, None], len(NAMES), axis=1))
    assert np.array_equal(question.benchmark, NUMBERS)
    assert question.metrics == ("sharpe",)


def test_bytes_that_grew_as_they_came_are_read_alike():
    grown = bytearray(body())
    assert np.array_equal(risk_of_json(grown).values, risk_of_json(body()).values)


def test_every_long_array_of_numbers_is_taken_out_and_what_is_left_is_short():
    short = ShortBody.of(body())
    assert len(short.arrays) == len(NAMES)
    assert len(short.text) < LONG
    assert all(mark in short.text for mark in short.arrays)


def test_what_holds_no_long_array_stays_as_it_is():
    texts = [
        b'{"dates": [' + b",".join([b'"2024-01-02"'] * 5_000) + b"]}",
        b"[1,2]",
        b"[[" * 9_000,
        b"",
        b"][",
    ]
    for text in texts:
        assert (ShortBody.of(text).text, ShortBody.of(text).arrays) == (text, {})


def test_a_text_that_looks_like_a_long_array_makes_the_body_malformed():
    disguised = body(returns={"[" + "1" * 2 * LONG + "]": NUMBERS.tolist(), "b": NUMBERS.tolist()})
    with pytest.raises(ClientException, match="not well-formed"):
        risk_of_json(disguised)


@pytest.mark.parametrize("end", [b"1,]", b"1 2]", b"1,,2]", b"nul]", b"--1]"])
def test_a_long_array_that_is_malformed_is_told_as_such(end: bytes):
    whole = body(returns={"a": NUMBERS.tolist()})
    cut = whole.index(b"]")
    with pytest.raises(ClientException, match="not well-formed"):
        risk_of_json(whole[:cut] + b"," + end + whole[cut + 1 :])


def test_a_number_out_of_range_is_told_by_its_place():
    wrong = NUMBERS.tolist()
    wrong[777] = 1e16
    with pytest.raises(UnusableSample) as caught:
        risk_of_json(body(returns={"a": NUMBERS.tolist(), "b": wrong}))
    assert caught.value.errors[0].field == "returns.b.777"


def test_the_place_of_an_array_can_not_be_foreseen_nor_sent():
    marks = {next(iter(ShortBody.of(body()).arrays)) for _ in range(3)}
    assert len(marks) == 3
    with pytest.raises(UnusableSample):
        risk_of_json(body(returns={"a": NUMBERS.tolist(), "b": next(iter(marks)).decode().strip('"')}))


def test_a_single_long_series_needs_no_name():
    question = risk_of_json(body(returns=NUMBERS.tolist()))
    assert (question.names, question.values.shape) == (("series",), (LARGE, 1))


def test_arrays_of_other_lengths_are_told_by_name():
    with pytest.raises(UnusableQuestion) as caught:
        risk_of_json(body(returns={"a": NUMBERS.tolist(), "b": NUMBERS[1:].tolist()}))
    assert "'b' has 59999 values, 'a' 60000" in caught.value.errors[0].rule
