"""Published figures of risk metrics, each with where it is printed.

``BACON`` is the data set of Bacon 2008, *Practical Portfolio Performance Measurement and Attribution*, 2nd
ed., as ``portfolio_bacon`` of PerformanceAnalytics has it; ``managers.csv`` three columns of its data set
``managers`` (HAM1, S&P 500 and three-month bills, monthly 1996 to 2006). Figures "printed by
PerformanceAnalytics" are those of its documentation or of the recorded output of its examples, to the digits
shown there; where ours is another definition, the test recomputes the figure from ours and says how.
"""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.drawdown import drawdown_table
from waardhaven.domain.metrics.drawdowns import OPEN
from waardhaven.domain.metrics.periods import month_table
from waardhaven.domain.metrics.ratios import expected_best, probability_above
from waardhaven.domain.metrics.sample import Sample

PORTFOLIO = """0.003 0.026 0.011 -0.010 0.015 0.025 0.016 0.067 -0.014 0.040 -0.005 0.081
0.040 -0.037 -0.061 0.017 -0.049 -0.022 0.070 0.058 -0.065 0.024 -0.005 -0.009"""
BENCHMARK = """0.002 0.025 0.018 -0.011 0.014 0.018 0.014 0.065 -0.015 0.042 -0.006 0.083
0.039 -0.038 -0.062 0.015 -0.048 0.021 0.060 0.056 -0.067 0.019 -0.003 0.000"""
MIXED = [math.nan, 0.01, 0.1, -0.04, 0.02, 0.03, 0.02, 0.01, -0.1]


def column(values: object) -> np.ndarray:
    return np.array(values, dtype=np.float64)[:, None]


def value(name: str, sample: Sample) -> float:
    return float(METRICS[name].compute(sample)[0])


def bacon(**settings: object) -> Sample:
    own, theirs = column(PORTFOLIO.split()), column(BENCHMARK.split())
    return Sample(returns=own, benchmark=theirs, periods_per_year=12.0, **settings)


def managers(free: str = "none") -> Sample:
    with (Path(__file__).parent / "managers.csv").open() as file:
        rows = list(csv.DictReader(file))
    own, theirs, bills = (column([float(row[name]) for row in rows]) for name in ("ham1", "sp500", "us_3m"))
    rates = {"none": np.zeros((1, 1)), "bills": bills, "3.5 %": np.full((1, 1), 0.035 / 12)}
    return Sample(
        returns=own,
        benchmark=theirs,
        risk_free=rates[free],
        periods_per_year=12.0,
        days=np.array([row["month"] for row in rows], dtype="datetime64[D]"),
        base=np.datetime64("1995-12-31"),
    )


@pytest.mark.parametrize(
    ("name", "printed", "digits"),
    [
        ("total_return", 1.2181 - 1, 4),
        ("kappa", 0.157, 3),  # order 2 over 0.5 %
        ("downside_deviation_per_period", 0.0255, 4),
        ("pain_index", 0.0399, 4),
        ("pain_ratio", 2.5926, 4),
        ("martin", 1.6945, 4),
        ("jensen_alpha", -0.0141, 3),
    ],
)
def test_bacons_portfolio_has_the_figures_printed_by_performance_analytics(
    name: str, printed: float, digits: int
):
    found = value(name, bacon(target=0.005, threshold=0.005, kappa_order=2.0))
    assert found == pytest.approx(printed, abs=10.0**-digits)


def test_bacons_omega_is_one_more_than_the_omega_sharpe_ratio_printed():
    """OmegaSharpeRatio(portfolio_bacon[, 1], 0.005): 0.2917."""
    assert value("omega", bacon(threshold=0.005)) - 1 == pytest.approx(0.2917, abs=1e-4)


def test_bacons_gain_to_pain_is_one_less_than_the_bernardo_ledoit_ratio_printed():
    """BernardoLedoitRatio(portfolio_bacon[, 1]): 1.7797, gains over losses; ours is net gains over losses."""
    assert value("gain_to_pain", bacon()) == pytest.approx(1.7797 - 1, abs=1e-4)


def test_bacons_skew_over_kurtosis_is_the_ratio_printed():
    """SkewnessKurtosisRatio(portfolio_bacon[, 1]): -0.034, over the kurtosis that is 3 for a normal one."""
    found = value("skew", bacon()) / (value("kurtosis", bacon()) + 3)
    assert found == pytest.approx(-0.034, abs=5e-4)


def test_bacons_m_squared_recomputed_with_the_annual_compounded_return_is_the_one_printed():
    """MSquared(portfolio_bacon[, 1], portfolio_bacon[, 2]): 0.10062; ours scales the arithmetic mean."""
    sample = bacon()
    risk = value("volatility", Sample(returns=column(BENCHMARK.split()), periods_per_year=12.0))
    compounded = value("annual_return", sample) * risk / value("volatility", sample)
    assert compounded == pytest.approx(0.10062, abs=5e-6)
    assert value("m_squared", sample) == pytest.approx(value("sharpe", sample) * risk, rel=1e-12)


def test_bacons_systematic_and_specific_risk_follow_from_ours():
    """SystematicRisk 0.1328, SpecificRisk 0.0329 (with the divisor n of a population), TotalRisk 0.1368."""
    sample = bacon()
    market = value("volatility", Sample(returns=column(BENCHMARK.split()), periods_per_year=12.0))
    systematic = value("beta", sample) * market
    specific = value("alpha", sample) / value("appraisal_ratio", sample) * math.sqrt(23 / 24)
    assert systematic == pytest.approx(0.1328, abs=1e-4)
    assert specific == pytest.approx(0.0329, abs=1e-4)
    assert math.hypot(systematic, specific) == pytest.approx(0.1368, abs=1e-4)


def test_bacons_appraisal_ratio_recomputed_with_jensens_alpha_is_the_one_printed():
    """AppraisalRatio(portfolio_bacon): -0.430, Jensen's alpha over specific risk with the divisor n."""
    sample = bacon()
    specific = value("alpha", sample) / value("appraisal_ratio", sample) * math.sqrt(23 / 24)
    assert value("jensen_alpha", sample) / specific == pytest.approx(-0.430, abs=5e-4)


@pytest.mark.parametrize(
    ("name", "free", "printed"),
    [
        ("annual_return", "none", 0.1375),
        ("volatility", "none", 0.0888),
        ("skew", "none", -0.6588),
        ("kurtosis", "none", 2.3616),
        ("max_drawdown", "none", -0.1518),
        ("pain_index", "none", 0.0161),
        ("ulcer_index", "none", 0.0363),
        ("pain_ratio", "none", 8.5601),
        ("martin", "none", 3.7895),
        ("calmar", "none", 0.9062),
        ("sterling", "none", 0.5463),
        ("beta", "bills", 0.3901),
        ("r_squared", "bills", 0.4339),
        ("correlation", "bills", 0.6587),
        ("tracking_error", "none", 0.1132),
        ("up_number", "none", 0.8941),
        ("down_number", "none", 0.5106),
        ("up_percentage", "none", 0.2941),
        ("down_percentage", "none", 0.8085),
    ],
)
def test_ham1_has_the_figures_printed_by_performance_analytics(name: str, free: str, printed: float):
    """Its tables AnnualizedReturns, Distributions, DrawdownsRatio, SFM, InformationRatio; UpDownRatios."""
    assert value(name, managers(free)) == pytest.approx(printed, abs=1e-4)


@pytest.mark.parametrize(("free", "printed"), [("3.5 %", 0.3201), ("bills", 0.3083)])
def test_the_sharpe_ratio_of_ham1_is_the_monthly_one_printed_times_root_twelve(free: str, printed: float):
    """SharpeRatio(managers[, 1], Rf, FUN = "StdDev"), of a rate and of a dated series of rates."""
    assert value("sharpe", managers(free)) / math.sqrt(12) == pytest.approx(printed, abs=1e-4)


def test_the_sortino_ratio_and_semi_deviation_of_ham1_are_the_monthly_ones_printed_annualised():
    """SortinoRatio(managers[, 1]): 0.7649; SemiDeviation: 0.0190 (0.01908 shortened)."""
    assert value("sortino", managers()) / math.sqrt(12) == pytest.approx(0.7649, abs=5e-5)
    assert value("semi_deviation", managers()) / math.sqrt(12) == pytest.approx(0.0190, abs=1e-4)


def test_the_treynor_and_information_ratios_of_ham1_recomputed_on_compounded_returns_are_those_printed():
    """TreynorRatio with bills: 0.2428; InformationRatio: 0.3604. Both compound the numerator; ours do not."""
    sample = managers("bills")
    excess = Sample(returns=sample.returns - sample.risk_free, periods_per_year=12.0)
    assert value("annual_return", excess) / value("beta", sample) == pytest.approx(0.2428, abs=1e-4)
    market = Sample(returns=sample.benchmark, periods_per_year=12.0)
    premium = value("annual_return", sample) - value("annual_return", market)
    assert premium / value("tracking_error", sample) == pytest.approx(0.3604, abs=1e-4)


def test_the_alpha_of_ham1_is_the_monthly_one_printed_times_twelve():
    """SFM.alpha with bills: 0.0057 (0.00577 shortened), the intercept of the regression."""
    assert value("alpha", managers("bills")) / 12 == pytest.approx(0.0057, abs=1e-4)


def test_the_drawdowns_of_ham1_are_those_of_its_returns():
    """Deepest -0.1518 (maxDrawdown); months read off the published returns by hand."""
    sample = managers()
    found = drawdown_table(sample).deepest(2)
    assert found.depth == pytest.approx([-0.1518, -0.1239], abs=1e-4)
    assert sample.days[found.valley].astype(str).tolist() == ["2003-02-28", "1998-08-31"]
    assert (found.length, found.decline, found.rebound) == (
        pytest.approx([18, 11]),
        pytest.approx([13, 4]),
        pytest.approx([5, 7]),
    )
    assert OPEN not in found.recovery


def test_the_calendar_returns_of_ham1_are_those_printed():
    """table.CalendarReturns: 2002 and its months, in per cent to one digit."""
    sample = managers()
    table = month_table(sample.days, sample.returns)
    row = table.years.tolist().index(2002)
    months = [1.4, -1.2, 0.6, 0.5, -0.1, -2.4, -7.6, 0.8, -5.8, 3.0, 6.6, -3.2]
    assert table.months[row, :, 0] * 100 == pytest.approx(months, abs=0.051)
    whole = [13.6, 20.4, 6.1, 16.1, 17.7, 22.4, -8.0, 23.7, 14.9, 7.8, 20.5]
    assert table.whole[:, 0] * 100 == pytest.approx(whole, abs=0.051)


@pytest.mark.parametrize(
    ("name", "periods", "printed"),
    [
        ("total_return", 252.0, 0.0389311),
        ("volatility", 252.0, 0.9136465399704637),
        ("max_drawdown", 252.0, -0.1),
        ("sharpe", 252.0, 1.7238613961706866),
        ("sortino", 252.0, 2.605531251673693),
    ],
)
def test_empyricals_mixed_returns_have_the_figures_of_its_test_suite(
    name: str, periods: float, printed: float
):
    """Nine returns, the first of them a hole: empyrical/tests/test_stats.py, ``mixed_returns``."""
    sample = Sample(returns=column(MIXED), periods_per_year=periods, annualise_short=True)
    assert value(name, sample) == pytest.approx(printed, abs=1e-7)


def test_empyricals_annual_return_counts_a_hole_as_a_period_and_ours_does_not():
    """``annual_return(mixed_returns)``: 1.9135925373194231, over nine periods of which eight are known."""
    sample = Sample(returns=column(MIXED), periods_per_year=252.0, annualise_short=True)
    growth = 1 + value("total_return", sample)
    assert growth ** (252 / 9) - 1 == pytest.approx(1.9135925373194231, rel=1e-10)
    assert value("annual_return", sample) == pytest.approx(growth ** (252 / 8) - 1, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "periods", "printed"),
    [
        ("annual_return", 52.0, 0.24690830513998208),
        ("annual_return", 12.0, 0.052242061386048144),
        ("volatility", 52.0, 0.38851569394870583),
        ("volatility", 12.0, 0.18663690238892558),
        ("calmar", 52.0, 2.4690830513998208),
        ("calmar", 12.0, 0.52242061386048144),
    ],
)
def test_empyricals_weekly_and_monthly_returns_have_the_figures_of_its_test_suite(
    name: str, periods: float, printed: float
):
    sample = Sample(returns=column([0.0, *MIXED[1:]]), periods_per_year=periods, annualise_short=True)
    assert value(name, sample) == pytest.approx(printed, rel=1e-10)


def test_the_sharpe_ratio_over_a_dated_rate_is_that_of_empyricals_test_suite():
    """``sharpe_ratio(mixed_returns, simple_benchmark)``: 0.34111411441060574."""
    rate = column([0.0, 0.01] * 4 + [0.0])
    sample = Sample(returns=column(MIXED), risk_free=rate, periods_per_year=252.0)
    assert value("sharpe", sample) == pytest.approx(0.34111411441060574, rel=1e-10)


def of_two_moments(mean: float, deviation: float, beta: float) -> Sample:
    """Returns of four years with exactly these figures beside a market of 28 % and 30 %, bills at 6 %."""
    market, other = np.array([1.0, 1.0, -1.0, -1.0]), np.array([1.0, -1.0, 1.0, -1.0])
    unit = math.sqrt(3.0) / 2.0  # four values of +-1 have the sample deviation 2 / sqrt(3)
    left = math.sqrt(deviation**2 - (beta * 0.3) ** 2)
    own = mean + (beta * 0.3 * market + left * other) * unit
    theirs = 0.28 + 0.3 * market * unit
    rate = np.full((1, 1), 0.06)
    return Sample(returns=own[:, None], benchmark=theirs[:, None], risk_free=rate, periods_per_year=1.0)


def test_the_portfolio_of_bodie_kane_and_marcus_has_the_figures_of_the_book():
    """*Investments*, chapter on performance evaluation: portfolio P with 35 %, 42 % and beta 1.2.

    Sharpe 0.69, Treynor 0.24, alpha 2.6 %, M squared 1.29 % below the market's 28 %.
    """
    sample = of_two_moments(0.35, 0.42, 1.2)
    assert value("beta", sample) == pytest.approx(1.2, rel=1e-12)
    assert value("sharpe", sample) == pytest.approx(0.69, abs=5e-3)
    assert value("treynor", sample) == pytest.approx(0.242, abs=5e-4)
    assert value("alpha", sample) == pytest.approx(0.026, rel=1e-10)
    assert value("m_squared", sample) - 0.28 == pytest.approx(-0.0129, abs=5e-5)


@pytest.mark.parametrize(("kurtosis", "count", "printed"), [(0.0, 59.0, 0.9597), (2.78, 4.99 * 12, 0.95)])
def test_the_probabilistic_sharpe_ratio_is_that_of_published_examples(
    kurtosis: float, count: float, printed: float
):
    """An annual Sharpe ratio of 2 beside a hurdle of 1, monthly, skew -0.72.

    ProbSharpeRatio of PerformanceAnalytics with 59 months, which ignores kurtosis unless told: 0.9597.
    Bailey & López de Prado 2012: with kurtosis 5.78 it takes 4.99 years to be 95 % sure.
    """
    one = np.ones(1)
    plain, hurdle = 2 / math.sqrt(12) * one, 1 / math.sqrt(12)
    found = probability_above(hurdle, plain, skew=-0.72 * one, kurtosis=kurtosis * one, count=count * one)
    assert found == pytest.approx([printed], abs=1e-4)


def test_the_deflated_sharpe_ratio_is_that_of_the_example_of_its_authors():
    """Bailey & López de Prado 2014: 100 trials, 1,250 days, annual 2.5 with variance 0.5 of the trials.

    Skew -3 and kurtosis 10 give a hurdle of 0.1132 a day and a probability of 0.9004.
    """
    one, hurdle = np.ones(1), expected_best(100) * math.sqrt(0.5 / 250)
    assert hurdle == pytest.approx(0.1132, abs=5e-5)
    plain = 2.5 / math.sqrt(250) * one
    found = probability_above(hurdle, plain, skew=-3.0 * one, kurtosis=7.0 * one, count=1250 * one)
    assert found == pytest.approx([0.9004], abs=5e-5)
