"""The portfolio of least conditional value at risk over observed returns, a linear programme.

Rockafellar & Uryasev (2000), "Optimization of conditional value-at-risk", *Journal of Risk* 2(3), theorem 1
and equation 17: CVaR at confidence b of the losses -r'w is the minimum over a of
a + mean(max(-r'w - a, 0)) / (1 - b), and jointly convex in a and w.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from waardhaven.domain.quant.markowitz.constraints import Constraints
from waardhaven.domain.quant.markowitz.portfolio import Duals
from waardhaven.domain.quant.markowitz.standard_form import StandardForm
from waardhaven.domain.quant.quadratic_programme import Infeasible, NotSolved
from waardhaven.domain.types import Floats

TOLERANCE = 1e-10
DUALITY_GAP = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastShortfall:
    """Weights (n,), their CVaR and VaR a period (losses, positive), the duality gap and dual values."""

    weights: Floats
    cvar: float
    var: float
    gap: float
    duals: Duals


def conditional_value_at_risk(returns: Floats, weights: Floats, confidence: float) -> tuple[float, float]:
    """Return CVaR and VaR of ``weights`` (n,) over ``returns`` (T, n) with equal probability, as losses.

    VaR is the smallest loss a that minimises the function of Rockafellar & Uryasev: the least one whose
    probability of not being passed is at least ``confidence``.
    """
    losses = np.sort(-(returns @ weights))
    at = int(np.ceil(confidence * len(losses) - 1e-9)) - 1
    var = float(losses[max(at, 0)])
    beyond = np.maximum(losses - var, 0.0).mean() / (1.0 - confidence)
    return var + float(beyond), var


def least_shortfall(returns: Floats, limits: Constraints, confidence: float) -> LeastShortfall:
    """Return the weights within ``limits`` of least CVaR over ``returns`` (T, n), each period as likely.

    Solved by HiGHS (dual simplex, deterministic). Raises Infeasible if no weights keep the limits, NotSolved
    if the gap between the programme and its dual, relative to the largest return, is above 1e-9.
    """
    form = StandardForm.of(limits)
    size = float(np.abs(returns).max()) or 1.0
    scaled = returns / size
    fixed = np.zeros(len(returns)) if form.current is None else scaled @ form.current
    ceilings = np.concatenate([form.ceilings, fixed])
    found = _solved(form, scaled, ceilings, confidence)
    if found.status != 0:
        raise Infeasible("No weights keep every limit.")
    unknowns = len(form.lower)
    weights = form.weights(np.clip(found.x[:unknowns], form.lower, form.upper))
    cvar, var = conditional_value_at_risk(returns, weights, confidence)
    low, high = found.lower.marginals[:unknowns], found.upper.marginals[:unknowns]
    dual = found.eqlin.marginals @ form.totals + found.ineqlin.marginals @ ceilings
    gap = abs(cvar / size - float(dual + low @ form.lower + high @ form.upper))
    if not gap <= DUALITY_GAP:
        raise NotSolved(f"The duality gap of the conditional value at risk is {gap:.3g}.")
    return LeastShortfall(
        weights=weights,
        cvar=cvar,
        var=var,
        gap=gap,
        duals=_duals(form, limits, size, found, (low, high)),
    )


def _solved(form: StandardForm, scaled: Floats, ceilings: Floats, confidence: float) -> Any:
    """Return what HiGHS finds for the unknowns of ``form``, a, and the excess of each period over it."""
    from scipy import sparse
    from scipy.optimize import linprog

    periods, unknowns = len(scaled), len(form.lower)
    gains = scaled if form.current is None else np.hstack([scaled, -scaled])
    tail = sparse.hstack([-gains, -np.ones((periods, 1)), -sparse.identity(periods)])
    limited = sparse.hstack([form.inequalities, sparse.csr_array((len(form.ceilings), 1 + periods))])
    lower = np.concatenate([form.lower, [-np.inf], np.zeros(periods)])
    upper = np.concatenate([form.upper, np.full(1 + periods, np.inf)])
    share = 1.0 / (periods * (1.0 - confidence))
    return linprog(
        np.concatenate([np.zeros(unknowns), [1.0], np.full(periods, share)]),
        A_ub=sparse.vstack([limited, tail], format="csc"),
        b_ub=ceilings,
        A_eq=sparse.hstack([form.equalities, sparse.csr_array((len(form.totals), 1 + periods))]),
        b_eq=form.totals,
        bounds=np.column_stack([lower, upper]),
        method="highs-ds",
        options={"primal_feasibility_tolerance": TOLERANCE, "dual_feasibility_tolerance": TOLERANCE},
    )


def _duals(
    form: StandardForm, limits: Constraints, size: float, found: Any, forces: tuple[Floats, Floats]
) -> Duals:
    """Return the marginals of HiGHS, which are changes of the optimum for a unit of each limit."""
    names = len(limits.lower)
    low, high = forces
    if form.current is not None:
        low, high = -high[names:], high[:names]
    marginals = found.ineqlin.marginals[: len(form.rows)]
    return Duals(
        budget=float(found.eqlin.marginals[0]) * size,
        lower=np.maximum(low, 0.0) * size,
        upper=np.minimum(high, 0.0) * size,
        rows=tuple(
            (name, side, float(value if side >= 0 else -value) * size)
            for (name, side), value in zip(form.rows, marginals, strict=True)
        ),
    )
