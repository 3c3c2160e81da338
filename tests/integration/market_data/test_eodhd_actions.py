"""Splits and dividends of EODHD over its local site."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.eodhd_site import paper
from tests.integration.market_data.eodhd_tools import eodhd_bench, wanted
from tests.twelvedata_site import LAST

from waardhaven.application.ports.market_data import (
    ActionsOf,
    NotDelivered,
    Reason,
)

ONE = paper("AAPL.US", mic="XNAS")
PENCE = paper("VOD.LSE", mic="XLON", unit="GBX", currency="GBP")
SPLIT = {"date": "2020-08-31", "split": "4.000000/1.000000"}
PAID = {
    "date": "2024-05-10",
    "value": 0.24,
    "unadjustedValue": 0.96,
    "currency": "USD",
    "period": "Quarterly",
}


async def only_action(**changes: Any) -> Any:
    """Return the one split or dividend of a stock, or why there is none."""
    async with eodhd_bench([replace(ONE, **changes)], ignores_days=True) as made:
        (answer,) = [one async for one in made.source.actions(wanted(ONE))]
    return answer.actions[0] if isinstance(answer, ActionsOf) else answer


async def test_split_tells_new_shares_for_one_old():
    split = await only_action(splits=(SPLIT,))
    assert (split.kind, split.key, split.ratio) == ("split", "split-2020-08-31", "4")
    assert (split.ex_date, split.source, split.amount) == (date(2020, 8, 31), "eodhd", None)


@pytest.mark.parametrize(
    ("stated", "ratio"),
    [("2.000000/1.000000", "2"), ("3/2", "1.5"), ("1.000000/10.000000", "0.1"), ("1/3", "0.3333333333")],
)
async def test_ratio_is_an_exact_decimal(stated: str, ratio: str):
    assert (await only_action(splits=({**SPLIT, "split": stated},))).ratio == ratio


async def test_dividend_is_what_was_paid_on_its_ex_date():
    paid = await only_action(dividends=(PAID,))
    assert (paid.kind, paid.key, paid.amount, paid.currency) == (
        "cash_dividend",
        "dividend-2024-05-10",
        "0.96",
        "USD",
    )
    assert paid.ex_date == date(2024, 5, 10)


async def test_dividend_without_the_paid_amount_is_the_adjusted_one():
    assert (await only_action(dividends=({**PAID, "unadjustedValue": None},))).amount == "0.24"


async def test_amount_keeps_every_digit_it_was_sent_with():
    assert (await only_action(dividends=({**PAID, "unadjustedValue": 0.1234567},))).amount == "0.1234567"


async def test_dividend_in_another_currency_keeps_it():
    assert (await only_action(dividends=({**PAID, "currency": "EUR"},))).currency == "EUR"


@pytest.mark.parametrize("told", [{"currency": "GBX"}, {"currency": None}])
async def test_dividend_in_pence_is_told_in_pounds(told: dict[str, Any]):
    one = replace(PENCE, dividends=({**PAID, "unadjustedValue": 4.5, **told},))
    async with eodhd_bench([one]) as made:
        (answer,) = [found async for found in made.source.actions(wanted(one))]
    assert isinstance(answer, ActionsOf)
    (paid,) = answer.actions
    assert (paid.currency, Decimal(paid.amount or "0")) == ("GBP", Decimal("0.045"))


async def test_two_dividends_on_one_day_have_keys_of_their_own():
    one = replace(ONE, dividends=(PAID, {**PAID, "unadjustedValue": 2.5}))
    async with eodhd_bench([one]) as made:
        (answer,) = [found async for found in made.source.actions(wanted(one))]
    assert isinstance(answer, ActionsOf)
    assert [action.key for action in answer.actions] == ["dividend-2024-05-10", "dividend-2024-05-10-2"]


@pytest.mark.parametrize("ignores_days", [False, True])
async def test_actions_lie_within_the_days_wanted(ignores_days: bool):
    one = replace(ONE, splits=(SPLIT,), dividends=(PAID,))
    async with eodhd_bench([one], ignores_days=ignores_days) as made:
        (answer,) = [
            found async for found in made.source.actions(wanted(one, start=date(2020, 9, 1), end=LAST))
        ]
    assert isinstance(answer, ActionsOf)
    assert [action.kind for action in answer.actions] == ["cash_dividend"]


@pytest.mark.parametrize(
    "changes",
    [
        {"splits": ({**SPLIT, "split": stated},)}
        for stated in ("", "2", "2:1", "0/1", "1/0", "-1/2", "NaN/1", "1/1e30", "Infinity/1", "two/one")
    ]
    + [{"splits": ({**SPLIT, "date": "0000-00-00"},)}]
    + [
        {"dividends": ({**PAID, **row},)}
        for row in (
            {"date": "soon"},
            {"unadjustedValue": -1},
            {"unadjustedValue": 1e40},
            {"unadjustedValue": None, "value": None},
        )
    ],
)
async def test_action_that_can_not_be_read_is_bad_data(changes: dict[str, Any]):
    answer = await only_action(**changes)
    assert isinstance(answer, NotDelivered)
    assert answer.reason is Reason.BAD_DATA
