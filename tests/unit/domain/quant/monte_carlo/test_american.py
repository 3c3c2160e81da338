"""American options: never exercised where the European one is worth more than exercise pays."""

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
from tests.unit.domain.quant.monte_carlo.closed_forms import (
    SIGN,
    bermudan,
    black_scholes,
    one_asset,
    price,
)

from waardhaven.domain.quant.monte_carlo.american import American
from waardhaven.domain.quant.monte_carlo.market import Setting
from waardhaven.domain.quant.monte_carlo.payoff import Kind


@pytest.mark.parametrize(
    ("kind", "rate", "pays"), [(Kind.CALL, 0.06, 0.0), (Kind.PUT, -0.01, 0.0), (Kind.PUT, 0.0, 0.08)]
)
def test_an_american_option_that_never_pays_early_is_the_european_one(kind: Kind, rate: float, pays: float):
    """A fit alone found noise to be above 0 here and was 0.2 to 1 % too low, many standard errors."""
    market = one_asset(100.0, 0.25, rate, pays)
    found = price(American(kind=kind, strike=105.0), market, steps=50, control="european").price
    european = black_scholes(kind, 100.0, 105.0, 1.0, rate, pays, 0.25)
    assert found.value == pytest.approx(european, rel=1e-12)


def test_an_american_call_with_small_dividends_is_not_exercised_where_the_european_one_is_worth_more():
    """Exercise could pay beyond 2.4 times the strike alone; a fit alone came out 0.5 % too low."""
    market, european = one_asset(100.0, 0.25, 0.05, 0.02), 8.941175  # the same by a tree of 2,000 steps
    found = [
        price(American(kind=Kind.CALL, strike=105.0), market, steps=50, paths=1 << 14, seed=seed).price.value
        for seed in range(8)
    ]
    assert black_scholes(Kind.CALL, 100.0, 105.0, 1.0, 0.05, 0.02, 0.25) == pytest.approx(european, abs=1e-6)
    controlled = price(American(kind=Kind.CALL, strike=105.0), market, steps=50, control="european").price
    assert controlled.value == pytest.approx(european, rel=1e-3)
    assert np.mean(found) == pytest.approx(european, rel=0.02)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(("rate", "pays"), [(0.05, 0.02), (0.02, 0.05), (0.03, -0.01), (-0.01, 0.03)])
def test_exercise_can_be_best_just_where_it_pays_what_the_european_option_is_worth(
    kind: Kind, rate: float, pays: float
):
    market, terms = one_asset(100.0, 0.25, rate, pays), American(kind=kind, strike=105.0)
    bounds = terms.bounds(Setting(market=market, maturity=1.0, steps=4))
    assert bounds[-1] == pytest.approx(log(1.05), rel=1e-12)
    for left, bound in zip((1.0, 0.75, 0.5, 0.25), bounds[:-1].tolist(), strict=True):
        for beyond in (-0.001, 0.001):
            at = 100.0 * exp(min(max(bound, -5.0), 5.0) + SIGN[kind] * beyond)
            gain = SIGN[kind] * (at - 105.0) - black_scholes(kind, at, 105.0, left, rate, pays, 0.25)
            assert (gain > 0.0) == (beyond > 0.0 and abs(bound) < 5.0)


def test_where_both_rates_are_below_0_the_fit_decides_wherever_exercise_pays():
    """Exercise can be best between two prices alone: the bound is the strike."""
    market, terms = one_asset(100.0, 0.2, -0.05, -0.08), American(kind=Kind.PUT, strike=105.0)
    bounds = terms.bounds(Setting(market=market, maturity=1.0, steps=4))
    assert bounds.tolist() == pytest.approx([log(1.05)] * 5, rel=1e-12)
    european = black_scholes(Kind.PUT, 100.0, 105.0, 1.0, -0.05, -0.08, 0.2)
    found = price(terms, market, steps=12, paths=1 << 14, control="european").price
    tree = bermudan(Kind.PUT, 100.0, 105.0, 1.0, -0.05, -0.08, 0.2, 12, 40)
    assert european < 0.99 * tree
    assert found.value == pytest.approx(tree, abs=3.0 * found.standard_error)


def test_a_strike_too_small_to_divide_by_is_as_good_as_none():
    tiny = American(kind=Kind.CALL, strike=5e-324)
    assert price(tiny, steps=3).price.value == price(replace(tiny, strike=0.0), steps=3).price.value
    assert price(replace(tiny, kind=Kind.PUT), steps=3).price.value == 0.0
