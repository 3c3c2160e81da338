"""How the mean worth of a portfolio settled, chunk by chunk."""

from collections.abc import Sequence
from math import sqrt

from waardhaven.domain.quant.monte_carlo.estimates import Estimate, Moments, normal_width
from waardhaven.domain.quant.monte_carlo.parts import in_order
from waardhaven.domain.quant.monte_carlo.portfolio import PortfolioPlan
from waardhaven.domain.quant.monte_carlo.portfolio_run import PortfolioPart
from waardhaven.domain.quant.monte_carlo.pricing import SoFar


def convergence(plan: PortfolioPlan, parts: Sequence[PortfolioPart]) -> tuple[SoFar, ...]:
    """Return the mean worth at the end after 1, 2, 4, … chunks and all, with its error, (rows at most 32).

    Raises UnusableSimulation unless there is each chunk of the plan once.
    """
    ordered = in_order(parts, plan.chunks)
    merged, table = Moments.of(ordered[0].worth), []
    for done, part in enumerate(ordered, start=1):
        if done > 1:
            merged = merged.merged(Moments.of(part.worth))
        if done == plan.chunks or done & (done - 1) == 0:
            table.append(_so_far(merged, plan.problem.interval))
    return tuple(table)


def _so_far(moments: Moments, confidence: float) -> SoFar:
    error = sqrt(float(moments.products[0, 0]) / (moments.count - 1) / moments.count)
    estimate = Estimate.of(float(moments.mean[0]), error, normal_width(confidence))
    return SoFar(paths=moments.count, estimate=estimate)
