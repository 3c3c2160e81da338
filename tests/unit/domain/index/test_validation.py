from dataclasses import replace
from datetime import date

import pytest
from tests.factories import a_definition, autoindex

from waardhaven.domain.index.definition import (
    Adjustment,
    Constraints,
    GroupCap,
    Grouping,
    Guards,
    NthWeekday,
    Schedule,
    SeriesPolicy,
    StrategySpec,
    Variant,
    Weekday,
    WithholdingRate,
)
from waardhaven.domain.index.review import price_floor
from waardhaven.domain.index.validation import FLOOR_NOTE, InvalidDefinition, validated
from waardhaven.domain.market.calendar import Frequency

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


def test_bad_constraints_are_named_by_path() -> None:
    caps = (GroupCap(by=Grouping.SECTOR, maximum=2.0),)
    found = bad_fields(constraints=Constraints(min_weight=-1.0, group_caps=caps))
    assert found == ["constraints.min_weight", "constraints.group_caps.0.maximum"]


def rules(**changes: object) -> list[str]:
    with pytest.raises(InvalidDefinition) as caught:
        validated(replace(a_definition(), **changes))
    return [f"{error.field}: {error.rule}" for error in caught.value.errors]


@pytest.mark.parametrize(
    ("frequency", "on"),
    [
        (Frequency.MONTHLY, NthWeekday(nth=1, weekday=Weekday.MONDAY)),
        (Frequency.QUARTERLY, NthWeekday(nth=3, weekday=Weekday.FRIDAY, month=3)),
        (Frequency.YEARLY, NthWeekday(nth=-1, weekday=Weekday.FRIDAY, month=12)),
    ],
)
def test_a_weekday_of_a_month_within_the_period_is_allowed(frequency: Frequency, on: NthWeekday) -> None:
    schedule = Schedule(frequency=frequency, on=on, drift_band=1.0)
    assert validated(replace(a_definition(), schedule=schedule)).schedule == schedule


@pytest.mark.parametrize(
    ("nth", "text"),
    [
        (5, "; 5 does not occur in every month, the nearest legal value is -1"),
        (0, "; the nearest legal value is 1"),
        (-2, "; the nearest legal value is -1"),
        (1.5, "; the nearest legal value is 2"),
        (True, ""),
        (NAN, ""),
    ],
)
def test_a_weekday_that_some_month_lacks_is_refused(nth: int, text: str) -> None:
    on = NthWeekday(nth=nth, weekday=Weekday.FRIDAY)
    found = rules(schedule=Schedule(frequency=Frequency.MONTHLY, on=on))
    assert found == [f"schedule.on.nth: must be 1, 2, 3, 4 or -1 (the last one){text}"]


@pytest.mark.parametrize(
    ("frequency", "month", "last"),
    [(Frequency.MONTHLY, 2, 1), (Frequency.QUARTERLY, 4, 3), (Frequency.YEARLY, 13, 12)],
)
def test_a_month_outside_of_the_period_is_refused(frequency: Frequency, month: int, last: int) -> None:
    on = NthWeekday(nth=1, weekday=Weekday.FRIDAY, month=month)
    found = rules(schedule=Schedule(frequency=frequency, on=on))
    rule = f"must be a whole number from 1 to {last}; the nearest legal value is {last}"
    assert found == [f"schedule.on.month: {rule}"]


def test_a_day_of_the_month_means_nothing_in_shorter_periods() -> None:
    on = NthWeekday(nth=1, weekday=Weekday.FRIDAY)
    for frequency in (Frequency.DAILY, Frequency.WEEKLY):
        assert bad_fields(schedule=Schedule(frequency=frequency, on=on)) == ["schedule.on"]


def test_a_strange_weekday_and_bad_drift_bands_are_named() -> None:
    on = NthWeekday(nth=1, weekday="someday")  # type: ignore[arg-type]
    monthly = Schedule(frequency=Frequency.MONTHLY, on=on)
    assert bad_fields(schedule=monthly) == ["schedule.on.weekday"]
    for band in (0.0, -0.1, 1.1, NAN):
        assert bad_fields(schedule=Schedule(drift_band=band)) == ["schedule.drift_band"]


def test_the_net_variant_needs_a_table_of_withholding() -> None:
    assert bad_fields(variant=Variant.NET) == ["withholding"]
    table = (WithholdingRate(country="US", rate=0.15), WithholdingRate(country="*", rate=0.3))
    definition = replace(a_definition(), variant=Variant.NET, withholding=table)
    assert validated(definition) is definition


def test_variants_with_distributions_need_a_series_that_has_not_earned_them() -> None:
    earned = SeriesPolicy(source="sample", adjustment=Adjustment.ALL)
    assert bad_fields(variant=Variant.GROSS, series=earned) == ["variant"]
    assert bad_fields(variant="total") == ["variant"]
    for adjustment in (Adjustment.RAW, Adjustment.SPLITS):
        series = SeriesPolicy(source="sample", adjustment=adjustment)
        definition = replace(a_definition(), variant=Variant.GROSS, series=series)
        assert validated(definition).variant is Variant.GROSS


def test_bad_withholding_rates_are_named_by_their_place() -> None:
    table = (
        WithholdingRate(country="US", rate=1.1),
        WithholdingRate(country="usa", rate=0.0),
        WithholdingRate(country="US", rate=NAN),
    )
    assert bad_fields(withholding=table) == [
        "withholding.0.rate",
        "withholding.1.country",
        "withholding.2.rate",
        "withholding.2.country",
    ]


def test_a_cost_rate_out_of_range_is_refused() -> None:
    for rate in (-0.01, 0.11, NAN, True):
        assert bad_fields(cost_rate=rate) == ["cost_rate"]
    assert validated(replace(a_definition(), cost_rate=0.1)).cost_rate == 0.1
