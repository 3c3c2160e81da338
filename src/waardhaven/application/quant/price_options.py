"""Prices, Greeks and implied volatilities of options that a caller sends; nothing is stored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from waardhaven.application.answers import Sent
from waardhaven.application.ports.compute_pool import ComputePool, ModelPool
from waardhaven.application.quant.market_inputs import MarketInputs, ReadMarketInputs
from waardhaven.application.quant.option_question import OptionQuestion
from waardhaven.application.quant.value_options import valued, valued_in
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.quant.options.contracts import Codes, Reason
from waardhaven.domain.quant.options.valuation import Valuation
from waardhaven.domain.types import Floats

SMALL: Final = 1_000
"""European options that a thread values: at most a millisecond, as long as the way to a process and back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """Figures (n,) of the options of a question by name, NaN unknown.

    ``reasons`` (n,): codes of why figures of an option are unknown; ``lacking``: why a figure is unknown for
    every option. ``implied_volatility`` is among the figures where prices were sent.
    """

    question: OptionQuestion
    inputs: MarketInputs
    figures: Mapping[str, Floats]
    reasons: Codes
    lacking: Mapping[str, Reason]


@dataclass(frozen=True, slots=True)
class PriceOptions:
    """Price and Greeks of options, European or American, each a value or None with a reason.

    The spot that a question with a symbol leaves out is the last stored close; volatility is implied by
    prices or estimated from stored prices. What was used is told in the answer.

    Bodies are read and answers written in threads, ``pool``. Options are valued in processes with a deadline
    and a bound of memory, ``models``, so that no question takes the threads from others; but for ``SMALL``
    questions about European options, whose arithmetic is bounded by that number and takes less time than
    passing them to a process would.
    """

    pool: ComputePool
    models: ModelPool
    inputs: ReadMarketInputs

    async def __call__(
        self, by: Principal, *, question: OptionQuestion, write: Callable[[Priced], bytes]
    ) -> bytes:
        """Return the written answer to a question whose rules are kept.

        Raise UnusableOptions, naming the fields, what ReadMarketInputs raises, and what ``models`` does.
        """
        by.require(Permission.READ_INDICES)
        inputs = await self.inputs(question)
        if is_small(question):
            return await self.pool.run(answered, question, inputs, write)
        found = await valued_in(self.models, question, inputs)
        return await self.pool.run(write, told(question, inputs, found))


def is_small(question: OptionQuestion) -> bool:
    """Whether a thread may value the options."""
    return not question.is_american and question.size <= SMALL


def understood(content: Sent, read: Callable[[Sent], OptionQuestion]) -> OptionQuestion:
    """Return a question whose rules are kept, those of every single option too; raise UnusableOptions."""
    return read(content).checked()


def answered(question: OptionQuestion, inputs: MarketInputs, write: Callable[[Priced], bytes]) -> bytes:
    """Return the written answer to a question."""
    return write(priced(question, inputs))


def priced(question: OptionQuestion, inputs: MarketInputs) -> Priced:
    """Return the figures of the options; the same question has the same answer."""
    return told(question, inputs, valued(question, inputs))


def told(question: OptionQuestion, inputs: MarketInputs, found: Valuation) -> Priced:
    """Return figures with what they answer."""
    return Priced(
        question=question,
        inputs=inputs,
        figures=found.values,
        reasons=found.reasons,
        lacking=found.lacking,
    )
