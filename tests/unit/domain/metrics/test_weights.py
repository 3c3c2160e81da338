import math

import numpy as np
import pytest

from waardhaven.domain.metrics.sample import UnusableSample
from waardhaven.domain.metrics.weights import WEIGHT_METRICS, WeightSample, annual_turnover

WEIGHTS = np.array([[0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0], [0.5, -0.5, 0.0, 0.0], [0.0] * 4])
BEFORE = np.array([[0.0] * 4, [0.4, 0.2, 0.2, 0.2], [1.0, 0.0, 0.0, 0.0], [0.5, -0.5, np.nan, 0.0]])


def of(name: str, **more: object) -> list[float]:
    return WEIGHT_METRICS[name].compute(WeightSample(weights=WEIGHTS, **more)).tolist()


def test_turnover_counts_purchases_and_sales():
    assert of("turnover", before=BEFORE) == pytest.approx([1.0, 1.2, 1.0, math.nan], nan_ok=True)


def test_turnover_is_unknown_without_the_weights_before():
    assert of("turnover") == pytest.approx([math.nan] * 4, nan_ok=True)


def test_concentration_goes_from_one_name_to_equal_ones_and_counts_short_positions_by_size():
    assert of("concentration") == pytest.approx([0.25, 1.0, 0.5, math.nan], nan_ok=True)
    assert of("effective_names") == pytest.approx([4.0, 1.0, 2.0, math.nan], nan_ok=True)


def test_a_year_of_turnover_is_its_sum_over_the_years():
    assert annual_turnover(np.array([1.0, 0.5, 0.5]), 4.0) == 0.5
    assert math.isnan(annual_turnover(np.array([1.0, np.nan]), 4.0))
    assert math.isnan(annual_turnover(np.array([1.0]), 0.0))


@pytest.mark.parametrize(
    ("weights", "before"), [(WEIGHTS[0], None), (WEIGHTS, BEFORE[:2]), (WEIGHTS[0], WEIGHTS[0])]
)
def test_weights_that_do_not_stand_side_by_side_are_refused(weights: np.ndarray, before: np.ndarray | None):
    with pytest.raises(UnusableSample):
        WeightSample(weights=weights, before=before)
