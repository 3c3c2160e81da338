"""Whether limits can be met at all, and the smallest relaxation where they can not."""

from collections.abc import Iterator

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.index.constraints.disjoint import families
from waardhaven.domain.index.constraints.filling import fill, summed
from waardhaven.domain.index.constraints.traits import group_sums
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.quant.feasible_weight import smallest_rise
from waardhaven.domain.types import Flags, Floats

ROUNDING = 1e-12
"""By how much sums of limits may miss what they have to reach."""
ROUNDING_OF_PROGRAMME = 1e-9


ONLY_JUST = FieldError(
    field="constraints.group_caps",
    rule=f"the groups can be filled only to within rounding; raise every cap by {ROUNDING_OF_PROGRAMME:g}",
)


class InfeasibleConstraints(Invalid):
    """No weights keep all limits; ``errors`` names the field, the rule and the smallest relaxation."""


def check(limits: Limits, names: Flags, total: float = 1.0) -> None:
    """Raise InfeasibleConstraints unless weights of the ``names`` (k,) can sum to ``total`` (0, 1].

    Exact for bounds of names and for groups of one kind (the most the index can hold is the sum of what
    each group can); groups of several kinds are a linear programme.
    """
    if _errors(limits, names, total):
        raise refusal(limits, names, total)


def refusal(limits: Limits, names: Flags, total: float) -> InfeasibleConstraints:
    """Return the error that says what of the limits can not be met, in one sentence for each rule."""
    errors = _errors(limits, names, total) or [ONLY_JUST]
    text = "; ".join(f"{error.field}: {error.rule}" for error in errors)
    return InfeasibleConstraints(f"No weights keep the constraints: {text}.", errors=errors)


def _errors(limits: Limits, names: Flags, total: float) -> list[FieldError]:
    mine = limits.among(np.flatnonzero(names))
    return list(quick_errors(mine, total)) or list(joint_errors(mine, total))


def quick_errors(limits: Limits, total: float) -> Iterator[FieldError]:
    """Yield what the bounds of names, or the groups of one kind alone, make impossible."""
    names = len(limits.upper)
    most, least = summed(limits.upper), summed(limits.lower)
    if most < total - ROUNDING:
        rule = f"{_names(names)} at most {_each(limits.upper)} hold {most:.12g} of the index{_of(total)}"
        nearest = f"; the nearest legal value is {_raised(limits.upper, total):.12g}" if names else ""
        yield FieldError(field="constraints.max_weight", rule=rule + nearest)
    if least > total + ROUNDING:
        rule = f"{_names(names)} at least {_each(limits.lower)} need {least:.12g} of the index{_of(total)}"
        nearest = f"; the nearest legal value is {_lowered(limits.lower, total):.12g}"
        yield FieldError(field="constraints.min_weight", rule=rule + nearest)
    yield from _groups_too_small(limits)
    if most >= total - ROUNDING:
        yield from _families_too_small(limits, total)


def joint_errors(limits: Limits, total: float) -> Iterator[FieldError]:
    """Yield what groups that share names make impossible together; ``quick_errors`` found nothing."""
    if len(families(limits)) < 2:
        return
    rise = smallest_rise(
        lower=limits.lower, upper=limits.upper, member=limits.member, cap=limits.cap, total=total
    )
    if rise > ROUNDING_OF_PROGRAMME:
        yield FieldError(
            field="constraints.group_caps",
            rule=f"the groups can not hold {total:.12g} of the index together; the smallest relaxation "
            f"raises every cap by {rise:.9g}",
        )


def _groups_too_small(limits: Limits) -> Iterator[FieldError]:
    """Yield the groups whose names need more than the cap of the group."""
    need = group_sums(limits, limits.lower)
    for row in np.flatnonzero(need > limits.cap + ROUNDING):
        yield FieldError(
            field="constraints.group_caps",
            rule=f"the names of {_label(limits, row)} need at least {need[row]:.12g}, and the cap is "
            f"{limits.cap[row]:.12g}; the nearest legal value is {need[row]:.12g}",
        )


def _families_too_small(limits: Limits, total: float) -> Iterator[FieldError]:
    for family in families(limits):
        only = limits.of_groups(family)
        alone = summed(np.where(only.member.any(axis=0), 0.0, only.upper))
        could = group_sums(only, only.upper)
        held = np.minimum(only.cap, could)
        most = alone + summed(held)
        if most < total - ROUNDING:
            level = fill(np.ones(len(held)), held, could, total - alone).factor
            labels = ", ".join(_label(only, row) for row in np.flatnonzero(only.cap < could))
            yield FieldError(
                field="constraints.group_caps",
                rule=f"with the caps on {labels} the names hold {most:.12g} of the index{_of(total)}; the "
                f"nearest legal value is {level:.12g}",
            )


def _raised(upper: Floats, total: float) -> float:
    """Return the lowest cap that, where it is above the cap of a name, lets the names hold the total."""
    return fill(np.ones(len(upper)), upper, np.ones(len(upper)), total).factor


def _lowered(lower: Floats, total: float) -> float:
    """Return the highest floor that, where it is below the floor of a name, leaves the total enough."""
    return fill(np.ones(len(lower)), np.zeros(len(lower)), lower, total).factor


def _names(count: int) -> str:
    return f"{count} name{'' if count == 1 else 's'}"


def _each(bounds: Floats) -> str:
    same = len(bounds) and (bounds == bounds[0]).all()
    return f"{bounds[0]:.12g} each" if same else "their own bounds"


def _of(total: float) -> str:
    return "" if total > 1.0 - ROUNDING else f", of which {total:.12g} is invested"


def _label(limits: Limits, row: np.intp) -> str:
    return limits.labels[row] if limits.labels else f"group {row + 1}"
