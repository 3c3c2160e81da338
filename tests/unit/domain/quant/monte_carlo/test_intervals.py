"""What an interval of 95 % promises: the closed form lies inside for 95 ± 3 % of 400 seeds."""

from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest
from scipy.special import stdtrit
from tests.unit.domain.quant.monte_carlo.closed_forms import (
    black_scholes,
    digital,
    future,
    geometric_asian,
    one_asset,
    price,
)

from waardhaven.domain.quant.monte_carlo.estimates import (
    Estimate,
    Moments,
    independent,
    probability,
    replicated,
    total,
)
from waardhaven.domain.quant.monte_carlo.payoff import Kind, Payoff
from waardhaven.domain.quant.monte_carlo.payoffs import Digital, European, GeometricAsian

SEEDS = range(400)
MARKET = one_asset(100.0, 0.2, 0.03, 0.01)
CALL = European(kind=Kind.CALL, strike=105.0)
KNOWN = black_scholes(Kind.CALL, 100.0, 105.0, 1.0, 0.03, 0.01, 0.2)
LOW, HIGH = 0.92, 0.98


def covered(truth: float, estimate: Callable[[int], Estimate]) -> float:
    found = [estimate(seed) for seed in SEEDS]
    return float(np.mean([one.low <= truth <= one.high for one in found]))


@pytest.mark.parametrize("sampling", ["plain", "antithetic", "sobol"])
@pytest.mark.parametrize("control", ["none", "spot"])
def test_the_price_of_a_call_lies_in_its_interval_as_often_as_promised(sampling: str, control: str):
    share = covered(
        KNOWN,
        lambda seed: price(CALL, MARKET, seed=seed, paths=2048, sampling=sampling, control=control).price,
    )
    assert LOW <= share <= HIGH


@pytest.mark.parametrize(
    ("sampling", "control"), [("plain", "none"), ("antithetic", "spot"), ("sobol", "none")]
)
def test_the_price_of_a_geometric_asian_put_lies_in_its_interval(sampling: str, control: str):
    terms = GeometricAsian(kind=Kind.PUT, strike=95.0)
    truth = geometric_asian(Kind.PUT, 100.0, 95.0, 1.0, 0.03, 0.01, 0.2, 12)
    share = covered(
        truth,
        lambda seed: (
            price(terms, MARKET, seed=seed, steps=12, paths=2048, sampling=sampling, control=control).price
        ),
    )
    assert LOW <= share <= HIGH


@pytest.mark.parametrize("control", ["none", "spot", "european"])
def test_the_price_of_a_digital_lies_in_its_interval(control: str):
    terms = Digital(kind=Kind.CALL, strike=105.0, cash=10.0)
    truth = 10.0 * digital(Kind.CALL, 100.0, 105.0, 1.0, 0.03, 0.01, 0.2)
    share = covered(truth, lambda seed: price(terms, MARKET, seed=seed, paths=1024, control=control).price)
    assert LOW <= share <= HIGH


def test_the_mean_worth_of_a_portfolio_lies_in_its_interval():
    truth = 1000.0 * (1.0 + (0.6 * 0.08 + 0.4 * 0.03) / 12.0) ** 6
    share = covered(truth, lambda seed: future(steps=6, paths=256, seed=seed).worth.mean)
    assert LOW <= share <= HIGH


def test_a_smaller_confidence_promises_less_and_keeps_it():
    share = covered(KNOWN, lambda seed: price(CALL, MARKET, seed=seed, paths=1024, confidence=0.7).price)
    assert 0.64 <= share <= 0.76


@pytest.mark.parametrize("sampling", ["plain", "antithetic", "sobol"])
def test_the_standard_error_is_the_spread_of_estimates_over_seeds(sampling: str):
    found = [price(CALL, MARKET, seed=seed, paths=512, sampling=sampling).price for seed in range(200)]
    spread = np.std([one.value for one in found], ddof=1)
    told = sqrt(np.mean([one.standard_error**2 for one in found]))
    assert told == pytest.approx(spread, rel=0.15)


def test_methods_that_reduce_the_error_do():
    def error(payoff: Payoff, **changes: object) -> float:
        return price(payoff, MARKET, paths=4096, **changes).price.standard_error

    plain = error(CALL)
    assert error(CALL, sampling="antithetic") < 0.9 * plain
    assert error(CALL, control="spot") < 0.6 * plain
    assert error(CALL, sampling="sobol") < 0.1 * plain


def test_moments_of_parts_are_those_of_the_whole():
    rng = np.random.default_rng(3)
    worth, control = rng.normal(5.0, 2.0, 1000), rng.normal(1e6, 1.0, 1000)
    cuts = [slice(0, 1), slice(1, 400), slice(400, 1000)]
    found = total([Moments.of(worth[cut], control[cut]) for cut in cuts])
    assert found.count == 1000
    np.testing.assert_allclose(found.mean, [worth.mean(), control.mean()], rtol=1e-13)
    np.testing.assert_allclose(found.products / 999, np.cov(worth, control), rtol=1e-9)


def test_the_moments_of_a_constant_are_exact():
    found = total([Moments.of(np.full(7, 0.1)), Moments.of(np.full(93, 0.1))])
    estimate = independent(found, 0.0, 0.95)
    assert estimate == Estimate(value=0.1, standard_error=0.0, low=0.1, high=0.1)


def test_moments_leave_what_they_observe_as_it_is():
    values = np.arange(5.0)
    Moments.of(values)
    np.testing.assert_array_equal(values, np.arange(5.0))


def told(values: list[float], confidence: float = 0.95) -> Estimate:
    """Return the estimate from replicates that came to ``values``."""
    return replicated([Moments.of(np.full(4, one)) for one in values], 0.0, confidence)


@pytest.mark.parametrize(("count", "width"), [(8, 2.364624), (16, 2.131450)])
def test_the_interval_of_replicates_without_skewness_is_that_of_student(count: int, width: float):
    """Quantiles of Student's t at 97.5 % with 7 and 15 degrees of freedom, as printed in tables."""
    found = told(np.linspace(4.0, 6.0, count).tolist())
    assert found.high - found.value == pytest.approx(width * found.standard_error, rel=1e-6)
    assert found.value - found.low == pytest.approx(width * found.standard_error, rel=1e-6)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.9999])
def test_the_interval_of_skewed_replicates_solves_the_equation_of_hall(sign: float, confidence: float):
    """Studentised ends T of both sides: T + g T^2 / 3 + g^2 T^3 / 27 + g / 6 is Student's quantile."""
    values = sign * np.array([0.0, 0.1, 0.1, 0.2, 0.3, 0.3, 0.5, 0.6, 0.9, 4.0])
    found = told(values.tolist(), confidence)
    bend = float((((values - values.mean()) / values.std()) ** 3).mean()) / sqrt(10.0)
    ends = (found.value - np.array([found.low, found.high])) / found.standard_error
    solved = ends + bend * ends**2 / 3.0 + bend**2 * ends**3 / 27.0 + bend / 6.0
    width = stdtrit(9, 0.5 + 0.5 * confidence)
    np.testing.assert_allclose(solved, [width, -width], rtol=1e-9)
    assert found.low < found.value < found.high


def test_replicates_that_agree_have_no_error():
    assert told([0.1] * 8) == Estimate(value=0.1, standard_error=0.0, low=0.1, high=0.1)


@pytest.mark.parametrize("scrambles", [8, 16, 64])
def test_few_replicates_of_a_payoff_without_bound_hold_the_price_as_often_as_promised(scrambles: int):
    """The farthest point of each decides: they are skewed, and Student's interval alone holds 88 to 91 %."""
    market, seeds = one_asset(100.0, 0.25, 0.05, 0.02), range(5000, 5400)
    truth = black_scholes(Kind.CALL, 100.0, 105.0, 1.0, 0.05, 0.02, 0.25)
    found = [price(CALL, market, seed=seed, paths=8192, scrambles=scrambles).price for seed in seeds]
    assert LOW <= np.mean([one.low <= truth <= one.high for one in found]) <= HIGH


def test_a_control_without_spread_changes_nothing():
    rng = np.random.default_rng(3)
    worth = rng.normal(size=500)
    alone = independent(Moments.of(worth), 0.0, 0.95)
    beside = independent(Moments.of(worth, np.full(500, 3.0)), 4.0, 0.95)
    assert beside.value == alone.value
    assert beside.standard_error == pytest.approx(alone.standard_error, rel=2e-3)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0.0, 0.0369935), (50, 0.403832, 0.596168), (100, 0.9630065, 1.0)],
)
def test_the_interval_of_a_share_is_that_of_wilson(count: int, low: float, high: float):
    found = probability(count, 100, 0.95)
    assert (found.value, found.count, found.of) == (count / 100, count, 100)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))
