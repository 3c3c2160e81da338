"""One session of a computed index: what was held into it and out of it, and what was done in between."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from waardhaven.domain.index.acting import Step
from waardhaven.domain.index.build import Computation
from waardhaven.domain.index.composition import ReviewReason
from waardhaven.domain.index.events import Event
from waardhaven.domain.index.level import Holding, LevelChain
from waardhaven.domain.index.review import Reviewer
from waardhaven.domain.index.treatments import Position, settle
from waardhaven.domain.index.windows import row_dots
from waardhaven.domain.market.calendar import last_known
from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What remained to be done about an action at the close of its ex-date."""

    event: Event
    before: Position
    after: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A row of a computation, after the one it starts from.

    ``level_before`` and ``level``: levels of the row before and of this one. ``before`` is held after the
    close of the row before, ``into`` after what companies did with this ex-date (``steps``), ``after`` after
    the close: settled actions and the ``review`` that took effect, None without one.
    """

    reviewer: Reviewer
    row: int
    level_before: float
    level: float
    before: Position
    into: Position
    after: Position
    steps: tuple[Step, ...]
    settled: tuple[Settlement, ...]
    review: Holding | None

    @classmethod
    def of(cls, computation: Computation, row: int) -> Self:
        """Return the session of ``row``, which lies after ``computation.start``."""
        chain = computation.chain
        before = _position(computation, [one for one in chain.holdings if one.effective < row])
        into = _position(computation, [one for one in chain.holdings if one.since <= row])
        steps = tuple(chain.steps(row, before))
        return cls(
            reviewer=chain.reviewer,
            row=row,
            level_before=float(chain.levels[row - 1]),
            level=float(chain.levels[row]),
            before=before,
            into=into,
            after=_position(computation, [one for one in chain.holdings if one.effective <= row]),
            steps=steps,
            settled=_settled(chain, row, steps, into),
            review=_review(chain, row),
        )

    @property
    def price_before(self) -> Floats:
        """Prices (k,) of the row before, in index currency."""
        price: Floats = self.reviewer.prices.price[self.row - 1]
        return price

    @property
    def price(self) -> Floats:
        """Prices (k,) of the row, in index currency."""
        price: Floats = self.reviewer.prices.price[self.row]
        return price

    @property
    def ex_price(self) -> Floats:
        """Prices (k,) of the row before as they are after the actions."""
        found: Floats = self.price_before.copy()
        for step in self.steps:
            found[step.event.column] = step.ex_price
        return found

    @property
    def level_before_cost(self) -> float:
        """The level of the row before the cost of a review was taken off."""
        return float(row_dots(self.price[None, :], self.into.units)[0]) / self.into.divisor


def rates_at(reviewer: Reviewer, row: int) -> Floats:
    """Return the last known rates (k,) at or before ``row``: index currency for one of the asset's own."""
    fx = reviewer.inputs.fx
    known = last_known(~np.isnan(fx[: row + 1]))[-1]
    found: Floats = np.where(known >= 0, fx[known, np.arange(len(known))], np.nan)
    return found


def _position(computation: Computation, holdings: list[Holding]) -> Position:
    if not holdings:
        return computation.held
    units = np.zeros(len(computation.held.units))
    units[holdings[-1].column] = holdings[-1].units
    return Position(units=units, divisor=holdings[-1].divisor)


def _settled(chain: LevelChain, row: int, steps: tuple[Step, ...], into: Position) -> tuple[Settlement, ...]:
    position, found = into, []
    for step in steps:
        if step.stated:
            after = settle(step.event, chain.rules.family, position, chain.reviewer.prices.price[row])
            if after is not position:
                found.append(Settlement(event=step.event, before=position, after=after))
            position = after
    return tuple(found)


def _review(chain: LevelChain, row: int) -> Holding | None:
    made = [one for one in chain.holdings if one.effective == row and one.reason is not ReviewReason.ACTION]
    return made[-1] if made else None
