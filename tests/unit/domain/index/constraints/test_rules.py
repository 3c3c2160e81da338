import pytest

from waardhaven.domain.index.constraints.rules import constraint_errors
from waardhaven.domain.index.definition import Constraints, GroupCap, Grouping, WeightBounds

NAN = float("nan")
US = GroupCap(by=Grouping.COUNTRY, maximum=0.5, group="US")


def errors(**changes: object) -> list[tuple[str, str]]:
    found = list(constraint_errors(Constraints(**changes)))  # type: ignore[arg-type]
    assert all(one.field.startswith("constraints.") for one in found)
    return [(one.field.removeprefix("constraints."), one.rule) for one in found]


def fields(**changes: object) -> list[str]:
    return [field for field, _ in errors(**changes)]


def test_constraints_that_can_hold_are_accepted() -> None:
    caps = (
        US,
        GroupCap(by=Grouping.SECTOR, maximum=1.0),
        GroupCap(by=Grouping.SECTOR, maximum=0.2, group="X"),
    )
    bounds = (WeightBounds(asset=1, minimum=0.1, maximum=0.1), WeightBounds(asset=2, maximum=0.0))
    more = {"min_position": 0.25, "max_turnover": 2.0, "group_caps": caps, "bounds": bounds}
    assert errors() == []
    assert errors(min_weight=0.25, max_weight=0.25, max_names=4, buffer=3, **more) == []


@pytest.mark.parametrize(
    ("field", "values"),
    {
        "min_weight": [-0.1, 1.1, NAN, "0.1", True],
        "max_weight": [0.0, 1.1, NAN, None],
        "min_position": [-0.1, 1.1, NAN],
        "max_turnover": [0.0, 2.1, NAN],
        "max_names": [0, 100_001, 2.5],
        "buffer": [-1, 0.5],
    }.items(),
)
def test_every_bad_value_of_a_field_is_named(field: str, values: list[object]) -> None:
    for value in values:
        assert fields(**{"max_names": 9, field: value}) == [field]


def test_a_number_out_of_range_is_told_the_nearest_legal_one() -> None:
    (found,) = errors(max_weight=1.5)
    assert found == ("max_weight", "must be a number from 1e-06 to 1; the nearest legal value is 1")


def test_a_floor_above_the_cap_is_refused() -> None:
    (found,) = errors(min_weight=0.3, max_weight=0.2)
    assert found == ("min_weight", "is above max_weight; the nearest legal value is 0.2")
    assert fields(min_position=0.3, max_weight=0.2) == ["min_position"]


def test_a_buffer_without_a_number_of_names_is_refused() -> None:
    (found,) = errors(buffer=2)
    assert found == ("buffer", "means nothing without max_names; the nearest legal value is 0")


def test_too_few_names_for_their_cap_are_told_how_many_suffice() -> None:
    (found,) = errors(max_names=3, max_weight=0.25)
    rule = "3 names at most 0.25 each hold 0.75 of the index; the nearest legal value is 4"
    assert found == ("max_names", rule)
    assert fields(max_names=10, max_weight=0.1) == []
    assert fields(max_names=2, max_weight=0.3) == ["max_names"]


def test_names_that_may_be_larger_than_others_count_as_that() -> None:
    large = tuple(WeightBounds(asset=i, maximum=0.4) for i in (1, 2))
    assert fields(max_names=3, max_weight=0.2, bounds=large) == []
    assert fields(max_names=3, max_weight=0.1, bounds=large) == ["max_names"]
    assert fields(max_names=2, max_weight=0.1, bounds=large) == ["max_names"]


def test_bad_bounds_of_a_name_are_named_by_their_place() -> None:
    bounds = (
        WeightBounds(asset=0),
        WeightBounds(asset=3, minimum=-1.0, maximum=2.0),
        WeightBounds(asset=3, minimum=0.5, maximum=0.4),
    )
    assert fields(bounds=bounds) == [
        "bounds.0.asset",
        "bounds.1.minimum",
        "bounds.1.maximum",
        "bounds.2.minimum",
        "bounds.2.asset",
    ]


def test_minimums_above_the_whole_index_are_told_by_how_much() -> None:
    bounds = (WeightBounds(asset=1, minimum=0.75), WeightBounds(asset=2, minimum=0.5))
    (found,) = errors(bounds=bounds)
    assert found == ("bounds", "the minimums need 1.25 of the index; lower them by 0.25 in all")


@pytest.mark.parametrize(
    ("cap", "field"),
    [
        (GroupCap(by=Grouping.SECTOR, maximum=0.0), "maximum"),
        (GroupCap(by="shape", maximum=0.5), "by"),  # type: ignore[arg-type]
        (GroupCap(by=Grouping.SECTOR, maximum=0.5, group=""), "group"),
        (GroupCap(by=Grouping.SECTOR, maximum=0.5, group="x" * 101), "group"),
        (GroupCap(by=Grouping.COUNTRY, maximum=0.5, group="usa"), "group"),
        (GroupCap(by=Grouping.CURRENCY, maximum=0.5, group="XXX"), "group"),
    ],
)
def test_a_bad_cap_on_a_group_is_named_by_its_place(cap: GroupCap, field: str) -> None:
    assert fields(group_caps=(US, cap)) == [f"group_caps.1.{field}"]


@pytest.mark.parametrize("by", list(Grouping))
def test_names_of_no_known_group_can_be_capped(by: Grouping) -> None:
    assert fields(group_caps=(GroupCap(by=by, maximum=0.5, group="unknown"),)) == []


def test_a_second_cap_on_a_group_and_one_without_effect_are_refused() -> None:
    every = GroupCap(by=Grouping.COUNTRY, maximum=0.4)
    assert fields(group_caps=(US, US)) == ["group_caps.1.group"]
    (found,) = errors(group_caps=(US, every))
    assert found == (
        "group_caps.0.maximum",
        "is above the cap of every group; the nearest legal value is 0.4",
    )


def test_more_bounds_and_caps_than_anybody_needs_are_refused() -> None:
    bounds = tuple(WeightBounds(asset=i + 1) for i in range(1001))
    caps = tuple(GroupCap(by=Grouping.SECTOR, maximum=0.5, group=str(i)) for i in range(1001))
    assert fields(bounds=bounds, group_caps=caps) == ["bounds", "group_caps"]
