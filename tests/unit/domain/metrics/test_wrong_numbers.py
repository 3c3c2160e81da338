"""Wrong figures that other tools have shown, and what ours does: one test for each."""

import math

import numpy as np
import pytest

from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.drawdown import drawdown_table
from waardhaven.domain.metrics.drawdowns import OPEN
from waardhaven.domain.metrics.measuring import measure
from waardhaven.domain.metrics.metric import Reason, Unit
from waardhaven.domain.metrics.periods import periods_per_year
from waardhaven.domain.metrics.rolling import rolling
from waardhaven.domain.metrics.sample import Sample, align, from_levels, per_period

DAY = np.timedelta64(1, "D")


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)[:, None]


def noise(days: int, seed: int = 5, mean: float = 0.0004) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.01, (days, 1))


def value(name: str, sample: Sample) -> float:
    return float(METRICS[name].compute(sample)[0])


def weekly(years: int) -> Sample:
    days = np.datetime64("2020-01-03") + np.arange(1, 52 * years + 1) * 7 * DAY
    returns = np.full((len(days), 1), 1.10 ** (7 / 365) - 1)
    return Sample(returns=returns, periods_per_year=52.0, days=days, base=np.datetime64("2020-01-03"))


def test_cagr_counts_calendar_days_from_the_day_before_the_first_return():
    """Others divide calendar days by 252, or periods by 252 whatever the frequency."""
    assert value("cagr", weekly(3)) == pytest.approx(0.10, rel=1e-12)


def test_less_than_a_year_is_not_made_a_year_unless_asked_for():
    short = weekly(1)  # 364 days
    found = measure(short, [METRICS["cagr"], METRICS["annual_return"]])
    assert math.isnan(found.value("cagr")[0])
    assert found.reason("cagr") == (Reason.UNDER_A_YEAR,)
    assert found.reason("annual_return") == (None,)  # 52 weekly returns are a year of them
    asked = Sample(
        returns=short.returns, periods_per_year=52.0, days=short.days, base=short.base, annualise_short=True
    )
    assert value("cagr", asked) == pytest.approx(0.10, rel=1e-12)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (np.arange("2020-01-01", "2022-01-01", dtype="datetime64[D]"), 365.0),
        (np.arange("2020-01", "2022-01", dtype="datetime64[M]").astype("datetime64[D]"), 12.0),
        (np.arange("2020-01-03", "2022-01-01", 7, dtype="datetime64[D]"), 52.0),
        (np.arange("2010-01", "2020-01", 3, dtype="datetime64[M]").astype("datetime64[D]"), 4.0),
        (np.arange("2010", "2020", dtype="datetime64[Y]").astype("datetime64[D]"), 1.0),
    ],
)
def test_periods_per_year_follow_from_the_days_of_the_series(days: np.ndarray, expected: float):
    assert periods_per_year(days) == expected


def test_a_series_without_weekends_has_252_periods_a_year():
    every = np.arange("2020-01-01", "2022-01-01", dtype="datetime64[D]")
    assert periods_per_year(every[np.is_busday(every)]) == 252.0


def test_large_gains_without_a_loss_are_still_returns():
    """quantstats takes returns without a loss and with one above 100 % for prices."""
    returns = column(0.01, 0.02, 1.5, 0.0, 0.03)
    sample = Sample(returns=returns, periods_per_year=252.0)
    expected = returns.mean() / returns.std(ddof=1) * math.sqrt(252)
    assert value("sharpe", sample) == pytest.approx(expected, rel=1e-12)


def test_a_loss_on_the_first_day_is_a_drawdown():
    sample = Sample(returns=column(-0.10, 0.02, 0.01), periods_per_year=252.0)
    assert value("max_drawdown", sample) == pytest.approx(-0.10, rel=1e-12)
    assert drawdown_table(sample).peak.tolist() == [-1]


@pytest.mark.parametrize("scale", [0.01, 1.0, 50.0, 5_000.0])
def test_the_drawdown_of_levels_does_not_depend_on_where_they_begin(scale: float):
    """quantstats made up a peak for prices that begin between 10 and 100 or 1,000 and 100,000."""
    levels = scale * column(100.0, 110.0, 104.5, 120.0)
    sample = Sample(returns=from_levels(levels), periods_per_year=252.0)
    assert value("max_drawdown", sample) == pytest.approx(-0.05, rel=1e-10)


def test_a_missing_price_is_neither_a_loss_nor_a_day_without_movement():
    levels = column(100.0, 101.0, math.nan, 102.0, 99.0, 101.0)
    sample = Sample(returns=from_levels(levels), periods_per_year=252.0)
    found = measure(sample, [METRICS["max_drawdown"], METRICS["volatility"]])
    known = np.array([0.01, 99 / 102 - 1, 101 / 99 - 1])
    assert found.value("max_drawdown")[0] == pytest.approx(99 / 102 - 1, rel=1e-12)
    assert found.value("volatility")[0] == pytest.approx(known.std(ddof=1) * math.sqrt(252), rel=1e-12)
    assert (found.observations[0], found.coverage[0]) == (3.0, 0.6)


def test_a_drawdown_that_is_not_over_has_no_end():
    table = drawdown_table(Sample(returns=column(0.1, -0.2, 0.3, -0.1, 0.05), periods_per_year=12.0))
    assert table.recovery.tolist() == [2, OPEN]
    assert table.length.tolist() == [2, 2]
    assert table.decline.tolist() == [1, 1]
    assert table.rebound.tolist() == [1, OPEN]
    assert table.depth == pytest.approx([-0.2, -0.1], rel=1e-12)


def test_sortino_counts_every_observation_in_any_order():
    """Others take the deviation of losing days alone, or leave out the first period."""
    returns = noise(60)
    expected = returns.mean() / math.sqrt((np.minimum(returns, 0.0) ** 2).mean()) * math.sqrt(252)
    for order in (slice(None), slice(None, None, -1)):
        sample = Sample(returns=returns[order], periods_per_year=252.0)
        assert value("sortino", sample) == pytest.approx(expected, rel=1e-12)


def test_a_rolling_sharpe_ratio_is_that_of_the_window_with_its_own_rates():
    """quantstats converted the annual rate with the length of the window."""
    rate = per_period(0.05, 252.0)
    sample = Sample(returns=noise(80), risk_free=np.full((80, 1), rate), periods_per_year=252.0)
    found = rolling(sample, [METRICS["sharpe"]], 30)
    excess = sample.returns[-30:, 0] - rate
    expected = excess.mean() / excess.std(ddof=1) * math.sqrt(252)
    assert found.values[0, -1, 0] == pytest.approx(expected, rel=1e-10)
    assert len(found.rows) == 51


def test_a_negative_risk_free_rate_counts():
    returns = noise(100)
    free, paid = (
        Sample(returns=returns, risk_free=np.full((1, 1), per_period(rate, 252.0)), periods_per_year=252.0)
        for rate in (0.0, -0.01)
    )
    gained = -per_period(-0.01, 252.0) / returns.std(ddof=1) * math.sqrt(252)
    assert value("sharpe", paid) - value("sharpe", free) == pytest.approx(gained, rel=1e-9)


@pytest.mark.parametrize("name", ["treynor", "alpha", "information_ratio", "m_squared"])
def test_a_ratio_of_one_year_is_that_of_the_same_year_twice(name: str):
    """quantstats divided the cumulative excess by beta, and left the information ratio per day."""
    own, theirs = noise(252, 1), noise(252, 2)
    once = Sample(returns=own, benchmark=theirs, periods_per_year=252.0)
    twice = Sample(returns=np.tile(own, (2, 1)), benchmark=np.tile(theirs, (2, 1)), periods_per_year=252.0)
    assert value(name, twice) == pytest.approx(value(name, once), rel=3e-3)


def test_the_information_ratio_is_annual():
    own, theirs = noise(252, 1), noise(252, 2)
    active = (own - theirs)[:, 0]
    sample = Sample(returns=own, benchmark=theirs, periods_per_year=252.0)
    expected = active.mean() / active.std(ddof=1) * math.sqrt(252)
    assert value("information_ratio", sample) == pytest.approx(expected, rel=1e-12)


def test_alpha_and_beta_are_the_regression_of_excess_returns():
    """empyrical's and zipline's were off once: the oracle is least squares."""
    rng = np.random.default_rng(8)
    rate, theirs = rng.normal(0.0001, 0.00002, (300, 1)), rng.normal(0.0, 0.01, (300, 1))
    own = 0.0002 + 0.8 * theirs + rng.normal(0.0, 0.004, (300, 1))
    sample = Sample(returns=own, benchmark=theirs, risk_free=rate, periods_per_year=252.0)
    design = np.c_[np.ones(300), theirs - rate]
    (intercept, slope), *_ = np.linalg.lstsq(design, (own - rate)[:, 0], rcond=None)
    assert value("beta", sample) == pytest.approx(slope, rel=1e-10)
    assert value("alpha", sample) == pytest.approx(intercept * 252, rel=1e-9)


def test_a_rolling_alpha_knows_the_window_alone():
    """quantstats mixed means of the whole sample with the beta of the window."""
    own, theirs = noise(90, 1), noise(90, 2)
    sample = Sample(returns=own, benchmark=theirs, periods_per_year=252.0)
    found = rolling(sample, [METRICS["alpha"]], 30, step=30).values[0, :, 0]
    for first, alpha in zip((0, 30, 60), found, strict=True):
        rows = slice(first, first + 30)
        window = Sample(returns=own[rows], benchmark=theirs[rows], periods_per_year=252.0)
        assert alpha == value("alpha", window)


def test_a_probability_is_never_annualised_and_knows_fat_tails():
    """quantstats took 3 off a kurtosis that was in excess already, and scaled the probability."""
    returns = np.random.default_rng(4).standard_t(4, (500, 1)) * 0.01 + 0.0005
    sample = Sample(returns=returns, periods_per_year=252.0, hurdle=0.01)
    plain = returns.mean() / returns.std(ddof=1)
    moves = (returns - returns.mean()) / returns.std()
    spread = 1 - (moves**3).mean() * plain + ((moves**4).mean() - 1) / 4 * plain**2
    score = (plain - 0.01) * math.sqrt(499 / spread)
    expected = 0.5 * (1 + math.erf(score / math.sqrt(2)))
    assert value("sharpe_probabilistic", sample) == pytest.approx(expected, rel=1e-10)
    assert METRICS["sharpe_probabilistic"].unit is Unit.PROBABILITY


def test_the_probabilistic_sharpe_ratio_of_bills_beside_their_own_rate_is_low():
    """QuantConnect: Sharpe -8.88 on excess returns beside a high probability on gross ones."""
    gross = 0.0002 + noise(252, mean=-0.004) * 0.001
    sample = Sample(returns=gross, risk_free=np.full((1, 1), 0.0002), periods_per_year=252.0)
    assert value("sharpe", sample) < 0.0
    assert value("sharpe_probabilistic", sample) < 0.5


def test_an_annual_rate_is_converted_once_and_compounds_back():
    """empyrical takes a rate per period: 5 % a year given as it is makes a Sharpe ratio of -77.5."""
    assert (1 + per_period(0.05, 252.0)) ** 252 - 1 == pytest.approx(0.05, rel=1e-12)


def test_returns_that_alternate_have_a_higher_sharpe_ratio_not_a_lower_one():
    """quantstats penalises negative autocorrelation as if it were positive."""
    returns = column(*[0.02, -0.01] * 60)
    sample = Sample(returns=returns, periods_per_year=12.0)
    trending = Sample(returns=np.sort(returns, axis=0), periods_per_year=12.0)
    assert value("sharpe_autocorrelation", sample) > value("sharpe", sample)
    assert value("sharpe_autocorrelation", trending) < value("sharpe", trending)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sharpe", Reason.CONSTANT),
        ("sharpe_adjusted", Reason.CONSTANT),
        ("sharpe_probabilistic", Reason.CONSTANT),
        ("sharpe_autocorrelation", Reason.CONSTANT),
        ("skew", Reason.CONSTANT),
        ("kurtosis", Reason.CONSTANT),
        ("calmar", Reason.NO_DRAWDOWN),
        ("burke", Reason.NO_DRAWDOWN),
        ("martin", Reason.NO_DRAWDOWN),
        ("pain_ratio", Reason.NO_DRAWDOWN),
        ("average_drawdown", Reason.NO_DRAWDOWN),
        ("sortino", Reason.NO_LOSS),
        ("omega", Reason.NO_LOSS),
        ("gain_to_pain", Reason.NO_LOSS),
        ("kappa", Reason.NO_LOSS),
    ],
)
def test_no_movement_or_no_loss_is_unknown_with_a_reason_and_never_infinite(name: str, reason: Reason):
    """Others raise ZeroDivisionError, or show inf, 0 or 10."""
    sample = Sample(returns=np.full((300, 1), 0.001), periods_per_year=252.0)
    found = measure(sample, [METRICS[name]])
    assert math.isnan(found.values[0, 0])
    assert found.reasons == ((reason,),)


def test_a_metric_that_needs_no_benchmark_is_known_without_one():
    """The origin system stored nothing at all when its benchmark was missing."""
    found = measure(Sample(returns=noise(300), periods_per_year=252.0), list(METRICS.values()))
    assert np.isfinite(found.value("sharpe")).all()
    assert found.reason("beta") == (Reason.NO_BENCHMARK,)


def test_a_benchmark_is_aligned_by_date():
    """The origin system cut both to the shorter length and paired what stood at the same place."""
    days = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")
    own = noise(len(days), 3)
    theirs = align(days, days[::-1][1::2][::-1], own[::-1][1::2][::-1])
    found = measure(
        Sample(returns=own, benchmark=theirs, periods_per_year=365.0),
        [METRICS["beta"], METRICS["correlation"], METRICS["tracking_error"]],
    )
    assert found.values[:, 0] == pytest.approx([1.0, 1.0, 0.0], abs=1e-12)
    assert found.common[0] == len(days) // 2


def test_every_figure_says_its_unit_and_no_fraction_is_a_per_cent():
    """The origin system wrote drawdowns as fractions on insert and as per cent on update."""
    sample = Sample(returns=column(0.5, -0.357, 0.1), periods_per_year=12.0)
    assert value("max_drawdown", sample) == pytest.approx(-0.357, rel=1e-12)
    assert METRICS["max_drawdown"].unit is Unit.FRACTION
    assert value("total_return", sample) == pytest.approx(1.5 * 0.643 * 1.1 - 1, rel=1e-12)
