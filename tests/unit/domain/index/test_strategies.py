from typing import Any

import numpy as np
import pytest
from tests.unit.domain.index.scenes import ROWS, returns, signals, weights

from waardhaven.domain.errors import Invalid
from waardhaven.domain.index.definition import StrategySpec
from waardhaven.domain.index.family import Family
from waardhaven.domain.index.strategies import STRATEGIES, by_name, prepare
from waardhaven.domain.index.strategies.strategy import Strategy

NAMES = [strategy.name for strategy in STRATEGIES]
INVESTED = [strategy.name for strategy in STRATEGIES if not strategy.holds_cash]


def test_equal_weight_gives_every_eligible_name_the_same() -> None:
    given = signals(np.empty((0, 3)), eligible=[True, False, True])
    assert prepare(StrategySpec(name="equal_weight")).weigh(given)[0].tolist() == [0.5, 0.0, 0.5]


def test_market_cap_leaves_out_names_with_an_unknown_cap() -> None:
    given = signals(returns(0, 0, 0), caps=[3.0, np.nan, 1.0])
    assert weights("market_cap", given) == [0.75, 0.0, 0.25]


def test_market_cap_weighs_nothing_when_no_cap_is_known() -> None:
    assert weights("market_cap", signals(returns(0, 0), caps=[np.nan, np.nan])) == [0.0, 0.0]


def test_momentum_leaves_out_names_that_did_not_rise() -> None:
    found = weights("momentum", signals(returns(0.01, -0.01, 0.01)))
    assert found[1] == 0.0
    assert found[0] == found[2] == 0.5


def test_momentum_of_only_falling_names_is_equal_weight_not_a_division_by_zero() -> None:
    assert weights("momentum", signals(returns(-0.01, -0.02))) == [0.5, 0.5]


def test_momentum_of_flat_names_at_the_threshold_is_equal_weight() -> None:
    assert weights("momentum", signals(np.zeros((ROWS, 2)))) == [0.5, 0.5]


def test_momentum_threshold_decides_who_enters() -> None:
    given = signals(returns(0.010, 0.001))
    assert weights("momentum", given, threshold=0.1) == [1.0, 0.0]
    assert weights("momentum", given, threshold=10.0) == [0.5, 0.5]


def test_momentum_fallback_counts_only_names_with_a_full_window() -> None:
    moves = returns(-0.01, -0.01, -0.01)
    moves[-5, 2] = np.nan
    assert weights("momentum", signals(moves)) == [0.5, 0.5, 0.0]


def test_momentum_measures_its_lookback_only() -> None:
    moves = returns(-0.05, -0.05)
    moves[-3:, 0] = 0.2
    assert weights("momentum", signals(moves), lookback=3) == [1.0, 0.0]


def test_inverse_volatility_leaves_out_a_name_that_never_moves() -> None:
    moves = returns(0.0, 0.0)
    moves[:, 1] = 0.0
    assert weights("inverse_volatility", signals(moves)) == [1.0, 0.0]


def test_inverse_volatility_of_names_that_never_move_is_equal_weight() -> None:
    moves = np.full((ROWS, 3), 0.001)
    assert weights("inverse_volatility", signals(moves, eligible=[True, True, False])) == [0.5, 0.5, 0.0]


def test_inverse_volatility_leaves_out_a_short_history() -> None:
    moves = returns(0.0, 0.0)
    moves[30, 0] = np.nan
    assert weights("inverse_volatility", signals(moves)) == [0.0, 1.0]
    assert weights("inverse_volatility", signals(moves), lookback=20) == [0.5, 0.5]


def test_a_sleeve_that_can_weigh_nothing_leaves_its_share_to_the_others() -> None:
    sleeves = [{"strategy": "market_cap", "weight": 0.5}, {"strategy": "equal_weight", "weight": 0.5}]
    given = signals(returns(0, 0), caps=[np.nan, np.nan])
    assert weights("blend", given, sleeves=sleeves) == [0.5, 0.5]


def test_a_blend_mixes_its_sleeves_by_weight() -> None:
    sleeves = [{"strategy": "market_cap", "weight": 0.25}, {"strategy": "equal_weight", "weight": 0.75}]
    given = signals(returns(0, 0), caps=[1.0, 3.0])
    assert weights("blend", given, sleeves=sleeves) == [0.4375, 0.5625]


def test_a_sleeve_of_weight_zero_is_neither_computed_nor_waited_for() -> None:
    sleeves = [
        {"strategy": "inverse_volatility", "weight": 0, "params": {"lookback": 500}},
        {"strategy": "momentum", "weight": 1},
    ]
    blend = prepare(StrategySpec(name="blend", params={"sleeves": sleeves}))
    assert blend.lookback == 20
    assert not blend.uses_market_cap


def test_the_blend_without_parameters_is_the_three_way_blend() -> None:
    blend = prepare(StrategySpec(name="blend"))
    found = [(sleeve.strategy.name, sleeve.weight) for sleeve in blend.params.sleeves]
    assert found == [("momentum", 0.4), ("market_cap", 0.3), ("inverse_volatility", 0.3)]
    assert blend.lookback == 60
    assert blend.uses_market_cap
    assert blend.name == "blend"


@pytest.mark.parametrize("name", NAMES)
def test_ineligible_assets_are_weighed_zero_and_their_figures_ignored(name: str) -> None:
    moves = returns(0.01, 0.02, -0.01)
    strange = moves.copy()
    strange[:, 1] = np.nan
    eligible = [True, False, True]
    usual = weights(name, signals(moves, eligible=eligible, caps=[1.0, 2.0, 3.0]))
    odd = weights(name, signals(strange, eligible=eligible, caps=[1.0, np.nan, 3.0]))
    assert usual == odd
    assert usual[1] == 0.0
    assert name not in INVESTED or sum(usual) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("name", INVESTED)
def test_a_single_eligible_name_gets_everything(name: str) -> None:
    assert weights(name, signals(returns(-0.01, 0.02), eligible=[True, False])) == [1.0, 0.0]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_eligible_is_a_row_of_zeros(name: str) -> None:
    assert weights(name, signals(returns(0.01, 0.02), eligible=[False, False])) == [0.0, 0.0]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=NAMES)
def test_every_strategy_describes_itself_and_its_parameters(strategy: Strategy[Any]) -> None:
    assert strategy.title
    assert strategy.description.endswith(".")
    for one in strategy.parameters:
        assert one.doc.endswith(".")
        assert one.type in {"integer", "number", "choice", "weights", "strategy", "sleeves"}
        assert (one.type == "choice") == bool(one.options)


def test_the_catalogue_tells_name_type_default_and_bounds() -> None:
    lookback, threshold, _, method, top = by_name(STRATEGIES)["momentum"].parameters
    assert (lookback.name, lookback.type, lookback.default, lookback.minimum, lookback.maximum) == (
        "lookback",
        "integer",
        20,
        1,
        252,
    )
    assert (threshold.name, threshold.type, threshold.default) == ("threshold", "number", 0.0)
    assert (method.type, method.options) == ("choice", ("proportional", "rank", "equal"))
    assert (top.default, top.optional) == (None, True)


def test_each_strategy_belongs_to_the_family_of_its_weights() -> None:
    family = {one.name: one.family for one in STRATEGIES}
    assert family.pop("market_cap") is Family.CAP_WEIGHTED
    assert family.pop("price") is Family.PRICE_WEIGHTED
    assert set(family.values()) == {Family.NON_CAP_WEIGHTED}


def test_fixed_weights_of_names_that_are_not_eligible_go_to_the_others_in_proportion() -> None:
    given = signals(returns(0, 0, 0), eligible=[True, False, True])
    assert weights("fixed", given, weights={"1": 0.6, "2": 0.2, "3": 0.2}) == pytest.approx([0.75, 0, 0.25])


def test_fixed_weights_of_other_assets_are_not_looked_for() -> None:
    assert weights("fixed", signals(returns(0, 0)), weights={"2": 0.5, "77": 0.5}) == [0.0, 1.0]


def test_fixed_weights_within_a_thousandth_of_one_are_scaled_to_one() -> None:
    assert weights("fixed", signals(returns(0, 0)), weights={"1": 0.5, "2": 0.4995})[0] == 0.5 / 0.9995


def test_price_weight_is_one_unit_of_every_name() -> None:
    given = signals(returns(0, 0, 0), eligible=[True, True, False], prices=[30.0, 10.0, 60.0])
    assert weights("price", given) == [0.75, 0.25, 0.0]


def test_momentum_can_leave_out_the_latest_sessions() -> None:
    moves = returns(-0.05, -0.05)
    moves[-5:, 0] = 0.2
    moves[-15:-5, 1] = 0.2
    assert weights("momentum", signals(moves), lookback=5) == [1.0, 0.0]
    assert weights("momentum", signals(moves), lookback=5, skip=5, threshold=0.1) == [0.0, 1.0]
    assert prepare(StrategySpec(name="momentum", params={"lookback": 5, "skip": 7})).lookback == 12


def test_momentum_by_rank_weighs_places_not_sizes() -> None:
    given = signals(returns(0.03, 0.001, 0.002, -0.01))
    assert weights("momentum", given, method="rank") == pytest.approx([3 / 6, 1 / 6, 2 / 6, 0.0])


def test_equal_returns_share_their_ranks() -> None:
    given = signals(returns(0.03, 0.001, 0.001))
    assert weights("momentum", given, method="rank") == pytest.approx([3 / 6, 1.5 / 6, 1.5 / 6])


def test_momentum_of_the_top_names_weighs_them_alike() -> None:
    given = signals(returns(0.01, 0.03, 0.02, 0.002, 0.001))
    assert weights("momentum", given, method="equal", top=2) == [0.0, 0.5, 0.5, 0.0, 0.0]
    assert weights("momentum", given, method="equal", top=0.4) == [0.0, 0.5, 0.5, 0.0, 0.0]
    assert weights("momentum", given, method="equal", top=0.39) == [0.0, 1.0, 0.0, 0.0, 0.0]
    assert weights("momentum", given, method="equal", top=0.01) == [0.0, 1.0, 0.0, 0.0, 0.0]
    assert weights("momentum", given, method="equal", top=50) == [0.2] * 5


def test_of_equal_returns_the_lower_id_enters() -> None:
    given = signals(returns(0.001, 0.01, 0.01))
    assert weights("momentum", given, method="equal", top=1) == [0.0, 1.0, 0.0]


def test_the_top_is_counted_among_names_with_a_full_window() -> None:
    moves = returns(0.01, 0.03, 0.02, 0.02)
    moves[-2, 1] = np.nan
    given = signals(moves, eligible=[True, True, True, False])
    assert weights("momentum", given, method="equal", top=0.5) == [0.0, 0.0, 1.0, 0.0]


def test_a_negative_threshold_lets_falling_names_in_but_never_a_negative_weight() -> None:
    given = signals(returns(0.01, -0.001))
    assert weights("momentum", given, threshold=-0.5, method="equal") == [0.5, 0.5]
    assert weights("momentum", given, threshold=-0.5) == [1.0, 0.0]
    assert weights("momentum", signals(returns(-0.001, -0.001)), threshold=-0.5) == [0.5, 0.5]


def test_two_strategies_of_one_name_are_refused() -> None:
    with pytest.raises(Invalid, match="equal_weight"):
        by_name([STRATEGIES[0], STRATEGIES[0]])
