"""Published levels beside those of today's facts, and what the policy of an index makes of them."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from tests.factories import a_definition, days

from waardhaven.domain.index.composition import LevelColumns
from waardhaven.domain.index.definition import RestatementPolicy
from waardhaven.domain.index.restating import Comparison, Decision, compare, decide
from waardhaven.domain.types import Days

nan = np.nan
AXIS = days("2024-01-02", "2024-01-03", "2024-01-04")
PUBLISHED = LevelColumns(day=AXIS, level=np.array([100.0, 110.0, 120.0]))


def known(*level: float, axis: Days = AXIS) -> LevelColumns:
    return LevelColumns(day=axis, level=np.array(level))


def test_equal_levels_have_no_first_difference() -> None:
    assert compare(PUBLISHED, known(100.0, 110.0, 120.0)) == Comparison(
        first_day=None, days=0, largest=0.0, published=120.0, known=120.0
    )


def test_differences_are_counted_from_the_first_day_and_measured_by_the_published_level() -> None:
    """110 to 99 is 10 % and 120 to 126 is 5 %."""
    found = compare(PUBLISHED, known(100.0, 99.0, 126.0))
    assert (found.first_day, found.days) == (date(2024, 1, 3), 2)
    assert found.largest == pytest.approx(0.1, rel=1e-14)
    assert (found.published, found.known) == (120.0, 126.0)


def test_a_day_that_is_not_known_any_more_differs_by_all_of_it() -> None:
    found = compare(PUBLISHED, known(100.0, 120.0, axis=AXIS[[0, 2]]))
    assert (found.first_day, found.days, found.largest) == (date(2024, 1, 3), 1, 1.0)


def test_rounding_of_another_processor_or_release_is_no_difference() -> None:
    level = PUBLISHED.level * (1.0 + np.array([0.0, 5e-13, -9e-13]))
    assert compare(PUBLISHED, known(*level)).first_day is None


def test_what_is_beyond_rounding_is_counted_alone() -> None:
    found = compare(PUBLISHED, known(100.0 * (1.0 + 5e-13), 110.0, 120.0 * (1.0 + 1e-11)))
    assert (found.first_day, found.days) == (date(2024, 1, 4), 1)
    assert found.largest == pytest.approx(1e-11, rel=1e-4)


def test_days_known_besides_the_published_ones_do_not_matter() -> None:
    more = days("2024-01-01", *AXIS.astype(str), "2024-01-05")
    assert compare(PUBLISHED, known(1.0, 100.0, 110.0, 120.0, 2.0, axis=more)).first_day is None


def test_levels_unknown_then_and_now_are_the_same() -> None:
    published = replace(PUBLISHED, level=np.array([nan, 110.0, 120.0]))
    assert compare(published, known(nan, 110.0, 120.0)).first_day is None


def test_a_level_that_was_unknown_and_is_known_now_differs_by_all_of_it() -> None:
    found = compare(replace(PUBLISHED, level=np.array([nan, 110.0, 120.0])), known(100.0, 110.0, 120.0))
    assert (found.first_day, found.days, found.largest) == (date(2024, 1, 2), 1, 1.0)


@pytest.mark.parametrize(
    ("policy", "threshold", "level", "expected"),
    [
        (RestatementPolicy.RESTATE, 0.0, 110.0, Decision.SAME),
        (RestatementPolicy.RESTATE, 0.0, 99.0, Decision.RESTATED),
        (RestatementPolicy.RESTATE, 0.2, 99.0, Decision.LEFT),
        (RestatementPolicy.LEAVE, 0.0, 99.0, Decision.LEFT),
        (RestatementPolicy.LEAVE, 0.0, 110.0, Decision.SAME),
    ],
)
def test_levels_are_restated_only_by_policy_and_above_the_threshold(
    policy: RestatementPolicy, threshold: float, level: float, expected: Decision
) -> None:
    definition = replace(a_definition(), restatement=policy, restatement_threshold=threshold)
    assert decide(definition, compare(PUBLISHED, known(100.0, level, 120.0))) is expected


def test_a_difference_equal_to_the_threshold_is_left() -> None:
    definition = replace(a_definition(), restatement=RestatementPolicy.RESTATE, restatement_threshold=0.5)
    assert decide(definition, compare(PUBLISHED, known(50.0, 110.0, 120.0))) is Decision.LEFT
