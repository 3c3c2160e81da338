"""All constraints of one review, one after the other, each with its effect."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from waardhaven.domain.index.constraints.capping import BARELY_WANTED, capped
from waardhaven.domain.index.constraints.filling import summed
from waardhaven.domain.index.constraints.positions import large_enough
from waardhaven.domain.index.constraints.selection import select
from waardhaven.domain.index.constraints.traits import group_sums
from waardhaven.domain.index.constraints.turnover import moved, turnover
from waardhaven.domain.index.definition import Constraints
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.types import Flags, Floats

Reweigh = Callable[[Flags], Floats]
"""Weights (k,) of the strategy when only the flagged names (k,) are eligible."""
NO_CONSTRAINTS = Constraints()
AT_BOUND = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one ``step`` did: weights (k,) ``before`` and ``after`` it, and the same in plain words."""

    step: str
    before: Floats
    after: Floats
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Constrained:
    """The final ``weights`` (k,) of a review and the effect of each constraint that is set, in order."""

    weights: Floats
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Review:
    eligible: Flags
    held: Floats
    limits: Limits
    constraints: Constraints
    reweigh: Reweigh


def constrain(
    target: Floats,
    eligible: Flags,
    held: Floats,
    limits: Limits,
    constraints: Constraints,
    reweigh: Reweigh,
) -> Constrained:
    """Return the weights (k,) nearest to ``target`` (k,) that keep the constraints of one review.

    In this order: the highest weights are selected and weighed again among themselves (``max_names``,
    ``buffer``); positions that are too small leave (``min_position``); weights are brought within the
    ``limits`` of names and groups; the way from the weights ``held`` (k,), drifted to the selection day and
    0 where nothing is held, is limited (``max_turnover``). The limit on turnover is the weakest: names that
    are not ``eligible`` (k,) leave and the other constraints hold even where that trades more; its effect
    then says so. ``limits`` are those of ``constraints`` (see ``limits_of``).

    The weights sum to what the target sums to, within 1e-12; the rest is cash and stays, and fractions are
    of the whole index. Constraints hold to 1e-12. Without constraints, and for a target of zeros, the
    target comes back bit for bit and without effects. Nothing is NaN. Raises InfeasibleConstraints.
    """
    if constraints == NO_CONSTRAINTS or not target.any():
        return Constrained(weights=target, effects=())
    review = _Review(eligible=eligible, held=held, limits=limits, constraints=constraints, reweigh=reweigh)
    usable, chosen, effects = _selected(review, target)
    weights, more = _within_limits(review, chosen, usable)
    effects += more
    if constraints.max_turnover is not None and held.any():
        effects.append(_slowed(review, weights, usable, constraints.max_turnover))
        weights = effects[-1].after
    return Constrained(weights=weights, effects=tuple(effects))


def _selected(review: _Review, target: Floats) -> tuple[Flags, Floats, list[Effect]]:
    """Return the names that may be held, their weights, and the effect where names are counted."""
    count = review.constraints.max_names
    if count is None:
        return review.eligible, target, []
    held = review.held > 0.0
    chosen = select(target, review.eligible, held, count=count, buffer=review.constraints.buffer)
    wanted = target > 0.0
    weights = _reweighed(review, target, chosen) if (wanted & ~chosen).any() else target
    text = f"{_names(wanted & chosen)} of {np.count_nonzero(wanted)} selected, at most {count}"
    return chosen, weights, [Effect(step="selection", before=target, after=weights, text=text)]


def _reweighed(review: _Review, target: Floats, chosen: Flags) -> Floats:
    """Weigh the chosen names; where the strategy can not, keep the proportions of the target."""
    weights = review.reweigh(chosen)
    if weights.any():
        return weights
    among = np.where(chosen, target, 0.0)
    scaled: Floats = among * (summed(target) / summed(among))
    return scaled


def _within_limits(review: _Review, target: Floats, usable: Flags) -> tuple[Floats, list[Effect]]:
    """Return weights that are large enough and within the limits, and the effects of what is set."""
    minimum, limits = review.constraints.min_position, review.limits
    sized, weights = large_enough(target, usable, limits, minimum)
    effects = []
    if minimum > 0.0:
        left = (target > 0.0) & ~(sized > 0.0)
        text = f"{_names(left)} below {minimum:g} left"
        effects.append(Effect(step="min_position", before=target, after=sized, text=text))
    if not limits.is_free:
        effects.append(Effect(step="limits", before=sized, after=weights, text=_bound(weights, limits)))
    return weights, effects


def _bound(weights: Floats, limits: Limits) -> str:
    """Say which limits the weights lie at."""
    held = weights > 0.0
    at_cap = held & (weights >= limits.upper - AT_BOUND) & (limits.upper < 1.0)
    at_floor = held & (weights <= limits.lower + AT_BOUND)
    full = np.flatnonzero(group_sums(limits, weights) >= limits.cap - AT_BOUND)
    groups = [limits.labels[row] if limits.labels else f"group {row + 1}" for row in full]
    text = f"{_names(at_cap)} at the cap, {_names(at_floor)} at the floor"
    return f"{text}, groups at their caps: {', '.join(groups) or 'none'}" if len(limits.cap) else text


def _slowed(review: _Review, goal: Floats, usable: Flags, limit: float) -> Effect:
    """Go from the drifted weights towards the goal as far as the turnover may."""
    wanted = turnover(review.held, goal)
    weights = goal
    if wanted > limit:
        weights = moved(review.held, _least_traded(review, goal, usable), goal, limit)
    done = turnover(review.held, weights)
    text = f"turnover of {wanted:.6g} wanted, {done:.6g} traded, limit {limit:g}"
    if done > limit + AT_BOUND:
        text += ": exceeded, for names had to leave or weights to come within their limits"
    return Effect(step="turnover", before=goal, after=weights, text=text)


def _least_traded(review: _Review, goal: Floats, usable: Flags) -> Floats:
    """Return the weights nearest to the drifted ones that keep every other constraint.

    A name on its way out may keep a part of its weight where the names are not counted and it has no
    floor; else it leaves at once. A name on its way in begins at its floor.
    """
    floor = np.maximum(review.limits.lower, review.constraints.min_position)
    counted = review.constraints.max_names is not None
    may = (goal > 0.0) | (usable & (floor == 0.0) & (not counted))
    kept = np.where(may, review.held, 0.0)
    if not kept.any():
        return goal
    lower = np.where(goal > 0.0, floor, 0.0)
    kept = np.where((lower > 0.0) & (kept == 0.0), BARELY_WANTED * kept[kept > 0.0].min(), kept)
    kept *= summed(goal) / summed(kept)
    return capped(kept, may, replace(review.limits, lower=lower))


def _names(flags: Flags) -> str:
    count = np.count_nonzero(flags)
    return f"{count} name{'' if count == 1 else 's'}"
