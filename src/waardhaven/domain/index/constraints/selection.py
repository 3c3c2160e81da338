"""Which names an index holds: so many of the best with a buffer for incumbents, and none too small."""

import numpy as np

from waardhaven.domain.types import Flags, Floats, Rows


def select(target: Floats, eligible: Flags, held: Flags, *, count: int, buffer: int) -> Flags:
    """Return which names (k,) are held when at most ``count`` may be.

    Rank buffers as in S&P DJI, Equity Indices Policies & Practices, and FTSE Russell ground rules: names of
    a positive target are ranked by it, the highest first, equal ones by asset id. Names ``held`` before
    stay while their rank is at most ``count`` + ``buffer``, the best ``count`` of them if there are more;
    the best others fill the places that are left. Places that are still left go to eligible names of
    target 0, incumbents first, then by asset id: they are held only where the limits need them (see
    ``capping``).
    """
    wanted = np.flatnonzero(eligible & (target > 0.0))
    ranked = wanted[np.argsort(-target[wanted], kind="stable")]
    near = ranked[: count + buffer]
    stay = near[held[near]][:count]
    order = np.concatenate([stay, _without(ranked, stay), _in_reserve(target, eligible, held)])
    chosen = np.zeros(len(target), dtype=np.bool_)
    chosen[order[:count]] = True
    return chosen


def _without(rows: Rows, others: Rows) -> Rows:
    return rows[~np.isin(rows, others)]


def _in_reserve(target: Floats, eligible: Flags, held: Flags) -> Rows:
    zero = eligible & ~(target > 0.0)
    return np.concatenate([np.flatnonzero(zero & held), np.flatnonzero(zero & ~held)])


def without_small(weights: Floats, minimum: float) -> Floats:
    """Return weights (k,) of which none lies between 0 and ``minimum``, with the same sum.

    The smallest leaves, of equal ones that of the highest asset id, and its weight goes to the others in
    proportion to theirs; again, one at a time, until the smallest left is large enough. The last name
    stays whatever its weight, so an index is never emptied. Nothing to leave: the same bits come back.
    """
    rows = np.flatnonzero(weights > 0.0)
    order = rows[np.argsort(-weights[rows], kind="stable")]
    if not len(order) or weights[order[-1]] >= minimum:
        return weights
    largest_first = weights[order]
    upto = np.add.accumulate(largest_first)
    smallest = largest_first * (upto[-1] / upto)
    keep = int(np.flatnonzero(smallest >= minimum).max(initial=0)) + 1
    left = np.zeros(len(weights))
    left[order[:keep]] = largest_first[:keep] * (upto[-1] / upto[keep - 1])
    return left
