"""Drawdown: how far below its highest value so far a series stands, and for how long.

A drawdown is 0 or negative. The capital at the base is the first peak, so a loss on the first day counts.
A hole changes nothing: the series stands where it stood, and the day is left out of means over days.
"""

import numpy as np

from waardhaven.domain.metrics.drawdowns import Drawdowns, joined
from waardhaven.domain.metrics.measured import Measured, blocks, silent
from waardhaven.domain.metrics.metric import Direction, Metric, Need, Reason, Unit
from waardhaven.domain.metrics.rows import ratio, summed
from waardhaven.domain.metrics.sample import Sample
from waardhaven.domain.types import Floats

GROWTH = frozenset({Need.GROWTH})


def drawdown_table(sample: Sample) -> Drawdowns:
    """Return every drawdown of every series; none of a series that is ruined (a return below -100 %)."""
    with silent():
        parts = [(columns.start, block.drawdowns) for columns, block in blocks(sample)]
    return joined(parts)


def max_drawdown(block: Measured) -> Floats:
    """Deepest drawdown, negative or 0."""
    return block.max_drawdown


def current_drawdown(block: Measured) -> Floats:
    """Drawdown on the last day."""
    last: Floats = block.underwater[:, -1]
    return last


def average_drawdown(block: Measured) -> Floats:
    """Mean depth of the drawdowns, each counted once."""
    events, count = block.drawdowns, len(block.own.values)
    total = np.bincount(events.series, weights=events.depth, minlength=count).astype(np.float64)
    many = np.bincount(events.series, minlength=count).astype(np.float64)
    return np.where(block.own.ruined, np.nan, ratio(total, many))


def longest_drawdown(block: Measured) -> Floats:
    """Rows from peak to recovery of the longest drawdown, open ones up to the last row."""
    longest = np.zeros(len(block.own.values))
    np.maximum.at(longest, block.drawdowns.series, block.drawdowns.length)
    return np.where(block.own.ruined, np.nan, longest)


def ulcer_index(block: Measured) -> Floats:
    """Root mean square drawdown over all days."""
    depth = block.drawdown.values
    return np.sqrt(summed(depth * depth) / block.own.count)


def pain_index(block: Measured) -> Floats:
    """Mean magnitude of the drawdown over all days."""
    return -block.drawdown.mean


def conditional_drawdown(block: Measured) -> Floats:
    """Mean magnitude of the deepest drawdowns over days."""
    return -block.drawdown.lower_tail(1.0 - block.sample.confidence)[1]


DRAWDOWNS: tuple[Metric, ...] = (
    Metric(
        name="max_drawdown",
        title="Maximum drawdown",
        unit=Unit.FRACTION,
        direction=Direction.HIGHER,
        needs=GROWTH,
        formula="min(D), D = W / max(1, W up to then) - 1, W = prod(1 + r) up to the day; negative",
        source="Bacon 2008, ch. 4",
        of=max_drawdown,
    ),
    Metric(
        name="current_drawdown",
        title="Drawdown on the last day",
        unit=Unit.FRACTION,
        direction=Direction.HIGHER,
        needs=GROWTH,
        formula="D on the last day; negative or 0",
        source="Bacon 2008, ch. 4",
        of=current_drawdown,
    ),
    Metric(
        name="average_drawdown",
        title="Average drawdown",
        unit=Unit.FRACTION,
        direction=Direction.HIGHER,
        needs=GROWTH,
        formula="mean of the depths of all drawdowns from peak to recovery, an open one included; negative",
        source="Bacon 2008, ch. 4",
        of=average_drawdown,
        undefined=Reason.NO_DRAWDOWN,
    ),
    Metric(
        name="longest_drawdown",
        title="Longest drawdown",
        unit=Unit.PERIODS,
        direction=Direction.LOWER,
        needs=GROWTH,
        formula="most rows from a peak to its recovery, to the last row while there is none",
        source="Bacon 2008, ch. 4",
        of=longest_drawdown,
    ),
    Metric(
        name="ulcer_index",
        title="Ulcer index",
        unit=Unit.FRACTION,
        direction=Direction.LOWER,
        needs=GROWTH,
        formula="sqrt(sum(D ^ 2) / n)",
        source="Martin & McCann 1989, The Investor's Guide to Fidelity Funds",
        of=ulcer_index,
    ),
    Metric(
        name="pain_index",
        title="Pain index",
        unit=Unit.FRACTION,
        direction=Direction.LOWER,
        needs=GROWTH,
        formula="sum(|D|) / n",
        source="Becker, Zephyr Associates 2006; Bacon 2008, p. 89",
        of=pain_index,
    ),
    Metric(
        name="conditional_drawdown",
        title="Conditional drawdown at risk",
        unit=Unit.FRACTION,
        direction=Direction.LOWER,
        needs=GROWTH,
        formula="-mean(D where D <= quantile(D, 1 - confidence)), over days; positive",
        source="Chekhlov, Uryasev & Zabarankin 2005, Int. Journal of Theoretical and Applied Finance 8(1)",
        of=conditional_drawdown,
    ),
)
