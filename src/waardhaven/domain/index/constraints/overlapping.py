"""Caps on groups that share names (sectors and countries): iterative scaling, Newton steps, a repair."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.constraints.disjoint import spread
from waardhaven.domain.index.constraints.filling import fill, summed
from waardhaven.domain.index.constraints.traits import group_sums
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.quant.feasible_weight import smallest_correction
from waardhaven.domain.types import Flags, Floats, Rows

ROUNDS = 30
NEWTON_STEPS = 60
SMALLEST_GAIN = 0.95
ROUNDING = 1e-13
LENGTHS = (1.0, 0.3, 0.1, 0.01)
"""Parts of a Newton step that are tried, the first that gets better is taken."""
REPAIRS = 2
NOTHING = 1e-100
HELD_TO = 1e-13
"""How much a group may exceed its cap in the answer."""
NEAREST_TO = 1e-10
"""How far a group that was scaled down may be from its cap before the answer counts as the nearest."""
LARGEST_SCALE = 600.0
"""Logarithm of the strongest scaling down: e to the -600 of any weight is nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scaling:
    """Weights for logarithms of how much each group is scaled down (g,) >= 0, and how far they are off.

    ``over`` (g,): joint weight less cap. ``miss``: the largest breach of what the nearest weights satisfy:
    no group above its cap, and those that are scaled down at it. ``dual``: the concave function whose
    maximum they are.
    """

    logs: Floats
    weights: Floats
    over: Floats
    dual: float

    @property
    def binding(self) -> Flags:
        return (self.logs > 0.0) | (self.over > 0.0)

    @property
    def miss(self) -> float:
        return float(np.where(self.logs > 0.0, abs(self.over), self.over).max(initial=0.0))

    @property
    def holds(self) -> bool:
        return bool((self.over <= HELD_TO).all())


def settled(prior: Floats, limits: Limits, families: list[Rows], total: float) -> Floats | None:
    """Return weights nearest to ``prior`` (k,) in relative entropy under ``limits``, None if there are none.

    The nearest weights are the prior scaled by one factor for all names and one at most 1 for each group,
    kept within the bounds of each name. Each family of disjoint groups is solved exactly given the factors
    of the others, in turn: cyclic projections (Bregman 1967, USSR Comp. Math. 7(3); iterative scaling,
    Darroch & Ratcliff 1972), which rise on the concave dual and so converge where the limits can be met.
    Newton steps on the same dual, taken only where they bring the breach down, make the end fast. Rounds
    are bounded. Where weights have to vanish the factors have no limit and the rounds may end before the
    groups hold: then the smallest change in absolute sum (a linear programme) repairs what is left.
    """
    state = _scaled(np.zeros(len(limits.cap)), prior, limits, total)
    for _ in range(ROUNDS):
        logs = state.logs
        for family in families:
            logs = _projected(logs, family, prior, limits, total)
        state = _newton(_scaled(logs, prior, limits, total), prior, limits, total)
        if state.holds and state.miss <= NEAREST_TO:
            break
    return state.weights if state.holds else _repaired(state.weights, limits, total)


def _repaired(weights: Floats, limits: Limits, total: float) -> Floats | None:
    """Return the weights with the smallest correction, and that of what rounding leaves of it."""
    for _ in range(REPAIRS):
        change = smallest_correction(
            weights,
            lower=limits.lower,
            upper=limits.upper,
            member=limits.member,
            cap=limits.cap,
            total=total,
        )
        if change is None:
            return None
        weights = np.clip(weights + change, limits.lower, limits.upper)
    return weights


def _tilted(prior: Floats, limits: Limits, logs: Floats) -> Floats:
    """Scale the prior down by the factors of the groups of each name; never to exactly 0."""
    tilt = np.add.accumulate(np.where(limits.member, logs[:, None], 0.0), axis=0)[-1]
    tilted: Floats = np.maximum(prior * np.exp(-np.minimum(tilt, LARGEST_SCALE)), np.finfo(np.float64).tiny)
    return tilted


def _scaled(logs: Floats, prior: Floats, limits: Limits, total: float) -> _Scaling:
    weights = fill(_tilted(prior, limits, logs), limits.lower, limits.upper, total).weights
    over = group_sums(limits, weights) - limits.cap
    held = weights > 0.0
    entropy = summed(weights[held] * (np.log(weights[held]) - np.log(prior[held])))
    return _Scaling(logs=logs, weights=weights, over=over, dual=entropy + summed(logs * over))


def _projected(logs: Floats, family: Rows, prior: Floats, limits: Limits, total: float) -> Floats:
    """Return the logarithms with those of one family solved for exactly, given those of the others."""
    others = logs.copy()
    others[family] = 0.0
    found = spread(_tilted(prior, limits, others), limits.of_groups(family), total)
    others[family] = -np.log(np.maximum(found.scale, np.exp(-LARGEST_SCALE)))
    return others


def _newton(state: _Scaling, prior: Floats, limits: Limits, total: float) -> _Scaling:
    """Take projected Newton steps (Bertsekas 1982, SIAM J. Control 20(2)) as long as they get better."""
    for _ in range(NEWTON_STEPS):
        if state.miss <= HELD_TO:
            break
        rows = np.flatnonzero(state.binding)
        step = _step(state, rows, limits)
        better = (
            tried
            for length in LENGTHS
            if _is_better(
                tried := _scaled(_stepped(state.logs, rows, length * step), prior, limits, total), state
            )
        )
        found = next(better, None)
        if found is None:
            break
        state = found
    return state


def _stepped(logs: Floats, rows: Rows, step: Floats) -> Floats:
    stepped = logs.copy()
    stepped[rows] = np.clip(logs[rows] + step, 0.0, LARGEST_SCALE)
    return stepped


def _is_better(tried: _Scaling, before: _Scaling) -> bool:
    """Tell whether the dual rose by more than rounding, or clearly less is amiss."""
    return tried.dual > before.dual + ROUNDING or tried.miss <= SMALLEST_GAIN * before.miss


def _step(state: _Scaling, rows: Rows, limits: Limits) -> Floats:
    """Return the change of the logarithms that brings the groups ``rows`` to their caps to first order."""
    free = (state.weights > limits.lower) & (state.weights < limits.upper)
    weights = np.where(free & (state.weights > NOTHING), state.weights, 0.0)
    held = limits.member[rows] * weights
    joint = held.sum(axis=1)
    movable = float(weights.sum())
    slope = held @ limits.member[rows].T - np.outer(joint, joint) / max(movable, NOTHING)
    return np.asarray(np.linalg.lstsq(slope, state.over[rows], rcond=1e-15)[0], dtype=np.float64)
