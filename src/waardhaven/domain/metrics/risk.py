"""Risk of the distribution: spread, shape, and its lower tail."""

import math
from statistics import NormalDist

import numpy as np

from waardhaven.domain.metrics.measured import Measured
from waardhaven.domain.metrics.metric import Direction, Metric, Reason, Unit
from waardhaven.domain.metrics.rows import summed
from waardhaven.domain.types import Floats

NORMAL = NormalDist()
JORION = "Jorion 2006, Value at Risk, 3rd ed., ch. 5"


def volatility(block: Measured) -> Floats:
    """Sample standard deviation times the root of periods per year."""
    return block.own.deviation * math.sqrt(block.year)


def downside_deviation(block: Measured) -> Floats:
    """Root mean square shortfall over all observations, annualised."""
    return downside_deviation_per_period(block) * math.sqrt(block.year)


def downside_deviation_per_period(block: Measured) -> Floats:
    """Root mean square shortfall below the target over all observations."""
    return np.sqrt(block.own.partial_moment(block.sample.target, 2.0))


def semi_deviation(block: Measured) -> Floats:
    """Root mean square shortfall below the mean over all observations, annualised."""
    below = np.minimum(block.own.deviations, 0.0)
    return np.sqrt(summed(below * below) / block.own.count * block.year)


def skew(block: Measured) -> Floats:
    """Skew of the population."""
    return block.own.skew


def kurtosis(block: Measured) -> Floats:
    """Excess population kurtosis."""
    return block.own.kurtosis


def historical_var(block: Measured) -> Floats:
    """Loss at the quantile of the returns."""
    return -block.tail[0]


def historical_es(block: Measured) -> Floats:
    """Mean loss of the returns at or below the quantile."""
    return -block.tail[1]


def gaussian_var(block: Measured) -> Floats:
    """Loss at the quantile of a normal distribution with the mean and deviation of the returns."""
    return -(block.own.mean + _quantile(block) * block.own.deviation)


def gaussian_es(block: Measured) -> Floats:
    """Mean loss below that quantile of the normal distribution."""
    share = 1.0 - block.sample.confidence
    return block.own.deviation * (NORMAL.pdf(_quantile(block)) / share) - block.own.mean


def cornish_fisher_var(block: Measured) -> Floats:
    """Loss at the normal quantile corrected for skew and kurtosis."""
    return -(block.own.mean + _corrected(block) * block.own.deviation)


def cornish_fisher_es(block: Measured) -> Floats:
    """Mean loss below the corrected quantile under the Edgeworth density; at least the loss there."""
    at, skewed, peaked = _corrected(block), block.own.skew, block.own.kurtosis
    density: Floats = np.exp(-0.5 * at * at) / np.sqrt(2.0 * np.pi)
    shape = (
        1.0
        + skewed * at**3 / 6.0
        + peaked * (at**4 - 2.0 * at**2 - 1.0) / 24.0
        + skewed**2 * (at**6 - 9.0 * at**4 + 9.0 * at**2 + 3.0) / 72.0
    )
    mean_below = -density * shape / (1.0 - block.sample.confidence)
    return -(block.own.mean + np.minimum(mean_below, at) * block.own.deviation)


def _quantile(block: Measured) -> float:
    return NORMAL.inv_cdf(1.0 - block.sample.confidence)


def _corrected(block: Measured) -> Floats:
    z, skewed, peaked = _quantile(block), block.own.skew, block.own.kurtosis
    return (
        z
        + skewed * (z * z - 1.0) / 6.0
        + peaked * (z**3 - 3.0 * z) / 24.0
        - skewed**2 * (2.0 * z**3 - 5.0 * z) / 36.0
    )


RISKS: tuple[Metric, ...] = (
    Metric(
        name="volatility",
        title="Volatility",
        unit=Unit.FRACTION_PER_YEAR,
        direction=Direction.LOWER,
        formula="sqrt(sum((r - mean(r)) ^ 2) / (n - 1)) x sqrt(f)",
        source="Bacon 2008, ch. 4, with the divisor n - 1 of a sample",
        of=volatility,
        least=2,
    ),
    Metric(
        name="downside_deviation",
        title="Downside deviation, annual",
        unit=Unit.FRACTION_PER_YEAR,
        direction=Direction.LOWER,
        formula="sqrt(sum(min(r - target, 0) ^ 2) / n) x sqrt(f), over all n observations",
        source="Sortino & van der Meer 1991, Journal of Portfolio Management 17(4)",
        of=downside_deviation,
    ),
    Metric(
        name="downside_deviation_per_period",
        title="Downside deviation of a period",
        unit=Unit.FRACTION_PER_PERIOD,
        direction=Direction.LOWER,
        formula="sqrt(sum(min(r - target, 0) ^ 2) / n), over all n observations",
        source="Sortino & van der Meer 1991, Journal of Portfolio Management 17(4)",
        of=downside_deviation_per_period,
    ),
    Metric(
        name="semi_deviation",
        title="Semi-deviation, annual",
        unit=Unit.FRACTION_PER_YEAR,
        direction=Direction.LOWER,
        formula="sqrt(sum(min(r - mean(r), 0) ^ 2) / n) x sqrt(f), over all n observations",
        source="Markowitz 1959, Portfolio Selection, ch. 9",
        of=semi_deviation,
    ),
    Metric(
        name="skew",
        title="Skew",
        unit=Unit.RATIO,
        direction=Direction.HIGHER,
        formula="mean((r - mean(r)) ^ 3) / m2 ^ 1.5, m2 = mean((r - mean(r)) ^ 2)",
        source="Bacon 2008, p. 83-84; population moments",
        of=skew,
        least=2,
        undefined=Reason.CONSTANT,
    ),
    Metric(
        name="kurtosis",
        title="Excess kurtosis",
        unit=Unit.RATIO,
        direction=Direction.LOWER,
        formula="mean((r - mean(r)) ^ 4) / m2 ^ 2 - 3",
        source="Bacon 2008, p. 84-85; population moments",
        of=kurtosis,
        least=2,
        undefined=Reason.CONSTANT,
    ),
    Metric(
        name="var_historical",
        title="Value at risk, historical",
        unit=Unit.FRACTION_PER_PERIOD,
        direction=Direction.LOWER,
        formula="-quantile(r, 1 - confidence), linear between order statistics (type 7)",
        source=f"{JORION}; Hyndman & Fan 1996, American Statistician 50(4)",
        of=historical_var,
    ),
    Metric(
        name="es_historical",
        title="Expected shortfall, historical",
        unit=Unit.FRACTION_PER_PERIOD,
        direction=Direction.LOWER,
        formula="-mean(r where r <= quantile(r, 1 - confidence))",
        source="Acerbi & Tasche 2002, Journal of Banking & Finance 26(7)",
        of=historical_es,
    ),
    Metric(
        name="var_gaussian",
        title="Value at risk, Gaussian",
        unit=Unit.FRACTION_PER_PERIOD,
        direction=Direction.LOWER,
        formula="-(mean(r) + z x s), z = normal quantile of 1 - confidence, s with divisor n - 1",
        source=JORION,
        of=gaussian_var,
        least=2,
    ),
    Metric(
        name="es_gaussian",
        title="Expected shortfall, Gaussian",
        unit=Unit.FRACTION_PER_PERIOD,
        direction=Direction.LOWER,
        formula="s x density(z) / (1 - confidence) - mean(r)",
        source="McNeil, Frey & Embrechts 2015, Quantitative Risk Management, 2nd ed., ch. 2",
        of=gaussian_es,
        least=2,
    ),
    Metric(
        name="var_cornish_fisher",
        title="Value at risk, Cornish–Fisher",
        unit=Unit.FRACTION_PER_PERIOD,
        direction=Direction.LOWER,
        formula=(
            "-(mean(r) + h x s), h = z + S (z^2 - 1) / 6 + K (z^3 - 3 z) / 24 - S^2 (2 z^3 - 5 z) / 36; "
            "S skew, K excess kurtosis"
        ),
        source="Favre & Galeano 2002, Journal of Alternative Investments 5(2)",
        of=cornish_fisher_var,
        least=2,
        undefined=Reason.CONSTANT,
    ),
    Metric(
        name="es_cornish_fisher",
        title="Expected shortfall, Cornish–Fisher",
        unit=Unit.FRACTION_PER_PERIOD,
        direction=Direction.LOWER,
        formula=(
            "-(mean(r) + min(h, -density(h) / (1 - confidence) x (1 + S h^3 / 6 + K (h^4 - 2 h^2 - 1) / 24 "
            "+ S^2 (h^6 - 9 h^4 + 9 h^2 + 3) / 72)) x s)"
        ),
        source="Boudt, Peterson & Croux 2008, Journal of Risk 11(2), in closed form",
        of=cornish_fisher_es,
        least=2,
        undefined=Reason.CONSTANT,
    ),
)
