"""The official history of an index taken apart by name and period.

Of a day with actions of companies only what it ended with is kept, so what was held into its session is
worked out from what was held before, as the build did. Where that is not what the build did (facts have
changed since, or another version of the rules treats actions differently), the difference shows as
``correction`` of the period.
"""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.acting import free_worth, stepped
from waardhaven.domain.index.composition import CompositionColumns, LevelColumns, ReviewReason
from waardhaven.domain.index.definition import IndexDefinition, Variant
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.review import Reviewer
from waardhaven.domain.index.strategies import prepare
from waardhaven.domain.index.total_return import kept_shares
from waardhaven.domain.index.treatments import Position
from waardhaven.domain.metrics.contribution import Compositions, Contributions, History, Points, contributions
from waardhaven.domain.types import CASH, Floats, Ids, Rows

ROUNDING = 1e-9
"""Relative difference of units and divisors up to which two positions are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributed:
    """Contributions by period of names (k,), whose ids are ``assets``; ``held``: which of them were held."""

    assets: Ids
    held: Rows
    periods: Contributions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Acted:
    """A row on which companies acted: what was held ``into`` it, and the prices (e,) names began it with."""

    row: int
    into: Position
    column: Rows
    price: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What was held from the row ``since`` on; ``acted``: companies made it before that session."""

    since: int
    acted: bool
    position: Position


def contributed(
    definition: IndexDefinition,
    inputs: IndexInputs,
    levels: LevelColumns,
    official: CompositionColumns,
    variant: Variant,
    periods: Ids,
) -> Contributed:
    """Take the returns of ``levels`` (n,) apart, the first one being the base; see ``contributions``.

    ``official``: compositions, one of them in force on the first day; the axis of the inputs
    has all days of the levels and the session before the first, its names are all that were held. ``periods``
    (n,): not decreasing. Raises UnusableHistory where a name that was held has no price.
    """
    if (official.asset == CASH).any():
        inputs = inputs.with_cash()
    past = _Past.of(Reviewer.of(definition, prepare(definition.strategy), inputs), levels, official)
    assets = inputs.panel.assets
    return Contributed(
        assets=assets,
        held=np.flatnonzero(np.isin(assets, official.asset)),
        periods=contributions(past.history(variant), periods),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """Levels with the official compositions in force on them; ``axis`` (n,): rows of the reviewer."""

    reviewer: Reviewer
    levels: LevelColumns
    axis: Rows
    effective: Rows
    """(r,), rows at whose close (of actions: before which) compositions began, -1 before the first row."""
    by_action: tuple[bool, ...]
    positions: tuple[Position, ...]

    @classmethod
    def of(cls, reviewer: Reviewer, levels: LevelColumns, official: CompositionColumns) -> "_Past":
        """Leave out compositions that were not in force."""
        day, assets = levels.day, reviewer.inputs.panel.assets
        held = official.between(day[0], day[-1])
        some = [held.at(place) for place in range(len(held))]
        units = np.zeros((len(some), len(assets)))
        for row, one in enumerate(some):
            units[row, np.searchsorted(assets, one.asset)] = one.units
        return cls(
            reviewer=reviewer,
            levels=levels,
            axis=np.searchsorted(reviewer.inputs.panel.days, day),
            effective=np.searchsorted(day, held.effective, side="right") - 1,
            by_action=tuple(one.reason is ReviewReason.ACTION for one in some),
            positions=tuple(
                Position(units=row, divisor=one.divisor) for row, one in zip(units, some, strict=True)
            ),
        )

    def history(self, variant: Variant) -> History:
        """Return what contributions are computed from."""
        acted = self._acted()
        row = [np.full(len(one.column), one.row, dtype=np.intp) for one in acted]
        nothing = np.empty(0, dtype=np.intp)
        return History(
            level=self.levels.level,
            price=self.reviewer.prices.price[self.axis],
            held=_compositions(self._held({one.row: one.into for one in acted})),
            ex_price=Points(
                row=np.concatenate([nothing, *row]),
                column=np.concatenate([nothing, *(one.column for one in acted)]),
                value=np.concatenate([np.empty(0), *(one.price for one in acted)]),
            ),
            distributed=self._distributed(variant),
            variant=None if variant is Variant.PRICE else self.levels.of(variant),
        )

    def _acted(self) -> list[_Acted]:
        """Return the rows after the first on which companies acted on names that were held."""
        rows = np.flatnonzero(np.isin(self.axis, self.reviewer.acting.events.row))
        found = [self._acted_on(row) for row in rows[rows > 0].tolist()]
        return [one for one in found if one is not None]

    def _acted_on(self, row: int) -> _Acted | None:
        acting, price = self.reviewer.acting, self.reviewer.prices.price
        axis = int(self.axis[row])
        held = self.positions[max(int(np.searchsorted(self.effective, row)) - 1, 0)]
        actions = [(acting.events.at(i), float(acting.cash[i])) for i in acting.events.on(axis)]
        steps = stepped(actions, self.reviewer.family, held, price[axis - 1], price[axis])
        if not steps:
            return None
        into, began = steps[-1].after, price[axis - 1].copy()
        for step in steps:
            began[step.event.column] = step.ex_price
        column = np.flatnonzero(into.units > 0.0)
        free = free_worth(steps, len(began))[column] / into.units[column]
        return _Acted(row=row, into=into, column=column, price=began[column] - free)

    def _held(self, into: dict[int, Position]) -> list[_Held]:
        """Return everything that was held, in order; of one row what companies made comes last."""
        found = [_Held(since=row, acted=True, position=one) for row, one in into.items()]
        for row, by_action, position in zip(
            self.effective.tolist(), self.by_action, self.positions, strict=True
        ):
            if row > 0 and by_action:
                if row not in into:
                    found.append(_Held(since=row, acted=True, position=position))
                elif not _same(into[row], position):
                    found.append(_Held(since=row + 1, acted=False, position=position))
            else:
                found.append(_Held(since=row + 1, acted=False, position=position))
        return sorted(found, key=lambda one: (one.since, one.acted))

    def _distributed(self, variant: Variant) -> Points:
        """Return the regular distributions after the first row, of a net variant what is left of them."""
        paying, inputs = self.reviewer.paying, self.reviewer.inputs
        row = np.searchsorted(self.axis, paying.events.row)
        some = np.flatnonzero((row > 0) & (row < len(self.axis)))
        some = some[self.axis[row[some]] == paying.events.row[some]]
        column, value = paying.events.column[some], paying.cash[some]
        if variant is Variant.NET:
            kept = kept_shares(self.reviewer.definition.withholding, inputs.traits, len(inputs.panel.assets))
            value = value if kept is None else value * kept[column]
        return Points(row=row[some], column=column, value=value)


def _same(one: Position, other: Position) -> bool:
    """Tell whether both hold the same, but for rounding."""
    return bool(
        np.isclose(one.divisor, other.divisor, rtol=ROUNDING, atol=0.0)
        and np.allclose(one.units, other.units, rtol=ROUNDING, atol=0.0)
    )


def _compositions(held: list[_Held]) -> Compositions:
    columns = [np.flatnonzero(one.position.units > 0.0) for one in held]
    return Compositions(
        since=np.array([one.since for one in held], dtype=np.intp),
        acted=np.array([one.acted for one in held]),
        divisor=np.array([one.position.divisor for one in held]),
        offset=np.cumsum([0, *(len(one) for one in columns)]),
        column=np.concatenate(columns),
        units=np.concatenate([one.position.units[at] for one, at in zip(held, columns, strict=True)]),
    )
