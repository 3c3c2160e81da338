"""What weights must keep, and whether any weights can."""

from typing import Protocol

import numpy as np

from waardhaven.domain.quant.quadratic_programme import Infeasible
from waardhaven.domain.types import Flags, Floats

ROUNDING = 1e-12


class WeightLimits(Protocol):
    """Bounds of k long-only weights that sum to 1, and of the joint weights of g groups.

    0 <= ``lower`` <= ``upper`` <= 1 (k,); ``member`` (g, k), ``cap`` (g,).
    """

    @property
    def lower(self) -> Floats:
        """Lowest weight of each name."""
        ...  # pragma: no cover

    @property
    def upper(self) -> Floats:
        """Highest weight of each name."""
        ...  # pragma: no cover

    @property
    def member(self) -> Flags:
        """Which names belong to each capped group."""
        ...  # pragma: no cover

    @property
    def cap(self) -> Floats:
        """Highest joint weight of each group."""
        ...  # pragma: no cover


def require_feasible(limits: WeightLimits) -> None:
    """Raise Infeasible, naming the smallest relaxation, unless some weights keep the limits."""
    count, lowest, highest = len(limits.lower), limits.lower.sum(), limits.upper.sum()
    if lowest > 1.0 + ROUNDING:
        raise Infeasible(
            f"{count} names with {_each(limits.lower, 'at least')} need {lowest:.6g}; "
            + _relaxed("lower min_weight", "lower their minimum weights", limits.lower, lowest - 1.0)
        )
    if highest < 1.0 - ROUNDING:
        raise Infeasible(
            f"{count} names with {_each(limits.upper, 'at most')} can hold {highest:.6g}; "
            + _relaxed("raise max_weight", "raise their maximum weights", limits.upper, 1.0 - highest)
        )
    if len(limits.cap):
        _require_room_in_groups(limits)


def _require_room_in_groups(limits: WeightLimits) -> None:
    floors = limits.member @ limits.lower
    worst = int(np.argmax(floors - limits.cap))
    if floors[worst] > limits.cap[worst] + ROUNDING:
        raise Infeasible(
            f"A group capped at {limits.cap[worst]:.6g} has minimum weights of {floors[worst]:.6g}; "
            f"raise its cap to {floors[worst]:.6g}."
        )
    held = _most_weight(limits)
    if held < 1.0 - ROUNDING:
        raise Infeasible(
            f"{len(limits.lower)} names can hold {held:.6g} under the caps of their groups; "
            f"raise group caps by {1.0 - held:.6g} in total."
        )


def _most_weight(limits: WeightLimits) -> float:
    """Return the largest sum of weights between 0 and the upper bounds that the groups allow."""
    if (limits.member.sum(axis=0) <= 1).all():
        alone = limits.upper[~limits.member.any(axis=0)].sum()
        return float(alone + np.minimum(limits.member @ limits.upper, limits.cap).sum())
    return best_gain(np.ones(len(limits.lower)), limits, whole=False)


def best_gain(gain: Floats, limits: WeightLimits, *, whole: bool = True) -> float:
    """Return the largest gain'w of weights within ``limits``; ``whole``: weights that sum to 1."""
    from scipy.optimize import linprog

    found = linprog(
        -gain,
        A_ub=limits.member.astype(np.float64) if len(limits.cap) else None,
        b_ub=limits.cap if len(limits.cap) else None,
        A_eq=np.ones((1, len(gain))) if whole else None,
        b_eq=np.ones(1) if whole else None,
        bounds=np.column_stack([limits.lower, limits.upper]),
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if found.status != 0:
        raise Infeasible("No weights keep every minimum weight and the caps of overlapping groups.")
    return -float(found.fun)


def _each(bounds: Floats, word: str) -> str:
    same = bool((bounds == bounds[0]).all())
    return f"{word} {bounds[0]:.6g} each" if same else f"their {word.removeprefix('at ')} weights"


def _relaxed(same: str, other: str, bounds: Floats, missing: float) -> str:
    if (bounds == bounds[0]).all():
        return f"{same} to 1/{len(bounds)}."
    return f"{other} by {missing:.6g} in total."
