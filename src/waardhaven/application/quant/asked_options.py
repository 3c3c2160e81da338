"""From the question of a job to the options it is about, and back."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from waardhaven.application.quant.option_question import NUMBERS, REFUSED, SENT_AS, Exercise, OptionQuestion
from waardhaven.application.questions.options import OptionsQuestion
from waardhaven.domain.errors import FieldError
from waardhaven.domain.quant.options.contracts import UnusableOptions
from waardhaven.domain.quant.options.valuation import FIRST_ORDER
from waardhaven.domain.types import Floats

REQUIRED: Final = ("option_type", "strike_price", "time_to_expiry")
OPTIONAL: Final = ("spot", "volatility", "price", "dividend_yield", "cash")
CALL, PUT = "call", "put"


def asked_options(question: OptionsQuestion) -> OptionQuestion:
    """Return the options whose rules are kept; raise UnusableOptions naming every broken rule."""
    missing = list(_missing(question))
    if missing:
        raise UnusableOptions(REFUSED, errors=missing)
    kinds: Any = question.option_type
    calls = kinds == CALL if isinstance(kinds, str) else [one == CALL for one in kinds]
    return OptionQuestion(
        strike=_known(question.strike_price),
        time=_known(question.time_to_expiry),
        is_call=np.asarray(calls, dtype=np.bool_),
        rate=_known(question.risk_free_rate or 0.0),
        **{name: _column(getattr(question, SENT_AS.get(name, name))) for name in OPTIONAL},
        model=question.model,
        payoff=question.payoff,
        exercise=Exercise(question.exercise),
        greeks=FIRST_ORDER if question.greeks is None else question.greeks,
        symbol=question.symbol,
        estimator=question.volatility_estimator,
        window=question.volatility_window,
    ).checked()


def job_params(question: OptionQuestion) -> dict[str, object]:
    """Return the parameters of the job that asks the same, an OptionsQuestion in JSON's own types."""
    numbers = {
        SENT_AS.get(name, name): _listed(column, question.size)
        for name in NUMBERS
        if (column := getattr(question, name)) is not None
    }
    kinds = np.where(question.is_call, CALL, PUT).tolist()
    return {
        "option_type": kinds,
        **numbers,
        "model": question.model,
        "payoff": question.payoff,
        "exercise": str(question.exercise),
        "greeks": list(question.greeks),
        "symbol": question.symbol,
        "volatility_estimator": question.estimator,
        "volatility_window": question.window,
    }


def _missing(question: OptionsQuestion) -> Iterator[FieldError]:
    for name in REQUIRED:
        if getattr(question, name) is None:
            yield FieldError(field=name, rule="is required")


def _column(value: Any) -> Floats | None:
    """Return a number () or an array (n,), null as NaN; None where the field is left out."""
    return None if value is None else _known(value)


def _known(value: Any) -> Floats:
    return np.array(value, dtype=np.float64)


def _listed(column: Floats, size: int) -> object:
    """Return a number or a list, null for NaN; one unknown number is a list, as null alone is left out."""
    if not column.ndim and np.isfinite(column):
        return float(column)
    return [one if np.isfinite(one) else None for one in np.broadcast_to(column, (size,)).tolist()]
