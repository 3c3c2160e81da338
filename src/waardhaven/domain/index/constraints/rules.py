"""Rules of constraints: every broken one with its field and the nearest legal value."""

import re
from collections.abc import Iterator, Sequence
from math import ceil

from waardhaven.domain.errors import FieldError
from waardhaven.domain.index.constraints.traits import UNKNOWN
from waardhaven.domain.index.definition import Constraints, GroupCap, Grouping, WeightBounds
from waardhaven.domain.index.ranges import is_number, not_whole, out_of_range
from waardhaven.domain.market.currency import CURRENCIES

SMALLEST = 1e-6
"""Smallest legal cap, limit or band: below it nothing could be held or traded."""
MOST_NAMES = 100_000
LARGEST_ID = 2**63 - 1
MOST_CAPS = 1_000
COUNTRY = re.compile(r"[A-Z]{2}")
ROUNDING = 1e-12


def constraint_errors(constraints: Constraints, path: str = "constraints") -> Iterator[FieldError]:
    """Yield every broken rule that needs no data: ranges first, contradictions where the ranges are fine.

    Whether the names of a review can keep the limits is known at the review (see ``feasibility``).
    """
    errors = [
        *_range_errors(constraints, path),
        *_count_errors(constraints, path),
        *_bounds_errors(constraints.bounds, f"{path}.bounds"),
        *_cap_errors(constraints.group_caps, f"{path}.group_caps"),
    ]
    yield from errors or _contradictions(constraints, path)


def _range_errors(constraints: Constraints, path: str) -> Iterator[FieldError]:
    yield from out_of_range(f"{path}.min_weight", constraints.min_weight, 0.0, 1.0)
    yield from out_of_range(f"{path}.max_weight", constraints.max_weight, SMALLEST, 1.0)
    yield from out_of_range(f"{path}.min_position", constraints.min_position, 0.0, 1.0)
    if constraints.max_turnover is not None:
        yield from out_of_range(f"{path}.max_turnover", constraints.max_turnover, SMALLEST, 2.0)


def _count_errors(constraints: Constraints, path: str) -> Iterator[FieldError]:
    if constraints.max_names is not None:
        yield from not_whole(f"{path}.max_names", constraints.max_names, 1, MOST_NAMES)
    yield from not_whole(f"{path}.buffer", constraints.buffer, 0, MOST_NAMES)
    if constraints.buffer and constraints.max_names is None:
        rule = "means nothing without max_names; the nearest legal value is 0"
        yield FieldError(field=f"{path}.buffer", rule=rule)


def _bounds_errors(bounds: Sequence[WeightBounds], path: str) -> Iterator[FieldError]:
    if len(bounds) > MOST_CAPS:
        yield FieldError(field=path, rule=f"must be at most {MOST_CAPS}")
    seen: set[int] = set()
    for i, one in enumerate(bounds[:MOST_CAPS]):
        broken = [
            *not_whole(f"{path}.{i}.asset", one.asset, 1, LARGEST_ID),
            *out_of_range(f"{path}.{i}.minimum", one.minimum, 0.0, 1.0),
            *out_of_range(f"{path}.{i}.maximum", one.maximum, 0.0, 1.0),
        ]
        yield from broken or _crossed(f"{path}.{i}.minimum", one.minimum, "maximum", one.maximum)
        if one.asset in seen:
            yield FieldError(field=f"{path}.{i}.asset", rule=f"{one.asset} has bounds already")
        seen.add(one.asset)


def _cap_errors(caps: Sequence[GroupCap], path: str) -> Iterator[FieldError]:
    if len(caps) > MOST_CAPS:
        yield FieldError(field=path, rule=f"must be at most {MOST_CAPS}")
    seen: dict[tuple[str, str | None], float] = {}
    for i, one in enumerate(caps[:MOST_CAPS]):
        yield from _cap_error(one, f"{path}.{i}")
        if (one.by, one.group) in seen:
            yield FieldError(field=f"{path}.{i}.group", rule="has a cap already")
        seen[one.by, one.group] = one.maximum
    for i, one in enumerate(caps[:MOST_CAPS]):
        every = seen.get((one.by, None))
        if one.group is not None and is_number(every) and is_number(one.maximum) and one.maximum > every:
            rule = f"is above the cap of every group; the nearest legal value is {every:g}"
            yield FieldError(field=f"{path}.{i}.maximum", rule=rule)


def _cap_error(one: GroupCap, path: str) -> Iterator[FieldError]:
    yield from out_of_range(f"{path}.maximum", one.maximum, SMALLEST, 1.0)
    if not isinstance(one.by, Grouping):
        yield FieldError(field=f"{path}.by", rule=f"must be one of {', '.join(Grouping)}")
    elif one.group is not None and one.group != UNKNOWN:
        rule = _group_rule(one.by, one.group)
        if rule is not None:
            yield FieldError(field=f"{path}.group", rule=f"{rule}, {UNKNOWN}, or null for every group")


def _group_rule(by: Grouping, group: str) -> str | None:
    """Return what a group of that kind must be, None if it is."""
    rules = {
        Grouping.SECTOR: (1 <= len(group) <= 100, "must have 1 to 100 characters"),
        Grouping.COUNTRY: (COUNTRY.fullmatch(group), "must be two capital letters (ISO 3166)"),
        Grouping.CURRENCY: (group in CURRENCIES, f"must be one of {', '.join(CURRENCIES)}"),
    }
    fine, rule = rules[by]
    return None if fine else rule


def _contradictions(constraints: Constraints, path: str) -> Iterator[FieldError]:
    """Yield what fine numbers make impossible together, whatever the names."""
    largest = constraints.max_weight
    yield from _crossed(f"{path}.min_weight", constraints.min_weight, "max_weight", largest)
    yield from _crossed(f"{path}.min_position", constraints.min_position, "max_weight", largest)
    needed = sum(one.minimum for one in constraints.bounds)
    if needed > 1.0 + ROUNDING:
        rule = f"the minimums need {needed:g} of the index; lower them by {needed - 1.0:g} in all"
        yield FieldError(field=f"{path}.bounds", rule=rule)
    yield from _too_few_names(constraints, path)


def _too_few_names(constraints: Constraints, path: str) -> Iterator[FieldError]:
    """Yield an error where so few names, as large as they may be, do not fill the index."""
    count, each = constraints.max_names, constraints.max_weight
    larger = sorted((one.maximum for one in constraints.bounds if one.maximum > each), reverse=True)
    most = 0.0 if count is None else sum(larger[:count]) + each * max(count - len(larger), 0)
    if count is not None and most < 1.0 - ROUNDING:
        nearest = count + ceil((1.0 - most) / each - ROUNDING)
        rule = f"{count} names at most {each:g} each hold {most:g} of the index; the nearest legal value is"
        yield FieldError(field=f"{path}.max_names", rule=f"{rule} {nearest}")


def _crossed(field: str, low: float, name: str, high: float) -> Iterator[FieldError]:
    if low > high:
        yield FieldError(field=field, rule=f"is above {name}; the nearest legal value is {high:g}")
