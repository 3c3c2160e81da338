"""The corporate actions of one session, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.events import Event, EventKind
from waardhaven.domain.index.family import Family
from waardhaven.domain.index.treatments import Moment, Position, ex_price, is_stated, treat
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action on a name that is held: the position ``before`` and ``after`` it.

    ``cash``: its amount in index currency, NaN not stated. ``price`` (k,): the close it is done at, net of
    the actions before it. ``stated``: whether its terms are known; if not, nothing is done.
    """

    event: Event
    cash: float
    price: Floats
    before: Position
    after: Position
    stated: bool

    @property
    def ex_price(self) -> float:
        """What the close of the name becomes by the action alone."""
        price = float(self.price[self.event.column])
        return ex_price(self.event, price, self.cash) if self.stated else price


def stepped(
    actions: Sequence[tuple[Event, float]], family: Family, held: Position, before: Floats, on: Floats
) -> list[Step]:
    """Treat actions (with their amounts in index currency) in order; names not held are passed over.

    ``before`` and ``on`` (k,): the prices of the close before the ex-date and of the ex-date itself, which
    only tell whether a spun-off name has a price.
    """
    steps: list[Step] = []
    position, price = held, before
    for event, cash in actions:
        if position.units[event.column] == 0.0:
            continue
        stated = is_stated(event, cash, on)
        moment = Moment(price=price, cash=cash)
        after = treat(event, family, position, moment) if stated else position
        step = Step(event=event, cash=cash, price=price, before=position, after=after, stated=stated)
        steps.append(step)
        if stated:
            price = price.copy()
            price[event.column] = step.ex_price
        position = after
    return steps


def free_worth(steps: Sequence[Step], names: int) -> Floats:
    """Return what shares that were spun off would have been worth before they came for nothing, (names,)."""
    found = np.zeros(names)
    for step in steps:
        if step.stated and step.event.kind is EventKind.SPIN_OFF:
            other = step.event.other
            found[other] += (step.after.units[other] - step.before.units[other]) * step.price[other]
    return found
