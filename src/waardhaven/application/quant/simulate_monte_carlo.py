"""The future of a portfolio or the price of a derivative, simulated while the caller waits."""

from dataclasses import dataclass

from waardhaven.application.ports.compute_pool import ModelPool
from waardhaven.application.quant.monte_carlo_portfolio import order_of
from waardhaven.application.quant.monte_carlo_rules import DIRECT, costly, refuse_broken
from waardhaven.application.quant.monte_carlo_views import MonteCarloView
from waardhaven.application.quant.read_returns import ReadReturns, StoredReturns
from waardhaven.application.quant.run_monte_carlo import answered, checked, cost, examine, seeded
from waardhaven.application.questions.monte_carlo import MonteCarloQuestion
from waardhaven.domain.identity.roles import Permission, Principal


@dataclass(frozen=True, slots=True)
class SimulateMonteCarlo:
    """Estimates with their standard errors; the seed is told, drawn where none is given. Nothing is kept.

    What would take longer than a caller waits is refused here.
    """

    pool: ModelPool
    returns: ReadReturns

    async def __call__(self, by: Principal, *, question: MonteCarloQuestion) -> MonteCarloView:
        """Return the answer to a question.

        Raise UnusableSimulation naming the fields, what ReadReturns raises, and what the pool raises.
        """
        by.require(Permission.READ_INDICES)
        asked = seeded(checked(question))
        refuse_broken(iter([costly(asked, cost(asked), DIRECT)]))
        return await self.pool.run(answered, asked, await self._read(asked))

    async def examine(self, by: Principal, *, question: MonteCarloQuestion) -> None:
        """Raise for a question of any size, without answering it, what would be raised in the answer."""
        by.require(Permission.READ_INDICES)
        asked = seeded(checked(question))
        await self.pool.run(examine, asked, await self._read(asked))

    async def _read(self, question: MonteCarloQuestion) -> StoredReturns | None:
        order = order_of(question)
        return None if order is None else await self.returns(order)
