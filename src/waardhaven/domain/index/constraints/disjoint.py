"""Caps on groups that share no name: solved exactly, in at most as many rounds as there are groups."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.constraints.filling import fill, summed
from waardhaven.domain.index.constraints.traits import group_sums
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.types import Flags, Floats, Rows

OVER = 1e-14
"""How much a group may exceed its cap by rounding before it is scaled down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """``weights`` (k,), and by what each group's prior was scaled down (g,): at most 1, 1 below its cap."""

    weights: Floats
    scale: Floats


def families(limits: Limits) -> list[Rows]:
    """Split the groups into families of groups that share no name; each goes into the first it fits."""
    found: list[list[int]] = []
    taken: list[Floats] = []
    for row, member in enumerate(limits.member):
        place = next((i for i, one in enumerate(taken) if not (one * member).any()), len(found))
        if place == len(found):
            found.append([])
            taken.append(np.zeros(len(member)))
        found[place].append(row)
        taken[place] = taken[place] + member
    return [np.array(rows, dtype=np.intp) for rows in found]


def spread(prior: Floats, limits: Limits, total: float) -> Spread:
    """Return the weights nearest to ``prior`` (k,) that sum to ``total`` under caps of disjoint groups.

    Nearest in relative entropy: one factor for all names, a smaller one in each group at its cap, all kept
    within the bounds of single names. A group that is above its cap at some factor is above it at every
    larger one, and the factor of the rest only rises as groups are held at their caps; so each round is
    final. The limits can be met (see ``feasibility``).
    """
    weights, factor, capped = _common(prior, limits, total)
    factors = np.full(len(limits.cap), factor)
    for row in np.flatnonzero(capped):
        names = np.flatnonzero(limits.member[row])
        inside = fill(prior[names], limits.lower[names], limits.upper[names], float(limits.cap[row]))
        weights[names], factors[row] = inside.weights, inside.factor
    largest = max(factor, float(factors.max(initial=0.0)))
    scale = np.where(capped, factors / largest, 1.0) if largest > 0.0 else np.ones(len(factors))
    return Spread(weights=weights, scale=scale)


def _common(prior: Floats, limits: Limits, total: float) -> tuple[Floats, float, Flags]:
    """Return the weights outside of groups at their caps, their factor (0: none), and those groups."""
    capped = np.zeros(len(limits.cap), dtype=np.bool_)
    weights, factor = _outside(capped, prior, limits, total)
    while (over := ~capped & (group_sums(limits, weights) > limits.cap + OVER)).any():
        capped |= over
        weights, factor = _outside(capped, prior, limits, total)
    return weights, factor, capped


def _outside(capped: Flags, prior: Floats, limits: Limits, total: float) -> tuple[Floats, float]:
    rest = np.flatnonzero(~limits.member[capped].any(axis=0))
    left = max(total - summed(limits.cap[capped]), 0.0)
    filled = fill(prior[rest], limits.lower[rest], limits.upper[rest], left)
    weights = np.zeros(len(prior))
    weights[rest] = filled.weights
    return weights, filled.factor
