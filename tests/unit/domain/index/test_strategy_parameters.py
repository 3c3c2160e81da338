from dataclasses import dataclass

import pytest
from tests.unit.domain.index.scenes import returns, signals, weights

from waardhaven.domain.index.definition import StrategySpec
from waardhaven.domain.index.strategies import InvalidStrategy, prepare
from waardhaven.domain.index.strategies.parameters import boolean, broken_rule, describe
from waardhaven.domain.quant.covariance import ESTIMATORS


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
    [(float("nan"), "must be finite"), (None, "must be a number"), (-1.1, "must be at least -1")],
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


@pytest.mark.parametrize("sleeve", ["volatility_target", "blend"])
def test_what_holds_other_strategies_can_not_be_a_sleeve(sleeve: str) -> None:
    found = bad_fields("blend", {"sleeves": [{"strategy": sleeve, "weight": 1}]})
    assert list(found) == ["strategy.params.sleeves.0.strategy"]
    assert sleeve not in found["strategy.params.sleeves.0.strategy"].split(", ")


@pytest.mark.parametrize(
    ("value", "field", "rule"),
    [
        (3, "strategy", "must be an object with name and params"),
        ({"name": "volatility_target"}, "strategy.name", "must be one of equal_weight"),
        ({"name": "momentum", "params": {"top": 0}}, "strategy.params.top", "must be at least 0.0001"),
        ({"name": "momentum", "params": {"top": 1.5}}, "strategy.params.top", "must be a fraction below 1"),
        ({"name": "momentum", "weight": 1}, "strategy.weight", "is not a field of a strategy"),
    ],
)
def test_a_bad_strategy_below_an_overlay_is_named(value: object, field: str, rule: str) -> None:
    found = bad_fields("volatility_target", {"strategy": value})
    assert list(found) == [f"strategy.params.{field}"]
    assert found[f"strategy.params.{field}"].startswith(rule)


@pytest.mark.parametrize("value", [None, {}, [], "1", {str(i): 0.0 for i in range(1, 10_002)}])
def test_fixed_weights_must_be_an_object_of_reasonable_size(value: object) -> None:
    rule = "must be an object of 1 to 10000 asset ids, each with its weight"
    assert bad_fields("fixed", {"weights": value}) == {"strategy.params.weights": rule}


def test_fixed_weights_are_required() -> None:
    assert list(bad_fields("fixed", {})) == ["strategy.params.weights"]


@pytest.mark.parametrize("name", ["AAPL", "01", "1.0", "-1", "", "\u0661", "1" * 19])
def test_an_asset_of_a_fixed_weight_is_named_by_its_id_in_one_spelling(name: str) -> None:
    rule = "must be the id of an asset: a whole number as text"
    assert bad_fields("fixed", {"weights": {name: 1.0}}) == {f"strategy.params.weights.{name}": rule}


@pytest.mark.parametrize("share", [-0.1, 1.1, True, None, "1", float("nan")])
def test_a_bad_fixed_weight_is_named(share: object) -> None:
    rule = "must be a number from 0 to 1"
    assert bad_fields("fixed", {"weights": {"7": share}}) == {"strategy.params.weights.7": rule}


def test_fixed_weights_must_sum_to_one_within_a_thousandth() -> None:
    rule = "weights must sum to 1 within 0.001, not 0.9"
    assert bad_fields("fixed", {"weights": {"1": 0.5, "2": 0.4}}) == {"strategy.params.weights": rule}


def test_a_choice_that_does_not_exist_lists_those_that_do() -> None:
    rule = f"must be one of {', '.join(ESTIMATORS)}"
    assert bad_fields("equal_risk", {"covariance": "robust"}) == {"strategy.params.covariance": rule}
    assert bad_fields("equal_risk", {"covariance": ["sample"]}) == {"strategy.params.covariance": rule}


def test_a_boolean_is_true_or_false_and_nothing_else() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Params:
        flag: bool = boolean(default=True, doc="A flag.")

    (flag,) = describe(Params)
    assert (flag.type, flag.default) == ("boolean", True)
    assert [broken_rule(flag, value) for value in (True, False, 1, None)] == [
        None,
        None,
        "must be true or false",
        "must be true or false",
    ]


@pytest.mark.parametrize(("value", "hint"), [(1.5, "2"), (2.4, "2")])
def test_a_top_that_is_neither_a_fraction_nor_a_count_is_told_the_nearest_count(
    value: float, hint: str
) -> None:
    rule = f"must be a fraction below 1 or a whole number of names, e.g. {hint}"
    assert bad_fields("momentum", {"top": value}) == {"strategy.params.top": rule}
