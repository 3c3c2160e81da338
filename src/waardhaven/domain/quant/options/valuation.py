"""Price and Greeks of many European options in one pass over chunks that stay in the caches of a core."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from waardhaven.domain.quant.options.contracts import Codes, Options, Reason
from waardhaven.domain.quant.options.greeks import GREEKS
from waardhaven.domain.quant.options.models import BLACK_SCHOLES_MERTON, Model
from waardhaven.domain.quant.options.payoffs import VANILLA, Payoff
from waardhaven.domain.quant.options.terms import Terms
from waardhaven.domain.types import Floats

CHUNK: Final = 8192
"""Options at once: some thirty columns of them fit the second cache."""
PRICE: Final = "price"
FIRST_ORDER: Final = ("delta", "gamma", "vega", "theta", "rho")
"""What is computed unless something else is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """Figures of options by name, price first: (n,) each, NaN where unknown, never infinite.

    ``lacking``: figures that are unknown for every option, with the reason. ``reasons`` (n,): why the other
    figures of an option that are NaN are unknown; 0 where none is.
    """

    values: Mapping[str, Floats]
    reasons: Codes
    lacking: Mapping[str, Reason]


def evaluate(
    options: Options,
    *,
    model: Model = BLACK_SCHOLES_MERTON,
    payoff: Payoff = VANILLA,
    greeks: Sequence[str] = FIRST_ORDER,
) -> Valuation:
    """Return price and Greeks (names of ``GREEKS``) of European options, in closed form.

    Without time or volatility the value is that of the payoff at the forward price and Greeks are the limits
    of their formulas; where forward and strike meet they do not exist (KINK). NaN in, NaN with a reason out.
    """
    names, lacking = named(model, greeks)
    size = len(options)
    values = {name: np.full(size, np.nan) if name in lacking else np.empty(size) for name in names}
    reasons = np.zeros(size, dtype=np.int8)
    priced = model.priced(options)
    for rows in chunks(size):
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            _fill(priced.rows(rows), model, payoff, {n: values[n][rows] for n in names if n not in lacking})
        _explain(priced.rows(rows), {n: values[n][rows] for n in names if n not in lacking}, reasons[rows])
    return Valuation(values=values, reasons=reasons, lacking=lacking)


def named(model: Model, greeks: Sequence[str]) -> tuple[tuple[str, ...], dict[str, Reason]]:
    """Return the figures asked for, price first and each once, and those the model does not have."""
    names = tuple(dict.fromkeys((PRICE, *greeks)))
    return names, {name: Reason.NOT_OF_MODEL for name in names if name == "phi" and model.yield_is_rate}


def chunks(size: int, chunk: int = CHUNK) -> Iterator[slice]:
    """Yield the rows of each chunk."""
    for at in range(0, size, chunk):
        yield slice(at, min(size, at + chunk))


def _fill(options: Options, model: Model, payoff: Payoff, into: Mapping[str, Floats]) -> None:
    terms = Terms(options)
    formulas = payoff.formulas
    for name, column in into.items():
        greek = GREEKS.get(name)
        figure, divisor = (PRICE, 1.0) if greek is None else (greek.figure, greek.divisor)
        value = formulas[figure](terms)
        if figure == "rho" and model.yield_is_rate:
            value += formulas["phi"](terms)
        np.divide(value, divisor, out=column)
    kink = terms.kink
    if kink is not None and kink.any():
        for name, column in into.items():
            column[kink & (name != PRICE)] = np.nan


def _explain(options: Options, values: Mapping[str, Floats], reasons: Codes) -> None:
    """Give a reason to every row with a figure that is no number, and make that NaN."""
    total = sum(values.values())
    if np.isfinite(total).all():
        return
    missing = ~np.logical_and.reduce([np.isfinite(one) for one in values.values()])
    known = options.known & np.isfinite(options.volatility)
    still = options.volatility * options.time == 0.0
    out = np.where(still, Reason.KINK.code, Reason.OUT_OF_RANGE.code)
    reasons[missing] = np.where(known, out, Reason.UNKNOWN_INPUT.code)[missing]
    for column in values.values():
        column[~np.isfinite(column)] = np.nan
