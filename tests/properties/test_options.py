"""What holds for every option, whatever its numbers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from waardhaven.domain.quant.options.american import ERROR, american
from waardhaven.domain.quant.options.contracts import Options
from waardhaven.domain.quant.options.implied_volatility import implied_volatility
from waardhaven.domain.quant.options.payoffs import PAYOFFS
from waardhaven.domain.quant.options.valuation import evaluate

CASH, ASSET = PAYOFFS["cash_or_nothing"], PAYOFFS["asset_or_nothing"]


def floats(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


TIMES, VOLATILITIES = floats(1e-3, 20.0), floats(0.01, 3.0)


@st.composite
def any_options(draw, *, time=TIMES, volatility=VOLATILITIES) -> Options:
    return Options.of(
        spot=draw(floats(1.0, 1000.0)),
        strike=draw(floats(1.0, 1000.0)),
        time=draw(time),
        volatility=draw(volatility),
        rate=draw(floats(-0.2, 0.5)),
        dividend_yield=draw(floats(-0.2, 0.5)),
        is_call=draw(st.booleans()),
    )


STILL = any_options(time=st.just(0.0) | floats(1e-3, 5.0), volatility=st.just(0.0) | floats(0.01, 2.0))


def price(options: Options, payoff=PAYOFFS["vanilla"]) -> float:
    return float(evaluate(options, payoff=payoff, greeks=()).values["price"][0])


def legs(options: Options) -> tuple[float, float]:
    time = options.time[0]
    return (
        float(options.spot[0] * np.exp(-options.dividend_yield[0] * time)),
        float(options.strike[0] * np.exp(-options.rate[0] * time)),
    )


def as_call(options: Options, is_call: bool = True) -> Options:
    return replace(options, is_call=np.array([is_call]))


def with_(options: Options, **changed: float) -> Options:
    return replace(options, **{name: np.array([value]) for name, value in changed.items()})


@given(STILL)
def test_call_less_put_is_the_forward(options):
    asset, cash = legs(options)
    size = asset + cash
    difference = price(as_call(options)) - price(as_call(options, is_call=False))
    assert difference == pytest.approx(asset - cash, abs=1e-13 * size)


@given(STILL)
def test_digitals_of_both_sides_are_the_sure_payment(options):
    asset, cash = legs(options)
    both = [as_call(options), as_call(options, is_call=False)]
    assert sum(price(one, ASSET) for one in both) == pytest.approx(asset, rel=1e-13)
    assert sum(price(one, CASH) for one in both) == pytest.approx(cash / options.strike[0], rel=1e-13)


@given(STILL)
def test_a_price_is_within_its_bounds(options):
    asset, cash = legs(options)
    sign = 1.0 if options.is_call[0] else -1.0
    size = 1e-13 * (asset + cash)
    assert max(sign * (asset - cash), 0.0) - size <= price(options) <= (asset if sign > 0 else cash) + size


@given(any_options(), floats(1.0, 1.2), st.sampled_from(["spot", "strike", "volatility"]))
def test_prices_move_one_way_with_spot_strike_and_volatility(options, factor, name):
    more = with_(options, **{name: float(getattr(options, name)[0]) * factor})
    up = name == "volatility" or (name == "spot") == bool(options.is_call[0])
    gain = price(more) - price(options)
    assert (gain if up else -gain) >= -1e-12 * sum(legs(more))


@given(any_options(), floats(0.5, 2.0))
def test_a_price_is_convex_in_the_strike(options, factor):
    strike = float(options.strike[0])
    at, end = price(options), price(with_(options, strike=strike * factor))
    middle = price(with_(options, strike=strike * (1.0 + factor) / 2.0))
    assert middle <= (at + end) / 2.0 + 1e-12 * sum(legs(options))


@given(any_options(), floats(0.1, 10.0))
def test_a_price_is_homogeneous_in_spot_and_strike(options, factor):
    scaled = with_(options, spot=float(options.spot[0]) * factor, strike=float(options.strike[0]) * factor)
    assert price(scaled) == pytest.approx(factor * price(options), rel=1e-9, abs=1e-13 * sum(legs(scaled)))


@given(any_options(time=floats(0.05, 5.0), volatility=floats(0.1, 1.0)))
def test_a_digital_is_what_the_vanilla_option_loses_with_its_strike(options):
    strike, sign = float(options.strike[0]), 1.0 if options.is_call[0] else -1.0
    step = 1e-3 * strike * float(options.volatility[0] * np.sqrt(options.time[0]))
    weights = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))
    slope = sum(
        w
        * (price(with_(options, strike=strike + n * step)) - price(with_(options, strike=strike - n * step)))
        for n, w in weights
    )
    assert -sign * slope / step == pytest.approx(price(options, CASH), abs=1e-8 + 1e-12 * sum(legs(options)))


@given(any_options())
def test_a_vanilla_option_is_its_two_digitals(options):
    sign = 1.0 if options.is_call[0] else -1.0
    parts = price(options, ASSET) - float(options.strike[0]) * price(options, CASH)
    assert price(options) == pytest.approx(sign * parts, abs=1e-13 * sum(legs(options)))


@given(any_options())
def test_price_and_greeks_satisfy_the_differential_equation(options):
    for payoff in PAYOFFS.values():
        found = evaluate(options, payoff=payoff, greeks=("delta", "gamma", "theta"))
        value, delta, gamma, theta = (float(one[0]) for one in found.values.values())
        spot, variance = float(options.spot[0]), float(options.volatility[0]) ** 2
        rate, paid = float(options.rate[0]), float(options.dividend_yield[0])
        terms = [
            theta,
            (rate - paid) * spot * delta,
            0.5 * variance * spot * spot * gamma,
            -rate * value,
        ]
        assert sum(terms) == pytest.approx(0.0, abs=1e-10 * (sum(map(abs, terms)) + sum(legs(options))))


@given(any_options())
def test_the_volatility_of_a_price_gives_the_price(options):
    asked = price(options)
    found = implied_volatility(options, np.array([asked]))
    assume(found.reasons[0] == 0)
    volatility = float(found.volatility[0])
    assert price(with_(options, volatility=volatility)) == pytest.approx(
        asked, abs=1e-13 * sum(legs(options))
    )


@given(any_options(), floats(0.0, 2.0))
def test_a_price_has_a_volatility_or_a_reason_and_never_both(options, share):
    asset, cash = legs(options)
    found = implied_volatility(options, np.array([share * max(asset, cash)]))
    assert np.isnan(found.volatility[0]) == (found.reasons[0] != 0)
    assert not np.isinf(found.volatility[0])


@given(any_options(time=floats(0.01, 10.0), volatility=floats(0.02, 2.0)))
def test_an_american_price_is_within_its_bounds_and_symmetric(options):
    assume(min(options.rate[0], options.dividend_yield[0]) >= 0.0)
    spot, strike = float(options.spot[0]), float(options.strike[0])
    found = float(american(options).price[0])
    sign = 1.0 if options.is_call[0] else -1.0
    error = ERROR * (spot if sign > 0 else strike)
    assert max(price(options), sign * (spot - strike)) - error <= found
    assert found <= (spot if sign > 0 else strike) + error
    mirrored = Options.of(
        spot=strike,
        strike=spot,
        time=options.time,
        volatility=options.volatility,
        rate=options.dividend_yield,
        dividend_yield=options.rate,
        is_call=not options.is_call[0],
    )
    assert float(american(mirrored).price[0]) == pytest.approx(found, abs=1e-9 * (spot + strike))


@given(any_options(), st.sampled_from(["spot", "strike", "time", "volatility", "rate", "dividend_yield"]))
def test_no_figure_is_infinite_and_none_unknown_without_a_reason(options, name):
    for asked in (options, with_(options, **{name: np.nan})):
        for found in (evaluate(asked), evaluate(asked, payoff=CASH)):
            missing = any(np.isnan(one[0]) for one in found.values.values())
            assert missing == (found.reasons[0] != 0)
            assert not any(np.isinf(one[0]) for one in found.values.values())
