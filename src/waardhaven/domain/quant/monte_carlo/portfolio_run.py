"""The paths of a portfolio, chunk by chunk."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from waardhaven.domain.quant.monte_carlo.portfolio import BLOCK, NARROWEST, PortfolioPlan
from waardhaven.domain.quant.monte_carlo.refusals import insist, within
from waardhaven.domain.quant.monte_carlo.seeds import CHUNK, stream
from waardhaven.domain.types import Floats

LARGEST: Final = 1e150
BEYOND: Final = f"must not let worth grow beyond {LARGEST:g}: less gearing, smaller returns or fewer periods"
NOTHING: Final = 1e-100
"""Growth of 1 below which all is lost: what is paid in then would not fit a number of units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioPart:
    """What the paths of a chunk came to, each (m,); ``fan`` (dates, m) is the worth at the dates of the fan.

    ``paid``: capital and payments that were made, less what was taken out. ``unit``: growth of 1 that
    nobody pays into (time-weighted); ``drawdown`` the deepest of it, 0 or negative.
    """

    index: int
    fan: Floats
    paid: Floats
    unit: Floats
    drawdown: Floats

    @property
    def worth(self) -> Floats:
        """Worth at the end (m,)."""
        last: Floats = self.fan[-1]
        return last


def run_chunk(plan: PortfolioPlan, chunk: int) -> PortfolioPart:
    """Return the paths of chunk ``chunk`` (from 0); nothing but the plan and the number counts.

    Raises UnusableSimulation where worth or growth goes beyond 1e150.
    """
    insist({"chunk": (0 <= chunk < plan.chunks, f"must be from 0 to {plan.chunks - 1}")})
    rng = stream(plan.problem.seed, CHUNK, chunk)
    widest = min(max(BLOCK // plan.problem.model.assets, NARROWEST), plan.drawer.widest)
    left, parts = plan.paths_of(chunk), []
    with np.errstate(over="ignore", invalid="ignore"):
        while left > 0:
            width = min(widest, left)
            parts.append(_block(plan, rng, width))
            left -= width
    fan, paid, unit, drawdown = (np.concatenate(one, axis=-1) for one in zip(*parts, strict=True))
    insist({"model": (within(fan, 0.0, LARGEST) and within(unit, 0.0, LARGEST), BEYOND)})
    return PortfolioPart(index=chunk, fan=fan, paid=paid, unit=unit, drawdown=drawdown)


@dataclass(slots=True)
class _Account:
    """Units held and money paid in, path by path (m,); no units is ruin."""

    units: Floats
    paid: Floats

    def pay(self, amount: float, unit: Floats) -> None:
        """Pay ``amount`` at the price ``unit`` into accounts that are not ruined; take out what there is."""
        if amount == 0.0:
            return
        worth = self.units * unit
        lives = worth > 0.0
        moved = np.where(lives, np.maximum(amount, -worth), 0.0)
        self.paid += moved
        emptied = moved <= -worth
        bought = np.divide(moved, unit, out=np.zeros_like(unit), where=lives)
        self.units += bought
        self.units[emptied] = 0.0


def _block(plan: PortfolioPlan, rng: "np.random.Generator", width: int) -> tuple[Floats, ...]:
    problem, schedule = plan.problem, plan.schedule
    fan_row = {step: row for row, step in enumerate(problem.fan_steps)}
    fan = np.empty((len(fan_row), width))
    account = _Account(np.full(width, problem.capital), np.full(width, problem.capital))
    peak, deepest = np.ones(width), np.zeros(width)
    fan[0] = problem.capital
    account.pay(float(schedule.begin[0]), peak)
    for step, unit in enumerate(_units(plan, rng, width), start=1):
        np.maximum(peak, unit, out=peak)
        np.minimum(deepest, unit / peak - 1.0, out=deepest)
        account.pay(float(schedule.end[step - 1]), unit)
        if step in fan_row:
            np.multiply(account.units, unit, out=fan[fan_row[step]])
        if step < problem.steps:
            account.pay(float(schedule.begin[step]), unit)
    return fan, account.paid, unit, deepest


def _units(plan: PortfolioPlan, rng: "np.random.Generator", width: int) -> Iterator[Floats]:
    """Yield the growth of 1 (m,) after each period, in one array that is used again; 0 is for good."""
    problem = plan.problem
    weights = np.array(problem.weights)
    every = problem.steps if problem.rebalance_every is None else problem.rebalance_every
    held = np.ones((len(weights), width))
    base, unit, mixed = np.ones(width), np.ones(width), np.empty(width)
    for step, growth in enumerate(plan.drawer.growth(rng, width)):
        if step % every == 0:
            base[:] = unit
            np.copyto(held, growth)
        else:
            held *= growth
        lives = unit > 0.0
        np.einsum("i,im->m", weights, held, out=mixed)
        np.multiply(base, mixed, out=unit)
        unit[~(lives & (unit > NOTHING))] = 0.0
        yield unit
