"""How each family of indices treats a corporate action between reviews.

S&P DJI keeps one table of treatments for market-cap, non-market-cap, price and equal weighted indices
(*Equity Indices Policies & Practices*, "Corporate Actions"; *Index Mathematics Methodology*, "Divisor
Adjustments"); FTSE Russell keeps two guides (*Corporate Actions and Events Guide* for cap weighted and for
non cap weighted indices). A change is made after the close before the ex-date, at that close's prices. The
divisor takes up what leaves or enters the index, so the level does not move:
``new divisor = old divisor x value after / value before``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import numpy as np

from waardhaven.domain.index.events import Event, EventKind
from waardhaven.domain.index.family import Family
from waardhaven.domain.index.windows import row_dots
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What an index holds: ``units`` (k,) and ``divisor``."""

    units: Floats
    divisor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The close at which a treatment is carried out.

    ``price`` (k,) in index currency; ``cash``: the event's amount in index currency, NaN: not stated.
    """

    price: Floats
    cash: float


Treatment = Callable[[Event, Position, Moment], Position]


def value(position: Position, price: Floats) -> float:
    """Return the value of the units, summed in order of asset id."""
    return float(row_dots(price[None, :], position.units)[0])


def drifted(units: Floats, price: Floats) -> Floats:
    """Return the weights (k,) that units have at ``price``; zeros when nothing is held."""
    worth = units * price
    total = float(np.add.accumulate(worth)[-1])
    return worth / total if total > 0.0 else worth


def is_stated(event: Event, cash: float, price: Floats) -> bool:
    """Tell whether the terms that the treatment needs are known; ``price`` (k,) is that of the ex-date.

    A spun-off name needs a price of its own, rights both their ratio and their price.
    """
    if event.kind is EventKind.SPLIT:
        return isfinite(event.ratio)
    if event.kind is EventKind.SPECIAL_DIVIDEND:
        return isfinite(cash)
    if event.kind is EventKind.RIGHTS:
        return isfinite(cash) and isfinite(event.ratio)
    if event.kind is EventKind.SPIN_OFF:
        return isfinite(event.ratio) and event.other >= 0 and bool(price[event.other] > 0.0)
    return True


def ex_price(event: Event, price: float, cash: float) -> float:
    """Return the price that ``price`` becomes by the action alone, per new share.

    Split: price / ratio. Special dividend: price - cash, not below a thousandth of the price. Rights of
    ``ratio`` new shares at ``cash`` each: (price + ratio x cash) / (1 + ratio), the theoretical ex-rights
    price, or the price itself where the rights are out of the money. Other actions: the price. The terms
    must be known (``is_stated``).
    """
    if event.kind is EventKind.SPLIT:
        return price / event.ratio
    if event.kind is EventKind.SPECIAL_DIVIDEND:
        return max(price - cash, price / 1000.0)
    if event.kind is EventKind.RIGHTS and cash < price:
        return (price + event.ratio * cash) / (1.0 + event.ratio)
    return price


def treat(event: Event, family: Family, position: Position, moment: Moment) -> Position:
    """Return the position after the action, at the close before its ex-date."""
    return TREATMENTS[event.kind, family](event, position, moment)


def dispose(column: int, family: Family, position: Position, price: Floats) -> Position:
    """Sell one name at ``price`` and spread its value over the others; alone it stays.

    In a non-cap-weighted family the other units grow in proportion, in the others the divisor takes it up.
    """
    if position.units[column] == 0.0:
        return position
    rest = position.units.copy()
    rest[column] = 0.0
    before = value(position, price)
    after = value(Position(units=rest, divisor=position.divisor), price)
    if not after > 0.0:
        return position
    if family is Family.NON_CAP_WEIGHTED:
        return Position(units=rest * (before / after), divisor=position.divisor)
    return Position(units=rest, divisor=position.divisor * (after / before))


def _with_units(position: Position, column: int, units: float) -> Position:
    changed = position.units.copy()
    changed[column] = units
    return Position(units=changed, divisor=position.divisor)


def _nothing(_: Event, position: Position, __: Moment) -> Position:
    return position


def _more_units(event: Event, position: Position, moment: Moment) -> Position:
    """Let price and units move together: the value of the name stays, and with it the divisor."""
    before = float(moment.price[event.column])
    after = ex_price(event, before, moment.cash)
    return _with_units(position, event.column, position.units[event.column] * (before / after))


def _lower_price(event: Event, position: Position, moment: Moment) -> Position:
    """Let the price move alone: the divisor takes it up."""
    price = moment.price.copy()
    price[event.column] = ex_price(event, float(price[event.column]), moment.cash)
    change = value(position, price) / value(position, moment.price)
    return Position(units=position.units, divisor=position.divisor * change)


def _subscribed(event: Event, position: Position, moment: Moment) -> Position:
    """Take up rights with new money, which the divisor takes up."""
    if not moment.cash < moment.price[event.column]:
        return position
    before = value(position, moment.price)
    price = moment.price.copy()
    price[event.column] = ex_price(event, float(price[event.column]), moment.cash)
    grown = _with_units(position, event.column, position.units[event.column] * (1.0 + event.ratio))
    return Position(units=grown.units, divisor=position.divisor * (value(grown, price) / before))


def _spun_off(event: Event, position: Position, _: Moment) -> Position:
    """Add the spun-off shares at a price of zero, so that nothing moves."""
    added = position.units[event.column] * event.ratio
    return _with_units(position, event.other, position.units[event.other] + added)


def _removed(family: Family) -> Treatment:
    def removed(event: Event, position: Position, moment: Moment) -> Position:
        left = dispose(event.column, family, position, moment.price)
        return _exchanged(event, position, moment) if left is position else left

    return removed


def _exchanged(event: Event, position: Position, moment: Moment) -> Position:
    """Exchange the last name of an index for its acquirer at the same value, where that has a price."""
    if event.other < 0 or not moment.price[event.other] > 0.0:
        return position
    worth = position.units[event.column] * moment.price[event.column]
    left = _with_units(position, event.column, 0.0)
    return _with_units(left, event.other, float(worth / moment.price[event.other]))


def _acquired(event: Event, position: Position, moment: Moment) -> Position:
    """Let an acquirer in the index issue shares for those of the target; the divisor takes up the rest."""
    if event.other < 0 or not (isfinite(event.ratio) and position.units[event.other] > 0.0):
        return _removed(Family.CAP_WEIGHTED)(event, position, moment)
    before = value(position, moment.price)
    issued = position.units[event.column] * event.ratio
    grown = _with_units(position, event.other, position.units[event.other] + issued)
    left = _with_units(grown, event.column, 0.0)
    return Position(units=left.units, divisor=position.divisor * (value(left, moment.price) / before))


_CAP, _NON_CAP, _PRICE = Family.CAP_WEIGHTED, Family.NON_CAP_WEIGHTED, Family.PRICE_WEIGHTED

TREATMENTS: dict[tuple[EventKind, Family], Treatment] = {
    (EventKind.SPLIT, _CAP): _more_units,
    (EventKind.SPLIT, _NON_CAP): _more_units,
    (EventKind.SPLIT, _PRICE): _lower_price,
    (EventKind.CASH_DIVIDEND, _CAP): _nothing,
    (EventKind.CASH_DIVIDEND, _NON_CAP): _nothing,
    (EventKind.CASH_DIVIDEND, _PRICE): _nothing,
    (EventKind.SPECIAL_DIVIDEND, _CAP): _lower_price,
    (EventKind.SPECIAL_DIVIDEND, _NON_CAP): _more_units,
    (EventKind.SPECIAL_DIVIDEND, _PRICE): _lower_price,
    (EventKind.RIGHTS, _CAP): _subscribed,
    (EventKind.RIGHTS, _NON_CAP): _more_units,
    (EventKind.RIGHTS, _PRICE): _lower_price,
    (EventKind.SPIN_OFF, _CAP): _spun_off,
    (EventKind.SPIN_OFF, _NON_CAP): _spun_off,
    (EventKind.SPIN_OFF, _PRICE): _spun_off,
    (EventKind.MERGER, _CAP): _acquired,
    (EventKind.MERGER, _NON_CAP): _removed(_NON_CAP),
    (EventKind.MERGER, _PRICE): _removed(_PRICE),
    (EventKind.DELISTING, _CAP): _nothing,
    (EventKind.DELISTING, _NON_CAP): _nothing,
    (EventKind.DELISTING, _PRICE): _nothing,
}
"""What is done at the close before the ex-date, by action and family."""


def settle(event: Event, family: Family, position: Position, price: Floats) -> Position:
    """Return the position after what remains to be done at the close of the ex-date, at its ``price`` (k,).

    A delisted name leaves at its terminal price. What was spun off leaves after its first session: in a
    non-cap-weighted index its value goes back to the parent, in a price-weighted one the divisor takes it
    up; a cap-weighted index keeps it until the next review.
    """
    if event.kind is EventKind.DELISTING:
        return dispose(event.column, family, position, price)
    if event.kind is not EventKind.SPIN_OFF or family is Family.CAP_WEIGHTED:
        return position
    if family is Family.PRICE_WEIGHTED:
        return dispose(event.other, family, position, price)
    if position.units[event.other] == 0.0:
        return position
    worth = position.units[event.other] * price[event.other]
    kept = _with_units(position, event.other, 0.0)
    return _with_units(kept, event.column, float(kept.units[event.column] + worth / price[event.column]))
