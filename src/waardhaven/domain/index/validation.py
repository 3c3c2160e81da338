"""Every rule of an index definition, checked together."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from math import isfinite

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.index.constraints.rules import constraint_errors
from waardhaven.domain.index.definition import (
    Adjustment,
    Guards,
    IndexDefinition,
    RestatementPolicy,
    Schedule,
)
from waardhaven.domain.index.ranges import not_whole, out_of_range
from waardhaven.domain.index.schedule_rules import schedule_extra_errors
from waardhaven.domain.index.strategies import InvalidStrategy, prepare
from waardhaven.domain.index.variant_rules import variant_errors
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.market.currency import CURRENCIES
from waardhaven.domain.market.quality import FindingKind

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
MIC = re.compile(r"[A-Z0-9]{4}")
SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
BENCHMARK = re.compile(r"(index:[a-z0-9][a-z0-9-]{0,62}|[A-Za-z0-9._^/=-]{1,40}(:[A-Z0-9]{4})?)")
FIXING = re.compile(r"[A-Za-z0-9_-]{1,40}")
LONGEST_LAG = 250
FLOOR_NOTE = "The price floor is off: adjusted closes are scaled by later splits and distributions."


class InvalidDefinition(Invalid):
    """A definition that breaks rules; ``errors`` names every bad field."""


def validated(definition: IndexDefinition) -> IndexDefinition:
    """Return the definition, or raise InvalidDefinition with every broken rule at once.

    On an adjusted series with a price floor set, the floor is not applied and the description of the
    returned definition says so; the stored setting stays.
    """
    errors = [*_names(definition), *_base(definition), *_rules(definition)]
    if errors:
        raise InvalidDefinition("The index definition is not valid.", errors=errors)
    off = definition.series.adjustment is not Adjustment.RAW and definition.guards.min_price > 0.0
    if off and FLOOR_NOTE not in definition.description:
        return replace(definition, description=f"{definition.description} {FLOOR_NOTE}".strip())
    return definition


def guard_errors(guards: Guards, path: str = "guards") -> Iterator[FieldError]:
    """Yield every broken rule of the guards."""
    yield from out_of_range(f"{path}.min_price", guards.min_price, 0.0, 1e6)
    yield from not_whole(f"{path}.max_forward_fill_days", guards.max_forward_fill_days, 0, 30)
    yield from out_of_range(f"{path}.min_daily_return", guards.min_daily_return, -1.0, -0.01)
    yield from out_of_range(f"{path}.max_daily_return", guards.max_daily_return, 0.01, 10.0)
    yield from out_of_range(f"{path}.outlier_std_threshold", guards.outlier_std_threshold, 1.0, 10.0)
    if set(guards.held_out) - set(FindingKind) or len(set(guards.held_out)) != len(guards.held_out):
        rule = f"must be different ones of {', '.join(FindingKind)}"
        yield FieldError(field=f"{path}.held_out", rule=rule)


def schedule_errors(schedule: Schedule) -> Iterator[FieldError]:
    """Yield every broken rule of the schedule."""
    if not isinstance(schedule.frequency, Frequency):
        yield FieldError(field="schedule.frequency", rule=f"must be one of {', '.join(Frequency)}")
    yield from not_whole("schedule.lag", schedule.lag, 1, LONGEST_LAG)
    if schedule.daily_drop_threshold is not None:
        yield from out_of_range("schedule.daily_drop_threshold", schedule.daily_drop_threshold, -1.0, 0.0)
    yield from schedule_extra_errors(schedule)


def _names(definition: IndexDefinition) -> Iterator[FieldError]:
    patterns = {
        "slug": (SLUG, definition.slug, "must be lower-case letters, digits and hyphens, at most 63"),
        "universe": (SLUG, definition.universe, "must be a universe's slug"),
        "calendar": (MIC, definition.calendar, "must be a MIC (four capitals or digits)"),
        "series.source": (SOURCE, definition.series.source, "must be a source's name"),
        "fixing": (FIXING, definition.fixing, "must be a fixing's name"),
        "benchmark": (BENCHMARK, definition.benchmark or "SPX", "must be a symbol or index:slug"),
    }
    for field, (pattern, value, rule) in patterns.items():
        if not isinstance(value, str) or not pattern.fullmatch(value):
            yield FieldError(field=field, rule=rule)
    if not 1 <= len(definition.name.strip()) <= 200:
        yield FieldError(field="name", rule="must have 1 to 200 characters")
    if len(definition.description) > 10_000:
        yield FieldError(field="description", rule="must have at most 10000 characters")
    if definition.currency not in CURRENCIES:
        yield FieldError(field="currency", rule=f"must be one of {', '.join(CURRENCIES)}")


def _base(definition: IndexDefinition) -> Iterator[FieldError]:
    if not date(1900, 1, 1) <= definition.base_date <= date(2199, 12, 31):
        yield FieldError(field="base_date", rule="must lie between 1900 and 2199")
    base_value = definition.base_value
    if not (isfinite(base_value) and 0.0 < base_value <= 1e12):
        yield FieldError(field="base_value", rule="must be above 0 and at most 1e12")
    yield from not_whole("decimals", definition.decimals, 0, 12)


def _rules(definition: IndexDefinition) -> Iterator[FieldError]:
    yield from schedule_errors(definition.schedule)
    yield from guard_errors(definition.guards)
    if not isinstance(definition.series.adjustment, Adjustment):
        yield FieldError(field="series.adjustment", rule=f"must be one of {', '.join(Adjustment)}")
    if not isinstance(definition.restatement, RestatementPolicy):
        yield FieldError(field="restatement", rule=f"must be one of {', '.join(RestatementPolicy)}")
    yield from out_of_range("restatement_threshold", definition.restatement_threshold, 0.0, 1.0)
    yield from constraint_errors(definition.constraints)
    yield from variant_errors(definition)
    try:
        prepare(definition.strategy)
    except InvalidStrategy as invalid:
        yield from invalid.errors
