"""Rules of variants of a level, withholding and costs."""

import re
from collections.abc import Iterator

from waardhaven.domain.errors import FieldError
from waardhaven.domain.index.definition import Adjustment, IndexDefinition, Variant, WithholdingRate
from waardhaven.domain.index.ranges import out_of_range

LARGEST_COST = 0.1
COUNTRY_OR_REST = re.compile(r"[A-Z]{2}|\*")


def variant_errors(definition: IndexDefinition) -> Iterator[FieldError]:
    """Yield every broken rule of the variant, the withholding table and the cost rate."""
    if not isinstance(definition.variant, Variant):
        yield FieldError(field="variant", rule=f"must be one of {', '.join(Variant)}")
    elif definition.variant is not Variant.PRICE and definition.series.adjustment is Adjustment.ALL:
        rule = (
            "closes adjusted for all actions have earned the distributions already; needs a series raw or "
            "adjusted for splits; the nearest legal value is price"
        )
        yield FieldError(field="variant", rule=rule)
    if definition.variant is Variant.NET and not definition.withholding:
        rule = "the net variant needs at least one rate, e.g. country * and its rate"
        yield FieldError(field="withholding", rule=rule)
    yield from _withholding_errors(definition.withholding)
    yield from out_of_range("cost_rate", definition.cost_rate, 0.0, LARGEST_COST)


def _withholding_errors(rates: tuple[WithholdingRate, ...]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for i, one in enumerate(rates):
        yield from out_of_range(f"withholding.{i}.rate", one.rate, 0.0, 1.0)
        if not COUNTRY_OR_REST.fullmatch(one.country):
            rule = "must be two capital letters (ISO 3166), or * for every other"
            yield FieldError(field=f"withholding.{i}.country", rule=rule)
        elif one.country in seen:
            yield FieldError(field=f"withholding.{i}.country", rule=f"{one.country} has a rate already")
        seen.add(one.country)
