"""Prices, Greeks and implied volatilities of options that a caller sends; nothing is stored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.quant.market_inputs import MarketInputs, ReadMarketInputs
from waardhaven.application.quant.option_question import REFUSED, OptionQuestion
from waardhaven.domain.errors import FieldError
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.quant.options.american_greeks import evaluate_american
from waardhaven.domain.quant.options.contracts import Codes, Options, Reason, UnusableOptions
from waardhaven.domain.quant.options.implied_volatility import Implied, implied_volatility
from waardhaven.domain.quant.options.valuation import Valuation, evaluate
from waardhaven.domain.types import Floats

Sent = bytes | bytearray
"""What was sent, as it came."""
VOLATILITY: Final = "implied_volatility"
OUTSIDE: Final = (Reason.BELOW_INTRINSIC.code, Reason.ABOVE_BOUND.code)


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
    prices or estimated from stored closes. What was used is told in the answer.
    """

    pool: ComputePool
    inputs: ReadMarketInputs

    async def __call__(
        self,
        by: Principal,
        *,
        content: Sent,
        read: Callable[[Sent], OptionQuestion],
        write: Callable[[Priced], bytes],
    ) -> bytes:
        """Return the written answer to what ``read`` makes of ``content``.

        Raise UnusableOptions, naming the fields, and what ReadMarketInputs raises.
        """
        by.require(Permission.READ_INDICES)
        question = await self.pool.run(understood, content, read)
        inputs = await self.inputs(question)
        return await self.pool.run(answered, question, inputs, write)


def understood(content: Sent, read: Callable[[Sent], OptionQuestion]) -> OptionQuestion:
    """Return a question whose rules are kept; large ones are read beside the event loop."""
    return read(content).checked()


def answered(question: OptionQuestion, inputs: MarketInputs, write: Callable[[Priced], bytes]) -> bytes:
    """Return the written answer to a question."""
    return write(priced(question, inputs))


def priced(question: OptionQuestion, inputs: MarketInputs) -> Priced:
    """Return the figures of the options; the same question has the same answer."""
    options = question.options(
        spot=None if inputs.spot is None else inputs.spot.close,
        volatility=None if inputs.volatility is None else inputs.volatility.volatility,
    )
    if question.price is None:
        return _answer(question, inputs, _valued(question, options), {})
    found = implied_volatility(options, question.price, question.the_model)
    _refuse_alone(found)
    valued = _valued(question, replace(options, volatility=found.volatility))
    reasons = np.where(found.reasons != 0, found.reasons, valued.reasons)
    return _answer(question, inputs, replace(valued, reasons=reasons), {VOLATILITY: found.volatility})


def _valued(question: OptionQuestion, options: Options) -> Valuation:
    if question.is_american:
        return evaluate_american(options, model=question.the_model, greeks=question.greeks)
    return evaluate(options, model=question.the_model, payoff=question.the_payoff, greeks=question.greeks)


def _answer(
    question: OptionQuestion, inputs: MarketInputs, valued: Valuation, first: Mapping[str, Floats]
) -> Priced:
    return Priced(
        question=question,
        inputs=inputs,
        figures={**first, **valued.values},
        reasons=valued.reasons,
        lacking=valued.lacking,
    )


def _refuse_alone(found: Implied) -> None:
    """Refuse a single price outside its bounds; among many it is unknown, with the reason beside it."""
    if len(found.reasons) == 1 and found.reasons[0] in OUTSIDE:
        bounds = f"{found.lowest[0]:.15g} and {found.highest[0]:.15g}"
        rule = f"must be between {bounds}: no volatility gives another price"
        raise UnusableOptions(REFUSED, errors=[FieldError(field="price", rule=rule)])
