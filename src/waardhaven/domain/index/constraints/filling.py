"""Weights in proportion to a prior within bounds: the excess goes to the names that can still take it."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.types import Flags, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """``weights`` (k,) = ``factor`` x prior, kept within the bounds of each name."""

    weights: Floats
    factor: float


def summed(values: Floats) -> float:
    """Sum ``values`` (k,) strictly from left to right; 0 if there is none."""
    return float(np.add.accumulate(values)[-1]) if len(values) else 0.0


def fill(prior: Floats, lower: Floats, upper: Floats, total: float) -> Filled:
    """Return the weights ``clip(factor * prior, lower, upper)`` that sum to ``total``; all arrays (k,).

    What a name may not hold is handed to the others in proportion to their prior, and again until nothing
    is above its cap or below its floor: S&P DJI, Index Mathematics Methodology, "Capped Market
    Capitalization Indices". In which order names are fixed at their bounds: Bitran & Hax (1981),
    Management Science 27(4), so that each round fixes at least one name for good and k rounds suffice.
    The result is the nearest to the prior in relative entropy. ``prior`` is positive; the bounds can meet
    the total (else the sum differs from it).
    """
    free = np.ones(len(prior), dtype=np.bool_)
    weights = np.zeros(len(prior))
    factor = 0.0
    while free.any():
        left = max(total - summed(weights), 0.0)
        factor = left / summed(np.where(free, prior, 0.0))
        tried = factor * prior
        fixed = _to_fix(tried - upper, lower - tried, free)
        if not fixed.any():
            weights[free] = tried[free]
            break
        weights[fixed] = np.where(tried > upper, upper, lower)[fixed]
        free &= ~fixed
    return Filled(weights=weights, factor=factor)


def _to_fix(excess: Floats, lack: Floats, free: Flags) -> Flags:
    """Return the free names beyond the side of their bounds on which more is amiss."""
    above, below = free & (excess > 0.0), free & (lack > 0.0)
    too_much, too_little = summed(np.where(above, excess, 0.0)), summed(np.where(below, lack, 0.0))
    return above if too_much > too_little or not below.any() else below
