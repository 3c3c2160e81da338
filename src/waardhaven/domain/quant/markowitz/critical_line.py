"""The critical line algorithm: every portfolio that is efficient for some price of risk, exactly.

For each price lambda >= 0 the programme minimise x'Hx / 2 - lambda g'x within bounds, budget and groups has
a solution that is piecewise linear in lambda; where a name or a limit comes in or goes out lies a *corner
portfolio*, and between two of them everything is their mix. Markowitz (1956; *Portfolio Selection*, 1959,
appendix A), Niedermayer & Niedermayer (2006), Bailey & Lopez de Prado (2013). The walk here starts at the
portfolio of least variance (lambda = 0) and goes up until the return no longer grows, so that names of equal
expected return need no special case at the top. Where limits depend on each other or names are copies, the
basis would be singular: then the walk moves along what that leaves open until an unknown has to leave it.

All unknowns stand in one vector z = (x, multipliers of equalities, multipliers of inequalities), and
M z + q(lambda) is their residual: the gradient of a variable, the excess of a row. The *basis* holds the
unknowns that move: free variables, equalities, inequalities that are tight. Its inverse is updated by one
row and column at each corner, checked at each corner, and made anew where rounding has grown.
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from waardhaven.domain.quant.active_set import on_bounds
from waardhaven.domain.quant.quadratic_programme import NotSolved, Point, Programme
from waardhaven.domain.types import Flags, Floats, Rows

NEGLIGIBLE, TIGHT = 1e-14, 1e-12
STEPS_FOR_EACH = 20
"""Corners allowed for each unknown; real markets have about one for each name."""
FLAT, DRIFTED, SINGULAR, PIVOT = 1e-11, 1e-11, 1e-7, 1e-12
DEPENDENT = "The tight limits depend on each other, or several portfolios share the least variance."
STANDING = 4
"""Steps of no length allowed in a row, for each unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalLine:
    """Corner portfolios in the order of rising lambda, and what follows the last one.

    ``prices`` (c,): lambda of each corner, the first 0. ``unknowns`` (c, N): variables, then multipliers of
    equalities, then of inequalities. ``beyond`` (N,): their change for each unit of lambda after the last
    corner, 0 for variables.
    """

    prices: Floats
    unknowns: Floats
    beyond: Floats

    def at(self, price: float) -> Floats:
        """Return the unknowns (N,) at lambda = ``price`` >= 0."""
        after = int(np.searchsorted(self.prices, price, side="right"))
        low: Floats = self.unknowns[after - 1]
        if after == len(self.prices):
            onward: Floats = low + (price - self.prices[-1]) * self.beyond
            return onward
        part = (price - self.prices[after - 1]) / (self.prices[after] - self.prices[after - 1])
        mixed: Floats = low + part * (self.unknowns[after] - low)  # what stays on a bound stays exactly
        return mixed


def critical_line(programme: Programme, gain: Floats, start: Point) -> CriticalLine:
    """Return all corners of minimise x'Hx / 2 + q'x - lambda ``gain``'x within the limits of ``programme``.

    ``start``: the solution at lambda = 0, that of ``programme`` itself. Raises NotSolved where the
    walk can not go on: several portfolios of least variance, dependent limits that are all tight.
    """
    walk = _Walk.of(programme, gain, _settled(programme, start))
    price, prices, corners = 0.0, [0.0], [walk.unknowns.copy()]
    standing = 0
    for _ in range(STEPS_FOR_EACH * len(walk.unknowns)):
        walk.point()
        length, leaving, entering = walk.next_event()
        if length == np.inf:
            return walk.line(np.array(prices), np.array(corners))
        if length <= NEGLIGIBLE * max(price, 1.0):
            length = 0.0
        walk.go(length)
        standing = standing + 1 if length == 0.0 else 0
        if standing > STANDING * len(walk.unknowns):
            break
        walk.exchange(leaving, entering)
        if length > 0.0:
            price += length
            prices.append(price)
            corners.append(walk.unknowns.copy())
        else:
            corners[-1] = walk.unknowns.copy()
    raise NotSolved("The critical line does not end.")


@dataclass(slots=True, kw_only=True)
class _Walk:
    """Where the walk is: unknowns and residuals, the basis, its inverse and the rows of M it uses."""

    matrix: Floats
    gain: Floats
    lower: Floats
    upper: Floats
    sign: Floats
    unknowns: Floats
    residual: Floats
    basis: Rows
    rows: Floats
    inverse: Floats
    size: int
    unit: float
    scale: float
    variables: int
    direction: Floats = field(default_factory=lambda: np.zeros(0))
    slope: Floats = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, programme: Programme, gain: Floats, start: Point) -> Self:
        """Return the walk at lambda = 0, in units that make variances and gains about 1."""
        names, equal, groups = (len(one) for one in (gain, programme.totals, programme.ceilings))
        count = names + equal + groups
        unit = float(programme.hessian.diagonal().mean()) or 1.0
        scale = float(np.abs(gain).max()) or 1.0
        matrix = np.zeros((count, count))
        np.divide(programme.hessian, unit, out=matrix[:names, :names])
        matrix[names : names + equal, :names] = programme.equalities
        matrix[names + equal :, :names] = programme.inequalities
        matrix[:names, names:] = matrix[names:, :names].T
        moved = np.zeros(count)
        moved[:names] = gain / scale
        free_end = np.concatenate([programme.lower, np.full(equal, -np.inf), np.zeros(groups)])
        far_end = np.concatenate([programme.upper, np.full(equal + groups, np.inf)])
        unknowns = np.concatenate([start.x, start.equality / unit, start.inequality / unit])
        shift = np.concatenate([programme.linear / -unit, programme.totals, programme.ceilings])
        walk = cls(
            matrix=matrix,
            gain=moved,
            lower=free_end,
            upper=far_end,
            sign=np.zeros(count),
            unknowns=unknowns,
            residual=unknowns @ matrix - shift,
            basis=np.zeros(count, dtype=np.intp),
            rows=np.empty((count, count)),
            inverse=np.empty((count, count)),
            size=0,
            unit=unit,
            scale=scale,
            variables=names,
        )
        walk._begin(_moving(programme, start))
        return walk

    def _begin(self, moving: Flags) -> None:
        """Put the unknowns that move into the basis, and exchange some while that is singular."""
        for _ in range(len(moving)):
            self._place(moving)
            if self._factored():
                self._settle()
                return
            self._reduce(moving)
        raise NotSolved(DEPENDENT)

    def _place(self, moving: Flags) -> None:
        """Let ``moving`` (N,) be the basis; its inverse is not made."""
        low = self.unknowns <= self.lower
        self.sign = np.where(moving, 0.0, np.where(low, 1.0, -1.0))
        self.sign[self.variables :] *= -1.0  # a row that is not tight has no excess
        self.sign[self.lower >= self.upper] = 0.0
        inside = np.flatnonzero(moving)
        self.size = len(inside)
        self.basis[: self.size] = inside
        self.rows[: self.size] = self.matrix[inside]

    def _reduce(self, moving: Flags) -> None:
        """Move along what a singular basis leaves open until an unknown leaves it or one comes in.

        Either multipliers of limits that depend on each other, or weights of equal variance, towards the
        higher gain. Neither changes the optimum at the present lambda.
        """
        inside = self.basis[: self.size].copy()
        values, vectors = np.linalg.eigh(self.rows[: self.size, inside])
        open_way = vectors[:, int(np.abs(values).argmin())]
        gained = float(self.gain[inside] @ open_way)
        ways = (open_way, -open_way) if gained >= 0.0 else (-open_way, open_way)
        for self.direction in ways[: 1 if abs(gained) > FLAT else 2]:
            self.slope = self.direction @ self.rows[: self.size]
            length, leaving, entering = self.next_event()
            if length < np.inf:
                break
        else:
            raise NotSolved(DEPENDENT)
        self.unknowns[inside] += length * self.direction
        self.residual += length * self.slope
        if entering >= 0:
            moving[entering] = True
        else:
            moving[self._put_on_end(leaving)] = False

    def _moving_now(self) -> Flags:
        moving = np.zeros(len(self.unknowns), dtype=np.bool_)
        moving[self.basis[: self.size]] = True
        return moving

    def _factored(self) -> bool:
        """Make the inverse of the basis; False if it has none that is accurate."""
        size = self.size
        block = self.rows[:size, self.basis[:size]]
        try:
            inverse = np.linalg.inv(block)
        except np.linalg.LinAlgError:
            return False
        if not np.abs(inverse @ block - np.eye(size)).max(initial=0.0) <= SINGULAR:
            return False
        self.inverse[:size, :size] = (inverse + inverse.T) / 2.0
        return True

    def _settle(self) -> None:
        """Remove what rounding left in the residuals of the basis."""
        inside = self.basis[: self.size]
        correction = self.inverse[: self.size, : self.size] @ self.residual[inside]
        self.unknowns[inside] -= correction
        self.residual -= correction @ self.rows[: self.size]
        self.residual[inside] = 0.0

    def point(self) -> None:
        """Find how unknowns and residuals change with lambda; make the inverse anew if it has drifted."""
        if self._aim() > DRIFTED:
            self._begin(self._moving_now())
            self._aim()

    def _aim(self) -> float:
        inside, rows = self.basis[: self.size], self.rows[: self.size]
        inverse = self.inverse[: self.size, : self.size]
        step = inverse @ self.gain[inside]
        slope = step @ rows - self.gain
        off = float(np.abs(slope[inside]).max(initial=0.0))
        correction = inverse @ slope[inside]
        step -= correction
        slope -= correction @ rows
        slope[inside] = 0.0
        self.direction, self.slope = step, slope
        return off

    def next_event(self) -> tuple[float, int, int]:
        """Return how far lambda can rise, and which place of the basis leaves or which unknown enters.

        Places and unknowns are -1 where it is the other that happens; the length is infinite at the end.
        """
        inside, step = self.basis[: self.size], self.direction
        at = self.unknowns[inside]
        end = np.where(step > 0.0, self.upper[inside], self.lower[inside])
        moves = np.abs(step) > FLAT * max(1.0, float(np.abs(step).max(initial=0.0)))
        lengths = np.full(self.size, np.inf)
        np.divide(end - at, step, out=lengths, where=moves)
        out = int(lengths.argmin()) if self.size else -1
        first = max(float(lengths[out]), 0.0) if self.size else np.inf
        falling = self.sign * self.slope
        turns = np.full(len(falling), np.inf)
        np.divide(-self.sign * self.residual, falling, out=turns, where=falling < -FLAT)
        new = int(turns.argmin())
        second = max(float(turns[new]), 0.0)
        return (first, out, -1) if first <= second else (second, -1, new)

    def go(self, length: float) -> None:
        """Raise lambda by ``length``."""
        inside = self.basis[: self.size]
        self.unknowns[inside] += length * self.direction
        self.residual += length * self.slope
        self._settle()

    def exchange(self, leaving: int, entering: int) -> None:
        """Let one unknown go out of the basis at its end, or one come in.

        Where that leaves a singular basis (a copy of a name comes in), others are exchanged too.
        """
        pivot = self._pivot_in(entering) if entering >= 0 else self.inverse[leaving, leaving]
        if abs(pivot) > PIVOT:
            self._enter(entering, pivot) if entering >= 0 else self._leave(leaving)
            return
        moving = self._moving_now()
        if entering >= 0:
            moving[entering] = True
        else:
            moving[self._put_on_end(leaving)] = False
        self._begin(moving)

    def _put_on_end(self, place: int) -> int:
        """Put the unknown at a place of the basis on the end it moves to, and return it."""
        gone = int(self.basis[place])
        self.unknowns[gone] = self.lower[gone] if self.direction[place] < 0.0 else self.upper[gone]
        return gone

    def _pivot_in(self, new: int) -> float:
        side = self.matrix[new, self.basis[: self.size]]
        return float(self.matrix[new, new] - side @ self.inverse[: self.size, : self.size] @ side)

    def _leave(self, place: int) -> None:
        """Take a place out: the last one moves there, and the inverse loses a row and a column."""
        gone = self._put_on_end(place)
        low = self.direction[place] < 0.0
        self.sign[gone] = (1.0 if low else -1.0) * (1.0 if gone < self.variables else -1.0)
        last, inverse, size = self.size - 1, self.inverse, self.size
        if place != last:
            inverse[[place, last], :size] = inverse[[last, place], :size]
            inverse[:size, [place, last]] = inverse[:size, [last, place]]
            self.rows[place] = self.rows[last]
            self.basis[place] = self.basis[last]
        column = inverse[:last, last].copy()
        inverse[:last, :last] -= np.multiply.outer(column, column / inverse[last, last])
        self.size = last

    def _enter(self, new: int, pivot: float) -> None:
        """Bring an unknown in: the inverse gains a row and a column."""
        size = self.size
        inverse = self.inverse[:size, :size]
        column = inverse @ self.matrix[new, self.basis[:size]]
        inverse += np.multiply.outer(column, column / pivot)
        self.inverse[:size, size] = self.inverse[size, :size] = column / -pivot
        self.inverse[size, size] = 1.0 / pivot
        self.basis[size] = new
        self.rows[size] = self.matrix[new]
        self.size = size + 1
        self.residual[new] = 0.0
        self.sign[new] = 0.0

    def line(self, prices: Floats, corners: Floats) -> CriticalLine:
        """Return the corners in the units of the programme."""
        beyond = np.zeros(len(self.unknowns))
        beyond[self.basis[: self.size]] = self.direction
        names = self.variables
        beyond[:names] = 0.0
        corners[:, :names] = on_bounds(corners[:, :names], self.lower[:names], self.upper[:names])
        corners[:, names:] *= self.unit
        beyond[names:] *= self.scale
        return CriticalLine(prices=prices * (self.unit / self.scale), unknowns=corners, beyond=beyond)


def _settled(programme: Programme, start: Point) -> Point:
    """Return the point with weights exactly on their bounds and no force of limits that are not tight."""
    x = on_bounds(start.x, programme.lower, programme.upper)
    slack = programme.ceilings - programme.inequalities @ x
    tight = slack <= TIGHT * np.maximum(1.0, np.abs(programme.ceilings))
    return Point(x=x, equality=start.equality, inequality=np.where(tight, start.inequality, 0.0))


def _moving(programme: Programme, start: Point) -> Flags:
    """Return which unknowns (N,) are neither on a bound nor without force."""
    free = (start.x > programme.lower) & (start.x < programme.upper)
    equal = np.ones(len(programme.totals), dtype=np.bool_)
    return np.concatenate([free, equal, start.inequality > 0.0])
