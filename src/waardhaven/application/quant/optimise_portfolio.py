"""The optimal portfolio of a market that a caller sends or whose past is stored; nothing is kept."""

from dataclasses import dataclass

from waardhaven.application.ports.compute_pool import ModelPool
from waardhaven.application.quant.markowitz_rules import check
from waardhaven.application.quant.markowitz_views import MarkowitzView
from waardhaven.application.quant.read_returns import ReadReturns, ReturnsOrder, StoredReturns
from waardhaven.application.questions.markowitz import MarkowitzQuestion
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.market.calendar import Frequency


@dataclass(frozen=True, slots=True)
class OptimisePortfolio:
    """Optimal weights and the efficient frontier, with residuals, dual values and the moments used.

    Stored symbols are read as returns on common days, never as prices.
    """

    pool: ModelPool
    returns: ReadReturns

    async def __call__(self, by: Principal, *, question: MarkowitzQuestion) -> MarkowitzView:
        """Return the answer.

        Raise UnusablePortfolio and errors of the domain (Infeasible with the smallest relaxation, OutOfReach
        with the range, NotSemidefinite, TooFewPeriods …), what ReadReturns raises, and what the pool does.
        """
        by.require(Permission.READ_INDICES)
        check(question)
        return await self.pool.run(answered, question, await self._read(question))

    async def examine(self, by: Principal, *, question: MarkowitzQuestion) -> None:
        """Raise for a question of any size what an answer would, as far as that takes no solving."""
        by.require(Permission.READ_INDICES)
        check(question)
        await self.pool.run(examine, question, await self._read(question))

    async def _read(self, question: MarkowitzQuestion) -> StoredReturns | None:
        return None if question.symbols is None else await self.returns(order_of(question))


def answered(question: MarkowitzQuestion, stored: StoredReturns | None = None) -> MarkowitzView:
    """Return the answer to a question, ``stored`` being the returns of its symbols if it has any.

    Pure: the same question and returns have the same answer. Fields of errors are named as they were sent.
    The solvers are imported here, so that only processes that solve hold them.
    """
    from waardhaven.application.quant.markowitz_solution import solved

    check(question)
    return solved(question, stored)


def examine(question: MarkowitzQuestion, stored: StoredReturns | None = None) -> None:
    """Raise for moments that are none, limits that nothing can keep, and a target return out of reach."""
    from waardhaven.application.quant.markowitz_solution import examined

    check(question)
    examined(question, stored)


def order_of(question: MarkowitzQuestion) -> ReturnsOrder:
    """Return which returns of its symbols a question is about."""
    return ReturnsOrder(
        symbols=question.symbols or (),
        start=question.start,
        end=question.end,
        frequency=Frequency(question.frequency or Frequency.DAILY),
        currency=question.currency,
    )
