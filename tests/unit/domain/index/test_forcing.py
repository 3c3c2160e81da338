"""Reviews before they are planned: what a drop of the index or a drifted weight makes happen."""

from dataclasses import replace

import numpy as np
import pytest
from tests.factories import WARM_UP, a_definition, sessions, some_inputs, warmed

from waardhaven.domain.index.build import IndexResult, build_index
from waardhaven.domain.index.composition import ReviewReason
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.forcing import ROWS, first_drift, first_drop
from waardhaven.domain.market.calendar import Frequency

nan = np.nan
AXIS = sessions(WARM_UP + 10)
LEVELS = np.array([100.0, 75.0, 75.0, 50.0])
PRICE = np.array([[10.0, 20.0], [12.0, 20.0], [16.0, 20.0], [30.0, 20.0]])
UNITS = np.array([5.0, 2.5])
EQUAL = np.array([0.5, 0.5])


def rules(*, band: float | None = None, **options: object) -> IndexDefinition:
    made = a_definition(base=AXIS[WARM_UP], **({"frequency": Frequency.YEARLY} | options))
    return replace(made, schedule=replace(made.schedule, drift_band=band))


def built(close: list[list[float]], definition: IndexDefinition) -> IndexResult:
    return build_index(definition, some_inputs(warmed(np.array(close))))


def reviews(result: IndexResult) -> list[tuple[int, ReviewReason]]:
    """Return each review as sessions after the base and its reason."""
    found = result.compositions
    after = (np.searchsorted(AXIS, found.effective) - WARM_UP).tolist()
    return [(row, ReviewReason(reason)) for row, reason in zip(after, found.reason.tolist(), strict=True)]


@pytest.mark.parametrize(("threshold", "row"), [(-0.25, 1), (-0.3, 3), (-0.5, None), (None, None)])
def test_the_first_return_at_or_below_the_threshold_is_found(
    threshold: float | None, row: int | None
) -> None:
    assert first_drop(LEVELS, 1, 4, threshold) == row


def test_only_the_rows_asked_for_can_drop() -> None:
    assert first_drop(LEVELS, 2, 4, -0.25) == 3
    assert first_drop(LEVELS, 2, 3, -0.25) is None
    assert first_drop(LEVELS, 3, 3, -0.25) is None


def test_the_base_date_has_no_return_that_could_drop() -> None:
    assert first_drop(np.array([nan, 100.0, 50.0]), 1, 2, -0.01) is None


@pytest.mark.parametrize(
    ("band", "row"),
    [(0.04, 1), (0.05, 2), (0.2, 3), (0.25, None), (None, None)],  # weights 6/11, 8/13 and 3/4 of 1/2
)
def test_the_first_weight_further_away_than_the_band_is_found(band: float | None, row: int | None) -> None:
    assert first_drift(PRICE, UNITS, EQUAL, 1, 4, band) == row


def test_no_rows_have_no_drift() -> None:
    assert first_drift(PRICE, UNITS, EQUAL, 3, 3, 0.01) is None


def test_a_name_without_a_weight_at_the_last_review_has_no_band() -> None:
    assert first_drift(PRICE, UNITS, np.array([0.5, 0.4]), 2, 3, 0.1) == 2
    assert first_drift(PRICE, UNITS, np.array([0.0, 0.4]), 2, 3, 0.1) is None


def test_a_name_that_is_not_held_any_more_does_not_drift() -> None:
    price = np.column_stack([PRICE[:1], [5.0]])
    assert first_drift(price, np.append(UNITS, 0.0), np.array([0.5, 0.5, 0.2]), 0, 1, 0.1) is None


def test_a_drift_after_a_long_calm_is_found() -> None:
    price = np.tile(PRICE[0], (2 * ROWS, 1))
    price[ROWS + 7 :, 0] = 30.0
    assert first_drift(price, UNITS, EQUAL, 0, len(price), 0.1) == ROWS + 7


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (-0.25, [(0, ReviewReason.BASE), (2, ReviewReason.DROP)]),
        (-0.26, [(0, ReviewReason.BASE)]),
    ],
)
def test_a_drop_equal_to_the_threshold_forces_a_review_and_a_smaller_one_does_not(
    threshold: float, expected: list[tuple[int, ReviewReason]]
) -> None:
    """Base 100: 5 x 10 + 2.5 x 20. A at 5: 25 + 50 = 75, a return of exactly -25 %."""
    close = [[10.0, 20.0], [5.0, 20.0], [5.0, 20.0], [5.0, 20.0]]
    assert reviews(built(close, rules(drop=threshold))) == expected


def test_a_forced_review_keeps_the_lag_of_the_schedule() -> None:
    close = [[10.0, 20.0], [5.0, 20.0], [5.0, 20.0], [5.0, 20.0]]
    result = built(close, rules(drop=-0.25, lag=3))
    assert result.compositions.effective[1] == AXIS[WARM_UP + 2]
    assert result.compositions.selection[1] == AXIS[WARM_UP - 1]


def test_a_drift_beyond_the_band_forces_a_review_at_the_next_close() -> None:
    """Day 1: 5 x 16 + 2.5 x 20 = 130, A at 8/13 of it. Day 2: 65 each: 65 / 16 and 65 / 20 units.

    Day 3: A at 8: 32.5 + 65 = 97.5; with the units of the base it would be 40 + 50 = 90.
    """
    close = [[10.0, 20.0], [16.0, 20.0], [16.0, 20.0], [8.0, 20.0]]
    result = built(close, rules(band=0.1))
    assert result.levels.level.tolist() == [100.0, 130.0, 130.0, 97.5]
    assert reviews(result) == [(0, ReviewReason.BASE), (2, ReviewReason.DRIFT)]
    assert result.compositions.at(1).units.tolist() == [4.0625, 3.25]
    assert result.compositions.selection[1] == AXIS[WARM_UP + 1]
    assert built(close, rules(band=0.3)).levels.level.tolist() == [100.0, 130.0, 130.0, 90.0]


def test_the_band_is_around_the_weights_of_the_last_review() -> None:
    """A at 16 is 8/13 until the review of day 2; then half of it again, however long it stays at 16."""
    close = [[10.0, 20.0], *[[16.0, 20.0]] * 6]
    assert reviews(built(close, rules(band=0.1))) == [(0, ReviewReason.BASE), (2, ReviewReason.DRIFT)]


def test_a_day_that_drops_and_drifts_is_told_as_a_drop() -> None:
    """Day 1: 5 x 2 + 2.5 x 20 = 60: a return of -40 %, and A at 1/6."""
    close = [[10.0, 20.0], [2.0, 20.0], [2.0, 20.0]]
    assert reviews(built(close, rules(drop=-0.2, band=0.1)))[1:] == [(2, ReviewReason.DROP)]


def test_the_earlier_of_a_drift_and_a_drop_forces_the_review() -> None:
    close = [[10.0, 20.0], [16.0, 20.0], [2.0, 20.0], [2.0, 20.0], [2.0, 20.0]]
    forced = reviews(built(close, rules(drop=-0.2, band=0.1)))[1:]
    assert forced == [(2, ReviewReason.DRIFT), (3, ReviewReason.DROP)]


def test_a_review_due_anyway_on_the_day_after_a_drift_stays_a_scheduled_one() -> None:
    close = [[10.0, 20.0], [16.0, 20.0], [16.0, 20.0]]
    result = built(close, rules(band=0.1, frequency=Frequency.DAILY))
    assert reviews(result)[1:] == [(1, ReviewReason.SCHEDULED), (2, ReviewReason.SCHEDULED)]
