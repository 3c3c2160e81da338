"""A series beside its benchmark, on the days on which both are known, both less the same risk-free rate."""

import math

import numpy as np

from waardhaven.domain.metrics.measured import Measured, Pair, compounded
from waardhaven.domain.metrics.metric import Direction, Metric, Need, Reason, Unit
from waardhaven.domain.metrics.ratios import sharpe_per_period
from waardhaven.domain.metrics.rows import ratio
from waardhaven.domain.types import Floats

BENCHMARK = frozenset({Need.BENCHMARK})
OVER_FREE = BENCHMARK | {Need.RISK_FREE}
GROWS = BENCHMARK | {Need.GROWTH}


def beta(block: Measured) -> Floats:
    """Slope of the regression on the benchmark."""
    return block.pair.beta


def beta_rising(block: Measured) -> Floats:
    """Slope on the days on which the benchmark rises."""
    return block.pair.rising.beta


def beta_falling(block: Measured) -> Floats:
    """Slope on the days on which the benchmark falls."""
    return block.pair.falling.beta


def alpha(block: Measured) -> Floats:
    """Intercept of the regression times periods per year."""
    return block.pair.intercept * block.year


def jensen_alpha(block: Measured) -> Floats:
    """Annual return above the one that beta explains."""
    pair = block.pair
    free = block.annual_rate(pair.own)
    premium = block.annualised(pair.benchmark) - free
    return block.annualised(pair.own) - free - pair.beta * premium


def treynor(block: Measured) -> Floats:
    """Annual mean excess over beta."""
    return ratio(block.pair.excess.mean * block.year, block.pair.beta)


def m_squared(block: Measured) -> Floats:
    """Annual mean return that the series would have at the volatility of the benchmark."""
    pair = block.pair
    risk = sharpe_per_period(pair.excess) * pair.benchmark_excess.deviation
    return (risk + pair.own.mean - pair.excess.mean) * block.year


def active_return(block: Measured) -> Floats:
    """Annual mean of the difference."""
    return block.pair.active.mean * block.year


def tracking_error(block: Measured) -> Floats:
    """Sample deviation of the difference, annualised."""
    return block.pair.active.deviation * math.sqrt(block.year)


def information_ratio(block: Measured) -> Floats:
    """Mean difference over its deviation, annualised."""
    return sharpe_per_period(block.pair.active) * math.sqrt(block.year)


def appraisal_ratio(block: Measured) -> Floats:
    """Alpha over what the regression leaves, both annual."""
    pair = block.pair
    return ratio(pair.intercept, pair.residual.deviation) * math.sqrt(block.year)


def up_capture(block: Measured) -> Floats:
    """Compounded return over the benchmark's on the days on which it rises."""
    return _capture(block.pair.rising, block.year)


def down_capture(block: Measured) -> Floats:
    """Compounded return over the benchmark's on the days on which it falls."""
    return _capture(block.pair.falling, block.year)


def _capture(days: Pair, year: float) -> Floats:
    return ratio(compounded(days.own, year), compounded(days.benchmark, year))


def up_percentage(block: Measured) -> Floats:
    """Share of the rising days of the benchmark on which the series does better."""
    return _better(block.pair.rising)


def down_percentage(block: Measured) -> Floats:
    """Share of the falling days of the benchmark on which the series does better."""
    return _better(block.pair.falling)


def _better(days: Pair) -> Floats:
    return ratio(np.count_nonzero(days.own.values > days.benchmark.values, axis=1), days.own.count)


def up_number(block: Measured) -> Floats:
    """Share of the rising days of the benchmark on which the series rises."""
    days = block.pair.rising
    return ratio(np.count_nonzero(days.own.values > 0.0, axis=1), days.own.count)


def down_number(block: Measured) -> Floats:
    """Share of the falling days of the benchmark on which the series falls."""
    days = block.pair.falling
    return ratio(np.count_nonzero(days.own.values < 0.0, axis=1), days.own.count)


def correlation(block: Measured) -> Floats:
    """Correlation of both excess returns."""
    pair = block.pair
    spread = np.sqrt(pair.excess.sum_of_squares * pair.benchmark_excess.sum_of_squares)
    return np.clip(ratio(pair.joint, spread), -1.0, 1.0)


def r_squared(block: Measured) -> Floats:
    """Share of the variance that the regression explains."""
    return correlation(block) ** 2


RELATIVES: tuple[Metric, ...] = (
    Metric(
        name="beta",
        title="Beta",
        unit=Unit.RATIO,
        direction=Direction.NEITHER,
        needs=OVER_FREE,
        formula="sum((e - mean(e)) (eb - mean(eb))) / sum((eb - mean(eb)) ^ 2), e and eb excess returns",
        source="Sharpe 1964, Journal of Finance 19(3); Bacon 2008, ch. 4",
        of=beta,
        least=2,
        undefined=Reason.CONSTANT_BENCHMARK,
    ),
    Metric(
        name="beta_up",
        title="Beta in rising markets",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        needs=OVER_FREE,
        formula="beta over the periods with benchmark > 0",
        source="Bacon 2008, ch. 4 (bull beta)",
        of=beta_rising,
        least=2,
        undefined=Reason.NO_RISE,
    ),
    Metric(
        name="beta_down",
        title="Beta in falling markets",
        unit=Unit.RATIO,
        direction=Direction.LOWER,
        needs=OVER_FREE,
        formula="beta over the periods with benchmark < 0",
        source="Bacon 2008, ch. 4 (bear beta)",
        of=beta_falling,
        least=2,
        undefined=Reason.NO_FALL,
    ),
    Metric(
        name="alpha",
        title="Alpha",
        unit=Unit.FRACTION_PER_YEAR,
        direction=Direction.HIGHER,
        needs=OVER_FREE,
        formula="(mean(e) - beta x mean(eb)) x f",
        source="Jensen 1968, Journal of Finance 23(2), intercept of the regression",
        of=alpha,
        least=2,
        undefined=Reason.CONSTANT_BENCHMARK,
    ),
    Metric(
        name="jensen_alpha",
        title="Jensen's alpha on compounded returns",
        unit=Unit.FRACTION_PER_YEAR,
        direction=Direction.HIGHER,
        needs=OVER_FREE | {Need.GROWTH, Need.YEAR},
        formula="R - F - beta x (B - F), all three the annual compounded returns",
        source="Bacon 2008, p. 72",
        of=jensen_alpha,
        least=2,
        undefined=Reason.CONSTANT_BENCHMARK,
    ),
    Metric(
        name="treynor",
        title="Treynor ratio",
        unit=Unit.FRACTION_PER_YEAR,
        direction=Direction.HIGHER,
        needs=OVER_FREE,
        formula="mean(e) x f / beta",
        source="Treynor 1965, Harvard Business Review 43(1)",
        of=treynor,
        least=2,
        undefined=Reason.NO_SLOPE,
    ),
    Metric(
        name="m_squared",
        title="M squared",
        unit=Unit.FRACTION_PER_YEAR,
        direction=Direction.HIGHER,
        needs=OVER_FREE,
        formula="(mean(e) / s(e) x s(eb) + mean(risk-free)) x f",
        source="Modigliani & Modigliani 1997, Journal of Portfolio Management 23(2)",
        of=m_squared,
        least=2,
        undefined=Reason.CONSTANT,
    ),
    Metric(
        name="active_return",
        title="Active return",
        unit=Unit.FRACTION_PER_YEAR,
        direction=Direction.HIGHER,
        needs=BENCHMARK,
        formula="mean(r - b) x f",
        source="Grinold & Kahn 2000, Active Portfolio Management, 2nd ed., ch. 5",
        of=active_return,
    ),
    Metric(
        name="tracking_error",
        title="Tracking error",
        unit=Unit.FRACTION_PER_YEAR,
        direction=Direction.LOWER,
        needs=BENCHMARK,
        formula="s(r - b) x sqrt(f), divisor n - 1",
        source="Grinold & Kahn 2000, Active Portfolio Management, 2nd ed., ch. 3",
        of=tracking_error,
        least=2,
    ),
    Metric(
        name="information_ratio",
        title="Information ratio",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        needs=BENCHMARK,
        formula="mean(r - b) x f / (s(r - b) x sqrt(f))",
        source="Grinold & Kahn 2000, ch. 5; Bacon 2008, p. 81",
        of=information_ratio,
        least=2,
        undefined=Reason.CONSTANT,
    ),
    Metric(
        name="appraisal_ratio",
        title="Appraisal ratio",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        needs=OVER_FREE,
        formula="alpha / (s(residual of the regression) x sqrt(f)), divisor n - 1",
        source="Treynor & Black 1973, Journal of Business 46(1)",
        of=appraisal_ratio,
        least=3,
        undefined=Reason.CONSTANT,
    ),
    Metric(
        name="up_capture",
        title="Up capture",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        needs=GROWS,
        formula="(prod(1 + r) ^ (f / m) - 1) / (prod(1 + b) ^ (f / m) - 1) over the m periods with b > 0",
        source="Bacon 2008, ch. 3; empyrical, up_capture",
        of=up_capture,
        undefined=Reason.NO_RISE,
    ),
    Metric(
        name="down_capture",
        title="Down capture",
        unit=Unit.RATIO,
        direction=Direction.LOWER,
        needs=GROWS,
        formula="(prod(1 + r) ^ (f / m) - 1) / (prod(1 + b) ^ (f / m) - 1) over the m periods with b < 0",
        source="Bacon 2008, ch. 3; empyrical, down_capture",
        of=down_capture,
        undefined=Reason.NO_FALL,
    ),
    Metric(
        name="up_number",
        title="Up number ratio",
        unit=Unit.FRACTION,
        direction=Direction.HIGHER,
        needs=BENCHMARK,
        formula="count(r > 0) / m over the m periods with b > 0",
        source="Bacon 2008, ch. 3",
        of=up_number,
        undefined=Reason.NO_RISE,
    ),
    Metric(
        name="down_number",
        title="Down number ratio",
        unit=Unit.FRACTION,
        direction=Direction.LOWER,
        needs=BENCHMARK,
        formula="count(r < 0) / m over the m periods with b < 0",
        source="Bacon 2008, ch. 3",
        of=down_number,
        undefined=Reason.NO_FALL,
    ),
    Metric(
        name="up_percentage",
        title="Up percentage ratio",
        unit=Unit.FRACTION,
        direction=Direction.HIGHER,
        needs=BENCHMARK,
        formula="count(r > b) / m over the m periods with b > 0",
        source="Bacon 2008, ch. 3",
        of=up_percentage,
        undefined=Reason.NO_RISE,
    ),
    Metric(
        name="down_percentage",
        title="Down percentage ratio",
        unit=Unit.FRACTION,
        direction=Direction.HIGHER,
        needs=BENCHMARK,
        formula="count(r > b) / m over the m periods with b < 0",
        source="Bacon 2008, ch. 3",
        of=down_percentage,
        undefined=Reason.NO_FALL,
    ),
    Metric(
        name="correlation",
        title="Correlation with the benchmark",
        unit=Unit.RATIO,
        direction=Direction.NEITHER,
        needs=OVER_FREE,
        formula="sum((e - mean(e)) (eb - mean(eb))) / sqrt(sum((e - mean(e)) ^ 2) sum((eb - mean(eb)) ^ 2))",
        source="Pearson's product moment",
        of=correlation,
        least=2,
        undefined=Reason.CONSTANT,
    ),
    Metric(
        name="r_squared",
        title="R squared",
        unit=Unit.FRACTION,
        direction=Direction.NEITHER,
        needs=OVER_FREE,
        formula="correlation ^ 2",
        source="Bacon 2008, ch. 4",
        of=r_squared,
        least=2,
        undefined=Reason.CONSTANT,
    ),
)
