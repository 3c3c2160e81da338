"""What holds for every simulation: martingales, parity, bounds, scales, orders of chunks, never a NaN."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain.quant.monte_carlo.closed_forms import future, price

from waardhaven.domain.quant.monte_carlo.barriers import Barrier, Direction, Effect, Monitoring
from waardhaven.domain.quant.monte_carlo.correlation import examined, factor, nearest_correlation
from waardhaven.domain.quant.monte_carlo.flows import Flow, Timing
from waardhaven.domain.quant.monte_carlo.market import Market
from waardhaven.domain.quant.monte_carlo.models import GeometricBrownian, StationaryBootstrap, StudentT
from waardhaven.domain.quant.monte_carlo.payoff import Kind
from waardhaven.domain.quant.monte_carlo.payoffs import ArithmeticAsian, Basket, European, GeometricAsian
from waardhaven.domain.quant.monte_carlo.refusals import UnusableSimulation
from waardhaven.domain.quant.monte_carlo.returns_law import AnnualMoments, Convention

WAYS = st.sampled_from(["plain", "antithetic", "sobol"])
SEEDS = st.integers(0, 2**64 - 1)
MARKETS = st.builds(
    lambda spot, volatility, rate, pays: Market(
        spot=[spot], volatility=[volatility], rate=rate, dividend_yield=[pays]
    ),
    st.floats(1.0, 1e4),
    st.floats(0.0, 0.8),
    st.floats(-0.05, 0.15),
    st.floats(-0.05, 0.15),
)
YEARS = st.floats(0.0, 5.0)


@st.composite
def correlations(draw: st.DrawFn, largest: int = 6) -> np.ndarray:
    count = draw(st.integers(1, largest))
    rank = draw(st.integers(1, count))
    root = np.random.default_rng(draw(st.integers(0, 10**6))).normal(size=(count, rank))
    root /= np.linalg.norm(root, axis=1)[:, None]
    found = root @ root.T
    np.fill_diagonal(found, 1.0)
    return np.clip(found, -1.0, 1.0)


@given(correlations(), SEEDS, WAYS, YEARS)
@settings(max_examples=40)
def test_a_discounted_price_with_its_dividends_is_a_martingale(
    correlation: np.ndarray, seed: int, way: str, years: float
):
    """A basket with strike 0 is worth its spot less what it pays out, whatever the correlation."""
    count = len(correlation)
    rng = np.random.default_rng(seed % 1000)
    market = Market(
        spot=rng.uniform(50, 150, count),
        volatility=rng.uniform(0, 0.4, count),
        rate=0.04,
        dividend_yield=rng.uniform(0, 0.05, count),
        correlation=correlation,
    )
    terms = Basket(kind=Kind.CALL, strike=0.0, weights=(1.0,) * count)
    found = price(terms, market, maturity=years, steps=3, sampling=way, seed=seed, paths=4096).price
    truth = float((market.spot * np.exp(-market.yields * years)).sum())
    assert abs(found.value - truth) <= 6.0 * found.standard_error + 1e-9 * truth
    certain = price(terms, market, maturity=years, steps=3, sampling=way, seed=seed, control="spot").price
    assert certain.value == pytest.approx(truth, rel=1e-9)


@given(MARKETS, YEARS, SEEDS, WAYS, st.floats(0.3, 3.0))
@settings(max_examples=40)
def test_call_less_put_is_the_forward_on_the_same_paths(
    market: Market, years: float, seed: int, way: str, moneyness: float
):
    strike = float(market.spot[0]) * moneyness
    made = {"maturity": years, "steps": 2, "sampling": way, "seed": seed, "paths": 512}
    for kind_of in (European, ArithmeticAsian, GeometricAsian):
        call, put = (price(kind_of(kind=kind, strike=strike), market, **made).price for kind in Kind)
        free = price(kind_of(kind=Kind.CALL, strike=0.0), market, **made).price
        forward = free.value - strike * np.exp(-market.rate * years)
        assert call.value - put.value == pytest.approx(forward, abs=1e-9 * (strike + free.value))
        assert 0.0 <= call.value <= free.value * (1.0 + 1e-12)


@given(MARKETS, YEARS, SEEDS, st.floats(0.5, 2.0))
@settings(max_examples=30)
def test_the_geometric_mean_is_at_most_the_arithmetic_mean(
    market: Market, years: float, seed: int, moneyness: float
):
    made = {"maturity": years, "steps": 5, "seed": seed, "paths": 256}
    strike = float(market.spot[0]) * moneyness
    arithmetic = price(ArithmeticAsian(kind=Kind.CALL, strike=strike), market, **made).price.value
    geometric = price(GeometricAsian(kind=Kind.CALL, strike=strike), market, **made).price.value
    assert geometric <= arithmetic * (1.0 + 1e-12) + 1e-9


@given(MARKETS, YEARS, SEEDS, WAYS, st.sampled_from(list(Monitoring)), st.floats(1.02, 2.0))
@settings(max_examples=30)
def test_an_option_that_can_end_early_is_worth_at_most_one_that_can_not(
    market: Market, years: float, seed: int, way: str, monitoring: Monitoring, distance: float
):
    spot = float(market.spot[0])
    made = {"maturity": years, "steps": 4, "sampling": way, "seed": seed, "paths": 512}
    terms = Barrier(
        kind=Kind.PUT,
        strike=spot,
        barrier=spot / distance,
        direction=Direction.DOWN,
        effect=Effect.OUT,
        monitoring=monitoring,
    )
    ends = price(terms, market, **made).price.value
    begins = price(replace(terms, effect=Effect.IN), market, **made).price.value
    whole = price(European(kind=Kind.PUT, strike=spot), market, **made).price.value
    assert -1e-12 <= ends <= whole * (1.0 + 1e-12) + 1e-12
    assert ends + begins == pytest.approx(whole, abs=1e-9 * spot)


@given(MARKETS, YEARS, SEEDS, WAYS)
@settings(max_examples=30)
def test_prices_in_another_unit_are_the_same_prices(market: Market, years: float, seed: int, way: str):
    """Powers of two: spot and strike times 1,024 multiply everything exactly."""
    larger = replace(market, spot=market.spot * 1024.0)
    strike, made = float(market.spot[0]), {"maturity": years, "steps": 3, "sampling": way, "seed": seed}
    one = price(ArithmeticAsian(kind=Kind.CALL, strike=strike), market, **made).price
    other = price(ArithmeticAsian(kind=Kind.CALL, strike=strike * 1024.0), larger, **made).price
    assert other.value == 1024.0 * one.value
    assert other.standard_error == pytest.approx(1024.0 * one.standard_error, rel=1e-12)


@given(correlations(20))
def test_a_factor_gives_its_matrix_back(correlation: np.ndarray):
    lower = factor(examined(correlation, "sigma", repair=False)[0])
    np.testing.assert_allclose(lower @ lower.T, correlation, atol=1e-7)


@given(st.integers(2, 8), st.integers(0, 10**6))
@settings(max_examples=40)
def test_a_repaired_correlation_can_be_used_and_is_no_further_than_one_with_shrunk_entries(
    count: int, seed: int
):
    rng = np.random.default_rng(seed)
    wrong = np.triu(rng.uniform(-1.0, 1.0, (count, count)), 1)
    wrong += wrong.T + np.eye(count)
    found = nearest_correlation(wrong)
    smallest = min(float(np.linalg.eigvalsh(wrong)[0]), 0.0)
    shrunk = (wrong - smallest * np.eye(count)) / (1.0 - smallest)
    assert np.linalg.norm(found - wrong) <= np.linalg.norm(shrunk - wrong) + 1e-6
    examined(found, "sigma", repair=False)


MEANS = st.floats(-0.3, 0.5)


@st.composite
def models(draw: st.DrawFn) -> object:
    correlation = draw(correlations(4))
    count = len(correlation)
    deviation = np.array(draw(st.lists(st.floats(0.0, 0.6), min_size=count, max_size=count)))
    given_moments = AnnualMoments(
        mean=np.array(draw(st.lists(MEANS, min_size=count, max_size=count))),
        covariance=correlation * np.outer(deviation, deviation),
        convention=draw(st.sampled_from([Convention.CONTINUOUS, Convention.LOGARITHMIC])),
    )
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    history = np.maximum(rng.standard_t(3, (30, count)) * 0.05, -1.0)
    return draw(
        st.sampled_from(
            [
                GeometricBrownian(moments=given_moments),
                StudentT(moments=given_moments, degrees=3.0),
                StationaryBootstrap(history=history),
            ]
        )
    )


PAYMENTS = st.lists(
    st.builds(
        Flow,
        amount=st.floats(-500.0, 500.0),
        every=st.integers(1, 5),
        first=st.integers(1, 6),
        growth=st.floats(-0.5, 0.5),
        timing=st.sampled_from(list(Timing)),
    ),
    max_size=3,
)


@given(models(), PAYMENTS, SEEDS, st.one_of(st.none(), st.integers(1, 4)), st.booleans())
@settings(max_examples=60)
def test_portfolios_are_never_worth_less_than_nothing_and_their_numbers_fit_together(
    model: object, flows: list[Flow], seed: int, every: int | None, is_geared: bool
):
    count = model.assets
    weights = (2.0, -1.0, *(0.0,) * (count - 2)) if is_geared and count > 1 else (1.0 / count,) * count
    try:
        found = future(
            model,
            weights=weights,
            flows=tuple(flows),
            seed=seed,
            rebalance_every=every,
            steps=8,
            paths=128,
            goal=1000.0,
        )
    except UnusableSimulation as error:
        assert {one.field for one in error.errors} == {"flows"}  # noqa: PT017 all else is allowed
        return
    values = [one.value for one in found.worth.quantiles]
    assert np.isfinite(found.fan.values).all()
    assert found.worth.minimum >= 0.0
    assert (np.diff(values) >= 0.0).all()
    assert (np.diff(found.fan.ruined) >= 0.0).all()
    assert found.ruin.value == found.fan.ruined[-1]
    assert -1.0 <= found.drawdown.minimum <= found.drawdown.maximum <= 0.0
    assert found.drawdown.minimum <= min(found.growth.minimum, 0.0) + 1e-12
    assert found.histogram.counts.sum() == 128
    assert found.loss.expected_shortfall.value >= found.loss.value_at_risk.value - 1e-9
    assert found.loss.value_at_risk.value <= found.loss.invested + 1e-9
    assert found.goal.low <= found.goal.value <= found.goal.high


@given(SEEDS, st.integers(1, 6))
@settings(max_examples=15)
def test_the_mean_of_a_portfolio_without_payments_is_that_of_its_law(seed: int, every: int):
    given_moments = AnnualMoments(
        mean=[0.1, 0.02], covariance=[[0.05, 0.01], [0.01, 0.02]], convention=Convention.CONTINUOUS
    )
    found = future(
        GeometricBrownian(moments=given_moments),
        weights=(0.5, 0.5),
        rebalance_every=every,
        seed=seed,
        steps=6,
        paths=4000,
    )
    grown, truth = np.exp(np.array([0.1, 0.02]) / 12.0), 1000.0
    for held in (every,) * (6 // every) + ((6 % every,) if 6 % every else ()):
        truth *= float((0.5 * grown**held).sum())
    assert abs(found.worth.mean.value - truth) <= 6.0 * found.worth.mean.standard_error
