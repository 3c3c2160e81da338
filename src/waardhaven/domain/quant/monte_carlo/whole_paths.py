"""Whole paths of a run, for those who want to see them; never more than asked for is kept."""

from dataclasses import replace
from typing import Final

import numpy as np

from waardhaven.domain.quant.monte_carlo.portfolio import PortfolioPlan
from waardhaven.domain.quant.monte_carlo.portfolio_run import run_chunk
from waardhaven.domain.quant.monte_carlo.pricing import PricingPlan, growth_of
from waardhaven.domain.quant.monte_carlo.refusals import insist
from waardhaven.domain.types import Floats

CELLS: Final = 20_000_000
"""Most numbers of whole paths, series × (steps + 1) × paths: 160 MB."""


def insist_on_size(plan: PortfolioPlan | PricingPlan, paths: int) -> None:
    """Raise UnusableSimulation for more whole paths than the run has, or than ``CELLS`` numbers hold."""
    most = min(plan.paths, CELLS // plan.numbers_of_path)
    rule = (
        f"must be from 1 to {most}: at most the {plan.paths} of the run, and {CELLS} numbers of whole paths"
    )
    insist({"paths": (1 <= paths <= most, rule)})


def worth_paths(plan: PortfolioPlan, paths: int) -> Floats:
    """Return the worth (steps + 1, paths) of the first ``paths`` of a run, today in the first row.

    They are the very paths that the answer of the run is made of. Raises UnusableSimulation beyond
    ``CELLS`` numbers, and as ``run_chunk`` does.
    """
    problem = plan.problem
    insist_on_size(plan, paths)
    every_step = replace(plan, problem=replace(problem, dates=problem.steps + 1))
    found = np.empty((problem.steps + 1, paths))
    chunk, done = 0, 0
    while done < paths:
        fan = run_chunk(every_step, chunk).fan[:, : paths - done]
        found[:, done : done + fan.shape[1]] = fan
        chunk, done = chunk + 1, done + fan.shape[1]
    return found


def price_paths(plan: PricingPlan, paths: int) -> Floats:
    """Return prices (assets, steps + 1, paths) of the first ``paths`` of a run, today's in the first row.

    Sobol paths come replicate after replicate within each block, as they are drawn. Raises
    UnusableSimulation beyond ``CELLS`` numbers.
    """
    setting, draws = plan.setting, plan.draws
    insist_on_size(plan, paths)
    found = np.empty((draws.assets, draws.steps + 1, paths))
    found[:, 0] = 0.0
    blocks = (one for chunk in range(plan.chunks) for one in plan.sampling.blocks(draws, chunk))
    done = 0
    while done < paths:
        block = next(blocks)
        end = min(done + block.width, paths)
        for step, growth in enumerate(growth_of(setting, block), start=1):
            found[:, step, done:end] = growth[:, : end - done]
        done = end
    np.exp(found, out=found)
    found *= setting.market.spot[:, None, None]
    return found
