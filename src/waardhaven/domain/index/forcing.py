"""What makes a review happen before it is planned: a drop of the index, or weights that drifted away."""

import numpy as np

from waardhaven.domain.index.windows import row_sums
from waardhaven.domain.types import Floats

ROWS = 256
"""Sessions looked at together, so that an early drift does not pay for a long stretch."""


def first_drop(levels: Floats, start: int, end: int, threshold: float | None) -> int | None:
    """Return the first row in [``start``, ``end``) whose return is at or below the threshold."""
    if threshold is None or start >= end:
        return None
    change = levels[start:end] / levels[start - 1 : end - 1] - 1.0
    drops = change <= threshold
    return start + int(drops.argmax()) if drops.any() else None


def first_drift(
    price: Floats, units: Floats, target: Floats, start: int, end: int, band: float | None
) -> int | None:
    """Return the first row in [``start``, ``end``) with a weight outside its band.

    ``target`` (k,): weights of the last review, 0 for a name that has none and can not drift from it;
    ``units`` (k,) are held over all these rows. The band is absolute: a fraction of the index.
    """
    if band is None or start >= end:
        return None
    names = np.flatnonzero(units)
    wanted = np.where(target[names] != 0.0, target[names], np.nan)
    for first in range(start, end, ROWS):
        value = price[first : min(first + ROWS, end), names] * units[names]
        weight = value / row_sums(value)[:, None]
        off = (np.abs(weight - wanted) > band).any(axis=1)
        if off.any():
            return first + int(off.argmax())
    return None
