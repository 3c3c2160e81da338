"""Prices: payoffs beside closed forms, chunks in any order, no risk, what is refused."""

import pickle
from dataclasses import replace
from math import exp, sqrt

import numpy as np
import pytest
from tests.unit.domain.quant.monte_carlo.closed_forms import (
    bermudan,
    black_scholes,
    digital,
    exchange,
    geometric_asian,
    knock_in,
    knock_out,
    one_asset,
    price,
)

from waardhaven.domain.quant.monte_carlo import pricing
from waardhaven.domain.quant.monte_carlo.american import American
from waardhaven.domain.quant.monte_carlo.barriers import Barrier, Direction, Effect, Monitoring
from waardhaven.domain.quant.monte_carlo.controls import CONTROLS
from waardhaven.domain.quant.monte_carlo.market import Market, Setting
from waardhaven.domain.quant.monte_carlo.payoff import Kind, Payoff
from waardhaven.domain.quant.monte_carlo.payoffs import (
    PAYOFFS,
    ArithmeticAsian,
    Basket,
    Digital,
    European,
    GeometricAsian,
)
from waardhaven.domain.quant.monte_carlo.refusals import PATHS, UnusableSimulation

MARKET = one_asset(100.0, 0.25, 0.04, 0.02)
LAW = (100.0, 1.0, 0.04, 0.02, 0.25)
CALL = European(kind=Kind.CALL, strike=100.0)
KINDS = list(Kind)
TWO = Market(
    spot=[100.0, 95.0],
    volatility=[0.3, 0.2],
    rate=0.05,
    dividend_yield=[0.01, 0.03],
    correlation=[[1.0, 0.4], [0.4, 1.0]],
)
BARRIER = Barrier(kind=Kind.CALL, strike=100.0, barrier=130.0, direction=Direction.UP, effect=Effect.OUT)
EVERY = {
    "european": CALL,
    "digital": Digital(kind=Kind.PUT, strike=100.0, cash=5.0),
    "arithmetic_asian": ArithmeticAsian(kind=Kind.CALL, strike=100.0),
    "geometric_asian": GeometricAsian(kind=Kind.PUT, strike=100.0),
    "barrier": BARRIER,
    "basket": Basket(kind=Kind.CALL, strike=100.0, weights=(1.0,)),
    "american": American(kind=Kind.PUT, strike=100.0, pilot=2048),
}


def close(found: pricing.PricingResult, truth: float, *, largest_error: float) -> None:
    assert found.price.standard_error <= largest_error
    assert abs(found.price.value - truth) <= 4.0 * found.price.standard_error + 1e-12


def european(kind: Kind, strike: float) -> float:
    s, t, r, q, v = LAW
    return black_scholes(kind, s, strike, t, r, q, v)


def refused(payoff: Payoff = CALL, market: Market = MARKET, **changes: object) -> dict[str, str]:
    with pytest.raises(UnusableSimulation) as error:
        price(payoff, market, **changes)
    return {one.field: one.rule for one in error.value.errors}


def test_every_payoff_of_the_registry_is_tried_here():
    assert {name: type(one) for name, one in EVERY.items()} == dict(PAYOFFS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strike", [70.0, 100.0, 140.0])
@pytest.mark.parametrize("sampling", ["plain", "antithetic", "sobol"])
def test_european_options_are_those_of_black_and_scholes(kind: Kind, strike: float, sampling: str):
    terms = European(kind=kind, strike=strike)
    close(
        price(terms, MARKET, sampling=sampling, control="spot", paths=30_000, steps=3),
        european(kind, strike),
        largest_error=0.06,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_digitals_pay_cash_with_the_probability_of_the_closed_form(kind: Kind):
    s, t, r, q, v = LAW
    terms = Digital(kind=kind, strike=110.0, cash=10.0)
    found = price(terms, MARKET, sampling="sobol", paths=30_000)
    close(found, 10.0 * digital(kind, s, 110.0, t, r, q, v), largest_error=0.01)


def test_a_digital_pays_nothing_at_its_strike():
    flat = Market(spot=[100.0], volatility=[0.0], rate=0.0)
    for kind in KINDS:
        assert price(Digital(kind=kind, strike=100.0), flat).price.value == 0.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [1, 5, 50])
def test_geometric_asians_are_those_of_kemna_and_vorst(kind: Kind, steps: int):
    s, t, r, q, v = LAW
    found = price(
        GeometricAsian(kind=kind, strike=102.0), MARKET, steps=steps, sampling="sobol", paths=16_000
    )
    close(found, geometric_asian(kind, s, 102.0, t, r, q, v, steps), largest_error=0.01)


@pytest.mark.parametrize("control", ["geometric", "spot", "european", "none"])
def test_every_control_of_the_arithmetic_asian_finds_the_same_price(control: str):
    terms = ArithmeticAsian(kind=Kind.CALL, strike=100.0)
    best = price(terms, MARKET, steps=12, paths=200_000, control="geometric").price
    found = price(terms, MARKET, steps=12, paths=50_000, control=control, seed=2).price
    assert abs(found.value - best.value) < 4.0 * (found.standard_error**2 + best.standard_error**2) ** 0.5


def test_an_arithmetic_asian_with_one_fixing_is_a_european_option():
    terms = ArithmeticAsian(kind=Kind.PUT, strike=100.0)
    found = price(terms, MARKET, control="geometric")
    assert found.price.value == pytest.approx(european(Kind.PUT, 100.0), rel=1e-12)


def test_a_basket_of_one_asset_less_another_is_the_exchange_option_of_margrabe():
    terms = Basket(kind=Kind.CALL, strike=0.0, weights=(1.0, -1.0))
    volatility = sqrt(0.3**2 + 0.2**2 - 2 * 0.4 * 0.3 * 0.2)
    truth = exchange((100.0, 95.0), (0.01, 0.03), volatility, 2.0)
    for sampling in ("plain", "antithetic", "sobol"):
        found = price(terms, TWO, maturity=2.0, steps=2, sampling=sampling, control="spot", paths=30_000)
        close(found, truth, largest_error=0.12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("strike", [90.0, 100.0, 115.0])
@pytest.mark.parametrize("rebate", [0.0, 4.0])
def test_barriers_watched_at_all_times_are_those_of_reiner_and_rubinstein(
    kind: Kind, direction: Direction, strike: float, rebate: float
):
    level = 112.0 if direction is Direction.UP else 88.0
    for effect, formula in ((Effect.IN, knock_in), (Effect.OUT, knock_out)):
        terms = Barrier(
            kind=kind,
            strike=strike,
            barrier=level,
            direction=direction,
            effect=effect,
            rebate=rebate,
            monitoring=Monitoring.CONTINUOUS,
        )
        truth = formula(kind, direction is Direction.UP, 100.0, strike, level, 1.0, 0.04, 0.02, 0.25, rebate)
        close(price(terms, MARKET, steps=3, sampling="sobol", paths=16_000), truth, largest_error=0.1)


def test_a_barrier_watched_at_fixings_is_one_further_away_watched_at_all_times():
    """M. Broadie, P. Glasserman and S. Kou, Mathematical Finance 7 (1997): by exp(0.5826 sigma sqrt(dt))."""
    truth = knock_out(
        Kind.CALL, True, 100.0, 100.0, 130.0 * exp(0.5826 * 0.25 * sqrt(1 / 50)), 1.0, 0.04, 0.02, 0.25, 0.0
    )
    found = price(BARRIER, MARKET, steps=50, paths=100_000, control="european").price
    assert found.value == pytest.approx(truth, abs=0.02 + 4.0 * found.standard_error)
    watched = price(replace(BARRIER, monitoring=Monitoring.CONTINUOUS), MARKET, steps=50, paths=100_000).price
    assert found.value > watched.value + 5.0 * watched.standard_error


@pytest.mark.parametrize("monitoring", list(Monitoring))
def test_in_and_out_are_the_european_option_together(monitoring: Monitoring):
    both = [
        price(replace(BARRIER, effect=effect, monitoring=monitoring), MARKET, steps=8).price.value
        for effect in Effect
    ]
    assert sum(both) == pytest.approx(price(CALL, MARKET, steps=8).price.value, rel=1e-12)


@pytest.mark.parametrize("monitoring", list(Monitoring))
def test_a_price_without_risk_touches_a_barrier_that_lies_on_its_way(monitoring: Monitoring):
    sure = one_asset(100.0, 0.0, 0.3)
    terms = replace(BARRIER, monitoring=monitoring)
    assert price(terms, sure, steps=4).price.value == 0.0
    further = replace(terms, barrier=140.0)
    assert price(further, sure, steps=4).price.value == pytest.approx(100.0 - 100.0 * exp(-0.3), rel=1e-12)


def test_an_american_call_without_dividends_is_worth_the_european_one():
    market = one_asset(100.0, 0.25, 0.05)
    terms = American(kind=Kind.CALL, strike=100.0)
    found = price(terms, market, steps=10, paths=30_000, sampling="antithetic", control="european").price
    truth = black_scholes(Kind.CALL, 100.0, 100.0, 1.0, 0.05, 0.0, 0.25)
    assert truth * 0.99 < found.value < truth + 3.0 * found.standard_error + 1e-9


@pytest.mark.parametrize(
    ("kind", "spot", "rate", "pays"),
    [(Kind.PUT, 100.0, 0.1, 0.0), (Kind.PUT, 85.0, 0.1, 0.0), (Kind.CALL, 100.0, 0.03, 0.12)],
)
def test_an_american_option_is_worth_hardly_less_than_that_of_a_tree(
    kind: Kind, spot: float, rate: float, pays: float
):
    """The rule of the pilot loses at most half a per cent of the premium, and never gains."""
    truth = bermudan(kind, spot, 100.0, 1.0, rate, pays, 0.3, 20, 60)
    terms = American(kind=kind, strike=100.0)
    market = one_asset(spot, 0.3, rate, pays)
    made = {"steps": 20, "paths": 100_000, "sampling": "antithetic", "control": "european"}
    found = price(terms, market, **made).price
    assert found.standard_error < 0.003 * truth
    assert truth * 0.995 - 2.0 * found.standard_error < found.value < truth + 3.0 * found.standard_error


def test_the_fitted_worth_of_going_on_is_the_option_that_is_left():
    """One year before the end of two, at prices in the money: a European put over a year."""
    market = one_asset(100.0, 0.3, 0.1)
    terms = American(kind=Kind.PUT, strike=100.0, pilot=1 << 16)
    rule = terms.prepared(Setting(market=market, maturity=2.0, steps=2), 1)
    prices = np.linspace(60.0, 92.0, 9)
    truth = [black_scholes(Kind.PUT, s, 100.0, 1.0, 0.1, 0.0, 0.3) for s in prices]
    np.testing.assert_allclose(rule.going_on(0, prices), truth, atol=0.3)
    assert rule.is_fitted.tolist() == [True, False]
    assert (rule.paths, rule.now) == (1 << 16, False)
    beyond = rule.going_on(0, np.array([1e-9, 500.0]))
    ends = np.array([rule.low[0], rule.high[0]])
    np.testing.assert_allclose(beyond, rule.going_on(0, ends), rtol=1e-12)


def test_a_put_so_deep_in_the_money_that_waiting_costs_is_exercised_now():
    found = price(American(kind=Kind.PUT, strike=100.0), one_asset(20.0, 0.2, 0.08), steps=10)
    assert (found.price.value, found.price.standard_error) == (80.0, 0.0)


def test_an_american_put_without_risk_is_exercised_when_that_is_best():
    falling = one_asset(100.0, 0.0, 0.01, 0.11)
    found = price(American(kind=Kind.PUT, strike=100.0), falling, steps=4).price
    assert found.value == pytest.approx(100.0 * exp(-0.01) - 100.0 * exp(-0.11), rel=1e-12)
    rising = one_asset(90.0, 0.0, 0.2)
    assert price(American(kind=Kind.PUT, strike=100.0), rising, steps=4).price.value == 10.0


def test_an_american_option_far_out_of_the_money_is_never_exercised_before_maturity():
    terms = American(kind=Kind.PUT, strike=10.0)
    found = price(terms, MARKET, steps=4)
    assert found.price.value == 0.0
    assert "every path" in found.notes[0]


def test_an_american_option_is_not_followed_without_its_rule():
    terms = American(kind=Kind.PUT, strike=10.0)
    plan = pricing.plan(
        pricing.PricingProblem(payoff=terms, market=MARKET, maturity=1.0, steps=2, paths=256, seed=1)
    )
    with pytest.raises(TypeError, match="rule"):
        pricing.run_chunk(replace(plan, prepared=None), 0)


def test_more_exercise_dates_are_worth_more_and_all_more_than_the_european_put():
    found = [
        price(
            American(kind=Kind.PUT, strike=105.0),
            one_asset(100.0, 0.25, 0.06),
            steps=steps,
            paths=50_000,
            sampling="antithetic",
            control="european",
        ).price
        for steps in (1, 4, 40)
    ]
    truth = black_scholes(Kind.PUT, 100.0, 105.0, 1.0, 0.06, 0.0, 0.25)
    assert found[0].value == pytest.approx(truth, rel=1e-9)
    assert found[0].value < found[1].value - 5.0 * found[1].standard_error
    assert found[1].value < found[2].value


@pytest.mark.parametrize("name", list(EVERY))
@pytest.mark.parametrize("sampling", ["plain", "antithetic", "sobol"])
def test_without_risk_every_payoff_is_exact(name: str, sampling: str):
    """Zero volatility: the price is what the forward path pays, and nothing is uncertain."""
    market, steps = one_asset(100.0, 0.0, 0.03), 4
    path = 100.0 * np.exp(0.03 * np.arange(1, 5) / 4)
    terms = replace(EVERY[name], kind=Kind.CALL)
    underlying = {"arithmetic_asian": path.mean(), "geometric_asian": np.exp(np.log(path).mean())}
    paid = 5.0 if name == "digital" else underlying.get(name, path[-1]) - 100.0
    found = price(terms, market, steps=steps, sampling=sampling, control="automatic", paths=256).price
    assert found.value == pytest.approx(paid * exp(-0.03), rel=1e-12)
    assert found.standard_error == 0.0
    assert found.low == found.value == found.high


def test_at_maturity_an_option_pays_what_it_is_worth_now():
    assert price(European(kind=Kind.CALL, strike=80.0), MARKET, maturity=0.0).price.value == 20.0


@pytest.mark.parametrize("name", list(EVERY))
@pytest.mark.parametrize("sampling", ["plain", "antithetic", "sobol"])
def test_chunks_say_the_same_in_any_order_and_from_any_worker(name: str, sampling: str):
    asked = pricing.PricingProblem(
        payoff=EVERY[name],
        market=MARKET,
        maturity=1.0,
        steps=2,
        paths=40_000,
        seed=5,
        sampling=sampling,
    )
    plan = pricing.plan(asked)
    assert plan.chunks >= 3
    whole = pricing.merge(plan, [pricing.run_chunk(plan, k) for k in range(plan.chunks)])
    sent = pickle.loads(pickle.dumps(plan))
    backwards = [pricing.run_chunk(sent, k) for k in reversed(range(plan.chunks))]
    assert pricing.merge(pricing.plan(asked), pickle.loads(pickle.dumps(backwards))) == whole
    assert pricing.merge(plan, backwards) != price(
        EVERY[name], MARKET, steps=2, paths=40_000, seed=6, sampling=sampling, control="automatic"
    )


def test_a_part_that_is_missing_or_there_twice_is_refused():
    plan = pricing.plan(
        pricing.PricingProblem(payoff=CALL, market=MARKET, maturity=1.0, steps=1, paths=40_000, seed=5)
    )
    parts = [pricing.run_chunk(plan, k) for k in range(plan.chunks)]
    for wrong in (parts[1:], [*parts, parts[0]], []):
        with pytest.raises(UnusableSimulation) as error:
            pricing.merge(plan, wrong)
        assert error.value.errors[0].field == "parts"
    for chunk in (-1, plan.chunks):
        with pytest.raises(UnusableSimulation) as error:
            pricing.run_chunk(plan, chunk)
        assert error.value.errors[0].field == "chunk"


@pytest.mark.parametrize("sampling", ["plain", "antithetic", "sobol"])
def test_the_estimates_on_the_way_end_with_the_answer(sampling: str):
    found = price(CALL, MARKET, paths=100_000, sampling=sampling)
    paths = [one.paths for one in found.convergence]
    assert len(paths) >= 3
    assert paths == sorted(paths)
    assert paths[-1] == found.paths >= 100_000
    assert found.convergence[-1].estimate == found.price
    assert found.convergence[0].estimate.standard_error > found.price.standard_error


def test_what_a_run_costs_is_the_numbers_it_draws():
    terms = Basket(kind=Kind.CALL, strike=1.0, weights=(1.0, 1.0))
    plan = pricing.plan(
        pricing.PricingProblem(payoff=terms, market=TWO, maturity=1.0, steps=3, paths=5000, seed=5)
    )
    assert plan.numbers == 16 * 512 * 3 * 2


def test_the_answer_says_how_it_was_found():
    found = price(ArithmeticAsian(kind=Kind.CALL, strike=90.0), MARKET, steps=3, seed=77, control="automatic")
    assert (found.seed, found.steps, found.sampling, found.control) == (77, 3, "plain", "geometric")
    assert (found.paths, found.confidence, found.notes) == (4096, 0.95, ())
    assert price(CALL, MARKET, control="automatic").control == "spot"
    assert price(CALL, MARKET, control="none").control is None


def test_a_price_that_no_path_tells_anything_about_is_marked():
    far = European(kind=Kind.CALL, strike=1e6)
    found = price(far, MARKET)
    assert found.price.value == 0.0
    assert found.notes == (pricing.FLAT,)


def test_a_repair_of_the_correlation_is_told_in_the_answer():
    market = Market(
        spot=[100.0] * 3,
        volatility=[0.2] * 3,
        rate=0.0,
        correlation=[[1.0, 0.9, 0.7], [0.9, 1.0, 0.3], [0.7, 0.3, 1.0]],
        repair=True,
    )
    found = price(Basket(kind=Kind.CALL, strike=100.0, weights=(0.4, 0.3, 0.3)), market)
    assert len(found.notes) == 1
    assert "eigenvalue" in found.notes[0]


@pytest.mark.parametrize("name", list(EVERY))
def test_every_control_that_suits_a_payoff_is_known(name: str):
    assert set(EVERY[name].controls) <= set(CONTROLS)


def test_a_billion_paths_are_refused_with_the_limit():
    assert str(PATHS) in refused(paths=10**9)["paths"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"paths": 127}, "paths"),
        ({"paths": 10**8, "steps": 1000}, "paths"),
        ({"steps": 0}, "steps"),
        ({"steps": 100_001}, "steps"),
        ({"seed": -1}, "seed"),
        ({"seed": 1 << 64}, "seed"),
        ({"sampling": "halton"}, "sampling"),
        ({"control": "geometric"}, "control"),
        ({"confidence": 1.0}, "confidence"),
        ({"maturity": -1.0}, "maturity"),
        ({"maturity": float("nan")}, "maturity"),
        ({"sampling": "sobol", "scrambles": 4}, "scrambles"),
        ({"sampling": "sobol", "steps": 21_202}, "sampling"),
        ({"payoff": European(kind=Kind.CALL, strike=-1.0)}, "payoff.strike"),
        ({"payoff": European(kind=Kind.CALL, strike=float("nan"))}, "payoff.strike"),
        ({"payoff": Digital(kind=Kind.CALL, strike=1.0, cash=-1.0)}, "payoff.cash"),
        ({"payoff": replace(BARRIER, barrier=99.0)}, "payoff.barrier"),
        ({"payoff": replace(BARRIER, barrier=float("inf"))}, "payoff.barrier"),
        ({"payoff": replace(BARRIER, direction=Direction.DOWN)}, "payoff.barrier"),
        ({"payoff": replace(BARRIER, rebate=-1.0)}, "payoff.rebate"),
        ({"payoff": Basket(kind=Kind.CALL, strike=1.0, weights=(1.0, 2.0))}, "payoff.weights"),
        ({"payoff": American(kind=Kind.PUT, strike=1.0, degree=9)}, "payoff.degree"),
        ({"payoff": American(kind=Kind.PUT, strike=1.0, pilot=10)}, "payoff.pilot"),
        ({"payoff": American(kind=Kind.PUT, strike=1.0), "steps": 5000}, "payoff.pilot"),
        ({"market": TWO}, "market.spot"),
        ({"market": one_asset(100.0, 9.0), "maturity": 150.0}, "market.volatility"),
        ({"market": one_asset(100.0, 0.2, 5.0), "maturity": 50.0}, "market.rate"),
    ],
)
def test_what_can_not_be_simulated_is_refused_by_field(changes: dict[str, object], field: str):
    assert field in refused(**changes)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"spot": []}, "market.spot"),
        ({"spot": [0.0]}, "market.spot"),
        ({"spot": [float("nan")]}, "market.spot"),
        ({"volatility": [-0.1]}, "market.volatility"),
        ({"volatility": [0.1, 0.2]}, "market.volatility"),
        ({"dividend_yield": [0.1, 0.2]}, "market.dividend_yield"),
        ({"rate": float("inf")}, "market.rate"),
        ({"correlation": [[0.5]]}, "market.correlation"),
        ({"correlation": [1.0]}, "market.correlation"),
    ],
)
def test_a_market_that_can_not_be_is_refused_by_field(changes: dict[str, object], field: str):
    with pytest.raises(UnusableSimulation) as error:
        Market(**{"spot": [100.0], "volatility": [0.2], "rate": 0.0, **changes})
    assert field in {one.field for one in error.value.errors}


def test_the_largest_numbers_allowed_give_numbers():
    wild = one_asset(1e12, 10.0, 0.5)
    found = price(CALL, wild, maturity=100.0, steps=3, paths=1000).price
    assert np.isfinite([found.value, found.standard_error, found.low, found.high]).all()
