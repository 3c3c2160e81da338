"""Limits of a portfolio: bounds of names, groups, a budget, turnover, a number of names."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.quant.quadratic_programme import Infeasible
from waardhaven.domain.types import Flags, Floats, Rows

ROUNDING = 1e-12
LARGEST_CARDINAL = 20
"""Number of names up to which a limit on how many are held is solved exactly."""


class BadConstraints(Invalid):
    """A limit has a shape or a value that no limit can have; ``errors`` names the field and the rule."""


def refuse(field: str, rule: str) -> BadConstraints:
    """Return the error of one field and the rule it breaks."""
    return BadConstraints(f"{field}: {rule}", errors=[FieldError(field=field, rule=rule)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A joint limit: ``least`` <= sum of the weights of ``member`` (n,) <= ``most``; infinite for none."""

    name: str
    member: Flags
    least: float = -np.inf
    most: float = np.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What weights (n,) must keep.

    ``lower``, ``upper`` (n,): bounds of each weight, finite; below 0 allows a short position. ``groups``:
    joint limits. ``budget``: the sum of the weights. ``turnover``: the largest sum |w - current|, with
    ``current`` (n,) the present weights. ``most_names``: how many weights at most may differ from 0.
    """

    lower: Floats
    upper: Floats
    groups: tuple[Group, ...] = ()
    budget: float = 1.0
    current: Floats | None = None
    turnover: float | None = None
    most_names: int | None = None

    def __post_init__(self) -> None:
        """Raise BadConstraints for what can be no limit, Infeasible for a bound above its counterpart."""
        count = len(self.lower)
        if not count or self.lower.shape != (count,) or self.upper.shape != (count,):
            raise refuse("bounds", "one lower and one upper bound for each name")
        if not (np.isfinite(self.lower).all() and np.isfinite(self.upper).all()):
            raise refuse("bounds", "finite")
        if not np.isfinite(self.budget):
            raise refuse("budget", "finite")
        crossed = np.flatnonzero(self.lower > self.upper)
        if len(crossed):
            raise Infeasible(
                f"The lower bound of name {crossed[0] + 1} lies above its upper bound.",
                errors=[FieldError(field="bounds", rule="lower bounds at most upper bounds")],
            )
        for group in self.groups:
            _check_group(group, count)
        self._check_turnover()
        if self.most_names is not None and not 1 <= self.most_names <= count:
            raise refuse("most_names", f"between 1 and {count}")

    def _check_turnover(self) -> None:
        if self.turnover is None:
            return
        if not (np.isfinite(self.turnover) and self.turnover >= 0.0):
            raise refuse("turnover", "at least 0")
        if self.current is None or self.current.shape != self.lower.shape:
            raise refuse("current_weights", "one for each name where turnover is limited")
        if not np.isfinite(self.current).all():
            raise refuse("current_weights", "finite")

    @classmethod
    def long_only(cls, names: int) -> Self:
        """Return no limits but weights between 0 and 1 that sum to 1."""
        return cls(lower=np.zeros(names), upper=np.ones(names))

    @property
    def is_long_only(self) -> bool:
        """Whether weights of 0 and above that sum to 1 keep every limit."""
        return (
            not self.groups
            and self.turnover is None
            and self.budget == 1.0
            and not self.lower.any()
            and bool((self.upper >= 1.0).all())
        )

    def without(self, names: Rows) -> Self:
        """Return the same limits with a weight of 0 for ``names``, without a limit on their number."""
        lower, upper = self.lower.copy(), self.upper.copy()
        lower[names] = upper[names] = 0.0
        return replace(self, lower=lower, upper=upper, most_names=None)

    def broken_by(self, weights: Floats) -> str | None:
        """Return which limit ``weights`` (n,) break most and by how much, None if they keep all."""
        gaps: list[tuple[float, str]] = [
            (float((self.lower - weights).max()), "a lower bound"),
            (float((weights - self.upper).max()), "an upper bound"),
            (abs(float(weights.sum()) - self.budget), "the budget"),
        ]
        for group in self.groups:
            held = float(weights[group.member].sum())
            gaps.append((max(group.least - held, held - group.most), f"group {group.name}"))
        if self.turnover is not None and self.current is not None:
            gaps.append((float(np.abs(weights - self.current).sum()) - self.turnover, "turnover"))
        worst = max(gaps)
        return f"{worst[1]} by {worst[0]:.6g}" if worst[0] > ROUNDING * 10 else None


def _check_group(group: Group, count: int) -> None:
    if group.member.shape != (count,) or group.member.dtype != np.bool_ or not group.member.any():
        raise refuse(f"groups.{group.name}", "at least one of the names")
    if np.isnan(group.least) or np.isnan(group.most):
        raise refuse(f"groups.{group.name}", "no NaN")
    if group.least > group.most:
        raise Infeasible(
            f"Group {group.name} must hold at least {group.least:.6g} and at most {group.most:.6g}.",
            errors=[FieldError(field=f"groups.{group.name}", rule="least at most most")],
        )
