"""Target units: what to hold of each name so that an amount of money follows given weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.trading.lots import ZERO, Choice, ceiling, round_lots, total_shortfall
from waardhaven.domain.trading.money import PRECISION, quantum, settled
from waardhaven.domain.types import Floats

FRACTION: Final = Decimal("0.000001")
"""The lot where fractions of a unit can be bought."""
TOLERANCE: Final = 1e-9


class InvalidTargets(Invalid):
    """Weights, prices, lots or holdings that no target units follow from."""


class UnaffordableHoldings(Invalid):
    """What must be kept costs more than the amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Units to hold, (k,), their settled ``value`` and weight of the amount, and the cash left.

    ``cash_left`` + sum(``value``) is the amount exactly and ``cash_left`` is never below zero.
    ``shortfall``: the fraction of the amount that is missing where the weights want it. ``gap``: how much
    of that a better rounding might still take away at most; 0 where this one is proved to be the best.
    """

    units: tuple[Decimal, ...]
    value: tuple[Decimal, ...]
    weight: Floats
    cash_left: Decimal
    shortfall: float
    gap: float


def target_units(
    weights: Floats,
    prices: Sequence[Decimal],
    amount: Decimal,
    *,
    lots: Sequence[Decimal],
    held: Sequence[Decimal] | None = None,
    minimum_trade: Decimal = ZERO,
    digits: int = 2,
) -> Targets:
    """Return units to hold of each name, so that ``amount`` follows ``weights`` (k,) as well as it can.

    ``prices``: money for one unit, above zero. ``lots``: units traded together, e.g. 1 or FRACTION; units
    are multiples of it. ``held``: units there are, multiples of the lot, their value part of ``amount``
    (None: nothing). ``minimum_trade``: a name whose target lies closer to what is held is not traded, and
    no other name is traded for less. ``digits``: decimal places of the money. Weights are fractions, not
    below zero, and sum to 1 or less; NaN is refused. What is optimised: see ``lots``.

    Raises InvalidTargets, or UnaffordableHoldings where the minimum trade keeps more than the amount.
    """
    owned = [ZERO] * len(prices) if held is None else list(held)
    _check(weights, prices, amount, lots, owned, digits)
    with localcontext(prec=PRECISION):
        choices = [
            _choice(Decimal(repr(float(weight))) * amount, price * lot, int(units / lot), minimum_trade)
            for weight, price, lot, units in zip(weights, prices, lots, owned, strict=True)
        ]
        found = round_lots(choices, amount)
        if found is None:
            raise _unaffordable(amount, minimum_trade)
        counts = list(found.lots)
        cash = _settle(choices, counts, amount, digits)
        if cash < 0:
            raise _unaffordable(amount, minimum_trade)
        missing = total_shortfall(choices, counts)
        value = tuple(settled(one.lot * n, digits) for one, n in zip(choices, counts, strict=True))
        return Targets(
            units=tuple(lot * n for lot, n in zip(lots, counts, strict=True)),
            value=value,
            weight=np.array([float(one / amount) for one in value]),
            cash_left=cash,
            shortfall=min(float(missing / amount), 1.0),
            gap=_fraction(missing - found.bound, amount),
        )


def _fraction(money: Decimal, amount: Decimal) -> float:
    """Return a fraction; what is below the rounding of a solver in floating point is 0."""
    found = float(money / amount)
    return found if found > TOLERANCE else 0.0


def _choice(target: Decimal, lot: Decimal, held: int, minimum: Decimal) -> Choice:
    """Return what may be done with a name: no trade is for less than ``minimum``."""
    whole = int(target // lot)
    change = target - lot * held
    if minimum > abs(change):
        return Choice(lot=lot, target=target, base=held, up=0, down=0)
    least = ceiling(minimum, lot)
    if change >= 0:
        return _bought(target, lot, whole, held + least if minimum else 0, held)
    step = int(not minimum or whole + 1 <= held - least)
    return Choice(lot=lot, target=target, base=whole, up=step, down=whole)


def _bought(target: Decimal, lot: Decimal, whole: int, least: int, held: int) -> Choice:
    if whole >= least:
        return Choice(lot=lot, target=target, base=whole, up=1, down=whole - least)
    return Choice(lot=lot, target=target, base=held, up=least - held, down=0)


def _settle(choices: Sequence[Choice], counts: list[int], amount: Decimal, digits: int) -> Decimal:
    """Give up lots, of the cheapest first, where the settled values come to more than the amount.

    They can by half the smallest coin for each name. Return the cash left.
    """
    cheapest = sorted(range(len(choices)), key=lambda i: (choices[i].lot, i))
    for i in (*cheapest, *cheapest):
        cash = _cash(choices, counts, amount, digits)
        if cash >= 0:
            return cash
        one, excess = choices[i], quantum(digits) - cash
        least = one.base if counts[i] > one.base else one.base - one.down
        wanted = one.up if counts[i] > one.base else ceiling(excess, one.lot)
        counts[i] = max(counts[i] - wanted, least)
    return _cash(choices, counts, amount, digits)


def _cash(choices: Sequence[Choice], counts: Sequence[int], amount: Decimal, digits: int) -> Decimal:
    return amount - sum((settled(one.lot * n, digits) for one, n in zip(choices, counts, strict=True)), ZERO)


def _check(
    weights: Floats,
    prices: Sequence[Decimal],
    amount: Decimal,
    lots: Sequence[Decimal],
    held: Sequence[Decimal],
    digits: int,
) -> None:
    if not len(weights) == len(prices) == len(lots) == len(held) > 0:
        raise _invalid("weights", "must be one for each price, lot and holding")
    if not ((weights >= 0.0).all() and np.add.accumulate(weights)[-1] <= 1.0 + TOLERANCE):
        raise _invalid("weights", "must be known, not below 0, and sum to 1 or less")
    if not (amount.is_finite() and amount > 0 and amount == settled(amount, digits)):
        raise _invalid("amount", f"must be above 0, with {digits} decimal places at most")
    for field, values in (("prices", prices), ("lots", lots)):
        if not all(one.is_finite() and one > 0 for one in values):
            raise _invalid(field, "must be known and above 0")
    if not all(one.is_finite() and one >= 0 and one % lot == 0 for one, lot in zip(held, lots, strict=True)):
        raise _invalid("held", "must be multiples of the lots, not below 0")


def _invalid(field: str, rule: str) -> InvalidTargets:
    return InvalidTargets("No target units follow from this.", errors=[FieldError(field=field, rule=rule)])


def _unaffordable(amount: Decimal, minimum: Decimal) -> UnaffordableHoldings:
    return UnaffordableHoldings(
        f"What a minimum trade of {minimum} keeps costs more than {amount}.",
        errors=[FieldError(field="minimum_trade", rule="must be small enough for what is held to be sold")],
    )
