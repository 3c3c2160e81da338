"""A portfolio whose future is simulated: what is held, how it is rebalanced, what is paid in and out."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from waardhaven.domain.quant.monte_carlo.flows import Flow, Schedule
from waardhaven.domain.quant.monte_carlo.models import Drawer, Model
from waardhaven.domain.quant.monte_carlo.refusals import AMOUNT, Rules, cost_rules, insist, within

PATHS_OF_CHUNK: Final = 4096
BLOCK: Final = 1 << 14
"""Numbers (assets × paths) of a step that are drawn together, at least ``NARROWEST`` paths."""
NARROWEST: Final = 256
KEPT: Final = 1 << 25
"""Most numbers that a run keeps, paths × (dates of the fan + ``COLUMNS``): 256 MB."""
COLUMNS: Final = 4
MOST_DATES: Final = 64
MOST_FLOWS: Final = 32
SUM: Final = 1e-9
LEAST: Final = 1e-6
"""Smallest capital."""
QUANTILES: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioProblem:
    """Weights, a model of returns, capital, payments, and what to ask of the paths.

    ``weights`` (n,) sum to 1; below 0 is short. ``rebalance_every`` periods the weights are restored at
    the close; None: never, they drift. ``goal``: worth at the end that is hoped for. ``confidence`` is the
    level of VaR and ES; ``interval`` that of the intervals. ``dates`` of the fan are equally far apart,
    today and the end included. Value at or below 0 is ruin: what is left is 0 and stays 0, later payments
    are not made.
    """

    weights: tuple[float, ...]
    model: Model
    capital: float
    steps: int
    periods_per_year: float
    paths: int
    seed: int
    rebalance_every: int | None = 1
    flows: tuple[Flow, ...] = ()
    goal: float | None = None
    confidence: float = 0.95
    interval: float = 0.95
    quantiles: tuple[float, ...] = QUANTILES
    dates: int = 13
    bins: int = 40

    @property
    def fan_steps(self) -> tuple[int, ...]:
        """Periods after which the fan is drawn, from 0 to the last, each once."""
        return tuple(np.unique(np.rint(np.linspace(0, self.steps, self.dates)).astype(int)).tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioPlan:
    """A problem that has been checked, and what all chunks share; made by ``plan``."""

    problem: PortfolioProblem
    drawer: Drawer
    schedule: Schedule
    chunks: int

    @property
    def numbers(self) -> int:
        """Returns that the chunks draw together: what a run costs, about 20 to 60 ns each."""
        return self.problem.paths * self.problem.steps * self.problem.model.assets

    @property
    def paths(self) -> int:
        """Paths that the chunks draw together."""
        return self.problem.paths

    @property
    def numbers_of_path(self) -> int:
        """Numbers of a whole path: what the portfolio is worth today and after each period."""
        return self.problem.steps + 1

    def paths_of(self, chunk: int) -> int:
        """Return the number of paths of a chunk."""
        return min(PATHS_OF_CHUNK, self.problem.paths - chunk * PATHS_OF_CHUNK)


def plan(problem: PortfolioProblem) -> PortfolioPlan:
    """Return the plan of a problem. Raises UnusableSimulation with every rule that is broken."""
    assets, paths = problem.model.assets, problem.paths
    insist(cost_rules(paths=paths, steps=problem.steps, assets=assets, seed=problem.seed))
    insist({**_rules(problem), **_answer_rules(problem)})
    for number, flow in enumerate(problem.flows):
        insist(flow.rules(f"flows[{number}]", problem.steps))
    schedule = Schedule.of(problem.flows, problem.steps, problem.periods_per_year)
    paid = float(np.abs(schedule.begin).sum() + np.abs(schedule.end).sum())
    most = 1e6 * problem.capital
    insist(
        {
            "flows": (
                paid <= most and problem.capital + float(schedule.begin[0]) > 0.0,
                f"must be at most {most:g} in all, a million times the capital, and begin with some left",
            )
        }
    )
    return PortfolioPlan(
        problem=problem,
        drawer=problem.model.drawer(problem.steps, problem.periods_per_year),
        schedule=schedule,
        chunks=-(-paths // PATHS_OF_CHUNK),
    )


def _rules(problem: PortfolioProblem) -> Rules:
    count, weights = problem.model.assets, np.array(problem.weights)
    every = problem.rebalance_every
    return {
        "weights": (
            weights.shape == (count,) and within(weights, -10.0, 10.0) and abs(weights.sum() - 1.0) <= SUM,
            f"must be {count} numbers from -10 to 10 that sum to 1",
        ),
        "capital": (within(problem.capital, LEAST, AMOUNT), f"must be from {LEAST:g} to {AMOUNT:g}"),
        "periods_per_year": (within(problem.periods_per_year, 1.0, 366.0), "must be from 1 to 366"),
        "rebalance_every": (every is None or every >= 1, "must be at least 1 period, or None for never"),
        "flows": (len(problem.flows) <= MOST_FLOWS, f"must be at most {MOST_FLOWS}"),
        "goal": (
            problem.goal is None or within(problem.goal, 0.0, 1e6 * AMOUNT),
            f"must be from 0 to {1e6 * AMOUNT:g}",
        ),
    }


def _answer_rules(problem: PortfolioProblem) -> Rules:
    levels, dates = np.array(problem.quantiles), problem.dates
    most = KEPT // (len(problem.fan_steps) + COLUMNS) if 2 <= dates <= MOST_DATES else 0
    return {
        "confidence": (within(problem.confidence, 0.5, 0.9999), "must be from 0.5 to 0.9999"),
        "interval": (within(problem.interval, 0.5, 0.9999), "must be from 0.5 to 0.9999"),
        "quantiles": (
            1 <= len(levels) <= 32 and within(levels, 0.0, 1.0) and bool((np.diff(levels) > 0.0).all()),
            "must be 1 to 32 growing numbers from 0 to 1",
        ),
        "dates": (2 <= dates <= MOST_DATES, f"must be from 2 to {MOST_DATES}"),
        "bins": (1 <= problem.bins <= 200, "must be from 1 to 200"),
        "paths": (
            most == 0 or problem.paths <= most,
            f"must be at most {most} with {dates} dates of the fan: at most {KEPT} numbers are kept",
        ),
    }
