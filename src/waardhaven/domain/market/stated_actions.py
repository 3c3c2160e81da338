"""Which of several statements about one asset counts, and what a distribution is in a series' unit."""

from collections.abc import Iterable
from math import nan

import numpy as np

from waardhaven.domain.market.actions import ActionStatus, CorporateAction
from waardhaven.domain.market.currency import RateColumns, major

MANUAL = "manual"
"""The source of actions that people enter; one of these replaces a source's of the same kind and day."""
FIXING = "ECB"


def prevailing(stated: Iterable[tuple[str, CorporateAction]], source: str) -> list[CorporateAction]:
    """Return the confirmed actions of one asset: what people entered, and what ``source`` says besides."""
    mine = [(by, action) for by, action in stated if by in (MANUAL, source)]
    entered = {(action.kind, action.ex_date) for by, action in mine if by == MANUAL}
    return [
        action
        for by, action in mine
        if action.status is ActionStatus.CONFIRMED
        and (by == MANUAL or (action.kind, action.ex_date) not in entered)
    ]


def foreign(actions: Iterable[tuple[CorporateAction, str]]) -> list[str]:
    """Return the currencies that rates are needed of; each action comes with a series' quote unit."""
    found: set[str] = set()
    for action, unit in actions:
        own = major(unit)[0]
        if action.currency not in (None, own):
            found |= {str(action.currency), own}
    return sorted(found)


def cash_in_unit(action: CorporateAction, unit: str, rates: RateColumns | None) -> float:
    """Return the amount for a share in the quote ``unit`` at the ex-date's rate; NaN: not known."""
    if action.amount is None or action.currency is None:
        return nan
    own, parts = major(unit)
    if action.currency == own:
        return float(action.amount) * parts
    if rates is None or {action.currency, own} - {*rates.quote, rates.base}:
        return nan
    at = np.array([action.ex_date], dtype="datetime64[D]")
    return float(action.amount) * float(rates.cross(action.currency, unit, at)[0])
