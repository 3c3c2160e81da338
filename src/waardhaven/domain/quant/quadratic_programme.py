"""A convex quadratic programme, its solution, and how far a point is from solving it."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.errors import Invalid
from waardhaven.domain.types import Floats

MOST_RESIDUAL = 1e-9
"""Largest Karush-Kuhn-Tucker residual of a solution, relative to the size of its gradient."""
MOST_VIOLATION = 1e-12
"""Largest violation of a constraint by a solution, relative to max(1, largest |x|)."""


class Infeasible(Invalid):
    """No point satisfies every constraint; the message names the smallest relaxation where one is known."""


class NotSolved(Invalid):
    """No solution of the accuracy promised was found, e.g. because the objective has no minimum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """Minimise x'Px / 2 + q'x subject to Ax = b, Gx <= h and lower <= x <= upper.

    ``hessian`` P (n, n): symmetric positive semi-definite. ``linear`` q (n,). ``equalities`` A (e, n) with
    ``totals`` b (e,). ``inequalities`` G (g, n) with ``ceilings`` h (g,). ``lower``, ``upper`` (n,):
    may be infinite.
    """

    hessian: Floats
    linear: Floats
    equalities: Floats
    totals: Floats
    inequalities: Floats
    ceilings: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A candidate x (n,) with the multipliers of equalities (e,) and inequalities (g,)."""

    x: Floats
    equality: Floats
    inequality: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Candidates x (c, n) with the multipliers of equalities (c, e) and inequalities (c, g)."""

    x: Floats
    equality: Floats
    inequality: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """A solution x (n,) with its multipliers, how accurate it is, and which method found it.

    ``equality`` (e,), ``inequality`` (g,) >= 0: the multipliers of the rows in Px + q + A'y + G'z = the force
    of the bounds. ``residual``: Karush-Kuhn-Tucker residual as ``residual`` defines it, at most 1e-9.
    ``violation``: of the constraints, at most 1e-12.
    """

    x: Floats
    equality: Floats
    inequality: Floats
    residual: float
    violation: float
    method: str


def gradient(programme: Programme, point: Point) -> Floats:
    """Return the gradient of the Lagrangian without bounds, (n,)."""
    held = point.x.nonzero()[0]
    few = 2 * len(held) < len(point.x)
    curved = point.x[held] @ programme.hessian[held] if few else point.x @ programme.hessian
    slope = curved + programme.linear + point.equality @ programme.equalities
    return slope + point.inequality @ programme.inequalities if len(programme.ceilings) else slope


def residual(programme: Programme, point: Point) -> float:
    """Return the largest breach of stationarity, signs and complementarity, relative to the gradient.

    A component exactly on its bound may have a gradient that points outwards. The scale is the largest of
    |q| and of the multipliers' forces, or the largest curvature times |x| where those vanish.
    """
    slope = gradient(programme, point)
    low, high = point.x <= programme.lower, point.x >= programme.upper
    off = np.where(low & high, 0.0, np.where(low, -slope, np.where(high, slope, np.abs(slope))))
    breaches = [float(off.max(initial=0.0))]
    if len(programme.ceilings):
        slack = programme.ceilings - programme.inequalities @ point.x
        breaches += [float(-point.inequality.min()), float(np.abs(point.inequality * slack).max())]
    return max(breaches) / _scale(programme, point)


def residuals(programme: Programme, linear: Floats, points: Points) -> Floats:
    """Return ``residual`` (c,) of many points at once, each with a ``linear`` (c, n) of its own."""
    held = np.flatnonzero(points.x.any(axis=0))
    forces = points.equality @ programme.equalities
    slope = points.x[:, held] @ programme.hessian[held] + linear + forces
    slope += points.inequality @ programme.inequalities
    low, high = points.x <= programme.lower, points.x >= programme.upper
    off = np.where(low & high, 0.0, np.where(low, -slope, np.where(high, slope, np.abs(slope))))
    slack = programme.ceilings - points.x @ programme.inequalities.T
    curvature = float(programme.hessian.diagonal().max())
    scale = np.maximum(_largest(linear), _largest(forces))
    scale = np.maximum(scale, ROUNDED_CURVATURE * curvature * _largest(points.x))
    breach = np.maximum(off.max(axis=1, initial=0.0), _largest(points.inequality * slack))
    breach = np.maximum(breach, -points.inequality.min(axis=1, initial=0.0))
    found: Floats = breach / np.maximum(scale, 1e-300)
    return found


def violations(programme: Programme, x: Floats) -> Floats:
    """Return ``violation`` (c,) of many points (c, n) at once."""
    over = [
        programme.lower - x,
        x - programme.upper,
        np.abs(x @ programme.equalities.T - programme.totals),
        x @ programme.inequalities.T - programme.ceilings,
    ]
    largest = np.max([gap.max(axis=1, initial=0.0) for gap in over], axis=0)
    found: Floats = largest / np.maximum(1.0, _largest(x))
    return found


def _largest(values: Floats) -> Floats:
    found: Floats = np.abs(values).max(axis=1, initial=0.0)
    return found


def violation(programme: Programme, point: Point) -> float:
    """Return the largest violation of a constraint, relative to max(1, largest |x|)."""
    x = point.x
    gaps = [programme.lower - x, x - programme.upper, np.abs(programme.equalities @ x - programme.totals)]
    if len(programme.ceilings):
        gaps.append(programme.inequalities @ x - programme.ceilings)
    largest = max(float(gap.max(initial=0.0)) for gap in gaps)
    return largest / max(1.0, float(np.abs(x).max(initial=0.0)))


def solution(programme: Programme, point: Point | None, method: str) -> Solution | None:
    """Return the point as a solution if it keeps both promises of one; never for NaN."""
    if point is None or not np.isfinite(point.x).all():
        return None
    breach = violation(programme, point)
    if not breach <= MOST_VIOLATION:
        return None
    off = residual(programme, point)
    if not off <= MOST_RESIDUAL:
        return None
    return Solution(
        x=point.x,
        equality=point.equality,
        inequality=point.inequality,
        residual=off,
        violation=breach,
        method=method,
    )


def _scale(programme: Programme, point: Point) -> float:
    forces = [
        float(np.abs(programme.linear).max(initial=0.0)),
        float(np.abs(point.equality @ programme.equalities).max(initial=0.0)),
        ROUNDED_CURVATURE * float(programme.hessian.diagonal().max() * np.abs(point.x).max()),
    ]
    return max(*forces, 1e-300)


ROUNDED_CURVATURE = 1e-3
"""Share of curvature times |x| that counts as the size of a gradient: its rounding is far below 1e-9."""
