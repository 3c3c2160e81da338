"""From the question of a job to the options it is about."""

from collections.abc import Iterator

import numpy as np

from waardhaven.application.quant.option_question import REFUSED, Exercise, OptionQuestion
from waardhaven.application.questions.options import Column, OptionsQuestion
from waardhaven.domain.errors import FieldError
from waardhaven.domain.quant.options.contracts import UnusableOptions
from waardhaven.domain.quant.options.valuation import FIRST_ORDER
from waardhaven.domain.types import Floats

REQUIRED = ("strike_price", "time_to_expiry")


def asked_options(question: OptionsQuestion) -> OptionQuestion:
    """Return the options whose rules are kept; raise UnusableOptions naming every broken rule."""
    missing = list(_missing(question))
    if missing:
        raise UnusableOptions(REFUSED, errors=missing)
    kinds = question.option_type
    calls = kinds == "call" if isinstance(kinds, str) else [one == "call" for one in kinds]
    return OptionQuestion(
        strike=_known(question.strike_price),
        time=_known(question.time_to_expiry),
        is_call=np.asarray(calls, dtype=np.bool_),
        spot=_column(question.spot_price),
        volatility=_column(question.volatility),
        price=_column(question.price),
        rate=_known(question.risk_free_rate),
        dividend_yield=_column(question.dividend_yield),
        cash=_column(question.cash),
        model=question.model,
        payoff=question.payoff,
        exercise=Exercise(question.exercise),
        greeks=FIRST_ORDER if question.greeks is None else question.greeks,
        symbol=question.symbol,
        estimator=question.volatility_estimator,
        window=question.volatility_window,
    ).checked()


def _missing(question: OptionsQuestion) -> Iterator[FieldError]:
    for name in REQUIRED:
        if getattr(question, name) is None:
            yield FieldError(field=name, rule="is required")


def _column(value: Column) -> Floats | None:
    """Return a number () or an array (n,), null as NaN; None where the field is left out."""
    return None if value is None else _known(value)


def _known(value: Column) -> Floats:
    return np.array(value, dtype=np.float64)
