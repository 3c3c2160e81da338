"""The one solver of convex quadratic programmes.

An active set found by block principal pivoting gives the solution exactly where it settles; everything
else goes through PIQP, an interior-point method, whose active set is then solved exactly in the same way.
Where that leaves more than rounding, as singular Hessians and constraints that depend on each other do, steps
of the proximal point method go on from there, each solved by a dual active set.
Whatever the path, a solution is returned only if its Karush-Kuhn-Tucker residual and its constraints are
within bounds. The objective is scaled for the solver, so units of the Hessian do not matter.
"""

from typing import Any

import numpy as np

from waardhaven.domain.quant.active_set import FREE, HIGH, LOW, ActiveSet, guess, settled
from waardhaven.domain.quant.proximal_point import approached
from waardhaven.domain.quant.quadratic_programme import (
    Infeasible,
    NotSolved,
    Point,
    Programme,
    Solution,
    solution,
)
from waardhaven.domain.types import Floats

__all__ = ["Infeasible", "NotSolved", "Solution", "minimise"]


def minimise(
    hessian: Floats,
    linear: Floats | None = None,
    *,
    equalities: Floats | None = None,
    totals: Floats | None = None,
    inequalities: Floats | None = None,
    ceilings: Floats | None = None,
    lower: Floats | None = None,
    upper: Floats | None = None,
) -> Solution:
    """Minimise x'Px / 2 + q'x subject to Ax = b, Gx <= h, lower <= x <= upper; see Programme for shapes.

    ``hessian`` P must be symmetric positive semi-definite; what is left out does not constrain. Where P is
    singular the minimum may be reached at many points; one of them is returned, always the same.

    Raises Infeasible if nothing satisfies the constraints, NotSolved if no point of the accuracy promised
    (residual 1e-9, constraints 1e-12, both relative) is found. NaN is not accepted.
    """
    count = len(hessian)
    programme = Programme(
        hessian=np.ascontiguousarray(hessian, dtype=np.float64),
        linear=np.zeros(count) if linear is None else linear,
        equalities=np.zeros((0, count)) if equalities is None else equalities,
        totals=np.zeros(0) if totals is None else totals,
        inequalities=np.zeros((0, count)) if inequalities is None else inequalities,
        ceilings=np.zeros(0) if ceilings is None else ceilings,
        lower=np.full(count, -np.inf) if lower is None else lower,
        upper=np.full(count, np.inf) if upper is None else upper,
    )
    _check_bounds(programme)
    found = solution(programme, settled(programme, guess(programme)), "active_set")
    return found or _by_interior_point(programme)


def _check_bounds(programme: Programme) -> None:
    if (programme.lower > programme.upper).any():
        raise Infeasible("A lower bound lies above its upper bound.")
    used = programme.equalities != 0.0
    ends = [
        np.multiply(programme.equalities, one, out=np.zeros(used.shape), where=used)
        for one in (programme.lower, programme.upper)
    ]
    least, most = np.minimum(*ends).sum(axis=1), np.maximum(*ends).sum(axis=1)
    room = 1e-12 * np.maximum(1.0, np.abs(programme.totals))
    if ((programme.totals < least - room) | (programme.totals > most + room)).any():
        raise Infeasible("The bounds of the variables leave an equality out of reach.")


def _by_interior_point(programme: Programme) -> Solution:
    import piqp

    solver = piqp.DenseSolver()
    settings = solver.settings
    settings.eps_abs = settings.eps_rel = 1e-12
    settings.eps_duality_gap_abs = settings.eps_duality_gap_rel = 1e-12
    unit = float(programme.hessian.diagonal().mean()) or 1.0
    solver.setup(
        np.asfortranarray(programme.hessian / unit),
        programme.linear / unit,
        np.asfortranarray(programme.equalities),
        programme.totals,
        np.asfortranarray(programme.inequalities),
        None,
        programme.ceilings,
        programme.lower,
        programme.upper,
    )
    solver.solve()
    exact, own = _candidates(programme, solver.result, unit)
    found = (
        solution(programme, exact, "interior_point")
        or solution(programme, own, "interior_point")
        or approached(programme, own)
    )
    if found:
        return found
    if _contradictory(programme):
        raise Infeasible("No point satisfies every constraint.")
    raise NotSolved("The quadratic programme has no minimum, or none that can be computed accurately.")


def _contradictory(programme: Programme) -> bool:
    """Whether a linear programme over the same constraints finds no point either."""
    from scipy.optimize import linprog

    found = linprog(
        np.zeros(len(programme.linear)),
        A_ub=programme.inequalities,
        b_ub=programme.ceilings,
        A_eq=programme.equalities,
        b_eq=programme.totals,
        bounds=np.column_stack([programme.lower, programme.upper]),
        method="highs",
    )
    return bool(found.status == 2)


def _candidates(programme: Programme, result: Any, unit: float) -> tuple[Point | None, Point]:
    """Return the exact point of the active set that the interior point ended at, and that point itself."""
    low = result.z_bl > result.x - programme.lower
    high = result.z_bu > programme.upper - result.x
    x = np.where(low, programme.lower, np.where(high, programme.upper, result.x))
    side = np.where(low, LOW, np.where(high, HIGH, FREE)).astype(np.float64)
    active = ActiveSet(side=side, tight=result.z_u > programme.ceilings - programme.inequalities @ result.x)
    own = Point(
        x=np.clip(x, programme.lower, programme.upper),
        equality=result.y * unit,
        inequality=np.maximum(result.z_u, 0.0) * unit,
    )
    return settled(programme, active, near=own), own
