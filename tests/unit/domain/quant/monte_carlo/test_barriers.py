"""Barriers of prices that hardly move."""

from math import exp

import pytest
from tests.unit.domain.quant.monte_carlo.closed_forms import one_asset, price

from waardhaven.domain.quant.monte_carlo.barriers import Barrier, Direction, Effect, Monitoring
from waardhaven.domain.quant.monte_carlo.payoff import Kind
from waardhaven.domain.quant.monte_carlo.refusals import UnusableSimulation


@pytest.mark.parametrize("volatility", [0.0, 1e-160, 1e-154, 1e-100])
def test_a_barrier_is_touched_or_not_where_prices_hardly_move(volatility: float):
    for rate, paid in ((0.5, 0.0), (0.1, exp(-0.1) * (100.0 * exp(0.1) - 100.0))):
        terms = Barrier(
            kind=Kind.CALL,
            strike=100.0,
            barrier=120.0,
            direction=Direction.UP,
            effect=Effect.OUT,
            monitoring=Monitoring.CONTINUOUS,
        )
        found = price(terms, one_asset(100.0, volatility, rate), steps=4).price
        assert found.value == pytest.approx(paid, rel=1e-12)


def test_a_barrier_too_small_to_divide_by_is_refused_with_the_least_that_is_not():
    terms = Barrier(kind=Kind.CALL, strike=100.0, barrier=5e-324, direction=Direction.DOWN, effect=Effect.OUT)
    with pytest.raises(UnusableSimulation) as refused:
        price(terms)
    (told,) = refused.value.errors
    assert (told.field, "at least 1e-12" in told.rule) == ("payoff.barrier", True)
