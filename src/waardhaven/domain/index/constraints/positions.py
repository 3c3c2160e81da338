"""Positions that are too small leave, and the rest still keeps its limits."""

import numpy as np

from waardhaven.domain.errors import FieldError
from waardhaven.domain.index.constraints.capping import capped
from waardhaven.domain.index.constraints.feasibility import InfeasibleConstraints
from waardhaven.domain.index.constraints.selection import without_small
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.types import Flags, Floats

ROUNDING = 1e-13


def large_enough(target: Floats, usable: Flags, limits: Limits, minimum: float) -> tuple[Floats, Floats]:
    """Return the target (k,) without positions below ``minimum``, and that within the ``limits``.

    What caps and floors take from a name can make it too small in turn: the smallest such name then leaves
    as well and the rest is brought within the limits again, one name a round, so at most k rounds. Both
    results sum to what ``target`` does. Raises InfeasibleConstraints; where names that left made it so,
    it names a ``min_position`` under which they would have stayed.
    """
    sized, usable, best = without_small(target, minimum), usable.copy(), 0.0
    weights = capped(sized, usable, limits)
    while _too_small(weights, minimum):
        smallest = _last_smallest(weights)
        best = max(best, float(weights[smallest]))
        usable[smallest] = False
        sized = _without(sized, usable)
        try:
            weights = capped(sized, usable, limits)
        except InfeasibleConstraints as found:
            raise _too_few(found, minimum, best) from None
    return sized, weights


def _too_small(weights: Floats, minimum: float) -> bool:
    """Tell whether some position, not the only one, is below the minimum."""
    held = weights[weights > 0.0]
    return len(held) > 1 and bool(held.min() < minimum - ROUNDING)


def _last_smallest(weights: Floats) -> int:
    """Return the column of the smallest position, of equal ones that of the highest asset id."""
    return int(np.flatnonzero(weights == weights[weights > 0.0].min())[-1])


def _without(target: Floats, usable: Flags) -> Floats:
    """Hand the weight of names that left to the others in proportion; with none, to all that are usable."""
    total = float(np.add.accumulate(target)[-1])
    left = np.where(usable & (target > 0.0), target, 0.0) if (target[usable] > 0.0).any() else 1.0 * usable
    scaled: Floats = left * (total / np.add.accumulate(left)[-1])
    return scaled


def _too_few(found: InfeasibleConstraints, minimum: float, best: float) -> InfeasibleConstraints:
    rule = (
        f"names below {minimum:g} left, and the others can not hold the index within the limits; the nearest "
        f"legal value is {best:.9g}"
    )
    errors = [FieldError(field="constraints.min_position", rule=rule), *found.errors]
    return InfeasibleConstraints(f"No weights keep the constraints: {rule}.", errors=errors)
