"""Intervals of metrics: what they cover, what a seed decides, and when there is none."""

from dataclasses import replace

import numpy as np
import pytest

from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.metric import Reason, Sample
from waardhaven.domain.metrics.uncertainty import (
    IntervalMethod,
    Resampling,
    UnusableTrial,
    Verdict,
    uncertainty,
    with_trials,
)

SHARPE, VOLATILITY, BETA = METRICS["sharpe"], METRICS["volatility"], METRICS["beta"]


def a_sample(mean: float = 0.0, *, rows: int = 500, seed: int = 4, **changes: object) -> Sample:
    returns = np.random.default_rng(seed).normal(mean, 0.01, (rows, 1))
    return replace(Sample(returns=returns, periods_per_year=252.0), **changes)


def measured(sample: Sample, *metrics, seed: int = 1, **how: object):
    return uncertainty(sample, metrics or (SHARPE,), np.random.default_rng(seed), Resampling(**how))


def test_a_ratio_far_from_zero_is_told_from_it_and_one_near_it_is_not():
    assert measured(a_sample(0.002)).verdict == (Verdict.ABOVE,)
    assert measured(a_sample(-0.002)).verdict == (Verdict.BELOW,)
    assert measured(a_sample(0.0)).verdict == (Verdict.NOT_TOLD,)


def test_the_interval_holds_the_value_and_grows_with_its_level():
    low, high = (measured(a_sample(0.001), level=level) for level in (0.8, 0.99))
    assert high.low[0] < low.low[0] < low.value[0] < low.high[0] < high.high[0]


def test_the_same_seed_gives_the_same_interval_and_another_nearly_so():
    one, same, other = (measured(a_sample(0.001), seed=seed) for seed in (1, 1, 2))
    assert (one.low, one.high) == (same.low, same.high)
    assert one.low[0] != other.low[0]
    assert one.low[0] == pytest.approx(other.low[0], abs=0.2)


def test_without_settings_there_are_a_thousand_draws_at_95_per_cent():
    found = uncertainty(a_sample(), (SHARPE,), np.random.default_rng(1))
    assert (found.how.draws, found.how.level, found.how.method) == (1000, 0.95, IntervalMethod.PERCENTILE)


@pytest.mark.parametrize("method", list(IntervalMethod))
def test_nine_of_ten_intervals_at_90_per_cent_cover_the_true_ratio(method: IntervalMethod):
    """200 samples of 250 normal returns: the share that covers is within 0.9 +- 0.055, 2.6 deviations."""
    true, covered = 0.1 * np.sqrt(252), 0
    for seed in range(200):
        found = measured(a_sample(0.001, rows=250, seed=seed), seed=seed, draws=300, level=0.9, method=method)
        covered += found.low[0] <= true <= found.high[0]
    assert covered / 200 == pytest.approx(0.9, abs=0.055)


def test_returns_that_depend_on_their_past_need_blocks_to_be_covered():
    """With blocks the interval of a positively dependent series is wider by about sqrt(1.4 / 0.6) = 1.5."""
    noise = np.random.default_rng(6).normal(0.0, 0.01, 3001)
    returns = noise[1:].copy()
    for i in range(1, 3000):
        returns[i] += 0.4 * returns[i - 1]
    sample = Sample(returns=returns[:, None], periods_per_year=252.0)
    blocks, alone = measured(sample), measured(sample, block_length=1.0)
    assert blocks.block_length > 5.0
    wider = (blocks.high - blocks.low) / (alone.high - alone.low)
    assert 1.25 < wider[0] < 1.8


def test_calm_and_stormy_times_make_blocks_long_though_returns_do_not_depend_on_their_past():
    rng = np.random.default_rng(3)
    storm = np.where(np.arange(2000) // 250 % 2 == 0, 0.005, 0.03)
    returns = rng.normal(0.0, 1.0, 2000) * storm
    sample = Sample(returns=returns[:, None], periods_per_year=252.0)
    assert measured(sample, VOLATILITY).block_length > 30.0


def test_benchmark_and_rate_are_drawn_with_the_returns_of_their_day():
    """The series is twice the benchmark over a rate that moves: beta is 2 in every draw."""
    rng = np.random.default_rng(5)
    rate = rng.uniform(0.0, 0.001, (300, 1))
    benchmark = rng.normal(0.0, 0.01, (300, 1)) + rate
    sample = Sample(
        returns=2.0 * (benchmark - rate) + rate, benchmark=benchmark, risk_free=rate, periods_per_year=252.0
    )
    found = measured(sample, BETA)
    np.testing.assert_allclose([found.low[0], found.high[0]], 2.0, rtol=1e-9)


def test_draws_are_dated_as_the_sample_is():
    day = np.datetime64("2020-01-01") + np.arange(500)
    found = measured(a_sample(0.001, days=day, base=day[0] - 1), METRICS["cagr"])
    assert found.low[0] < found.value[0] < found.high[0]


def test_holes_are_left_out():
    whole = a_sample(0.001, rows=300)
    holed = np.full((400, 1), np.nan)
    holed[np.sort(np.random.default_rng(1).permutation(400)[:300])] = whole.returns
    day = np.datetime64("2020-01-01") + np.arange(400)
    one, other = (
        measured(whole),
        measured(replace(whole, returns=holed, days=day, risk_free=np.zeros((1, 1)))),
    )
    assert (one.low, one.high, one.value) == (other.low, other.high, other.value)


def test_days_on_which_the_benchmark_is_not_known_are_skipped_in_draws_too():
    sample = a_sample(rows=300)
    benchmark = sample.returns / 2.0
    benchmark[::7] = np.nan
    found = measured(replace(sample, benchmark=benchmark), BETA)
    np.testing.assert_allclose([found.low[0], found.high[0]], 2.0, rtol=1e-9)


@pytest.mark.parametrize("rows", [0, 1, 19])
def test_too_few_returns_have_no_interval(rows: int):
    found = measured(a_sample(rows=rows), VOLATILITY)
    assert found.verdict == (Verdict.UNKNOWN,)
    assert np.isnan([found.low[0], found.high[0]]).all()
    assert found.reason[0] in {Reason.TOO_FEW, Reason.NO_OBSERVATIONS}


def test_what_is_unknown_has_no_interval_and_keeps_its_reason():
    found = measured(a_sample(), BETA, SHARPE)
    assert found.reason == (Reason.NO_BENCHMARK, None)
    assert (found.verdict[0], found.known[0]) == (Verdict.UNKNOWN, 0.0)
    assert found.low[1] < found.high[1]


def test_a_value_that_many_draws_do_not_have_has_no_interval():
    """One loss in 60 days: four draws of ten have none, and no ratio of gain to pain."""
    returns = np.full((60, 1), 0.01)
    returns[::2] = 0.02
    returns[30] = -0.01
    found = measured(
        Sample(returns=returns, periods_per_year=252.0), METRICS["gain_to_pain"], block_length=1.0
    )
    assert 0.5 < found.known[0] < 0.75
    assert (found.verdict, found.reason) == ((Verdict.UNKNOWN,), (Reason.UNDEFINED,))


def test_more_series_than_one_are_refused():
    with pytest.raises(UnusableTrial) as refused:
        measured(Sample(returns=np.zeros((30, 2)), periods_per_year=252.0))
    assert [one.field for one in refused.value.errors] == ["returns"]


@pytest.mark.parametrize("how", [{"draws": 99}, {"level": 0.4}, {"level": 1.0}])
def test_settings_outside_their_bounds_are_refused(how: dict[str, float]):
    with pytest.raises(UnusableTrial):
        Resampling(**how)


def test_trials_are_counted_with_the_variance_of_their_ratios():
    """1, 2 and 3 hundredths: variance 1e-4."""
    found = with_trials(a_sample(), np.array([0.01, 0.02, 0.03]))
    assert found.trials == 3
    assert found.trial_variance == pytest.approx(1e-4, rel=1e-12)


def test_the_more_variants_were_tried_the_less_the_best_of_them_is_worth():
    sample, spread = a_sample(0.001), np.array([-0.05, 0.05])
    values = [
        METRICS["sharpe_deflated"].compute(with_trials(sample, np.tile(spread, count)))[0]
        for count in (1, 5, 50)
    ]
    assert values == sorted(values, reverse=True)
    alone = METRICS["sharpe_deflated"].compute(with_trials(sample, np.array([0.1])))[0]
    assert alone == pytest.approx(METRICS["sharpe_probabilistic"].compute(sample)[0], rel=1e-12)


@pytest.mark.parametrize("ratios", [[], [0.1, np.nan]])
def test_trials_that_are_not_known_are_refused(ratios: list[float]):
    with pytest.raises(UnusableTrial):
        with_trials(a_sample(), np.array(ratios))


def test_trials_without_a_known_ratio_count_too():
    found = with_trials(a_sample(), np.array([0.01, 0.03]), count=5)
    assert found.trials == 5
    assert found.trial_variance == pytest.approx(2e-4, rel=1e-12)
    assert with_trials(a_sample(), np.array([0.01]), count=2).trial_variance is None
    assert with_trials(a_sample(), np.array([]), count=1).trial_variance == 0.0
    with pytest.raises(UnusableTrial):
        with_trials(a_sample(), np.array([0.01, 0.03]), count=1)
