import numpy as np
import pytest

from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.rolling import expanding, rolling
from waardhaven.domain.metrics.sample import Sample, UnusableSample

RETURNS = np.random.default_rng(2).normal(0.0, 0.01, (12, 3))
SAMPLE = Sample(returns=RETURNS, periods_per_year=252.0)
VOLATILITY = [METRICS["volatility"]]


def test_windows_end_with_the_last_row_and_are_a_step_apart():
    assert rolling(SAMPLE, VOLATILITY, 5, step=3).rows.tolist() == [5, 8, 11]
    assert expanding(SAMPLE, VOLATILITY, 4, step=4).rows.tolist() == [3, 7, 11]


def test_a_window_sees_its_own_rows_alone():
    found = rolling(SAMPLE, VOLATILITY, 5)
    assert found.values.shape == (1, 8, 3)
    expected = RETURNS[2:7].std(axis=0, ddof=1) * np.sqrt(252)
    assert found.values[0, 2] == pytest.approx(expected, rel=1e-12)


def test_one_window_over_all_rows_has_the_bits_of_the_whole_sample():
    names = ("skew", "kurtosis", "sharpe", "es_gaussian")
    for seed in range(20):
        table = np.random.default_rng(seed).normal(0.0, 0.01, (37, 3))
        sample = Sample(returns=table, periods_per_year=252.0)
        for name in names:
            found = rolling(sample, [METRICS[name]], 37).values[0, 0]
            np.testing.assert_array_equal(found, METRICS[name].compute(sample))


def test_an_expanding_window_sees_all_rows_so_far():
    found = expanding(SAMPLE, VOLATILITY, 4)
    expected = RETURNS[:7].std(axis=0, ddof=1) * np.sqrt(252)
    assert found.values[0, 3] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("window", [13, 1000])
def test_a_sample_shorter_than_a_window_has_none(window: int):
    assert rolling(SAMPLE, VOLATILITY, window).values.shape == (1, 0, 3)
    assert expanding(SAMPLE, VOLATILITY, window).values.shape == (1, 0, 3)


def test_what_the_sample_lacks_is_unknown_in_every_window():
    found = rolling(SAMPLE, [METRICS["beta"], METRICS["volatility"]], 5)
    assert np.isnan(found.values[0]).all()
    assert np.isfinite(found.values[1]).all()


def test_many_series_and_windows_come_in_blocks_and_in_their_order():
    wide = np.random.default_rng(3).normal(0.0, 0.01, (700, 40))
    found = rolling(Sample(returns=wide, periods_per_year=252.0), VOLATILITY, 250)
    for place, last in ((0, 249), (450, 699)):
        expected = wide[last - 249 : last + 1].std(axis=0, ddof=1) * np.sqrt(252)
        assert found.values[0, place] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("window", "step", "field"), [(0, 1, "window"), (5, 0, "step")])
def test_windows_and_steps_are_at_least_one(window: int, step: int, field: str):
    with pytest.raises(UnusableSample, match=field):
        rolling(SAMPLE, VOLATILITY, window, step=step)
    with pytest.raises(UnusableSample):
        expanding(SAMPLE, VOLATILITY, window, step=step)
