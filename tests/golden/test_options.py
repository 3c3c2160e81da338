"""Published values of options, each with its source."""

import numpy as np
import pytest
from tests.unit.domain.quant.options.oracles import tree

from waardhaven.domain.quant.options.american import american
from waardhaven.domain.quant.options.contracts import Options
from waardhaven.domain.quant.options.implied_volatility import implied_volatility
from waardhaven.domain.quant.options.models import MODELS
from waardhaven.domain.quant.options.payoffs import PAYOFFS
from waardhaven.domain.quant.options.valuation import evaluate

BSM, BLACK, CURRENCY = "black_scholes_merton", "black_76", "garman_kohlhagen"
HAUG = [
    ("chapter 1", BSM, "vanilla", "price", True, (60, 65, 0.25, 0.30, 0.08, 0.0), 2.1334),
    ("chapter 1", BSM, "vanilla", "price", False, (100, 95, 0.5, 0.20, 0.10, 0.05), 2.4648),
    ("chapter 1", BLACK, "vanilla", "price", True, (19, 19, 0.75, 0.28, 0.10, 0.0), 1.7011),
    ("chapter 1", BLACK, "vanilla", "price", False, (19, 19, 0.75, 0.28, 0.10, 0.0), 1.7011),
    ("chapter 1", CURRENCY, "vanilla", "price", True, (1.56, 1.6, 0.5, 0.12, 0.06, 0.08), 0.0291),
    ("chapter 2", BLACK, "vanilla", "delta", True, (105, 100, 0.5, 0.36, 0.10, 0.0), 0.5946),
    ("chapter 2", BLACK, "vanilla", "delta", False, (105, 100, 0.5, 0.36, 0.10, 0.0), -0.3566),
    ("chapter 2", BSM, "vanilla", "vanna", True, (90, 80, 0.25, 0.20, 0.05, 0.0), -1.0008),
    ("chapter 2", BSM, "vanilla", "gamma", True, (55, 60, 0.75, 0.30, 0.10, 0.0), 0.0278),
    ("chapter 2", BSM, "vanilla", "vega", True, (55, 60, 0.75, 0.30, 0.105, 0.0355), 18.5027),
    ("chapter 2", BSM, "vanilla", "theta", False, (430, 405, 1 / 12, 0.20, 0.07, 0.05), -31.1924),
    ("chapter 2", BSM, "vanilla", "theta_per_day", False, (430, 405, 1 / 12, 0.20, 0.07, 0.05), -0.0855),
    ("chapter 2", BSM, "vanilla", "rho", True, (72, 75, 1.0, 0.19, 0.09, 0.0), 38.7325),
    ("chapter 4", BSM, "cash_or_nothing", "price", False, (100, 80, 0.75, 0.35, 0.06, 0.06), 2.6710),
    ("chapter 4", BSM, "asset_or_nothing", "price", False, (70, 65, 0.5, 0.27, 0.07, 0.05), 20.2069),
]
"""Spot, strike, time, volatility, rate, yield; the cash of the digital is 10."""
HULL = [
    ("chapter 15", "price", True, (42, 40, 0.5, 0.2, 0.1, 0.0), 4.76, 0.005),
    ("chapter 15", "price", False, (42, 40, 0.5, 0.2, 0.1, 0.0), 0.81, 0.005),
    ("chapter 17", "price", True, (930, 900, 2 / 12, 0.2, 0.08, 0.03), 51.83, 0.005),
    ("chapter 19", "price", True, (49, 50, 20 / 52, 0.2, 0.05, 0.0), 2.40, 0.005),
    ("chapter 19", "delta", True, (49, 50, 20 / 52, 0.2, 0.05, 0.0), 0.522, 0.0005),
    ("chapter 19", "theta", True, (49, 50, 20 / 52, 0.2, 0.05, 0.0), -4.31, 0.005),
    ("chapter 19", "gamma", True, (49, 50, 20 / 52, 0.2, 0.05, 0.0), 0.066, 0.0005),
    ("chapter 19", "vega", True, (49, 50, 20 / 52, 0.2, 0.05, 0.0), 12.1, 0.05),
    ("chapter 19", "rho", True, (49, 50, 20 / 52, 0.2, 0.05, 0.0), 8.91, 0.005),
]


def options(numbers, *, is_call=True, cash=1.0) -> Options:
    spot, strike, time, volatility, rate, dividend_yield = numbers
    return Options.of(
        spot=spot,
        strike=strike,
        time=time,
        volatility=volatility,
        rate=rate,
        dividend_yield=dividend_yield,
        is_call=is_call,
        cash=cash,
    )


@pytest.mark.parametrize(("chapter", "model", "payoff", "name", "is_call", "numbers", "published"), HAUG)
def test_the_examples_of_haug(chapter, model, payoff, name, is_call, numbers, published):
    """Haug (2007), *The Complete Guide to Option Pricing Formulas*, 2nd ed., by chapter."""
    found = evaluate(
        options(numbers, is_call=is_call, cash=10.0),
        model=MODELS[model],
        payoff=PAYOFFS[payoff],
        greeks=() if name == "price" else (name,),
    )
    assert found.values[name][0] == pytest.approx(published, abs=6e-5), chapter


@pytest.mark.parametrize(("place", "name", "is_call", "numbers", "published", "rounding"), HULL)
def test_the_examples_of_hull(place, name, is_call, numbers, published, rounding):
    """Hull (2018), *Options, Futures, and Other Derivatives*, 10th ed."""
    greeks = () if name == "price" else (name,)
    found = evaluate(options(numbers, is_call=is_call), greeks=greeks)
    assert found.values[name][0] == pytest.approx(published, abs=rounding), place


def test_the_put_on_a_future_of_hull():
    """Hull (2018), chapter 18: a put on oil futures at 60, four months: 3.35."""
    found = evaluate(
        options((60, 60, 4 / 12, 0.25, 0.09, 0.0), is_call=False), model=MODELS[BLACK], greeks=()
    )
    assert found.values["price"][0] == pytest.approx(3.35, abs=0.005)


def test_the_implied_volatility_of_hull():
    """Hull (2018), chapter 15: a call worth 1.875 implies 23.5 %."""
    found = implied_volatility(options((21, 20, 0.25, np.nan, 0.1, 0.0)), np.array([1.875]))
    assert found.volatility[0] == pytest.approx(0.235, abs=0.0005)


def test_the_exact_premium_of_andersen_lake_and_offengenden():
    """Andersen, Lake & Offengenden (2016): the premium of early exercise of a put at 100 with
    r = q = 5 %, volatility 25 %, one year, is 0.106952702747.
    """
    asked = options((100, 100, 1.0, 0.25, 0.05, 0.05), is_call=False)
    premium = american(asked).price[0] - evaluate(asked, greeks=()).values["price"][0]
    assert premium == pytest.approx(0.106952702747, abs=2e-6)


GESKE_JOHNSON = {
    (0.2, 35): (0.0062, 0.2004, 0.4328),
    (0.2, 40): (0.8522, 1.5798, 1.9904),
    (0.2, 45): (5.0000, 5.0883, 5.2670),
    (0.3, 35): (0.0774, 0.6975, 1.2198),
    (0.3, 40): (1.3099, 2.4825, 3.1696),
    (0.3, 45): (5.0597, 5.7056, 6.2436),
    (0.4, 35): (0.2466, 1.3460, 2.1549),
    (0.4, 40): (1.7681, 3.3874, 4.3526),
    (0.4, 45): (5.2868, 6.5099, 7.3830),
}


@pytest.mark.parametrize(("volatility", "strike"), GESKE_JOHNSON)
def test_the_american_puts_of_ju(volatility, strike):
    """Ju (1998), "Pricing an American option by approximating its early exercise boundary as a multipiece
    exponential function", *Review of Financial Studies* 11, table 1 (the puts of Geske & Johnson 1984):
    spot 40, rate 4.88 %, 0.0833, 0.3333 and 0.5833 years, by a binomial tree of 10,000 steps.
    """
    asked = options((40, strike, [0.0833, 0.3333, 0.5833], volatility, 0.0488, 0.0), is_call=False)
    np.testing.assert_allclose(american(asked).price, GESKE_JOHNSON[volatility, strike], atol=1.6e-4)


LONGSTAFF_SCHWARTZ = {
    36: (4.478, 4.840, 7.101, 8.508),
    38: (3.250, 3.745, 6.148, 7.670),
    40: (2.314, 2.885, 5.312, 6.920),
    42: (1.617, 2.212, 4.582, 6.248),
    44: (1.110, 1.690, 3.948, 5.647),
}


def test_the_american_puts_of_longstaff_and_schwartz():
    """Longstaff & Schwartz (2001), *Review of Financial Studies* 14, table 1, finite differences: puts at 40,
    rate 6 %, (volatility, years) = (0.2, 1), (0.2, 2), (0.4, 1), (0.4, 2), exercised on 50 dates a year.

    A tree with those dates gives the published values; exercise at any time is worth a little more.
    """
    for spot, published in LONGSTAFF_SCHWARTZ.items():
        for (volatility, years), value in zip(
            [(0.2, 1), (0.2, 2), (0.4, 1), (0.4, 2)], published, strict=True
        ):
            on_dates = tree(
                spot, 40.0, years, volatility, 0.06, 0.0, call=False, steps=1000 * years, every=20
            )
            assert on_dates[0] == pytest.approx(value, abs=6e-3)
            found = american(options((spot, 40, years, volatility, 0.06, 0.0), is_call=False)).price[0]
            assert value - 2e-3 < found < value + 0.012
