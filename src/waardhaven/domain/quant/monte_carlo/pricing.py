"""Prices of derivatives by simulation: a plan, its chunks, and what they say together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from waardhaven.domain.quant.monte_carlo.controls import CONTROLS
from waardhaven.domain.quant.monte_carlo.correlation import combined
from waardhaven.domain.quant.monte_carlo.estimates import (
    Estimate,
    Moments,
    independent,
    replicated,
    total,
)
from waardhaven.domain.quant.monte_carlo.market import Market, Setting
from waardhaven.domain.quant.monte_carlo.parts import in_order
from waardhaven.domain.quant.monte_carlo.payoff import Follower, Payoff
from waardhaven.domain.quant.monte_carlo.refusals import cost_rules, insist, within
from waardhaven.domain.quant.monte_carlo.sampling import SAMPLINGS, Block, Draws, Sampling
from waardhaven.domain.types import Floats

AUTOMATIC = "automatic"
"""The control that suits the payoff best."""
NONE = "none"
FLAT = "every path pays the same: the interval can not tell how far the price may be from it"


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingProblem:
    """A contract, its market, and how to simulate it.

    ``maturity`` in years; ``steps`` are equal, their ends the fixings. ``paths`` at least: pairs and powers
    of 2 round them up. ``sampling`` of ``SAMPLINGS``, ``control`` of ``CONTROLS`` or automatic or none;
    ``scrambles`` count for sobol alone. ``confidence`` is that of the intervals.
    """

    payoff: Payoff
    market: Market
    maturity: float
    steps: int
    paths: int
    seed: int
    sampling: str = "sobol"
    control: str = AUTOMATIC
    scrambles: int = 16
    confidence: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingPlan:
    """A problem that has been checked, and what all its chunks share; made by ``plan``."""

    problem: PricingProblem
    setting: Setting
    draws: Draws
    control: str | None
    expected: float
    prepared: object
    chunks: int

    @property
    def sampling(self) -> Sampling:
        """How paths are drawn."""
        return SAMPLINGS[self.problem.sampling]

    @property
    def paths(self) -> int:
        """Paths that the chunks draw together."""
        return self.sampling.paths(self.draws)

    @property
    def numbers(self) -> int:
        """Normal numbers that the chunks draw together: what a run costs, about 10 to 60 ns each."""
        return self.paths * self.draws.steps * self.draws.assets

    @property
    def numbers_of_path(self) -> int:
        """Numbers of a whole path: the price of each asset today and after each step."""
        return self.draws.assets * (self.draws.steps + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingPart:
    """What one chunk observed: moments of worth and control, one or one for each scramble."""

    index: int
    moments: tuple[Moments, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoFar:
    """The estimate after some paths."""

    paths: int
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingResult:
    """The price, how it was found, and the estimates on the way (after 1, 2, 4, … chunks and all).

    ``seed``, ``paths``, ``sampling`` and ``control`` (None: without) let anybody find it again. ``slope`` of
    the worth on the control. ``notes``: repairs of the input and warnings.
    """

    price: Estimate
    confidence: float
    paths: int
    steps: int
    seed: int
    sampling: str
    control: str | None
    convergence: tuple[SoFar, ...]
    notes: tuple[str, ...]


def plan(problem: PricingProblem) -> PricingPlan:
    """Return the plan of a problem. Raises UnusableSimulation with every rule that is broken."""
    market, payoff = problem.market, problem.payoff
    insist(cost_rules(paths=problem.paths, steps=problem.steps, assets=market.assets, seed=problem.seed))
    insist(
        {
            "sampling": (problem.sampling in SAMPLINGS, f"must be one of {', '.join(SAMPLINGS)}"),
            "control": (
                problem.control in {AUTOMATIC, NONE, *payoff.controls},
                f"must be one of {', '.join((AUTOMATIC, NONE, *payoff.controls))} for this payoff",
            ),
            "confidence": (within(problem.confidence, 0.5, 0.9999), "must be from 0.5 to 0.9999"),
        }
    )
    setting = Setting(market=market, maturity=problem.maturity, steps=problem.steps)
    draws = Draws(
        paths=problem.paths,
        steps=problem.steps,
        assets=market.assets,
        seed=problem.seed,
        scrambles=problem.scrambles,
    )
    sampling = SAMPLINGS[problem.sampling]
    insist({**payoff.rules(setting), **sampling.rules(draws)})
    control = _control(problem)
    return PricingPlan(
        problem=problem,
        setting=setting,
        draws=draws,
        control=control,
        expected=0.0 if control is None else CONTROLS[control].expected(payoff, setting),
        prepared=payoff.prepared(setting, problem.seed),
        chunks=sampling.chunks(draws),
    )


def simulated(problem: PricingProblem) -> PricingResult:
    """Return the answer to a problem, chunk after chunk. Raises UnusableSimulation."""
    made = plan(problem)
    return merge(made, [run_chunk(made, chunk) for chunk in range(made.chunks)])


def _control(problem: PricingProblem) -> str | None:
    if problem.control != AUTOMATIC:
        return None if problem.control == NONE else problem.control
    return next(iter(problem.payoff.controls), None)


def run_chunk(plan: PricingPlan, chunk: int) -> PricingPart:
    """Return what chunk ``chunk`` (from 0) observes; nothing but the plan and the number counts."""
    insist({"chunk": (0 <= chunk < plan.chunks, f"must be from 0 to {plan.chunks - 1}")})
    found: tuple[Moments, ...] = ()
    for block in plan.sampling.blocks(plan.draws, chunk):
        seen = plan.sampling.observed(_followed(plan, block), plan.draws)
        found = tuple(one.merged(other) for one, other in zip(found, seen, strict=True)) if found else seen
    return PricingPart(index=chunk, moments=found)


def _followed(plan: PricingPlan, block: Block) -> tuple[Floats, ...]:
    """Return the worth of each path of a block, and that of the control where there is one."""
    payoff, setting = plan.problem.payoff, plan.setting
    followers: list[Follower] = [payoff.follower(setting, block.width, plan.prepared)]
    if plan.control is not None:
        followers.append(CONTROLS[plan.control].follower(payoff, setting, block.width))
    for step, growth in enumerate(growth_of(setting, block), start=1):
        for one in followers:
            one.see(step, growth)
    return tuple(one.worth() for one in followers)


def growth_of(setting: Setting, block: Block) -> Iterator[Floats]:
    """Yield log(S_t / S_0) (assets, width) after each step, in an array that is used again."""
    drift, loading = setting.drift[:, None], setting.loading
    growth = np.empty((len(drift), block.width))
    for step, motion in enumerate(block.motion(), start=1):
        combined(loading, motion, out=growth)
        growth += drift * step
        yield growth


def merge(plan: PricingPlan, parts: Sequence[PricingPart]) -> PricingResult:
    """Return what all chunks say together, whatever order they come in.

    Raises UnusableSimulation unless there is each chunk of the plan once.
    """
    ordered = in_order(parts, plan.chunks)
    problem, table = plan.problem, []
    merged = ordered[0].moments
    for done, part in enumerate(ordered, start=1):
        if done > 1:
            merged = tuple(one.merged(other) for one, other in zip(merged, part.moments, strict=True))
        if done == plan.chunks or done & (done - 1) == 0:
            table.append(_so_far(plan, merged))
    is_flat = all(float(one.products[0, 0]) == 0.0 for one in merged)
    return PricingResult(
        price=table[-1].estimate,
        confidence=problem.confidence,
        paths=plan.paths,
        steps=problem.steps,
        seed=problem.seed,
        sampling=problem.sampling,
        control=plan.control,
        convergence=tuple(table),
        notes=(*problem.market.repairs, *([FLAT] if is_flat and _is_random(plan) else [])),
    )


def _is_random(plan: PricingPlan) -> bool:
    """Tell whether prices move at all."""
    return bool(plan.setting.loading.any())


def _so_far(plan: PricingPlan, moments: Sequence[Moments]) -> SoFar:
    confidence = plan.problem.confidence
    if plan.sampling.is_replicated:
        estimate = replicated(moments, plan.expected, confidence)
        return SoFar(paths=sum(one.count for one in moments), estimate=estimate)
    whole = total(moments)
    paths = whole.count * plan.sampling.paths_an_observation
    return SoFar(paths=paths, estimate=independent(whole, plan.expected, confidence))
