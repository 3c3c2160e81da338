"""Limits as a quadratic programme, and why no weights keep them.

Without a limit on turnover the unknowns x are the weights. With one they are what is bought and what is
sold, w = current + bought - sold, both at least 0, so that the sum of absolute changes is linear.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from waardhaven.domain.errors import FieldError
from waardhaven.domain.quant.markowitz.constraints import Constraints
from waardhaven.domain.quant.quadratic_programme import Infeasible, Programme
from waardhaven.domain.types import Floats

ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardForm:
    """Bounds and rows over unknowns x (m,): Ax = b, Gx <= h, lower <= x <= upper.

    ``current`` (n,): where weights start from if x is bought and sold (m = 2 n); None if x are weights.
    ``rows``: (name, side) of each inequality, ``side`` 1 for an upper, -1 for a lower limit
    of a group, 0 for turnover.
    """

    equalities: Floats
    totals: Floats
    inequalities: Floats
    ceilings: Floats
    lower: Floats
    upper: Floats
    current: Floats | None
    rows: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, limits: Constraints) -> Self:
        """Return the standard form of ``limits``.

        A limit on the number of names is not part of it, nor a turnover that bounds and budget keep anyway.
        """
        count = len(limits.lower)
        matrix, ceilings, rows = _group_rows(limits)
        if (
            limits.turnover is None
            or limits.current is None
            or limits.turnover >= _most_turnover(limits, limits.current)
        ):
            return cls(
                equalities=np.ones((1, count)),
                totals=np.array([limits.budget]),
                inequalities=matrix,
                ceilings=ceilings,
                lower=limits.lower,
                upper=limits.upper,
                current=None,
                rows=rows,
            )
        current = limits.current
        above, below = limits.upper - current, limits.lower - current
        return cls(
            equalities=np.concatenate([np.ones((1, count)), -np.ones((1, count))], axis=1),
            totals=np.array([limits.budget - current.sum()]),
            inequalities=np.vstack([np.hstack([matrix, -matrix]), np.ones((1, 2 * count))]),
            ceilings=np.append(ceilings - matrix @ current, limits.turnover),
            lower=np.maximum(np.concatenate([below, -above]), 0.0),
            upper=np.maximum(np.concatenate([above, -below]), 0.0),
            current=current,
            rows=(*rows, ("turnover", 0)),
        )

    def gain(self, expected: Floats) -> Floats:
        """Return a gain of weights (n,) as one of the unknowns (m,); constants are left out."""
        return expected if self.current is None else np.concatenate([expected, -expected])

    def weights(self, unknowns: Floats) -> Floats:
        """Return the weights (…, n) of unknowns (…, m)."""
        if self.current is None:
            return unknowns
        bought, sold = np.split(unknowns, 2, axis=-1)
        held: Floats = self.current + bought - sold
        return held

    def netted(self, unknowns: Floats) -> Floats:
        """Return unknowns of the same weights in which no name is bought and sold, but where bounds ask."""
        if self.current is None:
            return unknowns
        bought, sold = np.split(unknowns, 2)
        least_bought, least_sold = np.split(self.lower, 2)
        both = np.minimum(bought - least_bought, sold - least_sold)
        return np.concatenate([bought - both, sold - both])

    def programme(self, covariance: Floats, expected: Floats, price: float) -> Programme:
        """Return: minimise w'Sw / 2 - ``price`` expected'w within the limits, over the unknowns."""
        hessian, linear = covariance, -price * self.gain(expected)
        if self.current is not None:
            hessian = np.block([[covariance, -covariance], [-covariance, covariance]])
            pull = covariance @ self.current
            linear = linear + np.concatenate([pull, -pull])
        return Programme(
            hessian=hessian,
            linear=linear,
            equalities=self.equalities,
            totals=self.totals,
            inequalities=self.inequalities,
            ceilings=self.ceilings,
            lower=self.lower,
            upper=self.upper,
        )


def _most_turnover(limits: Constraints, current: Floats) -> float:
    """Return a bound of sum |w - current| over the weights of the budget within their bounds."""
    added = limits.budget - float(current.sum())
    bought = float(np.maximum(limits.upper - current, 0.0).sum())
    sold = float(np.maximum(current - limits.lower, 0.0).sum())
    return 2.0 * min(bought, sold + added) - added


def _group_rows(limits: Constraints) -> tuple[Floats, Floats, tuple[tuple[str, int], ...]]:
    kept = [
        (group, side, edge)
        for group in limits.groups
        for side, edge in ((1, group.most), (-1, group.least))
        if np.isfinite(edge)
    ]
    matrix = np.zeros((len(kept), len(limits.lower)))
    for row, (group, side, _) in zip(matrix, kept, strict=True):
        row[group.member] = side
    ceilings = np.array([side * edge for _, side, edge in kept])
    return matrix, ceilings, tuple((group.name, side) for group, side, _ in kept)


def reach(form: StandardForm, expected: Floats) -> tuple[float, float]:
    """Return the lowest and the highest expected'w of weights within the limits; Infeasible if none are."""
    ends = [_best(form, side * form.gain(expected)) for side in (1.0, -1.0)]
    fixed = 0.0 if form.current is None else float(expected @ form.current)
    return ends[0] + fixed, fixed - ends[1]


def _best(form: StandardForm, cost: Floats) -> float:
    """Return the least cost'x; costs are told in units of the largest, as the tolerances are absolute."""
    from scipy.optimize import linprog

    unit = float(np.abs(cost).max(initial=0.0)) or 1.0
    found = linprog(
        cost / unit,
        A_ub=form.inequalities if len(form.ceilings) else None,
        b_ub=form.ceilings if len(form.ceilings) else None,
        A_eq=form.equalities,
        b_eq=form.totals,
        bounds=np.column_stack([form.lower, form.upper]),
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if found.status != 0:
        raise Infeasible("No weights keep every limit.")
    return float(found.fun) * unit


def require_feasible(limits: Constraints, names: tuple[str, ...]) -> None:
    """Raise Infeasible, naming the limits to relax and by how much, unless some weights keep them.

    The relaxation is the smallest in total: of bounds where bounds alone can not meet the budget; else of
    groups and turnover together, by a linear programme (HiGHS, dual simplex).
    """
    lowest, highest = float(limits.lower.sum()), float(limits.upper.sum())
    count, room = len(names), ROUNDING * max(1.0, abs(limits.budget))
    if highest < limits.budget - room:
        raise _infeasible(
            "bounds.upper",
            f"The upper bounds of {count} names add up to {highest:.6g}, below the budget of "
            f"{limits.budget:.6g}; raise them by {limits.budget - highest:.6g} in total, for example all to "
            f"{limits.budget / count:.6g}.",
        )
    if lowest > limits.budget + room:
        raise _infeasible(
            "bounds.lower",
            f"The lower bounds of {count} names add up to {lowest:.6g}, above the budget of "
            f"{limits.budget:.6g}; lower them by {lowest - limits.budget:.6g} in total, for example all to "
            f"{limits.budget / count:.6g}.",
        )
    if limits.groups or limits.turnover is not None:
        _require_room(StandardForm.of(limits), names)


def _infeasible(field: str, message: str) -> Infeasible:
    return Infeasible(message, errors=[FieldError(field=field, rule=message)])


def _require_room(form: StandardForm, names: tuple[str, ...]) -> None:
    from scipy.optimize import linprog

    unknowns, rows = len(form.lower), len(form.ceilings)
    elastic = np.hstack([form.inequalities, -np.eye(rows)])
    found = linprog(
        np.concatenate([np.zeros(unknowns), np.ones(rows)]),
        A_ub=elastic,
        b_ub=form.ceilings,
        A_eq=np.hstack([form.equalities, np.zeros((len(form.totals), rows))]),
        b_eq=form.totals,
        bounds=np.column_stack(
            [np.append(form.lower, np.zeros(rows)), np.append(form.upper, np.full(rows, np.inf))]
        ),
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    lacks = found.x[unknowns:]
    wrong = [(name, side, lack) for (name, side), lack in zip(form.rows, lacks, strict=True) if lack > 1e-9]
    if wrong:
        told = "; ".join(f"{_verb(name, side)} by {lack:.6g}" for name, side, lack in wrong)
        raise _infeasible(
            "turnover" if wrong[0][1] == 0 else f"groups.{wrong[0][0]}",
            f"No weights of {len(names)} names keep every limit. The smallest relaxation: {told}.",
        )


def _verb(name: str, side: int) -> str:
    if side == 0:
        return "raise turnover"
    return f"raise the most of group {name}" if side > 0 else f"lower the least of group {name}"
