"""A simulation in pieces that anybody may compute: its rules, its cost, its plan, its chunks, its answer.

What writes answers and whole paths is imported where it runs: the process that asks needs none of it.
Everything here is pure: the same question, seed and stored returns give the same answer, bit for bit,
whoever computes which chunk in whatever order.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType
from typing import Any, Final

from waardhaven.application.quant.monte_carlo_derivative import (
    NAMES,
    derivative_rules,
    draws_of,
    pricing_problem,
    sampling_of,
)
from waardhaven.application.quant.monte_carlo_portfolio import (
    assets_of,
    names_of_portfolio,
    portfolio_problem,
    portfolio_rules,
    steps_of,
    width_of,
    year_of,
)
from waardhaven.application.quant.monte_carlo_rules import MOST, Rule, costly, refuse_broken, told_as_sent
from waardhaven.application.quant.monte_carlo_views import MonteCarloView
from waardhaven.application.quant.read_returns import StoredReturns
from waardhaven.application.questions.monte_carlo import SEEDS, MonteCarloQuestion
from waardhaven.domain.quant.monte_carlo import portfolio, portfolio_run, pricing
from waardhaven.domain.quant.monte_carlo.portfolio import PortfolioPlan
from waardhaven.domain.quant.monte_carlo.portfolio_run import PortfolioPart
from waardhaven.domain.quant.monte_carlo.pricing import PricingPart, PricingPlan
from waardhaven.domain.quant.monte_carlo.refusals import cost_rules, insist
from waardhaven.domain.quant.monte_carlo.sampling import SAMPLINGS
from waardhaven.domain.types import Floats

STEP: Final = 1_000
"""Numbers that could be drawn while a step of a block of paths is set up, whatever its width."""
ASSETS_TWICE: Final = 100
"""Assets among which a number takes twice the time, as each is a sum over the assets before it."""
SORTED: Final = 40
"""Numbers that could be drawn while a path of a portfolio is kept and sorted among all."""
Plan = PortfolioPlan | PricingPlan
Part = PortfolioPart | PricingPart


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationPlan:
    """A question that was checked, with what all chunks share; picklable.

    ``chunks`` are numbered from 0; each is some tenths of a second of work at most.
    """

    question: MonteCarloQuestion
    read: StoredReturns | None
    plan: Plan

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return self.plan.chunks

    @property
    def numbers(self) -> int:
        """What a run costs: paths × steps × assets."""
        return self.plan.numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a run draws, in blocks of at most ``width`` paths; ``each``: what a path costs besides."""

    paths: int
    steps: int
    assets: int
    width: int
    each: int = 0

    @property
    def cost(self) -> float:
        """Numbers, more where many assets are correlated, with what blocks and paths cost besides."""
        drawn = self.paths * self.steps * self.assets * (1.0 + self.assets / ASSETS_TWICE)
        return drawn + STEP * self.steps * ceil(self.paths / self.width) + self.each * self.paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How questions of a kind are checked, measured, planned, computed and answered."""

    rules: Callable[[MonteCarloQuestion], Iterator[Rule]]
    size: Callable[[MonteCarloQuestion], Size]
    names: Callable[[MonteCarloQuestion], Mapping[str, str]]
    plan: Callable[[MonteCarloQuestion, int, StoredReturns | None], Plan]
    run: Callable[[Any, int], Part]
    view: Callable[[MonteCarloQuestion, StoredReturns | None, Any, Sequence[Any]], MonteCarloView]
    paths: Callable[[Any, int], Floats]


def seeded(question: MonteCarloQuestion) -> MonteCarloQuestion:
    """Return the question with a seed: its own, or one that is drawn now, below 2^53."""
    return question if question.seed is not None else question.seeded(secrets.randbelow(SEEDS))


def checked(question: MonteCarloQuestion) -> MonteCarloQuestion:
    """Return a question that keeps every rule it can be told by alone; raise UnusableSimulation."""
    kind = KINDS[question.kind]
    refuse_broken(kind.rules(question))
    size = kind.size(question)
    with told_as_sent(kind.names(question)):
        insist(cost_rules(paths=question.simulations, steps=size.steps, assets=size.assets, seed=0))
    refuse_broken(iter([costly(question, size.cost, MOST)]))
    return question


def cost(question: MonteCarloQuestion) -> float:
    """Return what a run takes, in numbers drawn (see ``Size.cost``), each 10 to 60 ns of one core.

    Of stored symbols over years it is an estimate: a year counts 252 days, 52 weeks or 12 months.
    """
    return KINDS[question.kind].size(question).cost


def chunks(question: MonteCarloQuestion, read: StoredReturns | None) -> SimulationPlan:
    """Return the plan of a question with a seed; ``read``: stored returns, if it has symbols.

    Raise UnusableSimulation naming the fields as they were sent.
    """
    kind, seed = KINDS[checked(question).kind], question.seed
    refuse_broken(iter([("seed", "must be drawn before a run", seed is None)]))
    with told_as_sent(kind.names(question)):
        return SimulationPlan(question=question, read=read, plan=kind.plan(question, seed or 0, read))


def examine(question: MonteCarloQuestion, read: StoredReturns | None) -> None:
    """Raise UnusableSimulation as ``chunks`` does, or for more whole paths to keep than there may be."""
    plan = chunks(question, read)
    if question.keep_paths:
        from waardhaven.domain.quant.monte_carlo.whole_paths import insist_on_size

        with told_as_sent({"paths": "keep_paths"}):
            insist_on_size(plan.plan, min(question.keep_paths, question.simulations))


def run(plan: SimulationPlan, chunk: int) -> Part:
    """Return what chunk ``chunk`` of a plan came to; picklable. Raise UnusableSimulation."""
    kind = KINDS[plan.question.kind]
    with told_as_sent(kind.names(plan.question)):
        return kind.run(plan.plan, chunk)


def finished(plan: SimulationPlan, parts: Sequence[Part]) -> MonteCarloView:
    """Return the answer that all chunks give together, each there once, in any order."""
    return KINDS[plan.question.kind].view(plan.question, plan.read, plan.plan, parts)


def answered(question: MonteCarloQuestion, read: StoredReturns | None) -> MonteCarloView:
    """Return the answer to a question with a seed, chunk after chunk. Raise UnusableSimulation."""
    plan = chunks(question, read)
    return finished(plan, [run(plan, chunk) for chunk in range(plan.chunks)])


def paths(question: MonteCarloQuestion, read: StoredReturns | None, simulations: int | None = None) -> Floats:
    """Return whole paths (series, steps + 1, simulations): worth of the portfolio, or prices of each asset.

    They are the first ``simulations`` paths of the very run that ``answered`` tells of (all: None), today in
    the first row. Raise UnusableSimulation beyond 2e7 numbers.
    """
    plan = chunks(question, read)
    kind = KINDS[question.kind]
    with told_as_sent({**kind.names(question), "paths": "keep_paths"}):
        return kind.paths(plan.plan, question.simulations if simulations is None else simulations)


def _size_of_portfolio(question: MonteCarloQuestion) -> Size:
    steps = steps_of(question, year_of(question))
    assets = assets_of(question)
    width = width_of(question, steps, assets)
    return Size(paths=question.simulations, steps=steps, assets=assets, width=width, each=SORTED)


def _size_of_derivative(question: MonteCarloQuestion) -> Size:
    draws, sampling = draws_of(question), SAMPLINGS[sampling_of(question)]
    return Size(
        paths=sampling.paths(draws), steps=draws.steps, assets=draws.assets, width=sampling.width(draws)
    )


def _plan_of_portfolio(question: MonteCarloQuestion, seed: int, read: StoredReturns | None) -> PortfolioPlan:
    return portfolio.plan(portfolio_problem(question, seed, read))


def _plan_of_derivative(question: MonteCarloQuestion, seed: int, read: StoredReturns | None) -> PricingPlan:
    del read
    return pricing.plan(pricing_problem(question, seed))


def _view_of_portfolio(
    question: MonteCarloQuestion,
    read: StoredReturns | None,
    plan: PortfolioPlan,
    parts: Sequence[PortfolioPart],
) -> MonteCarloView:
    from waardhaven.application.quant.monte_carlo_answers import portfolio_view

    return portfolio_view(question, read, plan, parts)


def _view_of_derivative(
    question: MonteCarloQuestion, read: StoredReturns | None, plan: PricingPlan, parts: Sequence[PricingPart]
) -> MonteCarloView:
    from waardhaven.application.quant.monte_carlo_answers import derivative_view

    return derivative_view(question, read, plan, parts)


def _worths(plan: PortfolioPlan, simulations: int) -> Floats:
    from waardhaven.domain.quant.monte_carlo.whole_paths import worth_paths

    return worth_paths(plan, simulations)[None]


def _prices(plan: PricingPlan, simulations: int) -> Floats:
    from waardhaven.domain.quant.monte_carlo.whole_paths import price_paths

    return price_paths(plan, simulations)


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "portfolio": Kind(
            rules=portfolio_rules,
            size=_size_of_portfolio,
            names=names_of_portfolio,
            plan=_plan_of_portfolio,
            run=portfolio_run.run_chunk,
            view=_view_of_portfolio,
            paths=_worths,
        ),
        "derivative": Kind(
            rules=derivative_rules,
            size=_size_of_derivative,
            names=lambda _: NAMES,
            plan=_plan_of_derivative,
            run=pricing.run_chunk,
            view=_view_of_derivative,
            paths=_prices,
        ),
    }
)
