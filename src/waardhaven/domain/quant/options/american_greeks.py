"""Price and Greeks of American calls and puts, each by a formula or by stated differences."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from waardhaven.domain.quant.options.american import Exercise, american, needs_fine, solved
from waardhaven.domain.quant.options.contracts import Options, Reason
from waardhaven.domain.quant.options.greeks import GREEKS
from waardhaven.domain.quant.options.models import BLACK_SCHOLES_MERTON, Model
from waardhaven.domain.quant.options.payoffs import VANILLA
from waardhaven.domain.quant.options.terms import Terms
from waardhaven.domain.quant.options.valuation import FIRST_ORDER, PRICE, Valuation, named
from waardhaven.domain.types import Flags, Floats

RELATIVE_STEP: Final = 2e-3
"""Of volatility."""
RATE_STEP: Final = 5e-4
LEAST_STEP: Final = 1e-6
"""Of a rate, a year: a quarter of what exercise earns, within these bounds. Where that is below 0 the price
is another function, whose values say nothing about this derivative."""
STENCIL: Final = ((-2.0, 1.0 / 12.0), (-1.0, -8.0 / 12.0), (1.0, 8.0 / 12.0), (2.0, -1.0 / 12.0))
"""Central difference of fourth order."""
AHEAD: Final = ((0.0, -25.0 / 12.0), (1.0, 4.0), (2.0, -3.0), (3.0, 4.0 / 3.0), (4.0, -1.0 / 4.0))
"""Difference of fourth order that looks to one side, for options whose exercise earns next to nothing."""
FIGURES: Final = (PRICE, "delta", "gamma", "theta", "vega", "rho", "phi")
"""What there is of American options; the rest is for European exercise alone."""


def evaluate_american(
    options: Options,
    *,
    model: Model = BLACK_SCHOLES_MERTON,
    greeks: Sequence[str] = FIRST_ORDER,
) -> Valuation:
    """Return price and Greeks (names of ``GREEKS``) of American calls and puts.

    Delta and gamma are the derivatives of the price under its integral; theta follows from them by the
    differential equation; vega, rho and phi are differences of fourth order over whole solutions (steps
    ``RELATIVE_STEP`` and ``RATE_STEP``), on one side where exercise earns next to nothing. Where an option is
    exercised now it is its payoff.
    Options never worth exercising early have the closed forms. Other Greeks are lacking (NOT_AMERICAN).
    """
    names, lacking = named(model, greeks)
    figures = {name: GREEKS[name].figure if name in GREEKS else PRICE for name in names}
    lacking |= {name: Reason.NOT_AMERICAN for name in names if figures[name] not in FIGURES}
    priced = model.priced(options)
    found = american(priced)
    bases = {figures[name] for name in names if name not in lacking}
    known = {base: _figure(base, priced, found, model) for base in sorted(bases)}
    values = {
        name: np.full(len(options), np.nan) if name in lacking else _divided(known[figures[name]], name)
        for name in names
    }
    return Valuation(values=values, reasons=_reasons(priced, found, list(known.values())), lacking=lacking)


def _divided(figure: Floats, name: str) -> Floats:
    return figure / GREEKS[name].divisor if name in GREEKS else figure


def _figure(name: str, options: Options, found: Exercise, model: Model) -> Floats:
    if name in {PRICE, "delta", "gamma"}:
        known: Floats = getattr(found, name)
        return known
    if name == "theta":
        return _theta(options, found)
    figure = np.full(len(options), np.nan)
    figure[found.early] = 0.0
    figure[found.european] = _closed(name, options.rows(found.european), model)
    left = ~found.early & ~found.european & np.isfinite(found.delta)
    figure[left] = _difference(name, options.rows(left), model)
    return figure


def _theta(options: Options, found: Exercise) -> Floats:
    """Return r V - (r - q) S delta - sigma^2 S^2 gamma / 2, 0 where the option is exercised now."""
    carry = (options.rate - options.dividend_yield) * options.spot * found.delta
    convexity = 0.5 * (options.volatility * options.spot) ** 2 * found.gamma
    return np.where(found.early, 0.0, options.rate * found.price - carry - convexity)


def _closed(name: str, options: Options, model: Model) -> Floats:
    terms = Terms(options)
    value = VANILLA.formulas[name](terms)
    if name == "rho" and model.yield_is_rate:
        value = value + VANILLA.formulas["phi"](terms)
    kink = terms.kink
    return value if kink is None else np.where(kink, np.nan, value)


def _difference(name: str, options: Options, model: Model) -> Floats:
    """Return a derivative by whole solutions, all by the scheme of the option itself."""
    step, fine = _step(name, options, model), needs_fine(options)
    ahead = np.zeros(len(options), dtype=np.bool_) if name == "vega" else step == LEAST_STEP
    found = np.empty(len(options))
    for chosen, stencil in ((~ahead, STENCIL), (ahead, AHEAD)):
        some, by = options.rows(chosen), step[chosen]
        total = np.zeros(len(some))
        for at, weight in stencil:
            total += weight * solved(_moved(name, some, at * by, model), fine[chosen]).price
        found[chosen] = total / by
    return found


def _step(name: str, options: Options, model: Model) -> Floats:
    """Return the step of each option: a rate that exercise earns is not moved below 0."""
    if name == "vega":
        return RELATIVE_STEP * options.volatility
    rate = options.dividend_yield if name == "phi" else options.rate
    earns = model.yield_is_rate | (options.is_call == (name == "phi"))
    return np.where(earns, np.clip(0.25 * rate, LEAST_STEP, RATE_STEP), RATE_STEP)


def _moved(name: str, options: Options, by: Floats, model: Model) -> Options:
    if name == "vega":
        return replace(options, volatility=options.volatility + by)
    if name == "phi":
        return replace(options, dividend_yield=options.dividend_yield + by)
    moved = replace(options, rate=options.rate + by)
    return model.priced(moved)


def _reasons(options: Options, found: Exercise, figures: Sequence[Floats]) -> np.ndarray:
    """Return why figures are unknown (n,): the reason of the price, or that there are no derivatives."""
    missing: Flags = ~np.logical_and.reduce([np.isfinite(one) for one in figures])
    edge = np.where(options.time == 0.0, Reason.KINK.code, Reason.OUTSIDE_METHOD.code)
    return np.where(found.reasons != 0, found.reasons, np.where(missing, edge, 0)).astype(np.int8)
