"""Bounds of single weights and of groups, as an optimiser or a capping rule reads them."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from waardhaven.domain.types import Flags, Floats, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What weights (k,) of names that are held must keep; they are static over a build.

    ``lower``, ``upper`` (k,): fractions, 0 <= lower <= upper <= 1. ``member`` (g, k): which names belong to
    each group with a cap; ``cap`` (g,): the largest joint weight of each; ``labels`` (g): what people call
    them, e.g. "sector Energy", empty where nobody asks. A name that is not eligible has weight 0 whatever
    its lower bound.
    """

    lower: Floats
    upper: Floats
    member: Flags
    cap: Floats
    labels: tuple[str, ...] = ()

    @classmethod
    def free(cls, columns: int) -> Self:
        """Return limits that forbid nothing a long-only weight can be."""
        return cls(
            lower=np.zeros(columns),
            upper=np.ones(columns),
            member=np.zeros((0, columns), dtype=np.bool_),
            cap=np.empty(0),
        )

    @property
    def is_free(self) -> bool:
        """Whether nothing is forbidden."""
        return not (len(self.cap) or self.lower.any() or (self.upper < 1.0).any())

    def among(self, names: Rows) -> Self:
        """Return the limits of the columns ``names`` alone; groups without one of them are left out."""
        member = self.member[:, names]
        met = member.any(axis=1)
        return type(self)(
            lower=self.lower[names],
            upper=self.upper[names],
            member=member[met],
            cap=self.cap[met],
            labels=tuple(self.labels[row] for row in np.flatnonzero(met)) if self.labels else (),
        )

    def of_groups(self, groups: Rows) -> Self:
        """Return the same bounds of single names with these of the caps on groups alone."""
        labels = tuple(self.labels[row] for row in groups) if self.labels else ()
        return replace(self, member=self.member[groups], cap=self.cap[groups], labels=labels)
