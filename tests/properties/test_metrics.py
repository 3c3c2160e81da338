"""What holds for every metric: whatever stands beside a series, whatever is missing, however long it is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.measuring import measure
from waardhaven.domain.metrics.metric import Need
from waardhaven.domain.metrics.rolling import expanding, rolling
from waardhaven.domain.metrics.sample import Sample, align, from_levels

EVERY = tuple(METRICS.values())
ORDER = {
    "max_drawdown",
    "current_drawdown",
    "average_drawdown",
    "longest_drawdown",
    "ulcer_index",
    "pain_index",
    "conditional_drawdown",
    "calmar",
    "sterling",
    "burke",
    "martin",
    "pain_ratio",
    "sharpe_autocorrelation",
}
"""Metrics that depend on the order of the returns; every other one does not."""
SPREAD = {"volatility": 1, "tracking_error": 1, "sharpe": -1, "information_ratio": -1, "appraisal_ratio": -1}
"""Metrics with the divisor n - 1: a sample taken twice multiplies them by its root to this power."""
STAYS = {
    "annual_return", "mean_return", "best_return", "worst_return", "positive_share", "downside_deviation",
    "downside_deviation_per_period", "semi_deviation", "skew", "kurtosis", "sortino", "omega", "gain_to_pain",
    "kappa", "beta", "beta_up", "beta_down", "alpha", "jensen_alpha", "treynor", "active_return", "m_squared",
    "up_capture", "down_capture", "up_number", "down_number", "up_percentage", "down_percentage",
    "correlation", "r_squared",
}  # fmt: skip
"""Metrics that stay the same when a sample is taken twice."""


@st.composite
def samples(draw: st.DrawFn, *, holes: bool = True, series: int = 4) -> Sample:
    """A sample of up to 60 days, with benchmark, rates and days; some returns are missing."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    days, count = draw(st.integers(2, 60)), draw(st.integers(1, series))
    width = draw(st.sampled_from([1, count]))
    returns = rng.standard_t(4, (days, count)) * 0.02
    benchmark = rng.standard_t(4, (days, width)) * 0.015
    if holes:
        share = draw(st.sampled_from([0.0, 0.1, 0.6]))
        returns[rng.random(returns.shape) < share] = np.nan
        benchmark[rng.random(benchmark.shape) < draw(st.sampled_from([0.0, 0.2]))] = np.nan
    axis = np.cumsum(rng.integers(1, 5, days + 1)).astype("timedelta64[D]") + np.datetime64("2020-01-01")
    rate = draw(st.sampled_from([0.0, 0.0001, -0.0001]))
    return Sample(
        returns=returns,
        benchmark=benchmark,
        risk_free=rate * rng.random((days, width)) if rate else np.zeros((1, 1)),
        periods_per_year=draw(st.sampled_from([4.0, 12.0, 52.0, 252.0, 365.0])),
        days=axis[1:],
        base=axis[0],
        trials=7,
        trial_variance=0.01,
        annualise_short=draw(st.booleans()),
    )


def rows(sample: Sample, chosen: np.ndarray | slice) -> Sample:
    """The sample on some days alone, the base the same."""
    return replace(
        sample,
        returns=sample.returns[chosen],
        benchmark=sample.benchmark[chosen],
        risk_free=sample.risk_free[chosen],
        days=sample.days[chosen],
    )


def values(sample: Sample) -> np.ndarray:
    return measure(sample, EVERY).values


@given(sample=samples())
def test_a_series_alone_has_the_same_bits_as_beside_others_with_other_holes(sample: Sample):
    together = values(sample)
    for place in range(sample.returns.shape[1]):
        np.testing.assert_array_equal(values(sample.only(place))[:, 0], together[:, place])


@given(sample=samples(), seed=st.integers(0, 99))
def test_the_order_of_the_series_is_the_order_of_the_figures(sample: Sample, seed: int):
    order = np.random.default_rng(seed).permutation(sample.returns.shape[1])
    theirs = sample.benchmark if sample.benchmark.shape[1] == 1 else sample.benchmark[:, order]
    rate = sample.risk_free if sample.risk_free.shape[1] == 1 else sample.risk_free[:, order]
    found = values(replace(sample, returns=sample.returns[:, order], benchmark=theirs, risk_free=rate))
    np.testing.assert_array_equal(found, values(sample)[:, order])


@given(sample=samples())
def test_a_figure_is_a_number_or_has_a_reason_and_is_never_infinite(sample: Sample):
    found = measure(sample, EVERY)
    assert not np.isinf(found.values).any()
    given_reasons = np.array([[one is not None for one in row] for row in found.reasons])
    np.testing.assert_array_equal(np.isnan(found.values), given_reasons)


@given(sample=samples())
def test_computing_one_metric_or_all_gives_the_same_bits(sample: Sample):
    together = values(sample)
    for place, metric in enumerate(EVERY):
        np.testing.assert_array_equal(metric.compute(sample), together[place])


@given(sample=samples(holes=False, series=2), seed=st.integers(0, 99))
def test_the_order_of_the_days_changes_only_what_depends_on_it(sample: Sample, seed: int):
    order = np.random.default_rng(seed).permutation(len(sample.returns))
    mixed = replace(
        sample,
        returns=sample.returns[order],
        benchmark=sample.benchmark[order],
        risk_free=sample.risk_free[order],
    )
    for metric in EVERY:
        if metric.name not in ORDER:
            before, after = metric.compute(sample), metric.compute(mixed)
            np.testing.assert_allclose(after, before, rtol=1e-7, atol=1e-9, err_msg=metric.name)


@given(sample=samples(holes=False, series=2))
def test_a_sample_taken_twice_keeps_what_is_a_mean_and_spreads_by_its_divisor(sample: Sample):
    count, long = len(sample.returns), replace(sample, annualise_short=True)
    double = replace(
        long,
        returns=np.tile(sample.returns, (2, 1)),
        benchmark=np.tile(sample.benchmark, (2, 1)),
        risk_free=np.tile(sample.risk_free, (2, 1)),
        days=None,
        base=None,
    )
    root = np.sqrt(2 * (count - 1) / (2 * count - 1))
    for name in STAYS | set(SPREAD):
        before, after = METRICS[name].compute(long), METRICS[name].compute(double)
        enough = np.isfinite(before)  # two days repeated are four: a spread becomes known
        expected = before * root ** SPREAD.get(name, 0)
        if count > METRICS[name].least:
            np.testing.assert_allclose(after[enough], expected[enough], rtol=1e-6, atol=1e-9, err_msg=name)


@given(sample=samples())
def test_a_hole_is_the_same_as_a_day_that_is_not_there(sample: Sample):
    """All but what counts days: the length of drawdowns, and pairs of neighbours."""
    for place in range(sample.returns.shape[1]):
        one = sample.only(place)
        known = np.isfinite(one.returns[:, 0])
        kept = rows(one, known)
        for metric in EVERY:
            if metric.name not in {"longest_drawdown", "sharpe_autocorrelation", "cagr"}:
                np.testing.assert_allclose(
                    metric.compute(kept), metric.compute(one), rtol=1e-7, atol=1e-9, err_msg=metric.name
                )


@given(sample=samples())
def test_a_benchmark_counts_only_where_both_are_known(sample: Sample):
    for place in range(sample.returns.shape[1]):
        one = sample.only(place)
        both = np.isfinite(one.returns[:, 0]) & np.isfinite(one.benchmark[:, 0])
        kept = rows(one, both)
        for metric in EVERY:
            if Need.BENCHMARK in metric.needs:
                np.testing.assert_allclose(
                    metric.compute(kept), metric.compute(one), rtol=1e-7, atol=1e-9, err_msg=metric.name
                )


@given(sample=samples(series=2), window=st.integers(1, 30), step=st.integers(1, 9))
@settings(max_examples=30)
def test_a_rolling_figure_has_the_bits_of_its_window_alone(sample: Sample, window: int, step: int):
    found = rolling(sample, EVERY, window, step=step)
    for place, last in enumerate(found.rows):
        chosen = slice(last - window + 1, last + 1)
        before = sample.base if last < window else sample.days[last - window]
        alone = replace(rows(sample, chosen), base=before)
        np.testing.assert_array_equal(found.values[:, place], values(alone))


@given(sample=samples(series=2), least=st.integers(1, 30), step=st.integers(1, 9))
@settings(max_examples=30)
def test_an_expanding_figure_is_that_of_the_days_so_far(sample: Sample, least: int, step: int):
    found = expanding(sample, EVERY, least, step=step)
    for place, last in enumerate(found.rows):
        alone = rows(sample, slice(0, last + 1))
        np.testing.assert_allclose(found.values[:, place], values(alone), rtol=1e-7, atol=1e-9)


@given(
    levels=st.lists(st.floats(1.0, 1000.0), min_size=3, max_size=30),
    scale=st.sampled_from([2.0**-20, 0.5, 2.0, 2.0**20]),
)
def test_the_scale_of_levels_changes_nothing(levels: list[float], scale: float):
    before = np.array(levels)[:, None]
    plain, scaled = (
        Sample(returns=from_levels(one), periods_per_year=12.0) for one in (before, scale * before)
    )
    np.testing.assert_array_equal(values(scaled), values(plain))


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 30))
def test_values_are_aligned_by_their_day_and_by_nothing_else(seed: int, count: int):
    rng = np.random.default_rng(seed)
    origin = np.datetime64("2024-01-01")
    days, known = (
        origin + np.sort(rng.choice(40, size, replace=False)).astype("timedelta64[D]") for size in (20, count)
    )
    numbers = rng.normal(size=(count, 2))
    by_day = dict(zip(known.tolist(), numbers.tolist(), strict=True))
    expected = [by_day.get(day, [np.nan, np.nan]) for day in days.tolist()]
    np.testing.assert_array_equal(align(days, known, numbers), np.array(expected))


def test_the_sets_of_these_tests_name_metrics_that_exist():
    assert (ORDER | STAYS | set(SPREAD)) <= set(METRICS)


@pytest.mark.parametrize("name", sorted(ORDER - {"sharpe_autocorrelation"}))
def test_what_depends_on_the_order_does(name: str):
    returns = np.array([0.1, -0.05, -0.1, 0.2, 0.3, -0.2, 0.05])[:, None]
    orders = (returns, returns[::-1], np.sort(returns, axis=0))
    found = {
        float(METRICS[name].compute(Sample(returns=one, periods_per_year=1.0))[0].round(12)) for one in orders
    }
    assert len(found) > 1
