"""Return over risk: every ratio on one series of excess returns or on drawdowns."""

import math
from statistics import NormalDist

import numpy as np

from waardhaven.domain.metrics.measured import Measured
from waardhaven.domain.metrics.metric import Direction, Metric, Need, Reason, Unit
from waardhaven.domain.metrics.rows import SeriesRows, ratio, summed
from waardhaven.domain.types import Floats

RISK_FREE = frozenset({Need.RISK_FREE})
GROWS = frozenset({Need.GROWTH, Need.YEAR})
GROWS_OVER = GROWS | RISK_FREE
NORMAL = NormalDist()
EULER = 0.5772156649015329
STERLING_MARGIN = 0.1
_erfc = np.frompyfunc(math.erfc, 1, 1)


def sharpe(block: Measured) -> Floats:
    """Mean excess over its sample deviation, annualised."""
    return sharpe_per_period(block.excess) * math.sqrt(block.year)


def sharpe_per_period(excess: SeriesRows) -> Floats:
    """Mean over sample deviation of one period (series,)."""
    return ratio(excess.mean, excess.deviation)


def autocorrelation_sharpe(block: Measured) -> Floats:
    """Sharpe ratio annualised with the autocorrelation of the excess returns, whatever its sign."""
    slope, periods = block.excess.autocorrelation, max(1, round(block.year))
    geometric = (1.0 - np.power(slope, periods)) / (periods * (1.0 - slope))
    inflation = 1.0 + 2.0 * slope / (1.0 - slope) * (1.0 - geometric)
    return sharpe_per_period(block.excess) * np.sqrt(periods / inflation)


def adjusted_sharpe(block: Measured) -> Floats:
    """Sharpe ratio of one period with a penalty for skew and kurtosis, annualised."""
    excess = block.excess
    plain = sharpe_per_period(excess)
    return (
        plain * (1.0 + excess.skew / 6.0 * plain - excess.kurtosis / 24.0 * plain**2) * math.sqrt(block.year)
    )


def probabilistic_sharpe(block: Measured) -> Floats:
    """Probability that the true Sharpe ratio is above the hurdle."""
    return _probability(block.excess, block.sample.hurdle)


def deflated_sharpe(block: Measured) -> Floats:
    """Probability that the true Sharpe ratio is above the best of as many trials without any skill."""
    trials, variance = block.sample.trials or 1, block.sample.trial_variance or 0.0
    return _probability(block.excess, expected_best(trials) * math.sqrt(variance))


def expected_best(trials: int) -> float:
    """Return the expected largest of ``trials`` standard normal draws (Bailey & López de Prado 2014)."""
    if trials == 1:
        return 0.0
    upper, outer = NORMAL.inv_cdf(1.0 - 1.0 / trials), NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return (1.0 - EULER) * upper + EULER * outer


def _probability(excess: SeriesRows, hurdle: float) -> Floats:
    plain = sharpe_per_period(excess)
    return probability_above(hurdle, plain, skew=excess.skew, kurtosis=excess.kurtosis, count=excess.count)


def probability_above(
    hurdle: float, plain: Floats, *, skew: Floats, kurtosis: Floats, count: Floats
) -> Floats:
    """Return the probability (series,) that the true Sharpe ratio is above ``hurdle``, both of one period.

    ``plain`` is the ratio measured over ``count`` periods, ``kurtosis`` that in excess of the normal one.
    NaN where the estimated variance of the ratio is not above 0 (Bailey & López de Prado 2012).
    """
    spread = 1.0 - skew * plain + (kurtosis + 2.0) / 4.0 * plain**2
    score = (plain - hurdle) * np.sqrt(ratio(count - 1.0, np.maximum(spread, 0.0)))
    return np.asarray(_erfc(-score / math.sqrt(2.0)), dtype=np.float64) / 2.0


def sortino(block: Measured) -> Floats:
    """Mean above the target over downside deviation, annualised."""
    target = block.sample.target
    shortfall = np.sqrt(block.own.partial_moment(target, 2.0))
    return ratio(block.own.mean - target, shortfall) * math.sqrt(block.year)


def omega(block: Measured) -> Floats:
    """Gains above the threshold over losses below it."""
    threshold = block.sample.threshold
    losses = block.own.partial_moment(threshold, 1.0)
    return ratio(block.own.mean - threshold, losses) + 1.0


def gain_to_pain(block: Measured) -> Floats:
    """Sum of the returns over the sum of the losses."""
    return ratio(block.own.mean, block.own.partial_moment(0.0, 1.0))


def kappa(block: Measured) -> Floats:
    """Mean above the target over the root of a lower partial moment."""
    target, order = block.sample.target, block.sample.kappa_order
    return ratio(block.own.mean - target, block.own.partial_moment(target, order) ** (1.0 / order))


def tail_ratio(block: Measured) -> Floats:
    """Size of the 95 % quantile over that of the 5 % quantile."""
    return ratio(np.abs(block.own.quantile(0.95)), np.abs(block.own.quantile(0.05)))


def calmar(block: Measured) -> Floats:
    """Annual return over the deepest drawdown."""
    return ratio(block.annual_return, -block.max_drawdown)


def sterling(block: Measured) -> Floats:
    """Annual return over the deepest drawdown and a margin of ten per cent."""
    return block.annual_return / (STERLING_MARGIN - block.max_drawdown)


def burke(block: Measured) -> Floats:
    """Annual excess return over the root of the summed squares of the drawdowns."""
    events = block.drawdowns
    total = np.bincount(events.series, weights=events.depth**2, minlength=len(block.own.values))
    return ratio(_annual_excess(block), np.sqrt(total))


def martin(block: Measured) -> Floats:
    """Annual excess return over the ulcer index."""
    depth = block.drawdown.values
    return ratio(_annual_excess(block), np.sqrt(summed(depth * depth) / block.own.count))


def pain_ratio(block: Measured) -> Floats:
    """Annual excess return over the pain index."""
    return ratio(_annual_excess(block), -block.drawdown.mean)


def _annual_excess(block: Measured) -> Floats:
    return block.annual_return - block.annual_risk_free


RATIOS: tuple[Metric, ...] = (
    Metric(
        name="sharpe",
        title="Sharpe ratio",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        needs=RISK_FREE,
        formula="mean(e) / s(e) x sqrt(f), e = r - risk-free of the period, s with divisor n - 1",
        source="Sharpe 1994, Journal of Portfolio Management 21(1)",
        of=sharpe,
        least=2,
        undefined=Reason.CONSTANT,
    ),
    Metric(
        name="sharpe_autocorrelation",
        title="Sharpe ratio, adjusted for autocorrelation",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        needs=RISK_FREE,
        formula=(
            "mean(e) / s(e) x sqrt(q) / sqrt(1 + 2 p / (1 - p) x (1 - (1 - p^q) / (q (1 - p)))), "
            "q = f rounded, p = autocorrelation of e at lag 1 with its sign"
        ),
        source="Lo 2002, Financial Analysts Journal 58(4), first-order autoregression",
        of=autocorrelation_sharpe,
        least=3,
        undefined=Reason.CONSTANT,
    ),
    Metric(
        name="sharpe_adjusted",
        title="Sharpe ratio, adjusted for skew and kurtosis",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        needs=RISK_FREE,
        formula="q (1 + S q / 6 - K q^2 / 24) x sqrt(f), q = mean(e) / s(e), S skew, K excess kurtosis of e",
        source="Pezier & White 2006, ICMA Centre DP2006-10, with every term of one period",
        of=adjusted_sharpe,
        least=2,
        undefined=Reason.CONSTANT,
    ),
    Metric(
        name="sharpe_probabilistic",
        title="Probabilistic Sharpe ratio",
        unit=Unit.PROBABILITY,
        direction=Direction.HIGHER,
        needs=RISK_FREE,
        formula=(
            "normal((q - hurdle) sqrt(n - 1) / sqrt(1 - S q + (K + 2) / 4 q^2)), q = mean(e) / s(e), "
            "K excess kurtosis, hurdle of one period; never annualised"
        ),
        source="Bailey & López de Prado 2012, Journal of Risk 15(2)",
        of=probabilistic_sharpe,
        least=2,
        undefined=Reason.CONSTANT,
    ),
    Metric(
        name="sharpe_deflated",
        title="Deflated Sharpe ratio",
        unit=Unit.PROBABILITY,
        direction=Direction.HIGHER,
        needs=RISK_FREE | {Need.TRIALS},
        formula=(
            "the probabilistic one with hurdle = sqrt(v) ((1 - g) z(1 - 1 / N) + g z(1 - 1 / (N e))), "
            "N trials, v the variance of their Sharpe ratios of one period, g = 0.5772..., z normal quantile"
        ),
        source="Bailey & López de Prado 2014, Journal of Portfolio Management 40(5)",
        of=deflated_sharpe,
        least=2,
        undefined=Reason.CONSTANT,
    ),
    Metric(
        name="sortino",
        title="Sortino ratio",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        formula="(mean(r) - target) / sqrt(sum(min(r - target, 0) ^ 2) / n) x sqrt(f), over all n",
        source="Sortino & Price 1994, Journal of Investing 3(3)",
        of=sortino,
        undefined=Reason.NO_LOSS,
    ),
    Metric(
        name="omega",
        title="Omega ratio",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        formula="sum(max(r - threshold, 0)) / sum(max(threshold - r, 0))",
        source="Keating & Shadwick 2002, Journal of Performance Measurement 6(3)",
        of=omega,
        undefined=Reason.NO_LOSS,
    ),
    Metric(
        name="gain_to_pain",
        title="Gain–pain ratio",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        formula="sum(r) / sum(max(-r, 0))",
        source="Schwager 2012, Hedge Fund Market Wizards, appendix A",
        of=gain_to_pain,
        undefined=Reason.NO_LOSS,
    ),
    Metric(
        name="kappa",
        title="Kappa ratio of one period",
        unit=Unit.RATIO_PER_PERIOD,
        direction=Direction.HIGHER,
        formula="(mean(r) - target) / (sum(max(target - r, 0) ^ order) / n) ^ (1 / order)",
        source="Kaplan & Knowles 2004, Journal of Performance Measurement 8(3); Bacon 2008, p. 96",
        of=kappa,
        undefined=Reason.NO_LOSS,
    ),
    Metric(
        name="tail_ratio",
        title="Tail ratio",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        formula="|quantile(r, 0.95)| / |quantile(r, 0.05)|, type 7",
        source="empyrical, tail_ratio",
        of=tail_ratio,
    ),
    Metric(
        name="calmar",
        title="Calmar ratio",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        needs=GROWS,
        formula="annual return / |maximum drawdown|",
        source="Young 1991, Futures 20(1), over the whole sample",
        of=calmar,
        undefined=Reason.NO_DRAWDOWN,
    ),
    Metric(
        name="sterling",
        title="Sterling ratio",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        needs=GROWS,
        formula="annual return / (|maximum drawdown| + 0.1)",
        source="Kestner 1996, Futures 25(1), over the whole sample",
        of=sterling,
    ),
    Metric(
        name="burke",
        title="Burke ratio",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        needs=GROWS_OVER,
        formula="(annual return - annual risk-free) / sqrt(sum(depth ^ 2)) over all drawdowns",
        source="Burke 1994, Futures 23(3)",
        of=burke,
        undefined=Reason.NO_DRAWDOWN,
    ),
    Metric(
        name="martin",
        title="Martin ratio",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        needs=GROWS_OVER,
        formula="(annual return - annual risk-free) / ulcer index",
        source="Martin & McCann 1989; Bacon 2008, p. 91",
        of=martin,
        undefined=Reason.NO_DRAWDOWN,
    ),
    Metric(
        name="pain_ratio",
        title="Pain ratio",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        needs=GROWS_OVER,
        formula="(annual return - annual risk-free) / pain index",
        source="Becker, Zephyr Associates 2006; Bacon 2008, p. 91",
        of=pain_ratio,
        undefined=Reason.NO_DRAWDOWN,
    ),
)
