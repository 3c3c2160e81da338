from dataclasses import replace

import numpy as np
import pytest
from tests.unit.domain.index.scenes import ROWS, noise, signals, weights

from waardhaven.domain.index.definition import StrategySpec
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.index.strategies import prepare
from waardhaven.domain.quant.quadratic_programme import Infeasible
from waardhaven.domain.quant.risk_budgeting import contributions

BY_COVARIANCE = (
    "equal_risk",
    "minimum_variance",
    "maximum_sharpe",
    "maximum_diversification",
    "hierarchical_risk_parity",
)


@pytest.mark.parametrize("name", BY_COVARIANCE)
def test_names_that_do_not_move_or_lack_a_full_window_are_left_out(name: str) -> None:
    moves = noise(4)
    moves[:, 1] = 0.0
    moves[-10, 2] = np.nan
    found = weights(name, signals(moves))
    assert found[1] == found[2] == 0.0
    assert sum(found) == pytest.approx(1.0, abs=1e-15)
    assert found == weights(name, signals(moves, eligible=[True, False, False, True]))


@pytest.mark.parametrize("name", BY_COVARIANCE)
def test_names_of_which_none_moves_are_weighed_alike(name: str) -> None:
    moves = np.full((ROWS, 3), 0.001)
    moves[-1, 2] = np.nan
    assert weights(name, signals(moves)) == [0.5, 0.5, 0.0]


def test_a_move_that_exponential_weights_forgot_does_not_count() -> None:
    moves = noise(3)
    moves[:, 2] = 0.0
    moves[-60, 2] = 1e-6
    found = weights("minimum_variance", signals(moves), covariance="exponentially_weighted", half_life=1.0)
    assert found[2] == 0.0
    assert found[0] > 0.0
    alone = signals(moves[:, 2:])
    assert weights("equal_risk", alone, covariance="exponentially_weighted", half_life=1.0) == [1.0]


def test_equal_risk_contributions_are_equal_under_the_estimator() -> None:
    moves = noise(5)
    found = np.array(weights("equal_risk", signals(moves), covariance="sample"))
    shares = contributions(np.cov(moves[-60:].T), found) * 5
    assert shares.max() - shares.min() <= 1e-9


def test_minimum_variance_is_calmer_than_any_single_name_and_keeps_its_limits() -> None:
    moves = noise(5)
    covariance = np.cov(moves[-60:].T)
    found = np.array(weights("minimum_variance", signals(moves), covariance="sample"))
    assert found @ covariance @ found <= covariance.diagonal().min()
    capped = replace(Limits.free(5), upper=np.full(5, 0.3))
    held = weights("minimum_variance", signals(moves, limits=capped))
    assert max(held) <= 0.3 + 1e-12
    assert max(weights("minimum_variance", signals(moves))) > 0.3


def test_limits_that_the_eligible_names_can_not_keep_are_told() -> None:
    limits = replace(Limits.free(4), upper=np.full(4, 0.25))
    given = signals(noise(4), eligible=[True, True, True, False], limits=limits)
    for name in ("minimum_variance", "maximum_sharpe", "maximum_diversification"):
        with pytest.raises(Infeasible, match=r"3 names with at most 0\.25 each can hold 0\.75; raise"):
            weights(name, given)


def test_the_highest_sharpe_ratio_prefers_what_rose() -> None:
    moves = noise(3) - noise(3).mean(axis=0)
    moves[:, 1] += 0.01
    found = weights("maximum_sharpe", signals(moves))
    assert found[1] == max(found)


def test_without_a_return_above_the_risk_free_rate_the_least_variance_is_taken() -> None:
    given = signals(noise(4) - 0.01)
    assert weights("maximum_sharpe", given) == weights("minimum_variance", given)
    rising = signals(noise(4) + 0.002)
    assert weights("maximum_sharpe", rising) != weights("minimum_variance", rising)
    assert weights("maximum_sharpe", rising, risk_free=1.0, sessions_per_year=1) == weights(
        "minimum_variance", rising
    )


def test_expected_returns_can_look_at_the_latest_sessions_most() -> None:
    moves = noise(2) - noise(2).mean(axis=0)
    moves[-60:-30, 0] += 0.02
    moves[-5:, 1] += 0.02
    usual = weights("maximum_sharpe", signals(moves))
    recent = weights(
        "maximum_sharpe", signals(moves), expected_returns="exponentially_weighted", half_life=3.0
    )
    assert usual[0] > recent[0]


def test_a_volatility_target_holds_cash_when_the_market_moves() -> None:
    sign = np.where(np.arange(ROWS) % 2, 1.0, -1.0)[:, None]
    given = signals(0.02 * sign * np.ones(2))
    found = weights("volatility_target", given, target=0.1)
    assert sum(found) == pytest.approx(0.1 / (0.02 * np.sqrt(252)), rel=1e-12)
    assert found[0] == found[1]
    calm = signals(0.0001 * sign * np.ones(2))
    assert weights("volatility_target", calm) == [0.5, 0.5]
    assert weights("volatility_target", calm, max_exposure=0.8) == [0.4, 0.4]


def test_the_more_volatile_of_two_memories_decides_the_exposure() -> None:
    sign = np.where(np.arange(ROWS) % 2, 1.0, -1.0)[:, None]
    for size in (np.linspace(0.03, 0.01, ROWS), np.linspace(0.01, 0.03, ROWS)):
        given = signals(size[:, None] * sign)
        both = [
            sum(weights("volatility_target", given, short_half_life=short, long_half_life=long))
            for short, long in ((5.0, 40.0), (5.0, 5.0), (40.0, 40.0))
        ]
        assert both[0] == min(both[1:])


def test_a_volatility_target_over_prices_that_stand_still_is_fully_invested() -> None:
    assert weights("volatility_target", signals(np.zeros((ROWS, 2)))) == [0.5, 0.5]


def test_a_volatility_that_is_not_known_weighs_nothing() -> None:
    assert weights("volatility_target", signals(np.full((ROWS, 2), np.nan))) == [0.0, 0.0]


def test_a_return_that_is_not_known_is_left_to_the_other_names() -> None:
    moves = noise(2)
    moves[-3, 0] = np.nan
    moves[-7] = np.nan
    alone = noise(2)
    alone[-3, 0] = alone[-3, 1]
    found = weights("volatility_target", signals(moves), target=0.001, lookback=6)
    assert found == pytest.approx(weights("volatility_target", signals(alone), target=0.001, lookback=6))
    assert sum(weights("volatility_target", signals(moves), target=0.001, lookback=7)) == pytest.approx(
        sum(found)
    )


def test_an_overlay_looks_back_as_far_as_the_strategy_below_and_passes_its_needs_on() -> None:
    below = {"name": "blend"}
    overlay = prepare(StrategySpec(name="volatility_target", params={"strategy": below, "lookback": 5}))
    assert overlay.lookback == 60
    assert overlay.uses_market_cap
    assert overlay.strategy.holds_cash


def test_sleeves_of_a_blend_are_free_of_the_limits_of_the_whole() -> None:
    limits = replace(Limits.free(2), upper=np.full(2, 0.4))
    sleeves = [{"strategy": "minimum_variance", "weight": 1}]
    found = weights("blend", signals(noise(2), limits=limits), sleeves=sleeves)
    assert sum(found) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("name", BY_COVARIANCE)
def test_what_a_covariance_is_worth_is_known_before_it_is_used(name: str) -> None:
    holed = noise(4)
    holed[-5, 1] = np.nan
    found = prepare(StrategySpec(name=name, params={"lookback": 60})).preflight(signals(holed))
    assert found.missing.tolist() == [0, 1, 0, 0]
    assert (found.diagnosis.names, found.diagnosis.observations) == (3, 60)
    assert found.diagnosis.reliable


def test_holes_of_names_that_can_not_enter_do_not_count_before_a_covariance_is_used() -> None:
    holed = noise(3)
    holed[-5, 1] = np.nan
    bound = prepare(StrategySpec(name="equal_risk", params={"lookback": 60}))
    found = bound.preflight(signals(holed, eligible=[True, False, True]))
    assert found.missing.tolist() == [0, 0, 0]
    assert bound.preflight(signals(np.zeros((80, 2)))).diagnosis is None


def test_a_strategy_without_a_covariance_has_none_to_check() -> None:
    assert prepare(StrategySpec(name="equal_weight")).preflight(signals(noise(2))) is None
