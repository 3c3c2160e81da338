"""The dual active set method for a strictly convex quadratic programme; it always ends.

Goldfarb & Idnani (1983), "A numerically stable dual method for solving strictly convex quadratic programs",
*Mathematical Programming* 27. It starts at the minimum without constraints and adds the most broken
constraint, letting go of those whose multiplier would turn negative. Constraints that depend on those held
are never added, so copies of a limit need no special case; where one can not be kept, nothing can keep them.
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from waardhaven.domain.quant.active_set import FREE, HIGH, LOW, ActiveSet
from waardhaven.domain.quant.quadratic_programme import Programme
from waardhaven.domain.types import Floats

ROUNDING, EPSILON = 1e-13, 1e-15
DEPENDENT = (1e-9, 1e-12)
"""Share of its length below which what a normal adds to those held is rounding; the second where the first
leaves a limit of near copies broken."""
STEPS_FOR_EACH = 20
"""Steps allowed for each variable and row; most programmes need fewer than one."""


def final_set(programme: Programme) -> ActiveSet | None:
    """Return the active set of the minimum; its constraints are independent but for copies of equalities.

    The Hessian must be positive definite. None if it is not within rounding, no point keeps every constraint,
    or the search has not ended.
    """
    return next(filter(None, (_final_set(programme, share) for share in DEPENDENT)), None)


def _final_set(programme: Programme, dependent: float) -> ActiveSet | None:
    search = _Search.of(programme, dependent)
    if search is None or not all(search.keep(row) for row in search.equalities):
        return None
    for _ in range(STEPS_FOR_EACH * search.normals.shape[1]):
        broken = search.most_broken()
        if broken is None:
            return search.active()
        if not search.add(*broken):
            return None
    return None


@dataclass(slots=True, kw_only=True)
class _Search:
    """Where the search is, in unknowns y = L'x, the Hessian being LL', so that distances are plain.

    ``normals`` (n, m): of x itself, then of inequalities, then of equalities. ``below``, ``above`` (m,): what
    each must lie between. ``held``: columns held, ``signs``: 1 from below, -1 from above, ``forces``: their
    multipliers; ``basis`` and ``corner``: the QR factors of their normals.
    """

    normals: Floats
    below: Floats
    above: Floats
    lengths: Floats
    dependent: float
    variables: int
    equalities: range
    y: Floats
    basis: Floats
    corner: Floats
    held: list[int] = field(default_factory=list)
    signs: list[float] = field(default_factory=list)
    forces: Floats = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, programme: Programme, dependent: float) -> Self | None:
        """Return the search at the minimum without constraints; None if the Hessian is not definite."""
        from scipy.linalg import solve_triangular

        try:
            factor = np.linalg.cholesky(programme.hessian)
        except np.linalg.LinAlgError:
            return None
        count, rows = len(programme.linear), len(programme.ceilings)
        every = np.vstack([np.eye(count), programme.inequalities, programme.equalities])
        normals = solve_triangular(factor, every.T, lower=True)
        lengths = np.sqrt(np.einsum("ij,ij->j", normals, normals))
        return cls(
            normals=normals,
            below=np.concatenate([programme.lower, np.full(rows, -np.inf), programme.totals]),
            above=np.concatenate([programme.upper, programme.ceilings, programme.totals]),
            lengths=lengths,
            dependent=dependent,
            variables=count,
            equalities=range(count + rows, len(every)),
            y=-solve_triangular(factor, programme.linear, lower=True),
            basis=np.eye(count),
            corner=np.zeros((count, 0)),
        )

    def most_broken(self) -> tuple[int, float] | None:
        """Return which constraint is broken most, and from which side; None if every one is kept."""
        values = self.y @ self.normals
        under, over = self.below - values, values - self.above
        gaps = np.maximum(under, over)
        gaps[self.held] = 0.0
        gaps[self.equalities.start :] = 0.0
        worst = int(gaps.argmax())
        if gaps[worst] <= self._room(worst, float(np.abs(values[: self.variables]).max())):
            return None
        return worst, 1.0 if under[worst] >= over[worst] else -1.0

    def keep(self, row: int) -> bool:
        """Hold an equality; one that depends on those held must be kept already."""
        value = float(self.y @ self.normals[:, row])
        return self.add(row, 1.0 if value <= self.below[row] else -1.0)

    def add(self, new: int, sign: float) -> bool:
        """Hold a constraint, letting go of others on the way; False if no point keeps it."""
        normal = sign * self.normals[:, new]
        force = 0.0
        while True:
            count = len(self.held)
            inside = normal @ self.basis
            step, along = self._against(inside[:count]), self.basis[:, count:] @ inside[count:]
            length, leaving = self._first_to_leave(step)
            square = float(along @ along)
            gap = self._gap(new, sign)
            moves = square > (self.dependent * self.lengths[new]) ** 2
            if not moves and (new in self.equalities or leaving < 0):
                return gap <= self._room(new, 1.0)
            full = gap / square if moves else np.inf
            length = min(length, full)
            self.forces = self.forces - length * step
            force += length
            if moves:
                self.y = self.y + length * along
            if full <= length:
                self._hold(new, sign, normal, force)
                return True
            self._let_go(leaving)

    def _room(self, row: int, size: float) -> float:
        """Return what may be rounding in the value of a row, of which the largest unknown has a size."""
        length = float(np.sqrt(self.y @ self.y)) * float(self.lengths[row])
        return max(ROUNDING * max(1.0, size), EPSILON * length)

    def _gap(self, new: int, sign: float) -> float:
        value = float(self.y @ self.normals[:, new])
        return max(float(self.below[new]) - value if sign > 0.0 else value - float(self.above[new]), 0.0)

    def _against(self, inside: Floats) -> Floats:
        """Return how the multipliers of what is held fall for each unit of the new one."""
        from scipy.linalg import solve_triangular

        count = len(self.held)
        if not count:
            return inside
        step: Floats = solve_triangular(self.corner[:count, :count], inside)
        return step

    def _first_to_leave(self, step: Floats) -> tuple[float, int]:
        """Return how far multipliers can fall, and the place of the first at 0; infinite and -1 for none."""
        lengths = np.full(len(step), np.inf)
        may = (step > 0.0) & (np.array(self.held, dtype=np.intp) < self.equalities.start)
        np.divide(self.forces, step, out=lengths, where=may)
        first = int(lengths.argmin()) if len(lengths) else -1
        if first < 0 or lengths[first] == np.inf:
            return np.inf, -1
        return max(float(lengths[first]), 0.0), first

    def _hold(self, new: int, sign: float, normal: Floats, force: float) -> None:
        from scipy.linalg import qr_insert

        count = len(self.held)
        self.basis, self.corner = qr_insert(self.basis, self.corner, normal, count, which="col")
        self.held.append(new)
        self.signs.append(sign)
        self.forces = np.append(self.forces, force)
        self._settle()

    def _settle(self) -> None:
        """Remove what rounding left in the values of what is held."""
        from scipy.linalg import solve_triangular

        count, sides = len(self.held), np.array(self.signs)
        ends = np.where(sides > 0.0, self.below[self.held], self.above[self.held])
        off = sides * (ends - self.y @ self.normals[:, self.held])
        self.y = self.y + self.basis[:, :count] @ solve_triangular(
            self.corner[:count, :count], off, trans="T"
        )

    def _let_go(self, place: int) -> None:
        from scipy.linalg import qr_delete

        self.basis, self.corner = qr_delete(self.basis, self.corner, place, which="col")
        del self.held[place], self.signs[place]
        self.forces = np.delete(self.forces, place)

    def active(self) -> ActiveSet:
        """Return what is held as an active set."""
        side = np.full(self.variables, float(FREE))
        tight = np.zeros(self.equalities.start - self.variables, dtype=np.bool_)
        for at, sign in zip(self.held, self.signs, strict=True):
            if at < self.variables:
                side[at] = LOW if sign > 0.0 else HIGH
            elif at < self.equalities.start:
                tight[at - self.variables] = True
        return ActiveSet(side=side, tight=tight)
