import numpy as np
import pytest

from waardhaven.domain.quant.feasible_weight import smallest_correction, smallest_rise

PAIRS = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=bool)
FREE = {"lower": np.zeros(3), "upper": np.ones(3), "total": 1.0}


def test_caps_that_weights_keep_need_no_rise() -> None:
    assert smallest_rise(member=PAIRS, cap=np.full(3, 2 / 3), **FREE) == pytest.approx(0.0, abs=1e-15)


def test_the_rise_is_the_smallest_that_lets_weights_exist() -> None:
    """Each of three names is in two of three pairs, which hold 2 together: two thirds each."""
    assert smallest_rise(member=PAIRS, cap=np.full(3, 0.5), **FREE) == pytest.approx(1 / 6, abs=1e-12)


def test_bounds_that_no_weights_keep_have_no_rise() -> None:
    bounds = {**FREE, "upper": np.full(3, 0.1)}
    assert smallest_rise(member=PAIRS, cap=np.ones(3), **bounds) == np.inf


def test_weights_that_keep_all_are_not_corrected() -> None:
    weights = np.array([0.5, 0.25, 0.25])
    assert not smallest_correction(weights, member=PAIRS, cap=np.ones(3), **FREE).any()


def test_the_correction_is_the_smallest_that_keeps_all() -> None:
    weights = np.array([0.5, 0.25, 0.25])
    change = smallest_correction(weights, member=PAIRS, cap=np.array([0.7, 1.0, 1.0]), **FREE)
    assert abs(change).sum() == pytest.approx(0.1, abs=1e-15)
    assert (weights + change)[:2].sum() <= 0.7 + 1e-15
    assert (weights + change).sum() == pytest.approx(1.0, abs=1e-15)


def test_caps_that_nothing_keeps_have_no_correction() -> None:
    assert smallest_correction(np.full(3, 1 / 3), member=PAIRS, cap=np.full(3, 0.5), **FREE) is None
