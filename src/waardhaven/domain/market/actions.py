"""Corporate actions as facts; how an index or ledger treats them is decided there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.types import AssetId


class ActionKind(StrEnum):
    """What happened to the asset."""

    SPLIT = "split"
    CASH_DIVIDEND = "cash_dividend"
    SPECIAL_DIVIDEND = "special_dividend"
    SPIN_OFF = "spin_off"
    MERGER = "merger"
    SYMBOL_CHANGE = "symbol_change"
    DELISTING = "delisting"
    RIGHTS = "rights"


class ActionStatus(StrEnum):
    """How firm the fact is."""

    ANNOUNCED = "announced"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


DIVIDENDS = (ActionKind.CASH_DIVIDEND, ActionKind.SPECIAL_DIVIDEND)


class MalformedAction(Invalid):
    """A corporate action that contradicts itself or lacks what its kind needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateAction:
    """A dated event on an asset.

    ``ex_date``: first session on which the price reflects it. ``amount``: cash per share in
    ``currency``. ``ratio``: new shares per old share (2 for a 2-for-1 split, 0.1 for a 1-for-10
    consolidation). ``other_asset``: the spun-off or acquiring instrument. Unknown is None.
    """

    asset: AssetId
    kind: ActionKind
    status: ActionStatus
    ex_date: date
    announced_at: datetime | None = None
    record_date: date | None = None
    pay_date: date | None = None
    amount: Decimal | None = None
    currency: str | None = None
    ratio: Decimal | None = None
    other_asset: AssetId | None = None

    def checked(self) -> Self:
        """Return self, or raise MalformedAction naming every broken rule."""
        errors = list(_errors(self))
        if errors:
            raise MalformedAction("The corporate action is not valid.", errors=errors)
        return self


def _errors(action: CorporateAction) -> Iterator[FieldError]:
    amount, ratio = action.amount, action.ratio
    if amount is not None and not (amount.is_finite() and amount >= 0):
        yield FieldError(field="amount", rule="must be finite and not negative")
    if ratio is not None and not (ratio.is_finite() and ratio > 0):
        yield FieldError(field="ratio", rule="must be finite and above zero")
    if (amount is None) != (action.currency is None):
        yield FieldError(field="currency", rule="must be given with an amount, and only then")
    if action.kind is ActionKind.SPLIT and ratio is None:
        yield FieldError(field="ratio", rule="a split needs one")
    if action.kind in DIVIDENDS and amount is None:
        yield FieldError(field="amount", rule="a dividend needs one")
    if action.other_asset == action.asset:
        yield FieldError(field="other_asset", rule="must be another asset")
    if action.pay_date is not None and action.pay_date < action.ex_date:
        yield FieldError(field="pay_date", rule="must not come before ex_date")
