"""Figures that no published example covers, by another way of computing them; and what is unknown."""

import math
from dataclasses import replace

import numpy as np
import pytest

from waardhaven.domain.metrics import METRICS, registry
from waardhaven.domain.metrics.measuring import measure
from waardhaven.domain.metrics.metric import Need, Reason
from waardhaven.domain.metrics.ratios import expected_best
from waardhaven.domain.metrics.sample import Sample

EVERY = tuple(METRICS.values())
RNG = np.random.default_rng(12)
OWN = RNG.standard_t(5, (400, 1)) * 0.01 + 0.0005
THEIRS = 0.6 * OWN + RNG.normal(0.0, 0.006, (400, 1))
SAMPLE = Sample(returns=OWN, benchmark=THEIRS, periods_per_year=252.0, trials=20, trial_variance=0.002)


def value(name: str, sample: Sample = SAMPLE) -> float:
    return float(METRICS[name].compute(sample)[0])


def of(*returns: float, **settings: object) -> Sample:
    return Sample(**{"returns": np.array(returns)[:, None], "periods_per_year": 12.0, **settings})


def test_two_metrics_of_one_name_are_refused():
    with pytest.raises(ValueError, match="sharpe"):
        registry(METRICS["sharpe"], METRICS["sortino"], METRICS["sharpe"])


def test_every_metric_is_fully_described():
    for name, one in METRICS.items():
        assert name == one.name
        assert all((one.title, one.formula, one.source))
        assert one.least >= 1


def test_plain_figures_are_what_they_say():
    known = OWN[:, 0]
    assert value("mean_return") == pytest.approx(known.mean(), rel=1e-12)
    assert (value("best_return"), value("worst_return")) == (known.max(), known.min())
    assert value("positive_share") == (known > 0).mean()


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.975, 0.99])
def test_historical_var_and_es_are_the_quantile_and_the_mean_below_it(confidence: float):
    sample, share = replace(SAMPLE, confidence=confidence), 1 - confidence
    quantile = np.quantile(OWN, share)
    assert value("var_historical", sample) == pytest.approx(-quantile, rel=1e-12)
    assert value("es_historical", sample) == pytest.approx(-OWN[quantile >= OWN].mean(), rel=1e-12)


def test_es_counts_every_return_that_equals_the_quantile():
    sample = of(*[-0.05] * 3, *[0.01] * 7, confidence=0.9)
    assert value("es_historical", sample) == pytest.approx(0.05, rel=1e-12)


@pytest.mark.parametrize("count", [21, 41, 101])
def test_es_includes_the_order_statistic_that_is_the_quantile_itself(count: int):
    """1 - 0.95 is 0.05000000000000004 in double precision: rounding must not lose the value at its place."""
    returns = np.linspace(-0.10, 0.10, count)
    below = returns[: (count - 1) // 20 + 1]
    assert value("es_historical", of(*returns)) == pytest.approx(-below.mean(), rel=1e-12)


@pytest.mark.parametrize("confidence", [0.9, 0.99])
def test_es_of_the_normal_and_the_edgeworth_density_is_their_integral(confidence: float):
    sample, share = replace(SAMPLE, confidence=confidence), 1 - confidence
    mean, deviation = OWN.mean(), OWN.std(ddof=1)
    skew, excess = value("skew"), value("kurtosis")
    at = -(value("var_gaussian", sample) + mean) / deviation
    corrected = -(value("var_cornish_fisher", sample) + mean) / deviation
    z = np.linspace(-40.0, 0.0, 400_001)
    normal = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    third, fourth = z**3 - 3 * z, z**4 - 6 * z**2 + 3
    sixth = z**6 - 15 * z**4 + 45 * z**2 - 15
    edgeworth = normal * (1 + skew / 6 * third + excess / 24 * fourth + skew**2 / 72 * sixth)
    assert np.trapezoid(normal * (z <= at), z) == pytest.approx(share, abs=2e-5)
    below = np.trapezoid(z * normal * (z <= at), z) / share
    assert value("es_gaussian", sample) == pytest.approx(-(mean + below * deviation), rel=1e-3)
    below = np.trapezoid(z * edgeworth * (z <= corrected), z) / share
    expected = -(mean + min(below, corrected) * deviation)
    assert value("es_cornish_fisher", sample) == pytest.approx(expected, rel=1e-3)


def test_the_cornish_fisher_quantile_of_a_symmetric_sample_is_corrected_for_kurtosis_alone():
    returns = np.array([-3.0, -1.0, -1.0, 0.0, 1.0, 1.0, 3.0]) / 100
    sample = of(*returns, confidence=0.99)
    z, excess = -2.3263478740408408, (returns**4).mean() / (returns**2).mean() ** 2 - 3
    expected = -(z + (z**3 - 3 * z) * excess / 24) * returns.std(ddof=1)
    assert value("var_cornish_fisher", sample) == pytest.approx(expected, rel=1e-10)


def test_an_expected_shortfall_is_never_below_its_value_at_risk():
    """Far from the normal the Edgeworth mean may be smaller than the quantile: the quantile stands then."""
    sample = of(*[0.01] * 200, -0.5, confidence=0.95)
    assert value("es_cornish_fisher", sample) >= value("var_cornish_fisher", sample)


def test_conditional_drawdown_is_the_mean_of_the_deepest_twentieth():
    wealth = np.cumprod(1 + OWN[:, 0])
    depth = wealth / np.maximum(np.maximum.accumulate(wealth), 1.0) - 1
    worst = depth[depth <= np.quantile(depth, 0.05)]
    assert value("conditional_drawdown") == pytest.approx(-worst.mean(), rel=1e-10)


def test_drawdown_figures_follow_from_drawdowns_from_peak_to_recovery():
    sample = of(0.1, -0.2, 0.25, -0.1, 0.2, -0.05, annualise_short=True)
    assert value("average_drawdown", sample) == pytest.approx(-(0.2 + 0.1 + 0.05) / 3, rel=1e-10)
    assert value("longest_drawdown", sample) == 2.0
    assert value("current_drawdown", sample) == pytest.approx(-0.05, rel=1e-10)
    annual = (1.1 * 0.8 * 1.25 * 0.9 * 1.2 * 0.95) ** (12 / 6) - 1
    root = math.sqrt(0.2**2 + 0.1**2 + 0.05**2)
    assert value("burke", sample) == pytest.approx(annual / root, rel=1e-10)


def test_a_series_that_never_falls_has_a_drawdown_of_nothing():
    sample = of(0.1, 0.0, 0.2)
    assert [value(name, sample) for name in ("max_drawdown", "longest_drawdown", "ulcer_index")] == [0, 0, 0]


def test_kappa_of_order_one_is_omega_less_one_and_of_order_two_the_sortino_ratio_of_a_period():
    sample = replace(SAMPLE, target=0.001, threshold=0.001)
    assert value("kappa", replace(sample, kappa_order=1.0)) == pytest.approx(value("omega", sample) - 1)
    second = value("kappa", replace(sample, kappa_order=2.0)) * math.sqrt(252)
    assert second == pytest.approx(value("sortino", sample))
    short = np.maximum(0.001 - OWN, 0.0)
    third = (OWN.mean() - 0.001) / (short**3).mean() ** (1 / 3)
    assert value("kappa", sample) == pytest.approx(third, rel=1e-10)


def test_the_tail_ratio_compares_both_quantiles():
    expected = np.quantile(OWN, 0.95) / -np.quantile(OWN, 0.05)
    assert value("tail_ratio") == pytest.approx(expected, rel=1e-10)


def test_the_deflated_ratio_is_the_probabilistic_one_with_the_best_of_the_trials_as_hurdle():
    hurdle = expected_best(20) * math.sqrt(0.002)
    expected = value("sharpe_probabilistic", replace(SAMPLE, hurdle=hurdle))
    assert value("sharpe_deflated") == pytest.approx(expected, rel=1e-12)
    once = value("sharpe_deflated", replace(SAMPLE, trials=1))
    assert once == pytest.approx(value("sharpe_probabilistic"), rel=1e-12)


def test_the_expected_best_of_many_draws_is_near_their_mean_maximum():
    draws = np.random.default_rng(1).normal(size=(20_000, 50)).max(axis=1).mean()
    assert expected_best(50) == pytest.approx(draws, abs=0.05)


def test_the_adjusted_sharpe_ratio_has_every_term_of_one_period():
    plain = OWN.mean() / OWN.std(ddof=1)
    expected = plain * (1 + value("skew") / 6 * plain - value("kurtosis") / 24 * plain**2) * math.sqrt(252)
    assert value("sharpe_adjusted") == pytest.approx(expected, rel=1e-10)


def test_the_autocorrelation_ratio_is_that_of_summed_periods_of_a_first_order_process():
    """Lo 2002: the variance of q periods is q + 2 sum of (q - k) p^k, for any sign of p."""
    moves = OWN[:, 0] - OWN.mean()
    slope = (moves[1:] * moves[:-1]).sum() / (moves**2).sum()
    periods = 252
    summed = periods + 2 * sum((periods - k) * slope**k for k in range(1, periods))
    expected = OWN.mean() / OWN.std(ddof=1) * periods / math.sqrt(summed)
    assert value("sharpe_autocorrelation") == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("name", "rises"), [("beta_up", True), ("beta_down", False)])
def test_beta_of_rising_and_falling_markets_is_the_slope_on_those_days(name: str, rises: bool):
    chosen = (THEIRS[:, 0] > 0) if rises else (THEIRS[:, 0] < 0)
    slope = np.polyfit(THEIRS[chosen, 0], OWN[chosen, 0], 1)[0]
    assert value(name) == pytest.approx(slope, rel=1e-9)


@pytest.mark.parametrize(("name", "rises"), [("up_capture", True), ("down_capture", False)])
def test_capture_compounds_the_days_on_which_the_benchmark_moves_that_way(name: str, rises: bool):
    chosen = (THEIRS[:, 0] > 0) if rises else (THEIRS[:, 0] < 0)
    own, theirs = (np.prod(1 + one[chosen, 0]) ** (252 / chosen.sum()) - 1 for one in (OWN, THEIRS))
    assert value(name) == pytest.approx(own / theirs, rel=1e-9)


def test_jensens_alpha_compounds_the_rate_over_the_same_days():
    rate = np.full((400, 1), 0.0001)
    sample = replace(SAMPLE, risk_free=rate)
    growth = [np.prod(1 + one) ** (252 / 400) - 1 for one in (OWN, THEIRS, rate)]
    expected = growth[0] - growth[2] - value("beta", sample) * (growth[1] - growth[2])
    assert value("jensen_alpha", sample) == pytest.approx(expected, rel=1e-9)
    assert value("martin", sample) * value("ulcer_index") == pytest.approx(growth[0] - growth[2], rel=1e-9)


def test_a_rate_over_days_with_holes_is_compounded_over_the_known_days():
    rate = np.linspace(0.0, 0.01, 6)[:, None]
    known = of(0.02, -0.01, 0.03, -0.02, annualise_short=True, risk_free=rate[[0, 1, 3, 5]])
    holes = of(0.02, -0.01, math.nan, 0.03, math.nan, -0.02, annualise_short=True, risk_free=rate)
    assert value("pain_ratio", holes) == pytest.approx(value("pain_ratio", known), rel=1e-10)


def test_cagr_of_a_series_that_begins_late_counts_its_own_days():
    days = np.array(["2020-12-31", "2021-12-31", "2022-12-31", "2023-12-31"], dtype="datetime64[D]")
    sample = of(math.nan, 0.1, 0.1, math.nan, days=days, base=np.datetime64("2019-12-31"))
    assert value("cagr", replace(sample, periods_per_year=1.0)) == pytest.approx(0.1, rel=1e-12)


def reasons(sample: Sample) -> dict[str, Reason | None]:
    found = measure(sample, EVERY)
    return {one.name: row[0] for one, row in zip(found.metrics, found.reasons, strict=True)}


def test_nothing_known_says_so():
    sample = replace(SAMPLE, returns=np.full((400, 1), math.nan))
    found = reasons(sample)
    assert {why for name, why in found.items() if name != "cagr"} == {Reason.NO_OBSERVATIONS}
    assert found["cagr"] is Reason.NO_DATES


def test_no_day_at_all_has_no_observations_and_no_coverage():
    empty = Sample(returns=np.zeros((0, 2)), periods_per_year=252.0)
    found = measure(empty, [METRICS["sharpe"]])
    assert found.reasons == ((Reason.NO_OBSERVATIONS,) * 2,)
    assert np.isnan(found.coverage).all()
    assert np.isnan(METRICS["beta"].compute(empty)).all()


def test_a_benchmark_without_a_common_day_says_so():
    own, theirs = OWN.copy(), THEIRS.copy()
    own[:200], theirs[200:] = math.nan, math.nan
    found = reasons(replace(SAMPLE, returns=own, benchmark=theirs))
    relative = {one.name for one in EVERY if Need.BENCHMARK in one.needs}
    assert {found[name] for name in relative} == {Reason.NO_OVERLAP}
    assert found["sharpe"] is None


def test_one_observation_is_too_few_for_a_spread_and_none_for_two():
    one, two = reasons(of(0.01, trials=2, trial_variance=0.1)), reasons(of(0.01, -0.02))
    for name in ("volatility", "sharpe", "skew", "var_gaussian", "sharpe_deflated"):
        assert one[name] is Reason.TOO_FEW
    assert one["total_return"] is None
    assert two["volatility"] is None
    assert two["sharpe_autocorrelation"] is Reason.TOO_FEW
    assert two["annual_return"] is Reason.UNDER_A_YEAR


def test_a_loss_of_everything_is_known_and_leaves_nothing():
    sample = of(*[0.01] * 12, -1.0, 0.5, days=None)
    found = reasons(sample)
    for name in ("total_return", "annual_return", "max_drawdown", "current_drawdown"):
        assert value(name, sample) == -1.0
        assert found[name] is None
    assert value("longest_drawdown", sample) == 2.0


def test_a_loss_of_more_than_everything_is_ruin_for_what_compounds_alone():
    found = reasons(of(*[0.01] * 12, -1.5, 0.02))
    compounding = {one.name for one in EVERY if Need.GROWTH in one.needs and not one.needs & {Need.BENCHMARK}}
    assert {found[name] for name in compounding - {"cagr"}} == {Reason.RUINED}
    assert found["sharpe"] is None
    ruined = replace(SAMPLE, benchmark=np.where(np.arange(400)[:, None] == 7, -2.0, THEIRS))
    assert reasons(ruined)["down_capture"] is Reason.RUINED
    assert reasons(ruined)["beta"] is None


def test_a_benchmark_that_never_moves_rises_or_falls_says_so():
    found = reasons(replace(SAMPLE, benchmark=np.zeros((400, 1))))
    for name in ("beta", "alpha", "jensen_alpha", "treynor", "correlation", "r_squared", "appraisal_ratio"):
        assert found[name] is Reason.CONSTANT_BENCHMARK
    assert (found["up_capture"], found["up_number"], found["beta_up"]) == (
        Reason.NO_RISE,
        Reason.NO_RISE,
        Reason.NO_RISE,
    )
    assert (found["down_capture"], found["down_percentage"], found["beta_down"]) == (
        Reason.NO_FALL,
        Reason.NO_FALL,
        Reason.NO_FALL,
    )


def test_a_series_without_slope_has_no_treynor_ratio():
    own = np.tile([[0.01], [-0.01], [0.01], [-0.01]], (100, 1))
    theirs = np.tile([[0.01], [0.01], [-0.01], [-0.01]], (100, 1))
    assert reasons(replace(SAMPLE, returns=own, benchmark=theirs))["treynor"] is Reason.NO_SLOPE


def test_a_series_that_is_its_benchmark_has_no_active_risk():
    found = measure(replace(SAMPLE, benchmark=OWN), EVERY)
    assert found.value("tracking_error")[0] == 0.0
    assert found.value("correlation")[0] == pytest.approx(1.0, rel=1e-12)
    assert found.reason("information_ratio") == (Reason.CONSTANT,)
    assert found.reason("appraisal_ratio") == (Reason.CONSTANT,)


def test_a_constant_distance_to_the_benchmark_is_no_movement_whatever_rounding_makes_of_it():
    found = reasons(replace(SAMPLE, benchmark=OWN - 0.001))
    assert found["information_ratio"] is Reason.CONSTANT
    assert found["appraisal_ratio"] is Reason.CONSTANT


def test_what_is_too_large_for_a_number_says_so():
    sample = of(1e5, -0.5, periods_per_year=365.0, annualise_short=True)
    assert reasons(sample)["annual_return"] is Reason.OUT_OF_RANGE
    assert math.isnan(value("annual_return", sample))


def test_dates_and_trials_that_are_missing_say_so():
    found = reasons(of(0.01, 0.02, -0.01))
    assert found["cagr"] is Reason.NO_DATES
    assert found["sharpe_deflated"] is Reason.NO_TRIALS


def test_a_series_of_a_panel_has_its_own_reason():
    table = np.c_[OWN, np.full((400, 1), 0.001), np.full((400, 1), math.nan)]
    found = measure(Sample(returns=table, periods_per_year=252.0), [METRICS["sharpe"]])
    assert found.reason("sharpe") == (None, Reason.CONSTANT, Reason.NO_OBSERVATIONS)
    assert found.coverage.tolist() == [1.0, 1.0, 0.0]
    assert found.common.tolist() == [0.0, 0.0, 0.0]


def test_ten_million_values_are_measured():
    long = np.random.default_rng(3).normal(0.0, 0.01, (10_000, 1_000))
    found = measure(Sample(returns=long, periods_per_year=252.0), [METRICS["volatility"]])
    assert found.values.shape == (1, 1_000)
    assert found.values == pytest.approx(0.01 * math.sqrt(252), rel=0.05)
