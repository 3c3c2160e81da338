"""Target units and simulated money over made-up cases, against enumeration and a loop over days."""

from decimal import Decimal
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories import sessions

from waardhaven.domain.market.calendar import Frequency, period
from waardhaven.domain.trading.investing import InvestmentPlan, invest
from waardhaven.domain.trading.money import settled
from waardhaven.domain.trading.targets import FRACTION, UnaffordableHoldings, target_units

PRICES = st.decimals(min_value="0.01", max_value=5000, places=2)
AMOUNTS = st.one_of(
    st.decimals(min_value=1, max_value=10_000, places=2), st.decimals(min_value=1, max_value=10**12, places=2)
)


@st.composite
def portfolios(draw: st.DrawFn, largest: int = 12):
    count = draw(st.integers(1, largest))
    raw = np.array(draw(st.lists(st.floats(0.0, 1.0), min_size=count, max_size=count))) + 1e-3
    return raw / raw.sum(), draw(st.lists(PRICES, min_size=count, max_size=count))


@settings(max_examples=150, deadline=None)
@given(portfolio=portfolios(), amount=AMOUNTS, whole=st.booleans(), lot=st.integers(1, 50))
def test_values_and_cash_are_the_amount_and_cash_is_never_below_zero(portfolio, amount, whole, lot):
    weights, prices = portfolio
    lots = [Decimal(lot) if whole else FRACTION] * len(prices)
    found = target_units(weights, prices, amount, lots=lots)
    assert found.cash_left >= 0
    assert found.cash_left + sum(found.value) == amount
    assert all(units >= 0 and units % lots[0] == 0 for units in found.units)
    assert all(
        value == settled(units * price, 2)
        for value, units, price in zip(found.value, found.units, prices, strict=True)
    )
    assert 0.0 <= found.gap <= found.shortfall + 1e-15 <= 1.0 + 1e-12
    dearest = max(float(price * lots[0]) for price in prices)
    coins = 0.01 * (len(prices) + 1)
    assert found.gap * float(amount) <= dearest + coins


@settings(max_examples=80, deadline=None)
@given(portfolio=portfolios(largest=3), amount=st.integers(10, 400), lot=st.integers(20, 90))
def test_no_other_lots_miss_less_than_those_of_a_small_portfolio(portfolio, amount, lot):
    weights, _ = portfolio
    prices = [Decimal(lot + 17 * i) for i in range(len(weights))]
    found = target_units(weights, prices, Decimal(amount), lots=[Decimal(1)] * len(prices))
    target, price = weights * amount, np.array([float(one) for one in prices])
    best = min(
        np.maximum(target - price * n, 0.0).sum()
        for n in product(*(range(int(amount / one) + 1) for one in price))
        if (price * n).sum() <= amount
    )
    assert found.gap == 0.0
    assert found.shortfall * amount == pytest.approx(best, abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(
    portfolio=portfolios(),
    amount=st.decimals(min_value=1, max_value=10**6, places=2),
    minimum=st.decimals(min_value=0, max_value=1000, places=2),
    held=st.lists(st.integers(0, 40), min_size=12, max_size=12),
)
def test_no_name_is_traded_for_less_than_the_minimum(portfolio, amount, minimum, held):
    weights, prices = portfolio
    owned = [Decimal(one) for one in held[: len(prices)]]
    try:
        found = target_units(
            weights, prices, amount, lots=[Decimal(1)] * len(prices), held=owned, minimum_trade=minimum
        )
    except UnaffordableHoldings:
        value = sum(units * price for units, price in zip(owned, prices, strict=True))
        assert value > amount
        return
    assert found.cash_left >= 0
    for units, own, price in zip(found.units, owned, prices, strict=True):
        assert units == own or abs(units - own) * price >= minimum


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 300),
    frequency=st.sampled_from([None, *Frequency]),
    contribution=st.floats(0.0, 1000.0),
    management=st.floats(0.0, 0.5),
    entry=st.floats(0.0, 0.5),
)
def test_the_closed_form_is_what_a_loop_over_days_counts(
    seed, rows, frequency, contribution, management, entry
):
    axis = sessions(rows, "2019-12-02")
    price = 50.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, rows)))
    plan = InvestmentPlan(
        amount=1000.0,
        contribution=contribution,
        frequency=frequency,
        management_fee=management,
        entry_fee=entry,
    )
    found = invest(axis, price, plan)
    units, paid, taken, linked = 0.0, 0.0, 0.0, 1.0
    number = None if frequency is None else period(axis, frequency)
    for i in range(rows):
        if i:
            gap = float((axis[i] - axis[i - 1]).astype(int))
            kept = units * (1.0 - management) ** (gap / 365.0)
            taken += (units - kept) * price[i]
            linked *= kept * price[i] / (units * price[i - 1])
            units = kept
        flow = (
            1000.0 if i == 0 else contribution if number is not None and number[i] != number[i - 1] else 0.0
        )
        before = units * price[i]
        units += flow * (1.0 - entry) / price[i]
        linked *= units * price[i] / (before + flow)
        paid += flow
        assert found.value[i] == pytest.approx(units * price[i], rel=1e-9)
        assert found.invested[i] == pytest.approx(paid, rel=1e-12)
    assert found.management_fees == pytest.approx(taken, rel=1e-9, abs=1e-9)
    assert found.entry_fees == pytest.approx(paid * entry, rel=1e-9)
    assert found.time_weighted == pytest.approx(linked - 1.0, rel=1e-9, abs=1e-9)
