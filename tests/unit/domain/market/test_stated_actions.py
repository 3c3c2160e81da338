"""Which statement about an asset counts, and what an amount is in the unit a series is quoted in."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import isnan

import numpy as np
import pytest
from tests.factories import days

from waardhaven.domain.market.actions import ActionKind, ActionStatus, CorporateAction
from waardhaven.domain.market.currency import RateColumns
from waardhaven.domain.market.stated_actions import MANUAL, cash_in_unit, foreign, prevailing
from waardhaven.domain.types import AssetId

PAID = CorporateAction(
    asset=AssetId(1),
    kind=ActionKind.CASH_DIVIDEND,
    status=ActionStatus.CONFIRMED,
    ex_date=date(2024, 1, 3),
    amount=Decimal("1.50"),
    currency="USD",
)
SPLIT = CorporateAction(
    asset=AssetId(1),
    kind=ActionKind.SPLIT,
    status=ActionStatus.CONFIRMED,
    ex_date=date(2024, 1, 3),
    ratio=Decimal(2),
)
RATES = RateColumns(
    quote=("GBP", "USD"),
    code=np.array([0, 1, 1]),
    day=days("2024-01-02", "2024-01-02", "2024-01-04"),
    rate=np.array([0.75, 1.5, 99.0]),
)


def test_the_confirmed_actions_of_the_source_count() -> None:
    stated = [("one", PAID), ("one", SPLIT), ("another", replace(PAID, amount=Decimal(9)))]
    assert prevailing(stated, "one") == [PAID, SPLIT]


@pytest.mark.parametrize("status", [ActionStatus.ANNOUNCED, ActionStatus.CANCELLED])
def test_what_is_not_confirmed_does_not_count(status: ActionStatus) -> None:
    assert prevailing([("one", replace(PAID, status=status))], "one") == []


def test_what_people_entered_replaces_the_source_of_the_same_kind_and_day_alone() -> None:
    entered = replace(PAID, amount=Decimal(2))
    later = replace(PAID, ex_date=date(2024, 4, 3))
    stated = [("one", PAID), ("one", SPLIT), (MANUAL, entered), ("one", later)]
    assert prevailing(stated, "one") == [SPLIT, entered, later]


def test_what_people_cancelled_does_not_come_back_from_the_source() -> None:
    stated = [("one", PAID), (MANUAL, replace(PAID, status=ActionStatus.CANCELLED))]
    assert prevailing(stated, "one") == []


def test_rates_are_needed_of_both_currencies_of_a_foreign_amount() -> None:
    assert foreign([(PAID, "GBX"), (PAID, "USD"), (SPLIT, "EUR")]) == ["GBP", "USD"]


def test_an_amount_in_the_currency_of_the_series_needs_no_rate() -> None:
    assert cash_in_unit(PAID, "USD", None) == 1.5
    assert cash_in_unit(replace(PAID, currency="GBP"), "GBX", None) == 150.0


def test_a_foreign_amount_is_converted_at_the_rate_of_its_ex_date() -> None:
    """1 EUR = 1.50 USD = 0.75 GBP, so 1.50 USD are 1 EUR, 0.75 GBP, 75 pence."""
    assert cash_in_unit(PAID, "EUR", RATES) == 1.0
    assert cash_in_unit(PAID, "GBX", RATES) == 75.0


@pytest.mark.parametrize(
    ("action", "unit", "rates"),
    [
        (SPLIT, "USD", RATES),
        (PAID, "GBP", None),
        (PAID, "SEK", RATES),
        (replace(PAID, currency="SEK"), "USD", RATES),
        (replace(PAID, ex_date=date(2023, 12, 29)), "GBP", RATES),
    ],
)
def test_an_amount_that_is_not_stated_or_has_no_rate_is_unknown(
    action: CorporateAction, unit: str, rates: RateColumns | None
) -> None:
    assert isnan(cash_in_unit(action, unit, rates))
