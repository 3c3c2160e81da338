"""The answer of an optimiser: weights, what they promise, and how far they are from the optimum."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from waardhaven.domain.quant.markowitz.constraints import Constraints
from waardhaven.domain.quant.markowitz.moments import Moments
from waardhaven.domain.quant.markowitz.standard_form import StandardForm
from waardhaven.domain.quant.quadratic_programme import Point, Programme, Solution, gradient
from waardhaven.domain.types import Floats

FORCELESS = 1e-10
"""A dual value below this share of the largest gradient is zero within rounding."""
RISKLESS = 1e-15
"""A variance below this share of the largest in the market is zero within rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duals:
    """What the optimum changes by for each unit by which a limit is raised, in units of the programme.

    The programme is stated by the objective; for all of mean and variance it is minimise w'Sw / 2 - lambda
    m'w. So a limit from above has a dual value <= 0 (room makes the optimum lower), one from below >= 0, the
    budget either. ``lower``, ``upper`` (n,) belong to the bounds of names; ``rows``: (name, side, value) of
    groups (side 1: most, -1: least) and of turnover (side 0). ``target``: of the expected return asked for,
    which is lambda.
    """

    budget: float
    lower: Floats
    upper: Floats
    rows: tuple[tuple[str, int, float], ...] = ()
    target: float | None = None

    def active(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the limits that hold the optimum back, those with a dual value that is not 0, in words."""
        below = [f"{names[at]} at its lower bound" for at in self.lower.nonzero()[0]]
        above = [f"{names[at]} at its upper bound" for at in self.upper.nonzero()[0]]
        words = {1: "group {} at its most", -1: "group {} at its least", 0: "{}"}
        joint = [words[side].format(name) for name, side, value in self.rows if value]
        return (*below, *above, *joint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """Optimal weights and everything an answer says about them.

    ``weights`` (n,), in the order of ``names``. ``expected_return``, ``volatility``, ``sharpe``: annual; the
    ratio is (return - risk_free) / volatility, None without risk. ``risk_contributions`` (n,): shares of the
    volatility that add up to it (Euler). ``residual``: breach of the Karush-Kuhn-Tucker conditions relative
    to the gradient, of the linear programme the duality gap, of budgets their largest relative miss; None
    where there is no optimum to hold against. ``figures``: what the objective adds, by name.
    """

    objective: str
    names: tuple[str, ...]
    weights: Floats
    expected_return: float
    volatility: float
    sharpe: float | None
    risk_free: float
    risk_contributions: Floats
    method: str
    residual: float | None = None
    duals: Duals | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def active(self) -> tuple[str, ...]:
        """Which limits hold the optimum back, in words; empty where duals do not exist."""
        return self.duals.active(self.names) if self.duals else ()

    @classmethod
    def of(
        cls,
        objective: str,
        moments: Moments,
        weights: Floats,
        *,
        risk_free: float,
        method: str,
        residual: float | None = None,
        duals: Duals | None = None,
        figures: Mapping[str, float] | None = None,
        warnings: tuple[str, ...] = (),
    ) -> Self:
        """Return the answer of ``weights`` under ``moments``."""
        expected = float(moments.expected @ weights)
        force = moments.covariance @ weights
        variance = float(weights @ force)
        largest = float(moments.covariance.diagonal().max()) * float(np.square(weights).max())
        risky = variance > RISKLESS * largest
        volatility = float(np.sqrt(variance)) if risky else 0.0
        shares = weights * force / volatility if risky else np.zeros(len(weights))
        return cls(
            objective=objective,
            names=moments.names,
            weights=weights,
            expected_return=expected,
            volatility=volatility,
            sharpe=(expected - risk_free) / volatility if risky else None,
            risk_free=risk_free,
            risk_contributions=shares,
            method=method,
            residual=residual,
            duals=duals,
            figures=figures or {},
            warnings=warnings,
        )


def duals_of(
    form: StandardForm, limits: Constraints, programme: Programme, found: Solution, *, target: bool = False
) -> Duals:
    """Return the dual values of a solution; ``target``: its last equality is the return asked for."""
    point = Point(x=found.x, equality=found.equality, inequality=found.inequality)
    slope = gradient(programme, point)
    least = FORCELESS * max(
        float(np.abs(programme.linear).max()), float(np.abs(found.equality).max()), 1e-300
    )
    below, above = _bound_forces(form, limits, programme, found.x, slope)
    rows = zip(form.rows, found.inequality, strict=True)
    return Duals(
        budget=-float(found.equality[0]),
        lower=np.where(below > least, below, 0.0),
        upper=np.where(above < -least, above, 0.0),
        rows=tuple(
            (name, side, float(-value if side >= 0 else value) if value > least else 0.0)
            for (name, side), value in rows
        ),
        target=-float(found.equality[1]) if target else None,
    )


def _bound_forces(
    form: StandardForm, limits: Constraints, programme: Programme, x: Floats, slope: Floats
) -> tuple[Floats, Floats]:
    """Return the forces of lower bounds (>= 0) and upper bounds (<= 0) of names."""
    below = np.where(x <= programme.lower, np.maximum(slope, 0.0), 0.0)
    above = np.where(x >= programme.upper, np.minimum(slope, 0.0), 0.0)
    if form.current is None:
        return below, above
    names = len(limits.lower)
    forced = programme.lower > 0.0  # a present weight outside its bounds: at least so much is traded
    held = form.weights(x)
    low = np.where(forced[:names], below[:names], -above[names:])
    high = np.where(forced[names:], -below[names:], above[:names])
    return np.where(held <= limits.lower, low, 0.0), np.where(held >= limits.upper, high, 0.0)
