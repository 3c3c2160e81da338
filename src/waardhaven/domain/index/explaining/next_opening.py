"""What an index holds into its next session: the adjusted file that follows a closing file."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.acting import Step, stepped
from waardhaven.domain.index.build import NO_DAYS, compute
from waardhaven.domain.index.composition import IndexState
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.events import Event, EventColumns, EventKind, EventRows
from waardhaven.domain.index.explaining.last_session import LastSession, explained
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.treatments import drifted
from waardhaven.domain.types import Days, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class NextOpening:
    """Names (k,) as they are held into ``day``: ``price`` is the last close after the actions.

    ``rate``, ``units``, ``weight`` as in Closing; a name that was spun off has no price yet: 0. The level is
    that of the close, whatever the actions changed. ``steps``: what was done, or not, for want of terms.
    """

    day: np.datetime64
    price: Floats
    units: Floats
    weight: Floats
    divisor: float
    steps: tuple[Step, ...]


def next_opening(
    definition: IndexDefinition,
    inputs: IndexInputs,
    opening: IndexState | None,
    day: np.datetime64,
    events: EventColumns,
    forced: Days = NO_DAYS,
) -> tuple[LastSession, NextOpening]:
    """Explain the last session, and treat the ``events`` that take effect on the session ``day`` after it.

    Regular distributions change nothing that is held. A spun-off name is taken to be priced on its ex-date.
    """
    computed = compute(definition, inputs, opening=opening, forced=forced)
    found, chain = explained(computed), computed.chain
    price = found.closing.price
    steps = stepped(
        _due(events, found, day),
        chain.rules.family,
        chain.position,
        price,
        np.where(price > 0.0, price, 1.0),
    )
    held = steps[-1].after if steps else chain.position
    ex = price.copy()
    for step in steps:
        ex[step.event.column] = step.ex_price
    return found, NextOpening(
        day=day,
        price=ex,
        units=held.units,
        weight=drifted(held.units, ex),
        divisor=held.divisor,
        steps=tuple(steps),
    )


def _due(events: EventColumns, found: LastSession, day: np.datetime64) -> list[tuple[Event, float]]:
    closing = found.closing
    axis = np.array([closing.day, day])
    rows = EventRows.placed(events, axis, closing.assets)
    acting = rows.taken(np.flatnonzero(rows.kind != EventKind.CASH_DIVIDEND))
    cash = acting.cash * closing.rate[acting.column]
    return [(acting.at(place), float(cash[place])) for place in range(len(acting))]
