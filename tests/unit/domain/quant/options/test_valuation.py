import numpy as np
import pytest
from tests.unit.domain.quant.options.oracles import difference, european, slope

from waardhaven.domain.quant.options.contracts import Options, Reason, row_of
from waardhaven.domain.quant.options.greeks import GREEKS
from waardhaven.domain.quant.options.models import BLACK_76, MODELS
from waardhaven.domain.quant.options.payoffs import PAYOFFS
from waardhaven.domain.quant.options.valuation import CHUNK, evaluate

VARIABLES = ("spot", "strike", "time", "volatility", "rate", "dividend_yield")
AT = {"spot": 103.0, "strike": 97.0, "time": 0.7, "volatility": 0.31, "rate": 0.04, "dividend_yield": 0.017}
FIRST = {"delta": "spot", "vega": "volatility", "theta": "time", "rho": "rate", "phi": "dividend_yield"}
HIGHER = {
    "gamma": ("delta", "spot"),
    "vanna": ("delta", "volatility"),
    "volga": ("vega", "volatility"),
    "charm": ("delta", "time"),
    "speed": ("gamma", "spot"),
    "colour": ("gamma", "time"),
    "zomma": ("gamma", "volatility"),
}
BACKWARD = {"theta", "charm", "colour"}


def options(*, is_call=True, **changed) -> Options:
    return Options.of(**AT | changed, is_call=is_call, cash=10.0)


def figure(name, payoff, *, is_call=True, **changed) -> float:
    found = evaluate(options(is_call=is_call, **changed), payoff=PAYOFFS[payoff], greeks=tuple(GREEKS))
    return float(found.values[name][0])


def oracle(payoff, is_call, **changed):
    at = AT | changed
    return european(payoff, *(at[one] for one in VARIABLES), 1.0 if is_call else -1.0, cash=10.0)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("payoff", PAYOFFS)
class TestClosedForms:
    def test_the_price_is_that_of_its_legs(self, payoff, is_call):
        assert figure("price", payoff, is_call=is_call) == pytest.approx(oracle(payoff, is_call), rel=1e-14)

    @pytest.mark.parametrize("name", FIRST)
    def test_first_derivatives_are_those_of_a_complex_step(self, payoff, is_call, name):
        variable = FIRST[name]
        expected = slope(lambda x: oracle(payoff, is_call, **{variable: x}), AT[variable])
        expected *= -1.0 if name in BACKWARD else 1.0
        assert figure(name, payoff, is_call=is_call) == pytest.approx(expected, rel=1e-12)

    @pytest.mark.parametrize("name", HIGHER)
    def test_higher_derivatives_are_differences_of_lower_ones(self, payoff, is_call, name):
        lower, variable = HIGHER[name]
        expected = difference(
            lambda x: figure(lower, payoff, is_call=is_call, **{variable: x}),
            AT[variable],
            AT[variable] * 2e-3,
        )
        expected *= -1.0 if name in BACKWARD else 1.0
        assert figure(name, payoff, is_call=is_call) == pytest.approx(expected, rel=1e-9)


def test_greeks_per_point_and_per_day_are_shares_of_those_per_unit():
    assert figure("vega_per_point", "vanilla") == pytest.approx(figure("vega", "vanilla") / 100.0)
    assert figure("rho_per_point", "vanilla") == pytest.approx(figure("rho", "vanilla") / 100.0)
    assert figure("theta_per_day", "vanilla") == pytest.approx(figure("theta", "vanilla") / 365.0)
    assert figure("charm_per_day", "vanilla") == pytest.approx(figure("charm", "vanilla") / 365.0)
    assert GREEKS["theta_per_day"].unit == "price per calendar day"


def test_rho_of_a_forward_moves_the_yield_too_and_phi_is_lacking():
    found = evaluate(options(), model=BLACK_76, greeks=("rho", "phi"))
    at = [AT[one] for one in VARIABLES[:4]]
    expected = slope(lambda r: european("vanilla", *at, r, r, 1.0), AT["rate"])
    assert found.values["rho"][0] == pytest.approx(expected, rel=1e-12)
    assert found.lacking == {"phi": Reason.NOT_OF_MODEL}
    assert np.isnan(found.values["phi"]).all()
    assert found.reasons.tolist() == [0]


def test_the_models_are_one_formula_with_their_cost_of_carry():
    price = {
        name: evaluate(options(rate=0.04, dividend_yield=0.04), model=model, greeks=()).values["price"][0]
        for name, model in MODELS.items()
    }
    assert len(set(price.values())) == 1


@pytest.mark.parametrize(("is_call", "spot"), [(True, 120.0), (False, 80.0)])
@pytest.mark.parametrize("changed", [{"time": 0.0}, {"volatility": 0.0}])
def test_without_time_or_volatility_figures_are_limits_of_their_formulas(is_call, spot, changed):
    name, limit = ("time", 1e-8) if "time" in changed else ("volatility", 1e-3)
    names = tuple(one for one in GREEKS if "theta" not in one and "charm" not in one)
    for payoff in PAYOFFS.values():
        still = evaluate(options(is_call=is_call, spot=spot, **changed), payoff=payoff, greeks=names)
        near = evaluate(options(is_call=is_call, spot=spot, **{name: limit}), payoff=payoff, greeks=names)
        for each in ("price", *names):
            assert still.values[each][0] == pytest.approx(near.values[each][0], rel=1e-6, abs=1e-5)
        assert still.reasons.tolist() == [0]


def test_at_expiry_an_option_is_its_payoff():
    at = {"strike": 100.0, "time": 0.0, "spot": [90.0, 100.0, 110.0]}
    for payoff, calls, puts in [
        ("vanilla", [0.0, 0.0, 10.0], [10.0, 0.0, 0.0]),
        ("cash_or_nothing", [0.0, 10.0, 10.0], [10.0, 0.0, 0.0]),
        ("asset_or_nothing", [0.0, 100.0, 110.0], [90.0, 0.0, 0.0]),
    ]:
        for is_call, expected in ((True, calls), (False, puts)):
            found = evaluate(options(is_call=is_call, **at), payoff=PAYOFFS[payoff], greeks=())
            assert found.values["price"].tolist() == expected


def test_without_volatility_the_price_is_the_discounted_payoff_of_the_forward():
    found = evaluate(options(volatility=0.0), greeks=())
    forward = AT["spot"] * np.exp((AT["rate"] - AT["dividend_yield"]) * AT["time"])
    expected = np.exp(-AT["rate"] * AT["time"]) * (forward - AT["strike"])
    assert found.values["price"][0] == pytest.approx(expected, rel=1e-14)


def test_where_forward_and_strike_meet_without_time_there_are_no_greeks():
    found = evaluate(options(time=0.0, spot=[100.0, 101.0], strike=100.0), greeks=("delta", "gamma"))
    assert found.values["price"].tolist() == [0.0, 1.0]
    assert np.isnan(found.values["delta"]).tolist() == [True, False]
    assert row_of(found.reasons, 0) is Reason.KINK
    assert row_of(found.reasons, 1) is None


@pytest.mark.parametrize("name", [*VARIABLES])
def test_an_unknown_number_makes_its_row_unknown_with_a_reason(name):
    found = evaluate(options(**{name: [AT[name], np.nan]}))
    assert np.isfinite(found.values["price"]).tolist() == [True, False]
    assert np.isnan(found.values["delta"]).tolist() == [False, True]
    assert row_of(found.reasons, 1) is Reason.UNKNOWN_INPUT


def test_a_figure_beyond_the_largest_double_is_unknown_and_never_infinite():
    at = {
        "spot": 1e-12,
        "strike": 1e-12,
        "time": 1e-8,
        "volatility": 1e-6,
        "rate": 0.0,
        "dividend_yield": 0.0,
    }
    digital = evaluate(Options.of(**at, cash=1e15), payoff=PAYOFFS["cash_or_nothing"], greeks=tuple(GREEKS))
    assert not any(np.isinf(one).any() for one in digital.values.values())


def test_a_price_is_the_same_alone_and_among_others_over_several_chunks():
    count = 2 * CHUNK + 17
    strikes = np.linspace(50.0, 150.0, count)
    every = evaluate(options(strike=strikes))
    for row in (0, CHUNK - 1, CHUNK, count - 1):
        alone = evaluate(options(strike=strikes[row]))
        assert all(alone.values[name][0] == every.values[name][row] for name in every.values)


def test_no_options_have_no_figures():
    found = evaluate(options(strike=[]))
    assert all(len(one) == 0 for one in found.values.values())


def test_every_payoff_has_a_formula_of_every_greek():
    assert all({one.figure for one in GREEKS.values()} <= set(each.formulas) for each in PAYOFFS.values())
