import numpy as np
import pytest
from tests.unit.domain.quant.options.oracles import smooth_tree

from waardhaven.domain.quant.options import american as module
from waardhaven.domain.quant.options.american import ERROR, american
from waardhaven.domain.quant.options.collocation import scheme
from waardhaven.domain.quant.options.contracts import Options, Reason, row_of
from waardhaven.domain.quant.options.exercise_boundary import Puts, boundary
from waardhaven.domain.quant.options.valuation import evaluate


def put(**changed) -> Options:
    at = {"spot": 100.0, "strike": 100.0, "time": 1.0, "volatility": 0.2, "rate": 0.05, "is_call": False}
    return Options.of(**at | changed)


def some(count: int, *, rates=(0.0, 0.1), yields=(0.0, 0.1), years=(0.02, 3.0), vols=(0.1, 0.6), calls=True):
    random = np.random.default_rng(11)
    return put(
        spot=random.uniform(60.0, 160.0, count),
        time=random.uniform(*years, count),
        volatility=random.uniform(*vols, count),
        rate=random.uniform(*rates, count),
        dividend_yield=random.uniform(*yields, count),
        is_call=(random.random(count) < 0.5) & calls,
    )


def test_prices_are_those_of_a_binomial_tree():
    asked = some(60)
    by_tree = smooth_tree(
        asked.spot,
        asked.strike,
        asked.time,
        asked.volatility,
        asked.rate,
        asked.dividend_yield,
        call=asked.is_call,
        steps=301,
    )
    np.testing.assert_allclose(american(asked).price, by_tree, atol=5e-4)


@pytest.mark.parametrize(
    "asked",
    [
        some(60),
        some(40, vols=(0.005, 0.1)),
        some(40, vols=(0.6, 3.0)),
        some(30, years=(3.0, 30.0), vols=(0.05, 1.0)),
        some(30, rates=(0.1, 0.5), yields=(0.0, 0.5)),
        some(40, rates=(0.0, 0.1), yields=(-0.1, 0.0), calls=False),
        some(30, rates=(0.0, 0.0), yields=(-0.1, -0.001), calls=False),
    ],
    ids=["usual", "calm", "wild", "long", "high rates", "negative yield", "no rate"],
)
def test_the_error_is_within_the_one_stated_beside_a_finer_scheme(asked, monkeypatch):
    found = american(asked)
    monkeypatch.setattr(module, "USUAL", (32, 64, 40, 300))
    monkeypatch.setattr(module, "FINE", (32, 64, 40, 300))
    finer = american(asked)
    assert np.isfinite(found.price).all()
    scale = np.where(asked.is_call, asked.spot, asked.strike)
    assert np.max(np.abs(found.price - finer.price) / scale) < ERROR


def test_an_american_option_is_worth_at_least_the_european_one_and_its_payoff():
    asked = some(300)
    found = american(asked)
    sign = np.where(asked.is_call, 1.0, -1.0)
    assert (found.price >= np.maximum(sign * (asked.spot - asked.strike), 0.0)).all()
    assert (found.price >= evaluate(asked, greeks=()).values["price"] - 1e-12).all()
    assert found.early.any()


def test_below_the_boundary_a_put_is_its_payoff():
    found = american(put(spot=60.0))
    assert found.early.tolist() == [True]
    assert (found.price[0], found.delta[0], found.gamma[0]) == (40.0, -1.0, 0.0)


def test_the_boundary_meets_its_limits_at_expiry_and_for_ever():
    rate, volatility = 0.05, 0.4
    puts = Puts(**{name: np.array([value]) for name, value in [
        ("spot", 100.0), ("strike", 100.0), ("time", 30.0), ("volatility", volatility), ("rate", rate),
        ("dividend_yield", 0.0)]})  # fmt: skip
    edge = np.exp(boundary(puts, scheme(24, 48, 20, 160)))[:, 0]
    perpetual = 100.0 / (1.0 + volatility**2 / (2.0 * rate))
    assert (np.diff(edge) < 0.0).all()
    assert perpetual < edge[-1] < 1.02 * perpetual
    assert edge[0] < 100.0


def test_early_exercise_that_never_pays_leaves_the_european_price():
    for asked in (
        put(rate=0.0, dividend_yield=0.03),
        put(rate=-0.02, dividend_yield=0.0),
        put(rate=-0.02, dividend_yield=-0.02),
        put(is_call=True, rate=0.05, dividend_yield=0.0),
        put(is_call=True, rate=0.05, dividend_yield=-0.01),
    ):
        found = american(asked)
        assert found.european.tolist() == [True]
        assert found.price[0] == evaluate(asked, greeks=()).values["price"][0]


def test_a_call_without_rate_and_with_a_negative_one_is_exercised_early():
    asked = put(is_call=True, rate=-0.03, dividend_yield=0.0, spot=110.0)
    found = american(asked)
    by_tree = smooth_tree(110.0, 100.0, 1.0, 0.2, -0.03, 0.0, call=True, steps=301)
    assert found.price[0] == pytest.approx(by_tree[0], abs=5e-4)
    assert found.price[0] > evaluate(asked, greeks=()).values["price"][0]


def test_two_boundaries_are_refused_with_a_reason():
    for asked in (put(rate=-0.01, dividend_yield=-0.05), put(is_call=True, rate=-0.05, dividend_yield=-0.01)):
        found = american(asked)
        assert np.isnan(found.price[0])
        assert row_of(found.reasons, 0) is Reason.DOUBLE_BOUNDARY


def test_what_is_outside_the_stated_error_is_refused_with_a_reason():
    found = american(put(volatility=[0.004, 3.1, 0.2, 0.2], time=[1.0, 1.0, 31.0, 1.0]))
    assert [row_of(found.reasons, row) for row in range(4)] == [Reason.OUTSIDE_METHOD] * 3 + [None]
    assert np.isnan(found.price).tolist() == [True, True, True, False]
    assert np.isnan(found.delta).tolist() == [True, True, True, False]


def test_an_unknown_number_is_unknown_with_a_reason():
    found = american(put(spot=[np.nan, 100.0], volatility=[0.2, np.nan]))
    assert [row_of(found.reasons, row) for row in range(2)] == [Reason.UNKNOWN_INPUT] * 2


@pytest.mark.parametrize(
    ("rate", "dividends"), [(1e-264, 1e-100), (1e-14, 1e-12), (1e-300, 0.0), (1e-12, 0.05)]
)
def test_interest_that_is_nearly_nothing_is_worth_nothing(rate: float, dividends: float):
    asked = put(rate=rate, dividend_yield=dividends, volatility=1.0)
    found = american(asked)
    assert found.price[0] == pytest.approx(evaluate(asked).values["price"][0], abs=1e-9)


def test_at_expiry_it_is_the_payoff_and_has_no_delta_at_the_strike():
    found = american(put(time=0.0, spot=[90.0, 100.0]))
    assert found.price.tolist() == [10.0, 0.0]
    assert found.delta[0] == -1.0
    assert np.isnan(found.delta[1])


def test_without_volatility_it_is_exercised_at_the_best_time():
    rate, paid, spot = 0.06, 0.02, 130.0
    asked = put(
        is_call=True, spot=spot, rate=rate, dividend_yield=paid, time=20.0, volatility=0.0, strike=60.0
    )
    found = american(asked)
    times = np.linspace(0.0, 20.0, 400_001)
    held = spot * np.exp(-paid * times) - 60.0 * np.exp(-rate * times)
    assert found.price[0] == pytest.approx(held.max(), rel=1e-9)
    assert found.price[0] > max(held[0], held[-1])
    assert american(put(volatility=0.0, spot=90.0)).price[0] == pytest.approx(10.0)
    assert american(put(volatility=0.0, spot=130.0)).price[0] == 0.0


def test_a_price_hardly_depends_on_who_else_is_priced():
    asked = some(module.CHUNK + 3)
    every = american(asked).price
    for row in (0, 1, module.CHUNK + 2):
        alone = american(asked.rows(slice(row, row + 1))).price[0]
        assert alone == pytest.approx(every[row], rel=1e-12)


def test_a_forward_that_drifts_too_many_deviations_away_is_outside_of_the_method():
    found = american(put(time=16.0, volatility=0.01, rate=0.1, dividend_yield=np.array([0.34, 0.36])))
    assert [row_of(found.reasons, row) for row in range(2)] == [None, Reason.OUTSIDE_METHOD]
    assert list(np.isfinite(found.price)) == [True, False]
