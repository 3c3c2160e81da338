from dataclasses import replace
from datetime import date

import pytest
from tests.factories import a_definition, autoindex

from waardhaven.domain.index.definition import Adjustment, Guards, Schedule, SeriesPolicy, StrategySpec
from waardhaven.domain.index.review import price_floor
from waardhaven.domain.index.validation import FLOOR_NOTE, InvalidDefinition, validated

NAN = float("nan")


def bad_fields(**changes: object) -> list[str]:
    with pytest.raises(InvalidDefinition) as caught:
        validated(replace(a_definition(), **changes))
    return [error.field for error in caught.value.errors]


def test_a_valid_definition_comes_back_unchanged() -> None:
    definition = a_definition(benchmark="index:other")
    assert validated(definition) is definition
    assert validated(autoindex()) == autoindex()


@pytest.mark.parametrize(
    ("field", "values"),
    {
        "slug": ["", "Upper", "-a", "a" * 64, "a_b", "a\n"],
        "name": ["", "   ", "x" * 201],
        "base_date": [date(1899, 12, 31), date(2200, 1, 1)],
        "base_value": [0.0, -1.0, NAN, float("inf"), 1e13],
        "currency": ["XXX", "usd", ""],
        "universe": ["", "A b"],
        "calendar": ["NYSE1", "xnys", ""],
        "benchmark": ["a b", "index:", "SPX:xx"],
        "fixing": ["", "a b"],
        "decimals": [-1, 13, 2.0, True],
        "restatement": ["maybe"],
        "restatement_threshold": [-0.1, NAN, 1.1],
        "description": ["x" * 10_001],
    }.items(),
)
def test_every_bad_value_of_a_field_is_named(field: str, values: list[object]) -> None:
    for value in values:
        assert bad_fields(**{field: value}) == [field]


@pytest.mark.parametrize(
    ("field", "values"),
    {
        "min_price": [-0.01, 1e7, NAN],
        "max_forward_fill_days": [-1, 31, 1.5],
        "min_daily_return": [-1.01, 0.0, NAN],
        "max_daily_return": [0.0, 10.5],
        "outlier_std_threshold": [0.9, 10.1, "3"],
    }.items(),
)
def test_every_bad_guard_is_named(field: str, values: list[object]) -> None:
    for value in values:
        assert bad_fields(guards=replace(Guards(), **{field: value})) == [f"guards.{field}"]


@pytest.mark.parametrize(
    ("field", "values"),
    {
        "frequency": ["hourly", "weekly"],
        "lag": [0, -1, 251, 1.0],
        "daily_drop_threshold": [-1.1, 0.1, NAN],
    }.items(),
)
def test_every_bad_schedule_is_named(field: str, values: list[object]) -> None:
    for value in values:
        assert bad_fields(schedule=replace(Schedule(), **{field: value})) == [f"schedule.{field}"]


def test_the_edges_of_the_ranges_are_allowed() -> None:
    guards = Guards(
        min_price=1e6,
        max_forward_fill_days=30,
        min_daily_return=-1.0,
        max_daily_return=10.0,
        outlier_std_threshold=1.0,
    )
    schedule = Schedule(lag=250, daily_drop_threshold=0.0)
    assert validated(a_definition(slug="a" * 63, decimals=0)).decimals == 0
    assert validated(replace(a_definition(), guards=guards, schedule=schedule)).guards == guards


def test_a_bad_series_policy_is_named() -> None:
    series = SeriesPolicy(source="Bad Source", adjustment="weird")  # type: ignore[arg-type]
    assert bad_fields(series=series) == ["series.source", "series.adjustment"]


def test_bad_strategies_and_parameters_are_named_by_path() -> None:
    assert bad_fields(strategy=StrategySpec(name="alpha")) == ["strategy.name"]
    spec = StrategySpec(name="momentum", params={"lookback": 0})
    assert bad_fields(strategy=spec) == ["strategy.params.lookback"]


def test_every_broken_rule_is_listed_at_once() -> None:
    found = bad_fields(slug="", base_value=0.0, schedule=Schedule(lag=0), strategy=StrategySpec(name="alpha"))
    assert found == ["slug", "base_value", "schedule.lag", "strategy.name"]


@pytest.mark.parametrize("adjustment", [Adjustment.SPLITS, Adjustment.ALL])
def test_the_price_floor_is_off_on_adjusted_series_and_the_definition_says_so(adjustment: Adjustment) -> None:
    definition = a_definition(adjustment=adjustment, guards=Guards(min_price=5.0), description="Mine.")
    found = validated(definition)
    assert price_floor(found) == 0.0
    assert found.guards.min_price == 5.0
    assert found.description == f"Mine. {FLOOR_NOTE}"
    assert validated(found) is found


def test_the_price_floor_holds_on_raw_series() -> None:
    definition = a_definition(guards=Guards(min_price=5.0))
    assert price_floor(validated(definition)) == 5.0
    assert validated(definition).description == ""


@pytest.mark.parametrize("kinds", [("outliers",), ("stale", "stale"), ("",)])
def test_kinds_of_findings_that_hold_bars_out_are_known_and_named_once(kinds: tuple[str, ...]) -> None:
    assert bad_fields(guards=replace(Guards(), held_out=kinds)) == ["guards.held_out"]
    fine = replace(Guards(), held_out=("outlier", "stale"))
    assert validated(replace(a_definition(), guards=fine)).guards == fine
