"""The jobs that answer questions of models: the same answers as direct calls, without a caller who waits."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.application.ports.table_writer import TableWriter
from waardhaven.application.quant import optimise_portfolio
from waardhaven.application.quant.asked_options import asked_options
from waardhaven.application.quant.market_inputs import ReadMarketInputs
from waardhaven.application.quant.markowitz_rules import check
from waardhaven.application.quant.monte_carlo_portfolio import order_of
from waardhaven.application.quant.option_views import options_view
from waardhaven.application.quant.price_options import told
from waardhaven.application.quant.read_returns import ReadReturns
from waardhaven.application.quant.run_monte_carlo import (
    Part,
    SimulationPlan,
    checked,
    chunks,
    finished,
    paths,
)
from waardhaven.application.quant.run_monte_carlo import (
    run as run_chunk,
)
from waardhaven.application.quant.value_options import valued_in
from waardhaven.application.questions.markowitz import MarkowitzQuestion
from waardhaven.application.questions.monte_carlo import SEEDS, MonteCarloQuestion
from waardhaven.application.questions.options import OptionsQuestion
from waardhaven.application.questions.reading import as_json
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.types import Floats, Ids

ARROW: Final = "application/vnd.apache.arrow.stream"
AT_ONCE: Final = 4
"""Chunks of one simulation that are computed or wait at the same time."""


@dataclass(frozen=True, slots=True)
class RunMonteCarlo:
    """Simulate the future of a portfolio or the price of a derivative, chunk by chunk.

    Without a seed the job itself is the seed, so that another attempt draws the same numbers. The answer
    does not depend on how many processes compute.
    """

    pool: ComputePool
    returns: ReadReturns
    tables: TableWriter

    async def __call__(self, by: Principal, params: MonteCarloQuestion, run: JobRun) -> Outcome:
        """Return the answer; raise what ReadReturns raises, or UnusableSimulation."""
        by.require(Permission.READ_INDICES)
        seed = run.job.int % SEEDS if params.seed is None else params.seed
        question = checked(params).seeded(seed)
        order = order_of(question)
        read = None if order is None else await self.returns(order)
        plan = await self.pool.run(chunks, question, read)
        if question.keep_paths:
            await self._keep_paths(plan, run)
        parts: list[Part] = []
        run.progress("simulating", 0, plan.chunks)
        async for part in self._parts(plan):
            parts.append(part)
            run.progress("simulating", len(parts), plan.chunks)
        view = await self.pool.run(finished, plan, parts)
        return Outcome(result=as_json(view))

    async def _keep_paths(self, plan: SimulationPlan, run: JobRun) -> None:
        """Keep whole paths before the rest is simulated, so that too many are refused at once."""
        kept = min(plan.question.keep_paths, plan.question.simulations)
        found = await self.pool.run(paths, plan.question, plan.read, kept)
        await run.keep("paths.arrow", ARROW, await self.tables.arrow(path_columns(found)))

    async def _parts(self, plan: SimulationPlan) -> AsyncIterator[Part]:
        """Yield what chunks came to, as they end; few are under way at a time."""
        waiting = iter(range(plan.chunks))
        running: set[asyncio.Task[Part]] = set()
        try:
            while True:
                for chunk in waiting:
                    running.add(asyncio.create_task(self.pool.run(run_chunk, plan, chunk)))
                    if len(running) == AT_ONCE:
                        break
                if not running:
                    return
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    yield one.result()
        finally:
            for one in running:
                one.cancel()
            await asyncio.gather(*running, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class RunMarkowitz:
    """Find optimal weights and the efficient frontier, with residuals, dual values and the moments used."""

    pool: ComputePool
    returns: ReadReturns

    async def __call__(self, by: Principal, params: MarkowitzQuestion, run: JobRun) -> Outcome:
        """Return the answer; raise what OptimisePortfolio raises."""
        by.require(Permission.READ_INDICES)
        check(params)
        run.progress("optimising", 0, 1)
        stored = None if params.symbols is None else await self.returns(optimise_portfolio.order_of(params))
        view = await self.pool.run(optimise_portfolio.answered, params, stored)
        run.progress("optimising", 1, 1)
        return Outcome(result=as_json(view))


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Value options: prices, Greeks, implied volatilities; each a value or null with a reason."""

    pool: ComputePool
    inputs: ReadMarketInputs

    async def __call__(self, by: Principal, params: OptionsQuestion, run: JobRun) -> Outcome:
        """Return the answer; raise UnusableOptions, or what ReadMarketInputs raises."""
        by.require(Permission.READ_INDICES)
        question = asked_options(params)
        inputs = await self.inputs(question)
        found = await valued_in(self.pool, question, inputs, partial(run.progress, "valuing"))
        return Outcome(result=as_json(options_view(told(question, inputs, found))))


def path_columns(found: Floats) -> dict[str, Floats | Ids]:
    """Return whole paths (series, steps + 1, paths) as columns: ``path``, ``step``, one of each series."""
    series, steps, count = found.shape
    names = ["value"] if series == 1 else [f"value_{one}" for one in range(1, series + 1)]
    return {
        "path": np.repeat(np.arange(count, dtype=np.int64), steps),
        "step": np.tile(np.arange(steps, dtype=np.int64), count),
        **{name: one.T.ravel() for name, one in zip(names, found, strict=True)},
    }
