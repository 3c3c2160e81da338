"""Levels and prices in another currency, at each day's reference rate."""

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.market.currency import (
    CARRIED_DAYS,
    CURRENCIES,
    RETIRED,
    UnknownCurrency,
    cross_matrix,
    major,
)
from waardhaven.domain.types import Days, Floats, Vintage


class UnknownTarget(Invalid):
    """A currency that levels are not converted to."""


def target_currency(asked: str | None, own: str) -> str:
    """Return the currency to answer in; raise UnknownTarget for one we have no rates of."""
    if not asked:
        return own
    target = asked.upper()
    if target not in CURRENCIES | RETIRED:
        (nearest,) = get_close_matches(target, CURRENCIES, n=1, cutoff=0.0)
        rule = f"must be one of /index/currencies; the nearest is {nearest!r}"
        raise UnknownTarget(
            f"{target!r} is not a currency we convert to.",
            errors=[FieldError(field="currency", rule=rule)],
        )
    return target


async def rates(
    reference: ReferenceStore,
    definition: IndexDefinition,
    units: Sequence[str],
    target: str,
    days: Days,
    vintage: Vintage,
    *,
    carried_days: int | None = None,
) -> Floats:
    """Return units of ``target`` for one of each quote unit, (n, k), as of the last known rate.

    ``days`` increase. The definition names the fixing. NaN before the first known rate, and where the last
    one is more than ``carried_days`` calendar days old.
    """
    if set(units) == {target}:
        return np.ones((len(days), len(units)))
    needed = sorted({major(one)[0] for one in (*units, target)})
    table = await reference.fx(needed, fixing=definition.fixing, vintage=vintage)
    return cross_matrix(table, units, target, days, max_days=carried_days)


async def dated_rates(
    reference: ReferenceStore,
    definition: IndexDefinition,
    units: Sequence[str],
    target: str,
    days: Days,
    vintage: Vintage,
) -> Floats:
    """Return rates as ``rates`` does, each carried CARRIED_DAYS at most; raise UnknownTarget without any."""
    try:
        return await rates(reference, definition, units, target, days, vintage, carried_days=CARRIED_DAYS)
    except UnknownCurrency as error:
        rule = f"must have rates of exchange; the nearest is {definition.currency!r}"
        raise UnknownTarget(
            error.message, context=error.context, errors=[FieldError(field="currency", rule=rule)]
        ) from error


async def level_factor(
    reference: ReferenceStore, definition: IndexDefinition, target: str, days: Days, vintage: Vintage
) -> Floats:
    """Return what levels are multiplied by, (n,): the day's rate over the base date's (the first day)."""
    matrix = await rates(
        reference, definition, [definition.currency], target, days, vintage, carried_days=CARRIED_DAYS
    )
    factor: Floats = matrix[:, 0] / matrix[0, 0]
    return factor
