"""Rates of made-up payments, against a fine scan, and what no scale, order or company may change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories import days

from waardhaven.domain.metrics.cash_flows import (
    CashFlows,
    MoneyWeighted,
    money_weighted_return,
    money_weighted_returns,
)
from waardhaven.domain.metrics.internal_rate import HIGHEST, LOWEST
from waardhaven.domain.metrics.time_weighted import Values, time_weighted_returns
from waardhaven.domain.types import Days, Floats

few = settings(max_examples=200, deadline=None)
SCAN = np.concatenate(
    [np.linspace(LOWEST, -3.0, 2000), np.linspace(-3.0, 3.0, 6001), np.linspace(3.0, HIGHEST, 2000)]
)
START = np.datetime64("2001-03-01")


@st.composite
def a_set(draw: st.DrawFn, most: int = 9) -> tuple[Days, Floats]:
    count, span = draw(st.integers(2, most)), draw(st.sampled_from([5, 60, 800, 5000, 20000]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = 10.0 ** rng.uniform(-3.0, 6.0, count if draw(st.booleans()) else 1)
    return START + rng.integers(0, span, count), np.round(rng.normal(size=count) * scale, 2)


@st.composite
def an_investment(draw: st.DrawFn) -> tuple[Days, Floats]:
    """Payments in, some out, and a value at the end: what portfolios have."""
    count = draw(st.integers(2, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    day = START + np.sort(np.append(rng.integers(0, 4000, count), 4100))
    flow = np.append(-rng.lognormal(5.0, 1.0, count), 0.0)
    flow[1:-1] *= np.where(rng.random(count - 1) < 0.15, -0.3, 1.0)
    flow[-1] = -flow.sum() * rng.uniform(0.3, 4.0)
    return day, flow


def worth(day: Days, flow: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Present worths at each x, and what they are made of, both over the largest term."""
    year = (day - day.min()).astype(np.float64) / 365.0
    exponent = -x[:, None] * year
    weight = np.exp(exponent - exponent.max(axis=1, keepdims=True))
    return weight @ flow, weight @ np.abs(flow)


def the_same(one: MoneyWeighted, other: MoneyWeighted) -> None:
    assert (one.reason, one.warning) == (other.reason, other.warning)
    if one.rate is not None:
        assert one.rate == pytest.approx(other.rate, rel=1e-9, abs=1e-12)


@few
@given(sets=st.lists(a_set(), min_size=1, max_size=12))
def test_rates_balance_and_no_change_of_sign_of_a_scan_is_missed(sets) -> None:
    found = money_weighted_returns(CashFlows.of(sets))
    for i, (day, flow) in enumerate(sets):
        told = found.at(i)
        value, gross = worth(day, flow, SCAN)
        clear = np.where(np.abs(value) > 1e-9 * gross, np.sign(value), 0.0)
        signs = clear[clear != 0.0]
        changes = int((np.diff(signs) != 0.0).sum())
        if told.rate is None:
            assert changes == 0
            continue
        assert found.roots[i] >= changes
        assert (told.warning is not None) == (found.roots[i] > 1)
        if told.rate > -0.99:
            left, gross = worth(day, flow, np.array([np.log1p(told.rate)]))
            assert abs(left[0]) <= 1e-12 * gross[0]


@few
@given(one=a_set(), power=st.integers(-40, 40), later=st.integers(-30000, 30000))
def test_neither_scale_nor_date_of_payments_changes_the_rate(one, power: int, later: int) -> None:
    day, flow = one
    told = money_weighted_return(day, flow)
    assert money_weighted_return(day, flow * 2.0**power) == told
    assert money_weighted_return(day + later, flow) == told


@few
@given(one=a_set(), order=st.randoms(use_true_random=False))
def test_the_order_in_which_payments_are_told_changes_rounding_at_most(one, order) -> None:
    day, flow = one
    places = list(range(len(day)))
    order.shuffle(places)
    the_same(money_weighted_return(day[places], flow[places]), money_weighted_return(day, flow))


@few
@given(sets=st.lists(st.one_of(a_set(), an_investment()), min_size=2, max_size=20))
def test_a_set_among_others_has_the_rate_it_has_alone(sets) -> None:
    found = money_weighted_returns(CashFlows.of(sets))
    for i, (day, flow) in enumerate(sets):
        the_same(found.at(i), money_weighted_return(day, flow))


@few
@given(
    rate=st.floats(-0.9, 3.0),
    gaps=st.lists(st.integers(1, 900), min_size=1, max_size=10),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_rate_at_which_payments_grew_is_found(rate: float, gaps: list[int], seed: int) -> None:
    day = START + np.concatenate([[0], np.cumsum(gaps)])
    paid = -np.random.default_rng(seed).uniform(1.0, 100.0, len(gaps))
    years = (day[-1] - day[:-1]).astype(np.float64) / 365.0
    told = money_weighted_return(day, np.append(paid, -(paid * (1.0 + rate) ** years).sum()))
    assert told.rate == pytest.approx(rate, rel=1e-9, abs=1e-11)
    assert told.warning is None


@few
@given(
    seed=st.integers(0, 2**32 - 1), rows=st.integers(2, 60), flows=st.floats(0.0, 1.0), sets=st.integers(1, 4)
)
def test_the_time_weighted_return_is_that_of_one_unit_whatever_is_paid(
    seed: int, rows: int, flows: float, sets: int
) -> None:
    """Growth is known; payments in come before it, payments out after it, and nothing is ever owed."""
    rng = np.random.default_rng(seed)
    growth = np.exp(rng.normal(0.0, 0.05, (sets, rows)))
    value, paid = np.empty((sets, rows)), np.zeros((sets, rows, 2))
    value[:, 0] = 1000.0
    for row in range(1, rows):
        moves = rng.random((sets, 2)) < flows
        paid[:, row, 0] = np.where(moves[:, 0], -rng.lognormal(5.0, 1.0, sets), 0.0)
        grown = (value[:, row - 1] - paid[:, row, 0]) * growth[:, row]
        paid[:, row, 1] = np.where(moves[:, 1], grown * rng.uniform(0.0, 0.99, sets), 0.0)
        value[:, row] = grown - paid[:, row, 1]
    day = START + np.arange(rows)
    found = time_weighted_returns(
        Values(value=value.ravel(), day=np.tile(day, sets), offset=np.arange(sets + 1) * rows),
        CashFlows(
            amount=paid.ravel(), day=np.tile(np.repeat(day, 2), sets), offset=np.arange(sets + 1) * rows * 2
        ),
    )
    np.testing.assert_allclose(found.total, growth[:, 1:].prod(axis=1) - 1.0, rtol=1e-9, atol=1e-11)
    assert (found.total > -1.0).all()


def test_days_of_another_unit_are_the_same_days() -> None:
    day, flow = days("2021-01-01", "2022-01-01"), np.array([-100.0, 110.0])
    assert money_weighted_return(day.astype("datetime64[s]"), flow) == money_weighted_return(day, flow)
