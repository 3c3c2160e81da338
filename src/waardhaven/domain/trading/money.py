"""Amounts of money: exact decimals in the smallest unit that a currency is paid in."""

from decimal import ROUND_HALF_EVEN, Decimal
from math import isfinite
from typing import Final

from waardhaven.domain.errors import FieldError, Invalid

MINOR_DIGITS: Final = {"ISK": 0, "JPY": 0, "KRW": 0, "TRL": 0}
"""Decimal places of currencies that have not two (ISO 4217, list one)."""
LARGEST_AMOUNT: Final = Decimal(10) ** 12
PRECISION: Final = 60
"""Significant digits of products: units of 20 digits times a price of 17 are exact."""


class InvalidAmount(Invalid):
    """An amount of money that can not be invested."""


def minor_digits(currency: str) -> int:
    """Return how many decimal places amounts of a currency have."""
    return MINOR_DIGITS.get(currency, 2)


def quantum(digits: int) -> Decimal:
    """Return the smallest amount with so many decimal places."""
    return Decimal(1).scaleb(-digits)


def settled(value: Decimal, digits: int) -> Decimal:
    """Return an amount as it is paid, to ``digits`` decimal places; a half goes to the even digit."""
    return value.quantize(quantum(digits), rounding=ROUND_HALF_EVEN)


def money(amount: float, digits: int, *, field: str = "amount") -> Decimal:
    """Return ``amount`` as it can be paid; raise InvalidAmount naming ``field`` and the nearest amount."""
    smallest = quantum(digits)
    if isfinite(amount) and amount <= LARGEST_AMOUNT:
        exact = Decimal(repr(float(amount)))
        if exact >= smallest:
            return settled(exact, digits)
    nearest = LARGEST_AMOUNT if amount > float(LARGEST_AMOUNT) else smallest
    rule = f"must be from {smallest} to {LARGEST_AMOUNT:f}; the nearest is {nearest:f}"
    raise InvalidAmount("The amount can not be invested.", errors=[FieldError(field=field, rule=rule)])
