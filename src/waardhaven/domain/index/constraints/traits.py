"""What groups the names of an index belong to, and the limits that constraints set on them."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.definition import Constraints, GroupCap, Grouping
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.types import Flags, Floats, Ids

UNKNOWN = "unknown"
"""The group of the names of which the trait is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Sector, country (ISO 3166 alpha-2) and currency (ISO 4217) of k names; None: not known."""

    sector: tuple[str | None, ...]
    country: tuple[str | None, ...]
    currency: tuple[str | None, ...]

    @classmethod
    def nameless(cls, columns: int) -> "Traits":
        """Return traits of ``columns`` names of which nothing is known."""
        nothing = (None,) * columns
        return cls(sector=nothing, country=nothing, currency=nothing)

    def groups(self, by: Grouping) -> tuple[str, ...]:
        """Return each name's group of that kind; names without the trait are in the group "unknown"."""
        found: tuple[str | None, ...] = getattr(self, by.value)
        return tuple(one or UNKNOWN for one in found)


def limits_of(constraints: Constraints, assets: Ids, traits: Traits) -> Limits:
    """Return the limits of the columns ``assets`` (k,), our ids.

    ``bounds`` of a name stand instead of ``min_weight`` and ``max_weight``; bounds of an asset that is no
    column matter to nobody. There is one row of ``member`` for each group with a cap and a name, in the
    order of the caps, then of the groups' names; of several caps on one group the smallest counts.
    """
    lower = np.full(len(assets), constraints.min_weight)
    upper = np.full(len(assets), constraints.max_weight)
    for one in constraints.bounds:
        mine = assets == one.asset
        lower[mine], upper[mine] = one.minimum, one.maximum
    caps = _caps(constraints.group_caps, traits)
    member = [_member(traits, *key) for key in caps]
    return Limits(
        lower=lower,
        upper=upper,
        member=np.array(member, dtype=np.bool_).reshape(len(caps), len(assets)),
        cap=np.array(list(caps.values()), dtype=np.float64),
        labels=tuple(f"{by.value} {group}" for by, group in caps),
    )


def _caps(group_caps: tuple[GroupCap, ...], traits: Traits) -> dict[tuple[Grouping, str], float]:
    caps: dict[tuple[Grouping, str], float] = {}
    for one in group_caps:
        known = sorted(set(traits.groups(one.by)))
        for group in known if one.group is None else [one.group] * (one.group in known):
            caps[one.by, group] = min(one.maximum, caps.get((one.by, group), 1.0))
    return caps


def _member(traits: Traits, by: Grouping, group: str) -> Flags:
    return np.array([one == group for one in traits.groups(by)], dtype=np.bool_)


def group_sums(limits: Limits, weights: Floats) -> Floats:
    """Return the joint weight of each group (g,) of ``weights`` (k,), summed from left to right."""
    held = np.where(limits.member, weights, 0.0)
    sums: Floats = np.add.accumulate(held, axis=1)[:, -1] if held.size else np.zeros(len(held))
    return sums
