import numpy as np
import pytest

from waardhaven.domain.metrics.measured import silent
from waardhaven.domain.metrics.rows import SeriesRows, ratio


def test_a_ratio_over_nothing_is_unknown():
    found = ratio(np.array([1.0, 0.0, -1.0]), np.array([2.0, 0.0, 0.0]))
    assert found == pytest.approx([0.5, np.nan, np.nan], nan_ok=True)


def test_the_same_value_on_every_day_is_no_movement_whatever_rounding_makes_of_it():
    for value in (0.1, 1 / 3, 1e-12, 1e9):
        rows = SeriesRows(values=np.full((1, 1001), value))
        assert rows.deviation[0] == 0.0


def test_a_small_movement_around_a_large_mean_is_movement():
    rows = SeriesRows(values=1.0 + 1e-9 * np.random.default_rng(1).normal(size=(1, 500)))
    assert rows.deviation[0] == pytest.approx(1e-9, rel=0.1)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.25, 0.5, 0.95, 1.0])
def test_quantiles_with_holes_are_those_of_the_known_values(share: float):
    rng = np.random.default_rng(3)
    values, known = rng.normal(size=(5, 60)), (rng.random((5, 60)) < 0.7).astype(np.float64)
    known[4] = 0.0
    rows = SeriesRows(values=values * known, known=known)
    with silent():
        found, tail = rows.quantile(share), rows.lower_tail(share)[0]
    expected = [np.quantile(one[mask > 0], share) for one, mask in zip(values[:4], known[:4], strict=True)]
    assert found == pytest.approx([*expected, np.nan], nan_ok=True)
    assert tail == pytest.approx([*expected, np.nan], nan_ok=True)
