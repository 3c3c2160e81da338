import numpy as np
import pytest
from tests.unit.domain.quant.options.oracles import difference

from waardhaven.domain.quant.options.american_greeks import evaluate_american
from waardhaven.domain.quant.options.contracts import Options, Reason, row_of
from waardhaven.domain.quant.options.greeks import GREEKS
from waardhaven.domain.quant.options.models import BLACK_76
from waardhaven.domain.quant.options.valuation import evaluate

NAMES = ("delta", "gamma", "vega", "theta", "rho", "phi")
AT = {"strike": 100.0, "time": 0.8, "volatility": 0.25, "rate": 0.06, "dividend_yield": 0.03}
STEPS = {"spot": 0.3, "time": 0.02, "volatility": 0.01, "rate": 2e-3, "dividend_yield": 2e-3}


def options(is_call=False, **changed) -> Options:
    return Options.of(**{"spot": 104.0} | AT | changed, is_call=is_call)


def price(is_call, **changed) -> float:
    return float(evaluate_american(options(is_call, **changed), greeks=()).values["price"][0])


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("delta", "spot"),
        ("vega", "volatility"),
        ("theta", "time"),
        ("rho", "rate"),
        ("phi", "dividend_yield"),
    ],
)
def test_greeks_are_differences_of_prices(is_call, name, variable):
    at = ({"spot": 104.0} | AT)[variable]
    found = evaluate_american(options(is_call), greeks=NAMES).values
    expected = difference(lambda x: price(is_call, **{variable: x}), at, STEPS[variable])
    expected *= -1.0 if name == "theta" else 1.0
    assert found[name][0] == pytest.approx(expected, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("is_call", [True, False])
def test_gamma_is_the_difference_of_deltas(is_call):
    def delta(spot):
        return float(evaluate_american(options(is_call, spot=spot), greeks=("delta",)).values["delta"][0])

    found = evaluate_american(options(is_call), greeks=("gamma",)).values["gamma"][0]
    assert found == pytest.approx(difference(delta, 104.0, 0.3), rel=1e-5)


def test_an_option_exercised_now_has_the_greeks_of_its_payoff():
    found = evaluate_american(options(spot=55.0), greeks=NAMES)
    assert {name: float(one[0]) for name, one in found.values.items()} == {
        "price": 45.0,
        "delta": -1.0,
        "gamma": 0.0,
        "vega": 0.0,
        "theta": 0.0,
        "rho": 0.0,
        "phi": 0.0,
    }


@pytest.mark.parametrize("changed", [{"rate": -0.01, "dividend_yield": 0.02}, {"time": 0.0, "spot": 90.0}])
def test_an_option_never_exercised_early_has_the_european_greeks(changed):
    found = evaluate_american(options(**changed), greeks=NAMES)
    european = evaluate(options(**changed), greeks=NAMES)
    for name, figure in found.values.items():
        assert figure[0] == pytest.approx(european.values[name][0], rel=1e-12)


def test_of_a_forward_rho_moves_the_yield_too():
    asked = options(dividend_yield=0.0)
    found = evaluate_american(asked, model=BLACK_76, greeks=("rho", "phi"))
    expected = difference(
        lambda r: float(
            evaluate_american(options(rate=r, dividend_yield=0.0), model=BLACK_76, greeks=()).values["price"][
                0
            ]
        ),
        0.06,
        2e-3,
    )
    assert found.values["rho"][0] == pytest.approx(expected, rel=1e-4)
    assert found.lacking == {"phi": Reason.NOT_OF_MODEL}
    never = evaluate_american(options(rate=-0.01), model=BLACK_76, greeks=("rho",))
    assert (
        never.values["rho"][0]
        == evaluate(options(rate=-0.01), model=BLACK_76, greeks=("rho",)).values["rho"][0]
    )


def test_other_greeks_are_lacking_and_those_per_day_are_there():
    found = evaluate_american(options(), greeks=tuple(GREEKS))
    lacking = {"vanna", "volga", "charm", "charm_per_day", "speed", "colour", "zomma"}
    assert found.lacking == dict.fromkeys(lacking, Reason.NOT_AMERICAN)
    assert found.values["theta_per_day"][0] == pytest.approx(found.values["theta"][0] / 365.0)
    assert found.reasons.tolist() == [0]


def test_unknown_figures_have_a_reason():
    found = evaluate_american(
        options(
            spot=[np.nan, 104.0, 100.0, 104.0, 104.0],
            time=[0.8, 0.8, 0.0, 0.8, 31.0],
            volatility=[0.2, 0.0, 0.2, 0.2, 0.2],
            rate=[0.06, 0.06, 0.06, -0.02, 0.06],
            dividend_yield=[0.03, 0.03, 0.03, -0.05, 0.03],
        ),
        greeks=NAMES,
    )
    assert [row_of(found.reasons, row) for row in range(5)] == [
        Reason.UNKNOWN_INPUT,
        Reason.OUTSIDE_METHOD,
        Reason.KINK,
        Reason.DOUBLE_BOUNDARY,
        Reason.OUTSIDE_METHOD,
    ]
    assert np.isfinite(found.values["price"]).tolist() == [False, True, True, False, False]
    assert all(np.isnan(found.values[name]).all() for name in ("delta", "vega", "rho"))


def american_price(**changed) -> float:
    return float(evaluate_american(options(**changed), greeks=()).values["price"][0])


@pytest.mark.parametrize("rate", [4e-6, 1e-4, 9e-4])
@pytest.mark.parametrize("paid", [0.0, -0.02])
def test_next_to_a_rate_of_0_derivatives_do_not_cross_it(rate, paid):
    at = {"rate": rate, "dividend_yield": paid, "strike": 105.0}
    found = evaluate_american(options(**at), greeks=("rho",))
    assert row_of(found.reasons, 0) is None
    expected = difference(lambda x: american_price(**at | {"rate": x}), rate, rate / 20.0)
    assert found.values["rho"][0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("is_call", [True, False])
def test_where_exercise_earns_nothing_but_the_yield_is_below_0_the_derivative_is_of_rates_above(is_call):
    earned, paid, name = ("dividend_yield", "rate", "phi") if is_call else ("rate", "dividend_yield", "rho")
    at = {paid: -0.02, "is_call": is_call, "strike": 105.0}
    found = evaluate_american(options(**at, **{earned: 0.0}), greeks=(name,))
    assert row_of(found.reasons, 0) is None
    near, far = (american_price(**at, **{earned: step}) for step in (0.0, 1e-5))
    assert found.values[name][0] == pytest.approx((far - near) / 1e-5, rel=1e-3)


def test_a_futures_option_has_its_rho_next_to_a_rate_of_0():
    at = {"rate": 1e-4, "is_call": True}

    def futures_price(rate: float) -> float:
        asked = options(**at | {"rate": rate})
        return float(evaluate_american(asked, model=BLACK_76, greeks=()).values["price"][0])

    found = evaluate_american(options(**at), model=BLACK_76, greeks=("rho",)).values["rho"][0]
    assert found == pytest.approx(difference(futures_price, 1e-4, 5e-6), rel=1e-4)
