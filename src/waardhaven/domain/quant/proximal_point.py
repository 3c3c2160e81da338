"""The proximal point method: singular programmes as a few strictly convex ones, each solved exactly.

Rockafellar (1976), "Monotone operators and the proximal point algorithm", *SIAM Journal on Control and
Optimization* 14(5): the minimum of f(x) + |x - c|^2 / 2 in a small metric is unique; taken as the next c it
leads to a minimum of f. What the metric adds to the gradient is its weight times the step, so the answer is
one of the programme itself as soon as steps are short, without a limit to how singular its Hessian is.
"""

from dataclasses import replace

import numpy as np

from waardhaven.domain.quant.active_set import on_bounds, on_face
from waardhaven.domain.quant.dual_active_set import final_set
from waardhaven.domain.quant.quadratic_programme import Point, Programme, Solution, solution
from waardhaven.domain.types import Floats

STEPS, SLOWEST, SOLVED = 16, 0.9, 1e-9
WEIGHT, LIGHTER, LEAST_WEIGHT = 1e-7, 0.1, 1e-12
"""Share of its own curvature that the metric of a variable is at first, what it shrinks by, and at least."""
NOTHING = 1e-13
"""Share of the largest |x|, at least of 1, that counts as 0: a tenth of what limits may be missed by."""
STILL, PULLED = 1e-13, 10.0
"""What the metric of every variable is at least: a share of the largest curvature, and of the largest |q|
times the present weight."""


def approached(programme: Programme, start: Point) -> Solution | None:
    """Return a solution reached from ``start``; None if no point keeps the constraints or no step arrives."""
    curvature = programme.hessian.diagonal()
    pull = float(np.abs(programme.linear).max())
    still = STILL * float(curvature.max())
    reached = np.clip(np.nan_to_num(start.x, posinf=0.0, neginf=0.0), programme.lower, programme.upper)
    weight, near = WEIGHT, replace(start, x=reached)
    for _ in range(STEPS):
        least = max(still, PULLED * weight * pull) or 1.0
        point = _next(programme, np.maximum(weight * curvature, least), near)
        if point is None:
            return None
        for candidate in (point, _without_rounding(point, least)):
            found = solution(programme, candidate, "proximal_point")
            if found:
                return found
        weight, near = max(weight * LIGHTER, LEAST_WEIGHT), point
    return None


def _next(programme: Programme, metric: Floats, near: Point) -> Point | None:
    """Return the minimum with the squared distance to ``near`` added, in the diagonal ``metric`` (n,)."""
    hessian = programme.hessian.copy()
    hessian.flat[:: len(metric) + 1] += metric
    step = _seen_from(programme, near.x, hessian)
    active = final_set(step)
    still = replace(near, x=np.zeros(len(metric)))
    point = None if active is None else on_face(step, active, still, solve=_saddle_point)
    if point is None:
        return None
    return Point(
        x=on_bounds(near.x + point.x, programme.lower, programme.upper),
        equality=point.equality,
        inequality=np.maximum(point.inequality, 0.0),
    )


def _without_rounding(point: Point, least: float) -> Point:
    """Return the point with 0 for what is below the accuracy of weights, and for the forces of as much.

    A minimum at 0 is else never reached: the residual is relative to the curvature times |x|, which goes to 0
    with it.
    """
    x = np.where(np.abs(point.x) <= NOTHING * max(1.0, float(np.abs(point.x).max())), 0.0, point.x)
    equality, inequality = (
        np.where(np.abs(one) <= NOTHING * least, 0.0, one) for one in (point.equality, point.inequality)
    )
    return Point(x=x, equality=equality, inequality=inequality)


def _seen_from(programme: Programme, centre: Floats, hessian: Floats) -> Programme:
    """Return the programme in unknowns x - ``centre``, which are short, with another Hessian."""
    return Programme(
        hessian=hessian,
        linear=programme.linear + centre @ programme.hessian,
        equalities=programme.equalities,
        totals=programme.totals - programme.equalities @ centre,
        inequalities=programme.inequalities,
        ceilings=programme.ceilings - programme.inequalities @ centre,
        lower=programme.lower - centre,
        upper=programme.upper - centre,
    )


def _saddle_point(block: Floats, rows: Floats, pull: Floats, gap: Floats) -> tuple[Floats, Floats] | None:
    """Solve block x + rows' m = pull, rows x = gap in units of equal curvature; None if that is singular.

    Through one factorisation of the whole system: where variables differ by many powers of ten, forming the
    smaller system of the multipliers would lose what the rows say.
    """
    from scipy.linalg.lapack import dgetrf

    size, count = len(pull), len(gap)
    unit = 1.0 / np.sqrt(block.diagonal())
    length = np.sqrt(np.einsum("ij,j,ij->i", rows, unit**2, rows))
    if count > size or not length.all():
        return None
    scale = np.concatenate([unit, 1.0 / length])
    system = np.zeros((size + count, size + count))
    system[:size, :size], system[size:, :size], system[:size, size:] = block, rows, rows.T
    system *= scale
    system *= scale[:, None]
    wanted = np.concatenate([pull, gap]) * scale
    *factors, singular = dgetrf(system)
    if singular:
        return None
    found = np.zeros(len(wanted))
    of_rows = (np.arange(len(wanted)) >= size).astype(np.float64)
    for part in (np.ones(len(wanted)), of_rows):  # rows on their own too: forces may be larger by far
        found = _refined(system, factors, wanted, found, part)
    if not np.abs(wanted - system @ found).max() <= SOLVED * np.abs(wanted).max():
        return None
    found *= scale
    return found[:size], found[size:]


def _refined(system: Floats, factors: list[Floats], wanted: Floats, found: Floats, part: Floats) -> Floats:
    """Return ``found`` corrected, as long as that helps, by what its equations of ``part`` leave."""
    from scipy.linalg.lapack import dgetrs

    left = (wanted - system @ found) * part
    while True:
        closer = found + dgetrs(*factors, left)[0]
        remaining = (wanted - system @ closer) * part
        if not np.abs(remaining).max() < SLOWEST * np.abs(left).max():
            return found
        found, left = closer, remaining
