"""A question of a model, answered while the caller waits or as a job."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final

from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.application.ports.compute_pool import ComputeBusy, ComputeOutOfMemory, ComputeTimedOut
from waardhaven.application.quant import markowitz_rules, monte_carlo_rules, run_monte_carlo
from waardhaven.application.quant.optimise_portfolio import OptimisePortfolio
from waardhaven.application.quant.simulate_monte_carlo import SimulateMonteCarlo
from waardhaven.application.questions.markowitz import MarkowitzQuestion
from waardhaven.application.questions.monte_carlo import MonteCarloQuestion
from waardhaven.application.questions.question import Question
from waardhaven.application.questions.reading import as_json
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.jobs.job import Job


def _cost_of_simulation(question: MonteCarloQuestion) -> float:
    """Return its cost; files are kept with jobs alone."""
    return inf if question.keep_paths else run_monte_carlo.cost(question)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What questions of a kind cost, above which ``direct`` they are jobs called ``job``.

    ``answer``: which of the use cases of AskModel answers them; ``examine``: which refuses large ones that
    can not be answered, where that takes more than ``check`` can do at once.
    """

    answer: Callable[["AskModel"], Callable[..., Awaitable[object]]]
    job: JobName
    check: Callable[[Any], object]
    cost: Callable[[Any], float]
    direct: float
    examine: Callable[["AskModel"], Callable[..., Awaitable[None]]] | None = None


WEIGHTS: Final[Mapping[type[Question], Weight]] = MappingProxyType(
    {
        MonteCarloQuestion: Weight(
            answer=attrgetter("simulate"),
            job=JobName.MONTECARLO,
            check=run_monte_carlo.checked,
            cost=_cost_of_simulation,
            direct=monte_carlo_rules.DIRECT,
            examine=attrgetter("simulate.examine"),
        ),
        MarkowitzQuestion: Weight(
            answer=attrgetter("optimise"),
            job=JobName.MARKOWITZ,
            check=markowitz_rules.check,
            cost=markowitz_rules.cost,
            direct=markowitz_rules.DIRECT,
            examine=attrgetter("optimise.examine"),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class AskModel:
    """Answer a question of a model, or queue it as a job: where it is large, or too much is being computed.

    What can not be answered at all is refused first, so that no job is queued for it. Whoever waits too long
    for an answer that should have been quick gets the job that computes it.
    """

    simulate: SimulateMonteCarlo
    optimise: OptimisePortfolio
    submit: SubmitJob

    async def __call__(self, by: Principal, *, question: Question) -> object:
        """Return the view, or the Job; raise what the model raises."""
        by.require(Permission.READ_INDICES)
        weight = WEIGHTS[type(question)]
        weight.check(question)
        with suppress(ComputeBusy, ComputeTimedOut, ComputeOutOfMemory):
            if weight.cost(question) <= weight.direct:
                return await weight.answer(self)(by, question=question)
            if weight.examine is not None:
                await weight.examine(self)(by, question=question)
        return await self._queued(by, weight, question)

    async def _queued(self, by: Principal, weight: Weight, question: Question) -> Job:
        return await self.submit(by, job_type=weight.job, params=as_json(question))
