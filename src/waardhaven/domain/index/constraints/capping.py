"""The weights nearest to a target that keep every cap, floor and group cap."""

import numpy as np

from waardhaven.domain.index.constraints.disjoint import families, spread
from waardhaven.domain.index.constraints.feasibility import quick_errors, refusal
from waardhaven.domain.index.constraints.filling import summed
from waardhaven.domain.index.constraints.overlapping import settled
from waardhaven.domain.index.constraints.traits import group_sums
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.types import Flags, Floats

KEPT_TO = 1e-13
"""Weights that break a limit by no more than this are kept as they are."""
HELD_TO = 1e-12
"""How far an answer may be off; one that is further off is none."""
BARELY_WANTED = 1e-6
"""A name the target does not hold counts, where it is needed, as this part of the least name it holds."""
SMALLEST_PRIOR = 1e-250
"""Relative to the largest weight; below it quotients would leave what a float64 can hold."""


def capped(target: Floats, usable: Flags, limits: Limits) -> Floats:
    """Return weights (k,) of the ``usable`` names that keep ``limits`` and sum to what ``target`` does.

    Weights above a cap hand the excess to the names below theirs in proportion to their weights, weights
    below a floor take from the others alike: the nearest weights in relative entropy (see ``filling``,
    ``disjoint``, ``overlapping``). Limits hold to 1e-12. Floors are those of names that are held: a name
    of target 0 stays at 0, except where the names of the target can not hold the total within the limits;
    then all usable names are held, those of target 0 as if each had a millionth of the smallest weight of
    the target. A target that keeps the limits comes back bit for bit, and so does one of zeros.

    Raises InfeasibleConstraints naming the smallest relaxation.
    """
    total = summed(target)
    if total == 0.0 or keeps(target, usable, limits):
        return target
    for names in (usable & (target > 0.0), usable):
        found = _among(names, target, limits, total)
        if found is not None:
            return found
    raise refusal(limits, usable, total)


def keeps(weights: Floats, usable: Flags, limits: Limits, *, to: float = KEPT_TO) -> bool:
    """Tell whether ``weights`` (k,) are of usable names alone and keep the limits."""
    held = weights != 0.0
    names = held & ((weights > limits.upper + to) | (weights < limits.lower - to) | ~usable)
    return not names.any() and bool((group_sums(limits, weights) <= limits.cap + to).all())


def _among(names: Flags, target: Floats, limits: Limits, total: float) -> Floats | None:
    """Return the nearest weights of these names, or None where there are none or they do not settle."""
    mine = limits.among(np.flatnonzero(names))
    if next(quick_errors(mine, total), None) is not None:
        return None
    prior, kinds = _prior(target[names]), families(mine)
    one_kind = len(kinds) < 2
    found = spread(prior, mine, total).weights if one_kind else settled(prior, mine, kinds, total)
    if found is None or not _answers(found, mine, total):
        return None
    placed = np.zeros(len(names))
    placed[names] = found
    return placed


def _answers(weights: Floats, limits: Limits, total: float) -> bool:
    """Tell whether the weights are what was asked for, all limits and the sum to 1e-12."""
    inside = keeps(weights, weights >= 0.0, limits, to=HELD_TO)
    return inside and abs(summed(weights) - total) <= HELD_TO


def _prior(target: Floats) -> Floats:
    """Return positive weights with a largest of 1; those of 0 become BARELY_WANTED of the least other."""
    scaled = target / target.max() if target.any() else np.ones(len(target))
    least = scaled[scaled > 0.0].min()
    return np.maximum(np.where(scaled > 0.0, scaled, BARELY_WANTED * least), SMALLEST_PRIOR)
