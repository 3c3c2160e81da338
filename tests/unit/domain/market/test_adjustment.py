"""Factors by hand: what counts, from when, and for whom."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waardhaven.domain.market.adjustment import ActionColumns, Factors, factors, move_factors

DAYS = np.array(["2024-01-02", "2024-01-03", "2024-01-05", "2024-01-08"], dtype="datetime64[D]")


def acts(*rows: tuple[int, str, float, float]) -> ActionColumns:
    return ActionColumns(
        series=np.array([one for one, *_ in rows], dtype=np.int64),
        ex_date=np.array([day for _, day, _, _ in rows], dtype="datetime64[D]"),
        ratio=np.array([ratio for *_, ratio, _ in rows], dtype=np.float64),
        cash=np.array([cash for *_, cash in rows], dtype=np.float64),
    )


def of(close: list[float], *rows: tuple[int, str, float, float]) -> Factors:
    n = len(close)
    return factors(series=np.full(n, 7), day=DAYS[:n], close=np.array(close), actions=acts(*rows))


def test_split_halves_what_came_before_it_and_nothing_after():
    found = of([100.0, 102.0, 50.0, 51.0], (7, "2024-01-05", 2.0, 0.0))
    assert found.split.tolist() == [0.5, 0.5, 1.0, 1.0]
    assert found.cash.tolist() == [1.0] * 4
    assert found.waiting.tolist() == []


def test_consolidation_multiplies_what_came_before_it():
    assert of([1.0, 1.0, 10.0, 10.0], (7, "2024-01-05", 0.1, 0.0)).split.tolist() == [10.0, 10.0, 1.0, 1.0]


def test_dividend_is_reinvested_at_the_close_of_the_ex_date():
    found = of([100.0, 100.0, 98.0, 98.0], (7, "2024-01-05", 1.0, 2.0))
    assert found.cash.tolist() == [0.98, 0.98, 1.0, 1.0]
    adjusted = np.array([100.0, 100.0, 98.0, 98.0]) * found.cash
    assert adjusted[2] / adjusted[1] == pytest.approx((98.0 + 2.0) / 100.0)


def test_action_on_a_day_without_a_bar_takes_effect_on_the_next_one():
    assert of([100.0, 100.0, 50.0, 50.0], (7, "2024-01-04", 2.0, 0.0)).split.tolist() == [0.5, 0.5, 1.0, 1.0]


def test_split_and_dividend_of_one_day_make_the_return_of_the_source():
    close = [100.0, 100.0, 48.0, 48.0]
    found = of(close, (7, "2024-01-05", 2.0, 0.0), (7, "2024-01-05", 1.0, 1.5), (7, "2024-01-05", 1.0, 0.5))
    adjusted = np.array(close) * found.split * found.cash
    assert adjusted[2] / adjusted[1] == pytest.approx(2.0 * (48.0 + 2.0) / 100.0)
    net = move_factors(
        series=np.full(4, 7),
        day=DAYS,
        close=np.array(close),
        actions=acts((7, "2024-01-05", 2.0, 0.0), (7, "2024-01-05", 1.0, 2.0)),
    )
    assert net[2] * 48.0 / 100.0 == pytest.approx(adjusted[2] / adjusted[1])
    assert net[[0, 1, 3]].tolist() == [1.0] * 3


@pytest.mark.parametrize(
    "row",
    [
        (7, "2024-01-02", 2.0, 0.0),
        (7, "2023-06-01", 2.0, 0.0),
        (7, "2024-01-09", 2.0, 0.0),
        (6, "2024-01-05", 2.0, 0.0),
        (8, "2024-01-05", 2.0, 0.0),
    ],
    ids=["first-bar", "before-all", "not-yet", "series-before", "series-after"],
)
def test_action_without_closes_on_both_sides_waits(row: tuple[int, str, float, float]):
    found = of([100.0, 100.0, 50.0, 50.0], row)
    assert found.split.tolist() == found.cash.tolist() == [1.0] * 4
    assert found.waiting.tolist() == [0]


def test_without_rows_or_actions_nothing_is_adjusted():
    assert of([1.0, 2.0]).split.tolist() == [1.0, 1.0]
    empty = of([], (7, "2024-01-05", 2.0, 0.0))
    assert (len(empty.split), empty.waiting.tolist()) == (0, [0])


def test_series_do_not_touch_each_other_and_order_of_actions_does_not_matter():
    series = np.array([3, 3, 3, 9, 9, 9, 9])
    day = np.r_[DAYS[:3], DAYS]
    close = np.array([10.0, 10.0, 5.0, 8.0, 8.0, 8.0, 4.0])
    rows = [
        (9, "2024-01-08", 2.0, 0.0),
        (3, "2024-01-05", 2.0, 0.0),
        (9, "2024-01-03", 1.0, 2.0),
        (3, "2024-01-03", 1.0, 10.0),
    ]
    found = factors(series=series, day=day, close=close, actions=acts(*rows))
    again = factors(series=series, day=day, close=close, actions=acts(*rows[::-1]))
    assert found.split.tolist() == [0.5, 0.5, 1.0, 0.5, 0.5, 0.5, 1.0]
    assert found.cash.tolist() == [0.5, 1.0, 1.0, 0.8, 1.0, 1.0, 1.0]
    assert again.split.tobytes() == found.split.tobytes()
    assert again.cash.tobytes() == found.cash.tobytes()


@given(
    st.lists(st.floats(1.0, 500.0), min_size=2, max_size=40),
    st.lists(st.tuples(st.integers(0, 45), st.sampled_from([0.1, 0.5, 1.0, 2.0, 3.0]), st.floats(0.0, 5.0))),
)
def test_adjusted_returns_are_total_returns_whatever_happens(
    close: list[float], happened: list[tuple[int, float, float]]
):
    n = len(close)
    day = np.datetime64("2024-01-01") + np.arange(n)
    rows = [(1, str(np.datetime64("2024-01-01") + at), ratio, cash) for at, ratio, cash in happened]
    found = factors(series=np.ones(n, np.int64), day=day, close=np.array(close), actions=acts(*rows))
    adjusted = np.array(close) * found.split * found.cash
    for row in range(1, n):
        today = [(ratio, cash) for at, ratio, cash in happened if at == row]
        ratio, cash = np.prod([one for one, _ in today]), sum(one for _, one in today)
        expected = ratio * (close[row] + cash) / close[row - 1]
        assert adjusted[row] / adjusted[row - 1] == pytest.approx(expected, rel=1e-9)
    assert adjusted[-1] == close[-1]
