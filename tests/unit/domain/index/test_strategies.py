from typing import Any

import numpy as np
import pytest

from waardhaven.domain.errors import Invalid
from waardhaven.domain.index.definition import StrategySpec
from waardhaven.domain.index.strategies import STRATEGIES, InvalidStrategy, by_name, prepare
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.index.strategies.strategy import Strategy

NAMES = [strategy.name for strategy in STRATEGIES]
ROWS = 80


def signals(
    returns: np.ndarray, *, eligible: list[bool] | None = None, caps: list[float] | None = None
) -> Signals:
    """Return the signals of one review whose selection session is the last row of ``returns``."""
    columns = returns.shape[1]
    return Signals(
        eligible=np.array([eligible or [True] * columns]),
        market_cap=np.array([caps or [1.0] * columns]),
        returns=returns,
        rows=np.array([len(returns) - 1]),
    )


def returns(*columns: float) -> np.ndarray:
    """Return rows of alternating + and - moves around each column's drift."""
    sign = np.where(np.arange(ROWS) % 2, 1.0, -1.0)[:, None]
    return np.array(columns) + 0.001 * sign


def weights(name: str, given: Signals, **params: object) -> list[float]:
    return prepare(StrategySpec(name=name, params=params)).weigh(given)[0].tolist()


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
    assert sum(usual) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("name", NAMES)
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
        assert one.type in {"integer", "number", "sleeves"}


def test_the_catalogue_tells_name_type_default_and_bounds() -> None:
    lookback, threshold = by_name(STRATEGIES)["momentum"].parameters
    assert (lookback.name, lookback.type, lookback.default, lookback.minimum, lookback.maximum) == (
        "lookback",
        "integer",
        20,
        1,
        252,
    )
    assert (threshold.name, threshold.type, threshold.default) == ("threshold", "number", 0.0)


def test_two_strategies_of_one_name_are_refused() -> None:
    with pytest.raises(Invalid, match="equal_weight"):
        by_name([STRATEGIES[0], STRATEGIES[0]])


def bad_fields(name: str, params: object) -> dict[str, str]:
    with pytest.raises(InvalidStrategy) as caught:
        prepare(StrategySpec(name=name, params=params))  # type: ignore[arg-type]
    return {error.field: error.rule for error in caught.value.errors}


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (0, "must be at least 1"),
        (253, "must be at most 252"),
        (20.0, "must be a whole number"),
        (True, "must be a whole number"),
        ("20", "must be a whole number"),
    ],
)
def test_a_bad_lookback_is_named_with_its_rule(value: object, rule: str) -> None:
    assert bad_fields("momentum", {"lookback": value}) == {"strategy.params.lookback": rule}


@pytest.mark.parametrize(
    ("value", "rule"),
    [(float("nan"), "must be finite"), (None, "must be a number"), (-0.1, "must be at least 0")],
)
def test_a_bad_threshold_is_named_with_its_rule(value: object, rule: str) -> None:
    assert bad_fields("momentum", {"threshold": value}) == {"strategy.params.threshold": rule}


def test_every_bad_parameter_is_listed_at_once() -> None:
    found = bad_fields("momentum", {"lookback": 0, "threshold": "x", "window": 3})
    assert set(found) == {f"strategy.params.{name}" for name in ("lookback", "threshold", "window")}


def test_an_unknown_strategy_lists_the_known_ones() -> None:
    assert "momentum" in bad_fields("alpha", {})["strategy.name"]


def test_parameters_must_be_an_object() -> None:
    assert bad_fields("momentum", [1]) == {"strategy.params": "must be an object"}


@pytest.mark.parametrize("value", ["momentum", [], 3, [{"strategy": "momentum", "weight": 1}] * 17])
def test_sleeves_must_be_a_list_of_reasonable_length(value: object) -> None:
    assert list(bad_fields("blend", {"sleeves": value})) == ["strategy.params.sleeves"]


def test_every_bad_sleeve_is_named_by_its_place() -> None:
    sleeves = [
        3,
        {"strategy": "alpha", "weight": 0.5},
        {"strategy": "blend", "weight": 0.5},
        {"strategy": "momentum", "weight": -0.1, "params": {"lookback": 0}, "cap": 1},
        {"strategy": "momentum", "weight": True},
        {"strategy": "momentum", "weight": float("nan"), "params": 3},
    ]
    base = "strategy.params.sleeves"
    assert list(bad_fields("blend", {"sleeves": sleeves})) == [
        f"{base}.0",
        f"{base}.1.strategy",
        f"{base}.2.strategy",
        f"{base}.3.cap",
        f"{base}.3.weight",
        f"{base}.3.params.lookback",
        f"{base}.4.weight",
        f"{base}.5.weight",
        f"{base}.5.params",
    ]


@pytest.mark.parametrize(
    ("a", "b", "fine"), [(0.4, 0.6, True), (0.4, 0.6009, True), (0.4, 0.602, False), (0.0, 0.0, False)]
)
def test_sleeve_weights_must_sum_to_one_within_a_thousandth(a: float, b: float, *, fine: bool) -> None:
    sleeves = [{"strategy": "momentum", "weight": a}, {"strategy": "equal_weight", "weight": b}]
    if fine:
        found = weights("blend", signals(returns(0.01, 0.02)), sleeves=sleeves)
        assert sum(found) == pytest.approx(1.0, abs=1e-15)
    else:
        assert list(bad_fields("blend", {"sleeves": sleeves})) == ["strategy.params.sleeves"]
