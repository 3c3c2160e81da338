"""How far weights may move at one review."""

import numpy as np

from waardhaven.domain.index.constraints.filling import summed
from waardhaven.domain.types import Floats


def turnover(before: Floats, after: Floats) -> float:
    """Return the sum of absolute changes of weight (k,), from left to right: 2 for a full exchange."""
    return summed(abs(after - before))


def moved(held: Floats, start: Floats, goal: Floats, limit: float) -> Floats:
    """Return weights (k,) on the way from ``start`` to ``goal`` as far as ``limit`` allows.

    ``held``: drifted weights; the turnover from them is limited. ``start``: what has to be traded at
    least; where that exceeds the limit already, nothing more is traded. The way is straight, so what holds
    at both ends (caps, floors, caps on groups, the sum) holds on it. The turnover on it is convex and
    linear between the points where a weight passes the drifted one, so the furthest point is exact.
    """
    if turnover(held, goal) <= limit:
        return goal
    if turnover(held, start) >= limit:
        return start
    return start + _furthest(held, start, goal, limit) * (goal - start)


def _furthest(held: Floats, start: Floats, goal: Floats, limit: float) -> float:
    """Return the largest share of the way at which the turnover is at most ``limit``.

    It is below the limit at 0 and above it at 1, and convex between.
    """
    way = goal - start
    with np.errstate(over="ignore"):
        passing = np.divide(held - start, way, out=np.zeros(len(way)), where=way != 0.0)
    points = np.concatenate([[0.0], np.sort(passing[(passing > 0.0) & (passing < 1.0)]), [1.0]])
    costs = [turnover(held, start + one * way) for one in points[:-1]]
    costs.append(turnover(held, goal))
    last = int(np.flatnonzero(np.array(costs) <= limit).max())
    room = (limit - costs[last]) / (costs[last + 1] - costs[last])
    return float(points[last] + room * (points[last + 1] - points[last]))
