from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from waardhaven.domain.market.actions import ActionKind, ActionStatus, CorporateAction, MalformedAction
from waardhaven.domain.types import AssetId

SPLIT = CorporateAction(
    asset=AssetId(1),
    kind=ActionKind.SPLIT,
    status=ActionStatus.CONFIRMED,
    ex_date=date(2020, 8, 31),
    ratio=Decimal(4),
)
DIVIDEND = CorporateAction(
    asset=AssetId(1),
    kind=ActionKind.CASH_DIVIDEND,
    status=ActionStatus.ANNOUNCED,
    ex_date=date(2024, 2, 9),
    record_date=date(2024, 2, 12),
    pay_date=date(2024, 2, 15),
    amount=Decimal("0.24"),
    currency="USD",
)


@pytest.mark.parametrize("action", [SPLIT, DIVIDEND, replace(SPLIT, kind=ActionKind.DELISTING, ratio=None)])
def test_a_complete_action_is_accepted(action: CorporateAction) -> None:
    assert action.checked() is action


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        (replace(SPLIT, ratio=None), ["ratio"]),
        (replace(SPLIT, ratio=Decimal(0)), ["ratio"]),
        (replace(SPLIT, ratio=Decimal("NaN")), ["ratio"]),
        (replace(DIVIDEND, amount=Decimal(-1)), ["amount"]),
        (replace(DIVIDEND, amount=Decimal("Infinity")), ["amount"]),
        (replace(DIVIDEND, currency=None), ["currency"]),
        (replace(DIVIDEND, amount=None, currency=None), ["amount"]),
        (replace(DIVIDEND, pay_date=date(2024, 2, 8)), ["pay_date"]),
        (replace(DIVIDEND, other_asset=DIVIDEND.asset), ["other_asset"]),
        (replace(DIVIDEND, amount=None, pay_date=date(2024, 2, 8)), ["currency", "amount", "pay_date"]),
    ],
)
def test_every_broken_rule_is_named(action: CorporateAction, fields: list[str]) -> None:
    with pytest.raises(MalformedAction) as caught:
        action.checked()
    assert [error.field for error in caught.value.errors] == fields
