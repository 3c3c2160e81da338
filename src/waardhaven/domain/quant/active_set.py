"""Block principal pivoting: the exact solution of a quadratic programme once its active set is known.

Kostreva (1978) and Judice & Pires (1994, "A block principal pivoting algorithm for large-scale strictly
monotone linear complementarity problems"): solve with the present active set, exchange every constraint
of the wrong sign at once, and only one while that does not help. For bounds from below it ends; with upper
bounds or general inequalities nothing proves that it does, so the number of rounds is limited.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from waardhaven.domain.quant.quadratic_programme import Point, Programme, gradient
from waardhaven.domain.types import Flags, Floats

LOW, FREE, HIGH = -1, 0, 1
ROUNDS, PATIENCE = 60, 4
PRIMAL_ROUNDING, DUAL_ROUNDING, ON_BOUND = 1e-14, 1e-12, 1e-15
TINY = 1e-300
SaddleSolver = Callable[[Floats, Floats, Floats, Floats], tuple[Floats, Floats] | None]
"""Solves block x + rows' m = pull, rows x = gap for x and m; None where it can not."""
LARGE = 64
"""Number of variables from which on a guess of the free ones is worth its cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveSet:
    """Where each variable is, ``side`` (n,) LOW, FREE or HIGH, and which inequalities (g,) are ``tight``."""

    side: Floats
    tight: Flags

    def exchanged(self, wanted: "ActiveSet", *, only_one: bool) -> "ActiveSet":
        """Return ``wanted``, or this set with the last of the differences alone."""
        if not only_one:
            return wanted
        side, tight = self.side.copy(), self.tight.copy()
        loose = np.flatnonzero(tight != wanted.tight)
        if len(loose):
            tight[loose[-1]] = wanted.tight[loose[-1]]
        else:
            last = np.flatnonzero(side != wanted.side)[-1]
            side[last] = wanted.side[last]
        return ActiveSet(side=side, tight=tight)

    def distance(self, other: "ActiveSet") -> int:
        """Return how many constraints differ."""
        return int((self.side != other.side).sum() + (self.tight != other.tight).sum())


def guess(programme: Programme) -> ActiveSet:
    """Return a first active set: all variables free, or those of low risk where there are many.

    With one equality of a positive gain for each variable, names whose risk for their gain lies above
    the average in an equal mix seldom keep a weight.
    """
    side = np.zeros(len(programme.linear))
    if len(side) >= LARGE and len(programme.totals) == 1 and not programme.linear.any():
        gain = programme.equalities[0]
        risk = programme.hessian @ (1.0 / np.sqrt(np.maximum(programme.hessian.diagonal(), TINY)))
        promising = gain > 0.0
        side[:] = LOW
        side[promising & (risk * (gain[promising].sum() / risk[promising].sum()) <= gain)] = FREE
    side[~np.isfinite(programme.lower) & (side == LOW)] = FREE
    side[programme.lower == programme.upper] = LOW
    return ActiveSet(side=side, tight=np.zeros(len(programme.ceilings), dtype=np.bool_))


def settled(programme: Programme, start: ActiveSet, *, near: Point | None = None) -> Point | None:
    """Return the point whose active set confirms itself; None if none is found within the rounds.

    Where an active set leaves a choice (a singular Hessian, dependent constraints), the solution closest
    to ``near`` is taken; without it there is none.
    """
    active, fewest, patience = start, len(start.side) + len(start.tight) + 1, PATIENCE
    for _ in range(ROUNDS):
        point = on_face(programme, active, near)
        if point is None:
            return None
        wanted = _wanted(programme, point, active)
        count = active.distance(wanted)
        if count == 0:
            return Point(
                x=np.clip(point.x, programme.lower, programme.upper),
                equality=point.equality,
                inequality=point.inequality,
            )
        fewest, patience = (count, PATIENCE) if count < fewest else (fewest, patience - 1)
        active = active.exchanged(wanted, only_one=patience < 0)
    return None


def _wanted(programme: Programme, point: Point, active: ActiveSet) -> ActiveSet:
    """Return the active set that the signs at ``point`` ask for.

    A bound that the gradient pushes away from is let go; a free variable beyond a bound goes to it. Those
    on a bound lie within both, and those without room between their bounds stay.
    """
    x, slope, side = point.x, gradient(programme, point), active.side
    room = PRIMAL_ROUNDING * max(1.0, float(np.abs(x).max()))
    force = DUAL_ROUNDING * float(np.abs(slope).max())
    pushed = (side * slope > force) & (programme.lower < programme.upper)
    side = np.where(pushed, float(FREE), side)
    side += x > programme.upper + room
    side -= x < programme.lower - room
    if not len(active.tight):
        return ActiveSet(side=side, tight=active.tight)
    over = programme.inequalities @ x > programme.ceilings + room
    return ActiveSet(side=side, tight=np.where(active.tight, point.inequality >= -force, over))


def on_bounds(x: Floats, lower: Floats, upper: Floats) -> Floats:
    """Return ``x`` (…, n) with what is beyond a bound, or within rounding of it, put on it."""
    room = ON_BOUND * max(1.0, float(np.abs(x).max()))
    raised: Floats = np.where(x <= lower + room, lower, x)
    return np.where(raised >= upper - room, upper, raised)


def on_face(
    programme: Programme, active: ActiveSet, near: Point | None, *, solve: SaddleSolver | None = None
) -> Point | None:
    """Return the minimum on the face of the active set; None if the face does not determine one.

    With ``near`` the one closest to it is returned instead. ``solve``: how the system of equations is solved,
    by Cholesky factors where nothing else is said.
    """
    free = np.flatnonzero(active.side == FREE)
    x = np.where(active.side == LOW, programme.lower, np.where(active.side == HIGH, programme.upper, 0.0))
    held = x.nonzero()[0]
    rows, totals = programme.equalities, programme.totals
    if active.tight.any():
        rows = np.concatenate([rows, programme.inequalities[active.tight]])
        totals = np.concatenate([totals, programme.ceilings[active.tight]])
    block = programme.hessian[free[:, None], free]
    pull, gap = -programme.linear[free], totals
    if len(held):
        pull = pull - (x[held] @ programme.hessian[held])[free]
        gap = totals - rows[:, held] @ x[held]
    found = (solve or _cholesky)(block, rows[:, free], pull, gap)
    if found is None and near is not None:
        guessed = np.concatenate([near.x[free], near.equality, near.inequality[active.tight]])
        found = _closest(block, rows[:, free], pull, gap, guessed)
    if found is None:
        return None
    x[free], multipliers = found
    equal = len(programme.totals)
    inequality = np.zeros(len(active.tight))
    inequality[active.tight] = multipliers[equal:]
    return Point(x=x, equality=multipliers[:equal], inequality=inequality)


def _cholesky(block: Floats, rows: Floats, pull: Floats, gap: Floats) -> tuple[Floats, Floats] | None:
    """Solve block x + rows' m = pull, rows x = gap; None if the system is not definite."""
    from scipy.linalg.lapack import dposv

    if not len(pull) or len(gap) > len(pull):
        return None
    sides = np.empty((len(pull), 1 + len(gap)), order="F")
    sides[:, 0], sides[:, 1:] = pull, rows.T
    _, solved, info = dposv(block, sides, overwrite_b=True)
    if info != 0:
        return None
    free, force = solved[:, 0], solved[:, 1:]
    if not len(gap):
        return free, gap
    with np.errstate(over="ignore", invalid="ignore"):  # of rows that all but depend on each other
        inner = rows @ force
        multipliers = _inner(inner, rows @ free - gap)
        x = free - force @ multipliers
        correction = _inner(inner, rows @ x - gap)  # what rounding left
        x -= force @ correction
    return (x, multipliers + correction) if np.isfinite(x).all() else None


def _inner(matrix: Floats, wanted: Floats) -> Floats:
    """Solve the system of the multipliers (m, m); NaN where it is singular."""
    from scipy.linalg.lapack import dgesv

    if len(wanted) == 1:
        return wanted / matrix[0] if matrix[0, 0] != 0.0 else np.full(1, np.nan)
    _, _, found, info = dgesv(matrix, wanted)
    return found if info == 0 else np.full(len(wanted), np.nan)


def _closest(
    block: Floats, rows: Floats, pull: Floats, gap: Floats, guessed: Floats
) -> tuple[Floats, Floats]:
    """Return the least-squares solution of the same system closest to ``guessed``, x and multipliers."""
    size, count = len(pull), len(gap)
    unit = (float(block.diagonal().mean()) if size else 0.0) or 1.0
    system = np.zeros((size + count, size + count))
    system[:size, :size] = block / unit
    system[:size, size:] = rows.T
    system[size:, :size] = rows
    scaled = np.concatenate([guessed[:size], guessed[size:] / unit])
    wanted = np.concatenate([pull / unit, gap])
    for _ in range(2):  # the second time removes the rounding of the first
        scaled = scaled + np.linalg.lstsq(system, wanted - system @ scaled, rcond=None)[0]
    return scaled[:size], scaled[size:] * unit
