from dataclasses import replace

import numpy as np
import pytest

from waardhaven.domain.quant.options import normalised_black
from waardhaven.domain.quant.options.contracts import Options, Reason, UnusableOptions, row_of
from waardhaven.domain.quant.options.implied_volatility import implied_volatility
from waardhaven.domain.quant.options.models import BLACK_76, BLACK_SCHOLES_MERTON
from waardhaven.domain.quant.options.normalised_black import inverse
from waardhaven.domain.quant.options.valuation import evaluate


def options(**changed) -> Options:
    at = {"spot": 100.0, "strike": 100.0, "time": 1.0, "rate": 0.03, "volatility": np.nan}
    return Options.of(**at | changed)


def reason(price, **changed) -> Reason | None:
    found = implied_volatility(options(**changed), np.array([price]))
    assert np.isnan(found.volatility[0]) == (found.reasons[0] != 0)
    return row_of(found.reasons, 0)


def wide(count: int) -> Options:
    random = np.random.default_rng(7)
    return options(
        strike=100.0 * np.exp(random.uniform(-6.0, 6.0, count) * random.random(count) ** 2),
        time=np.exp(random.uniform(np.log(1e-4), np.log(40.0), count)),
        volatility=np.exp(random.uniform(np.log(0.005), np.log(4.0), count)),
        rate=random.uniform(-0.1, 0.2, count),
        dividend_yield=random.uniform(-0.1, 0.2, count),
        is_call=random.random(count) < 0.5,
    )


@pytest.mark.parametrize("model", [BLACK_SCHOLES_MERTON, BLACK_76])
def test_a_volatility_put_in_again_gives_the_price_over_the_whole_surface(model):
    asked = wide(40_000)
    price = evaluate(asked, model=model, greeks=()).values["price"]
    found = implied_volatility(asked, price, model)
    solved = found.reasons == 0
    assert solved.sum() > 15_000
    again = evaluate(
        replace(asked.rows(solved), volatility=found.volatility[solved]), model=model, greeks=()
    ).values["price"]
    legs = found.highest[solved] + found.lowest[solved] + 100.0
    assert np.max(np.abs(again - price[solved]) / legs) < 1e-13


def test_the_volatility_is_found_again_where_vega_allows():
    asked = wide(40_000)
    valued = evaluate(asked, greeks=("vega",))
    found = implied_volatility(asked, valued.values["price"])
    size = np.maximum(100.0, asked.strike)
    near = valued.values["vega"] > 1e-3 * size
    assert near.sum() > 5_000
    assert (found.reasons[near] == 0).all()
    assert np.max(np.abs(found.volatility - asked.volatility)[near]) < 1e-10


def test_prices_of_the_deepest_wings_have_a_volatility():
    prices = 10.0 ** -np.linspace(1.0, 285.0, 500)
    asked = options(strike=np.full(500, 160.0), rate=0.0)
    found = implied_volatility(asked, prices)
    assert (found.reasons == 0).all()
    assert (np.diff(found.volatility) < 0.0).all()
    again = evaluate(replace(asked, volatility=found.volatility), greeks=()).values["price"]
    assert np.max(np.abs(np.log(again / prices))) < 1e-9


def test_a_step_more_changes_nothing(monkeypatch):
    asked = wide(5_000)
    price = evaluate(asked, greeks=()).values["price"]
    found = implied_volatility(asked, price).volatility
    monkeypatch.setattr(normalised_black, "SETTLED", 0.0)
    np.testing.assert_allclose(implied_volatility(asked, price).volatility, found, rtol=1e-7)


def test_at_the_forward_the_inverse_of_the_error_function_answers():
    found = inverse(np.zeros(3), np.array([1e-9, 0.3, 0.999]), np.array([1.0 - 1e-9, 0.7, 0.001]))
    from scipy.special import erfinv

    np.testing.assert_allclose(found, 2.0 * np.sqrt(2.0) * erfinv([1e-9, 0.3, 0.999]), rtol=1e-7)


def test_prices_that_no_volatility_gives_have_a_reason():
    assert reason(30.0, strike=80.0) is None
    assert reason(20.0, strike=80.0) is Reason.BELOW_INTRINSIC
    assert reason(100.0) is Reason.ABOVE_BOUND
    assert reason(101.0) is Reason.ABOVE_BOUND
    assert reason(98.0, is_call=False) is Reason.ABOVE_BOUND
    assert reason(5.0, time=0.0) is Reason.NO_TIME
    assert reason(0.0, strike=120.0) is Reason.UNRESOLVED
    assert reason(1e-310, strike=120.0) is Reason.UNRESOLVED
    assert reason(100.0 - 80.0 * np.exp(-0.03) + 1e-14, strike=80.0) is Reason.UNRESOLVED
    assert reason(np.nextafter(100.0, 0.0)) is Reason.NEAR_BOUND
    assert reason(np.nan) is Reason.UNKNOWN_INPUT
    assert reason(5.0, spot=np.nan) is Reason.UNKNOWN_INPUT


def test_the_bounds_of_the_price_are_told():
    found = implied_volatility(options(strike=80.0, is_call=[True, False]), np.array([30.0, 1.0]))
    np.testing.assert_allclose(found.lowest, [100.0 - 80.0 * np.exp(-0.03), 0.0])
    np.testing.assert_allclose(found.highest, [100.0, 80.0 * np.exp(-0.03)])


def test_one_price_answers_for_all():
    found = implied_volatility(options(strike=[95.0, 105.0]), np.array(10.0))
    assert (found.volatility > 0.0).all()


@pytest.mark.parametrize(
    ("price", "field"), [(np.array([5.0, -1.0]), "price.1"), (np.array(np.inf), "price")]
)
def test_a_price_out_of_bounds_names_field_and_rule(price, field):
    with pytest.raises(UnusableOptions) as raised:
        implied_volatility(options(strike=[100.0, 100.0]), price)
    assert [(one.field, one.rule) for one in raised.value.errors] == [(field, "must be from 0 to 1e+16")]


@pytest.mark.parametrize("rate", [0.0, 1e-17, 1e-30])
def test_next_to_no_time_value_where_forward_and_strike_meet_has_a_volatility_of_as_many_digits(rate):
    price = np.array([1e-3, 1e-12, 1e-20, 1e-100])
    found = implied_volatility(options(rate=rate, strike=np.full(4, 100.0)), price)
    assert not found.reasons.any()
    assert found.volatility[:2] == pytest.approx(price[:2] * np.sqrt(2.0 * np.pi) / 100.0, rel=1e-8)
    if rate == 0.0:
        assert found.volatility == pytest.approx(price * np.sqrt(2.0 * np.pi) / 100.0, rel=1e-8)
