"""Return: how much, how fast, and how often above 0."""

import numpy as np

from waardhaven.domain.metrics.measured import Measured
from waardhaven.domain.metrics.metric import Direction, Metric, Need, Reason, Unit
from waardhaven.domain.metrics.rows import ratio
from waardhaven.domain.types import Floats

GIPS = "CFA Institute, Global Investment Performance Standards 2020: no annual figure under a year"
BACON = "Bacon 2008, Practical Portfolio Performance Measurement and Attribution, 2nd ed., ch. 2"


def total_return(block: Measured) -> Floats:
    """Growth of 1 over the known days, less 1."""
    return block.own.growth - 1.0


def annual_return(block: Measured) -> Floats:
    """Growth to the power of periods per year over observations, less 1."""
    return block.annual_return


def cagr(block: Measured) -> Floats:
    """Growth to the power 365 / calendar days, less 1."""
    years = block.calendar_years
    grown = np.power(block.own.growth, ratio(np.ones_like(years), years)) - 1.0
    enough = (years >= 1.0) | (block.sample.annualise_short & (years > 0.0))
    return np.where(enough, grown, np.nan)


def mean_return(block: Measured) -> Floats:
    """Arithmetic mean of one period."""
    return block.own.mean


def best(block: Measured) -> Floats:
    """Largest return of one period."""
    return block.own.highest


def worst(block: Measured) -> Floats:
    """Smallest return of one period."""
    return block.own.lowest


def positive_share(block: Measured) -> Floats:
    """Share of the known returns that are above 0."""
    return ratio(np.count_nonzero(block.own.values > 0.0, axis=1), block.own.count)


RETURNS: tuple[Metric, ...] = (
    Metric(
        name="total_return",
        title="Total return",
        unit=Unit.FRACTION,
        direction=Direction.HIGHER,
        needs=frozenset({Need.GROWTH}),
        formula="prod(1 + r) - 1",
        source=BACON,
        of=total_return,
        undefined=Reason.RUINED,
    ),
    Metric(
        name="annual_return",
        title="Annual return, by number of periods",
        unit=Unit.FRACTION_PER_YEAR,
        direction=Direction.HIGHER,
        needs=frozenset({Need.GROWTH, Need.YEAR}),
        formula="prod(1 + r) ^ (f / n) - 1; unknown under a year unless asked for",
        source=GIPS,
        of=annual_return,
    ),
    Metric(
        name="cagr",
        title="Compound annual growth rate, by calendar days",
        unit=Unit.FRACTION_PER_YEAR,
        direction=Direction.HIGHER,
        needs=frozenset({Need.GROWTH, Need.YEAR, Need.DATES}),
        formula="prod(1 + r) ^ (365 / calendar days) - 1, counted from the day before the first known return",
        source=GIPS,
        of=cagr,
    ),
    Metric(
        name="mean_return",
        title="Mean return of a period",
        unit=Unit.FRACTION_PER_PERIOD,
        direction=Direction.HIGHER,
        formula="mean(r)",
        source=BACON,
        of=mean_return,
    ),
    Metric(
        name="best_return",
        title="Best return of a period",
        unit=Unit.FRACTION_PER_PERIOD,
        direction=Direction.HIGHER,
        formula="max(r)",
        source="extreme of the sample",
        of=best,
    ),
    Metric(
        name="worst_return",
        title="Worst return of a period",
        unit=Unit.FRACTION_PER_PERIOD,
        direction=Direction.HIGHER,
        formula="min(r)",
        source="extreme of the sample",
        of=worst,
    ),
    Metric(
        name="positive_share",
        title="Share of periods above 0",
        unit=Unit.FRACTION,
        direction=Direction.HIGHER,
        formula="count(r > 0) / n",
        source="relative frequency",
        of=positive_share,
    ),
)
