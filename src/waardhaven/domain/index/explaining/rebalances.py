"""What reviews changed: weights held into the effective close beside those that were set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from waardhaven.domain.index.acting import stepped
from waardhaven.domain.index.composition import Composition
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.review import Reviewer
from waardhaven.domain.index.strategies import prepare
from waardhaven.domain.index.treatments import Position, drifted, settle
from waardhaven.domain.types import CASH, Floats, Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightChanges:
    """Weights of names (m,) before and after a review, fractions; only names on either side."""

    assets: Ids
    before: Floats
    after: Floats

    @property
    def entered(self) -> Ids:
        """Names that were not held before."""
        found: Ids = self.assets[(self.before == 0.0) & (self.after > 0.0)]
        return found

    @property
    def left(self) -> Ids:
        """Names that are not held any more."""
        found: Ids = self.assets[(self.before > 0.0) & (self.after == 0.0)]
        return found

    def largest(self, count: int) -> Self:
        """Return the ``count`` largest changes, the largest first; equal ones by asset id."""
        order = np.argsort(-np.abs(self.after - self.before), kind="stable")[:count]
        return type(self)(assets=self.assets[order], before=self.before[order], after=self.after[order])


def weight_changes(
    definition: IndexDefinition,
    inputs: IndexInputs,
    reviews: Sequence[tuple[Composition | None, Composition]],
) -> list[WeightChanges]:
    """Return what each of ``reviews`` changed; each comes with the composition before it, None at the base.

    The axis of the inputs holds the effective day of every review and the session before it.
    """
    held = [one.asset for pair in reviews for one in pair if one is not None]
    if any((assets == CASH).any() for assets in held):
        inputs = inputs.with_cash()
    reviewer = Reviewer.of(definition, prepare(definition.strategy), inputs)
    return [_changes(reviewer, before, after) for before, after in reviews]


def _changes(reviewer: Reviewer, before: Composition | None, after: Composition) -> WeightChanges:
    assets = reviewer.inputs.panel.assets
    old = np.zeros(len(assets)) if before is None else _held_into(reviewer, before, after.effective)
    new = _scattered(assets, after.asset, after.weight)
    names = np.flatnonzero((old > 0.0) | (new > 0.0))
    return WeightChanges(assets=assets[names], before=old[names], after=new[names])


def _held_into(reviewer: Reviewer, held: Composition, day: np.datetime64) -> Floats:
    """Return the drifted weights at the close of ``day``, after what companies did on that day."""
    panel, prices, acting = reviewer.inputs.panel, reviewer.prices.price, reviewer.acting
    row = int(np.searchsorted(panel.days, day))
    position = Position(units=_scattered(panel.assets, held.asset, held.units), divisor=held.divisor)
    actions = [(acting.events.at(i), float(acting.cash[i])) for i in acting.events.on(row)]
    steps = stepped(actions, reviewer.family, position, prices[row - 1], prices[row])
    for step in steps:
        position = step.after
    for step in steps:
        if step.stated:
            position = settle(step.event, reviewer.family, position, prices[row])
    return drifted(position.units, prices[row])


def _scattered(assets: Ids, wanted: Ids, values: Floats) -> Floats:
    found = np.zeros(len(assets))
    known = np.isin(wanted, assets)
    found[np.searchsorted(assets, wanted[known])] = values[known]
    return found
