"""Adjusted prices against published ones: raw bars and adjusted closes of AAPL and MSFT, 2000 to 2013.

The adjusted closes stand in ``ohlcv_raw.parquet`` (see sample_data/README.md; the publisher's notice names
CRSP's method). Splits: the file's own. Distributions: Apple Inc., "Dividend History" (2012 and 2013);
Microsoft Corporation, "Dividends and Stock History" (regular dividends since 2003 and the 3.00 USD special
one of 15 November 2004, which came on top of 0.08 USD). All are in dollars for one share on the ex-date.
"""

from importlib.resources import files

import numpy as np
import polars as pl
import pytest

from waardhaven.domain.market.adjustment import ActionColumns, factors, move_factors

SPLITS = {"AAPL": {"2000-06-21": 2.0, "2005-02-28": 2.0}, "MSFT": {"2003-02-18": 2.0}}
PAID = {
    "AAPL": {"2012-08-09": 2.65, "2012-11-07": 2.65, "2013-02-07": 2.65},
    "MSFT": {
        "2003-02-19": 0.08,
        "2003-10-15": 0.16,
        "2004-08-23": 0.08,
        "2004-11-15": 3.08,
        "2005-02-15": 0.08,
        "2005-05-16": 0.08,
        "2005-08-15": 0.08,
        "2005-11-15": 0.08,
        "2006-02-15": 0.09,
        "2006-05-15": 0.09,
        "2006-08-15": 0.09,
        "2006-11-14": 0.10,
        "2007-02-13": 0.10,
        "2007-05-15": 0.10,
        "2007-08-14": 0.10,
        "2007-11-13": 0.11,
        "2008-02-19": 0.11,
        "2008-05-13": 0.11,
        "2008-08-19": 0.11,
        "2008-11-18": 0.13,
        "2009-02-17": 0.13,
        "2009-05-19": 0.13,
        "2009-08-18": 0.13,
        "2009-11-17": 0.13,
        "2010-02-16": 0.13,
        "2010-05-18": 0.13,
        "2010-08-17": 0.13,
        "2010-11-16": 0.16,
        "2011-02-15": 0.16,
        "2011-05-17": 0.16,
        "2011-08-16": 0.16,
        "2011-11-15": 0.20,
        "2012-02-14": 0.20,
        "2012-05-15": 0.20,
        "2012-08-14": 0.20,
        "2012-11-13": 0.23,
        "2013-02-19": 0.23,
    },
}
NUMBERS = {"AAPL": 1, "MSFT": 2}


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    folder = files("waardhaven.adapters.outbound.market_data") / "sample_data"
    every = pl.read_parquet(str(folder / "ohlcv_raw.parquet"))
    return every.filter(pl.col("symbol").is_in(list(NUMBERS))).sort("symbol", "date")


def actions(paid: dict[str, dict[str, float]]) -> ActionColumns:
    rows = [(NUMBERS[one], day, ratio, 0.0) for one in SPLITS for day, ratio in SPLITS[one].items()]
    rows += [(NUMBERS[one], day, 1.0, cash) for one in paid for day, cash in paid[one].items()]
    return ActionColumns(
        series=np.array([one for one, *_ in rows]),
        ex_date=np.array([day for _, day, _, _ in rows], dtype="datetime64[D]"),
        ratio=np.array([ratio for *_, ratio, _ in rows]),
        cash=np.array([cash for *_, cash in rows]),
    )


def columns(table: pl.DataFrame) -> dict[str, np.ndarray]:
    return {
        "series": np.array([NUMBERS[one] for one in table["symbol"]]),
        "day": table["date"].to_numpy().astype("datetime64[D]"),
        "close": table["close"].to_numpy(),
    }


def test_returns_are_those_of_the_published_adjusted_closes(table: pl.DataFrame):
    rows = columns(table)
    found = factors(**rows, actions=actions(PAID))
    assert not len(found.waiting)
    ours = rows["close"] * found.split * found.cash
    for number in NUMBERS.values():
        mine = rows["series"] == number
        returns = ours[mine][1:] / ours[mine][:-1]
        published = table["adj_close"].to_numpy()[mine]
        theirs = published[1:] / published[:-1]
        assert np.abs(returns / theirs - 1.0).max() < 0.001  # the promise
        assert np.abs(returns / theirs - 1.0).max() < 2e-6  # what it is, limited by the file's six decimals
        assert ours[mine][-1] == rows["close"][mine][-1]


def test_one_forgotten_dividend_would_be_seen(table: pl.DataFrame):
    rows = columns(table)
    forgotten = {one: dict(days) for one, days in PAID.items()}
    del forgotten["MSFT"]["2008-11-18"]
    found = factors(**rows, actions=actions(forgotten))
    ours = rows["close"] * found.split * found.cash
    mine = rows["series"] == NUMBERS["MSFT"]
    published = table["adj_close"].to_numpy()[mine]
    differ = np.abs((ours[mine][1:] / ours[mine][:-1]) / (published[1:] / published[:-1]) - 1.0) > 0.001
    assert rows["day"][mine][1:][differ].astype(str).tolist() == ["2008-11-18"]


def test_moves_net_of_actions_are_the_returns_of_the_adjusted_closes(table: pl.DataFrame):
    rows = columns(table)
    net = move_factors(**rows, actions=actions(PAID))
    mine = rows["series"] == NUMBERS["AAPL"]
    moves = rows["close"][mine][1:] / rows["close"][mine][:-1] * net[mine][1:]
    published = table["adj_close"].to_numpy()[mine]
    np.testing.assert_allclose(moves, published[1:] / published[:-1], rtol=2e-6)
    assert int((net != 1.0).sum()) == sum(len(one) for one in (*SPLITS.values(), *PAID.values()))
