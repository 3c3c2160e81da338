"""Options valued in blocks, each short enough for a process that others wait for."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import ceil
from typing import Final

import numpy as np

from waardhaven.application.ports.compute_pool import ComputeBusy, ComputePool
from waardhaven.application.quant.market_inputs import MarketInputs
from waardhaven.application.quant.option_question import REFUSED, OptionQuestion
from waardhaven.domain.errors import FieldError
from waardhaven.domain.quant.options.american_greeks import evaluate_american
from waardhaven.domain.quant.options.contracts import Options, Reason, UnusableOptions
from waardhaven.domain.quant.options.implied_volatility import Implied, implied_volatility
from waardhaven.domain.quant.options.valuation import Valuation, evaluate

VOLATILITY: Final = "implied_volatility"
OUTSIDE: Final = (Reason.BELOW_INTRINSIC.code, Reason.ABOVE_BOUND.code)
BLOCK: Final = 32_768
"""European options of a block: at most 2 MB to the process and 5 MB back, which hold the event loop up for
some milliseconds at a time; a million options at once would for a tenth of a second."""
AMERICAN_BLOCK: Final = 250
"""American options of a block: half a second of one core."""
AT_ONCE: Final = 2
"""Blocks of one question that are computed or wait at the same time."""
PAUSE_SECONDS, PAUSES = 0.05, 200
"""How long and how often a later block waits while others fill the pool: ten seconds in all."""


async def valued_in(
    pool: ComputePool,
    question: OptionQuestion,
    inputs: MarketInputs,
    done: Callable[[int, int], None] | None = None,
) -> Valuation:
    """Return the figures of a question whose rules are kept, as ``valued`` does, block by block in ``pool``.

    ``done`` is told how many blocks of how many are valued. Raise UnusableOptions, and what the pool does:
    ComputeBusy at once where the first block finds no room; a question that has begun is patient.
    """
    blocks, whole = list(blocks_of(question)), Whole(question.size)
    free = asyncio.Semaphore(AT_ONCE)

    async def one(place: int) -> None:
        async with free:
            part = question.rows(blocks[place])
            whole.take(blocks[place], await _patiently(pool, part, inputs, PAUSES if place else 0))
        if done is not None:
            done(whole.blocks, len(blocks))

    running = [asyncio.create_task(one(place)) for place in range(len(blocks))]
    try:
        await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return whole.found


class Whole:
    """The figures of ``size`` options, put in their places as blocks come, so that none is kept twice."""

    def __init__(self, size: int) -> None:
        """Hold nothing yet."""
        self._size = size
        self.blocks = 0
        self.found = Valuation(values={}, reasons=np.zeros(0, dtype=np.int8), lacking={})

    def take(self, rows: slice, part: Valuation) -> None:
        """Put the figures of a block in their rows; what is lacking in one block is lacking in all."""
        if not self.blocks:
            self.found = Valuation(
                values={name: np.empty(self._size) for name in part.values},
                reasons=np.empty(self._size, dtype=part.reasons.dtype),
                lacking=part.lacking,
            )
        for name, column in self.found.values.items():
            column[rows] = part.values[name]
        self.found.reasons[rows] = part.reasons
        self.blocks += 1


def blocks_of(question: OptionQuestion) -> Iterator[slice]:
    """Yield the rows of blocks of about one size: at least one, and none of a single row among others."""
    size, most = question.size, AMERICAN_BLOCK if question.is_american else BLOCK
    count = max(1, ceil(size / most))
    for place in range(count):
        yield slice(place * size // count, (place + 1) * size // count)


def valued(question: OptionQuestion, inputs: MarketInputs) -> Valuation:
    """Return the figures of the options, implied volatility first where prices were sent.

    Pure: the same question has the same answer. Raise UnusableOptions for a single price outside its bounds.
    """
    options = question.options(
        spot=None if inputs.spot is None else inputs.spot.close,
        volatility=None if inputs.volatility is None else inputs.volatility.volatility,
    )
    if question.price is None:
        return _figures(question, options)
    found = implied_volatility(options, question.price, question.the_model)
    _refuse_alone(found, "price.0" if question.price.ndim else "price")
    known = _figures(question, replace(options, volatility=found.volatility))
    reasons = np.where(found.reasons != 0, found.reasons, known.reasons)
    return replace(known, reasons=reasons, values={VOLATILITY: found.volatility, **known.values})


async def _patiently(
    pool: ComputePool, question: OptionQuestion, inputs: MarketInputs, pauses: int
) -> Valuation:
    for _ in range(pauses):
        try:
            return await pool.run(valued, question, inputs)
        except ComputeBusy:
            await asyncio.sleep(PAUSE_SECONDS)
    return await pool.run(valued, question, inputs)


def _figures(question: OptionQuestion, options: Options) -> Valuation:
    if question.is_american:
        return evaluate_american(options, model=question.the_model, greeks=question.greeks)
    return evaluate(options, model=question.the_model, payoff=question.the_payoff, greeks=question.greeks)


def _refuse_alone(found: Implied, field: str) -> None:
    """Refuse a single price outside its bounds; among many it is unknown, with the reason beside it."""
    if len(found.reasons) == 1 and found.reasons[0] in OUTSIDE:
        bounds = f"{found.lowest[0]:.15g} and {found.highest[0]:.15g}"
        rule = f"must be between {bounds}: no volatility gives another price"
        raise UnusableOptions(REFUSED, errors=[FieldError(field=field, rule=rule)])
