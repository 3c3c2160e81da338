"""Linear programmes about weights under caps on groups that share names."""

import numpy as np

from waardhaven.domain.types import Flags, Floats


def smallest_rise(*, lower: Floats, upper: Floats, member: Flags, cap: Floats, total: float) -> float:
    """Return by how much every cap on a group must rise at least so that weights exist; 0 if they do.

    ``lower``, ``upper`` (k,): bounds of each name; they can meet ``total`` by themselves. ``member`` (g, k)
    and ``cap`` (g,): the groups. The linear programme: minimise s >= 0 over weights w within the bounds
    that sum to the total, with the joint weight of each group at most its cap + s. Solved by HiGHS (dual
    simplex, deterministic) to 1e-10; infinite where the bounds alone can not meet the total.
    """
    from scipy.optimize import linprog

    groups, names = member.shape
    found = linprog(
        np.append(np.zeros(names), 1.0),
        A_ub=np.hstack([member, np.full((groups, 1), -1.0)]),
        b_ub=cap,
        A_eq=np.append(np.ones(names), 0.0)[None, :],
        b_eq=[total],
        bounds=np.vstack([np.column_stack([lower, upper]), [0.0, np.inf]]),
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return max(float(found.fun), 0.0) if found.status == 0 else np.inf


def smallest_correction(
    weights: Floats, *, lower: Floats, upper: Floats, member: Flags, cap: Floats, total: float
) -> Floats | None:
    """Return the change (k,) of least absolute sum that makes ``weights`` keep all limits, None if none does.

    ``weights`` (k,) lie within the bounds of each name; the rest as in ``smallest_rise``. The programme is
    stated in units of what is amiss, so that the tolerance of the solver (1e-10) is relative to that.
    """
    from scipy.optimize import linprog

    lack = total - float(weights.sum())
    room = cap - member @ weights
    unit = max(abs(lack), float(-room.min(initial=0.0)))
    if unit == 0.0:
        return np.zeros(len(weights))
    found = linprog(
        np.ones(2 * len(weights)),
        A_ub=np.hstack([member, -1.0 * member]),
        b_ub=room / unit,
        A_eq=np.concatenate([np.ones(len(weights)), -np.ones(len(weights))])[None, :],
        b_eq=[lack / unit],
        bounds=np.column_stack(
            [np.zeros(2 * len(weights)), np.concatenate([upper - weights, weights - lower]) / unit]
        ),
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if found.status != 0:
        return None
    more, less = np.split(found.x * unit, 2)
    change: Floats = more - less
    return change
