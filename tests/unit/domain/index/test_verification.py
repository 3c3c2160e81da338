from dataclasses import replace

import numpy as np
import pytest
from tests.factories import WARM_UP, a_definition, random_closes, some_inputs

from waardhaven.domain.index.build import IndexResult, build_index
from waardhaven.domain.index.composition import CompositionColumns
from waardhaven.domain.index.verification import Difference, first_difference

INPUTS = some_inputs(random_closes(8, WARM_UP + 20, 3))
PUBLISHED = build_index(a_definition(base=INPUTS.panel.days[WARM_UP]), INPUTS)


def with_levels(**changes: object) -> IndexResult:
    return replace(PUBLISHED, levels=replace(PUBLISHED.levels, **changes))


def with_compositions(**changes: object) -> IndexResult:
    return replace(PUBLISHED, compositions=replace(PUBLISHED.compositions, **changes))


def changed(column: np.ndarray, place: int, value: object) -> np.ndarray:
    copy = column.copy()
    copy[place] = value
    return copy


def test_equal_histories_have_no_difference() -> None:
    assert first_difference(PUBLISHED, PUBLISHED) is None


def test_one_changed_bit_of_a_level_is_found_with_its_day_and_both_values() -> None:
    level = PUBLISHED.levels.level
    other = with_levels(level=changed(level, 5, np.nextafter(level[5], 0.0)))
    assert first_difference(PUBLISHED, other) == Difference(
        day=PUBLISHED.levels.day[5].item(),
        field="levels.level",
        asset=None,
        expected=float(level[5]),
        found=float(np.nextafter(level[5], 0.0)),
    )
    assert first_difference(PUBLISHED, other, rtol=1e-15) is None


def test_an_unknown_level_differs_from_a_known_one_but_not_from_another_unknown() -> None:
    unknown = with_levels(level=changed(PUBLISHED.levels.level, 5, np.nan))
    assert first_difference(PUBLISHED, unknown, rtol=1e-3).field == "levels.level"
    assert first_difference(unknown, unknown) is None


@pytest.mark.parametrize("swap", [False, True])
def test_a_missing_day_at_the_end_is_a_difference(*, swap: bool) -> None:
    shorter = with_levels(day=PUBLISHED.levels.day[:-1], level=PUBLISHED.levels.level[:-1])
    pair = (shorter, PUBLISHED) if swap else (PUBLISHED, shorter)
    found = first_difference(*pair)
    last = PUBLISHED.levels.day[-1].item()
    assert (found.day, found.field) == (last, "levels.day")
    assert [found.expected, found.found] == ([None, last] if swap else [last, None])


def test_another_day_is_a_difference_on_the_earlier_of_both() -> None:
    earlier = PUBLISHED.levels.day[3] - np.timedelta64(1, "D")
    other = with_levels(day=changed(PUBLISHED.levels.day, 3, earlier))
    assert first_difference(PUBLISHED, other).day == PUBLISHED.levels.day[3].item() - (
        PUBLISHED.levels.day[1].item() - PUBLISHED.levels.day[0].item()
    )


@pytest.mark.parametrize("name", ["weight", "units"])
def test_a_changed_weight_or_unit_names_day_and_asset(name: str) -> None:
    column = getattr(PUBLISHED.compositions, name)
    other = with_compositions(**{name: changed(column, 4, column[4] * 1.001)})
    found = first_difference(PUBLISHED, other)
    assert (found.field, found.asset) == (f"compositions.{name}", 2)
    assert found.day == PUBLISHED.compositions.effective[1].item()
    assert first_difference(PUBLISHED, other, rtol=0.01) is None


def test_another_name_in_a_composition_is_a_difference() -> None:
    other = with_compositions(asset=changed(PUBLISHED.compositions.asset, 4, 9))
    found = first_difference(PUBLISHED, other)
    assert (found.field, found.expected, found.found) == ("compositions.asset", 2, 9)


def test_a_name_missing_at_the_end_is_a_difference() -> None:
    columns = PUBLISHED.compositions
    last = columns.at(len(columns) - 1)
    fewer = replace(last, asset=last.asset[:-1], weight=last.weight[:-1], units=last.units[:-1])
    others = [columns.at(i) for i in range(len(columns) - 1)]
    other = replace(PUBLISHED, compositions=CompositionColumns.of([*others, fewer]))
    found = first_difference(PUBLISHED, other)
    assert (found.field, found.expected, found.found) == ("compositions.asset", 3, None)
    assert first_difference(other, PUBLISHED).found == 3


def test_a_missing_review_is_a_difference() -> None:
    columns = PUBLISHED.compositions
    fewer = CompositionColumns.of([columns.at(i) for i in range(len(columns) - 1)])
    found = first_difference(PUBLISHED, replace(PUBLISHED, compositions=fewer))
    assert (found.field, found.day) == ("compositions.day", columns.effective[-1].item())


@pytest.mark.parametrize(
    ("name", "value"), [("reason", 3), ("divisor", 2.0), ("selection", np.datetime64("2019-01-01"))]
)
def test_what_a_review_records_is_compared(name: str, value: object) -> None:
    other = with_compositions(**{name: changed(getattr(PUBLISHED.compositions, name), 1, value)})
    assert first_difference(PUBLISHED, other).field == f"compositions.{name}"


def test_the_earliest_of_several_differences_is_named() -> None:
    other = replace(
        with_levels(level=changed(PUBLISHED.levels.level, 15, 1.0)),
        compositions=with_compositions(units=changed(PUBLISHED.compositions.units, 0, 1.0)).compositions,
    )
    assert first_difference(PUBLISHED, other).field == "compositions.units"


@pytest.mark.parametrize("swap", [False, True])
def test_builds_from_before_turnover_was_kept_differ_in_nothing_for_that(*, swap: bool) -> None:
    older = with_compositions(turnover=np.empty(0), cost=np.empty(0))
    pair = (older, PUBLISHED) if swap else (PUBLISHED, older)
    assert first_difference(*pair) is None


def test_another_cost_of_a_review_is_a_difference() -> None:
    cost = changed(PUBLISHED.compositions.cost, 1, 0.5)
    found = first_difference(PUBLISHED, with_compositions(cost=cost))
    assert (found.field, found.expected, found.found) == ("compositions.cost", 0.0, 0.5)
