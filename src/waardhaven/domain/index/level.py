"""The level chain: units are held between reviews, and each review spends the level at its close.

``level = sum(price x fx x units) / divisor`` (S&P DJI, *Index Mathematics Methodology*, "Index
Calculations" and "Divisor Adjustments"): a review happens after the close, so the level of its
effective day uses the units held into it. New units are ``weight / price x (level x divisor)``: fully
invested in fractional units, so the divisor does not move at a review.
"""

from dataclasses import dataclass, field

import numpy as np

from waardhaven.domain.errors import Invalid
from waardhaven.domain.index.composition import ReviewReason
from waardhaven.domain.index.rebalancing import ReviewPlan
from waardhaven.domain.index.review import Reviewer
from waardhaven.domain.index.windows import row_blocks, row_dots
from waardhaven.domain.types import Flags, Floats, Rows

DIVISOR = 1.0
"""Divisor of a new index: its units are worth its level."""


class NothingEligible(Invalid):
    """No name of the universe can be weighed on the base date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A composition as the engine keeps it: columns (m,) of the names held from row ``effective`` on."""

    effective: int
    reason: ReviewReason
    column: Rows
    weight: Floats
    units: Floats


@dataclass(slots=True, kw_only=True)
class LevelChain:
    """Carries an index forward over the session axis; the only mutable object of a build.

    ``levels`` (n,): known up to ``row``, NaN before the start. ``units`` (k,): held after the close of
    ``row``. ``threshold``: session return at or below which a review follows at the next session.
    """

    reviewer: Reviewer
    levels: Floats
    units: Floats
    divisor: float
    row: int
    lag: int
    threshold: float | None
    holdings: list[Holding] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    unknown_caps: list[tuple[int, Rows]] = field(default_factory=list)

    def run(self, plan: ReviewPlan) -> None:
        """Carry the index through every review of ``plan`` and on to the last session."""
        columns = len(self.units)
        for block in row_blocks(plan.effective, columns):
            effective = plan.effective[block]
            weights, unknown = self.reviewer.weigh(effective - self.lag)
            reasons = plan.reason[block].tolist()
            for i, row in enumerate(effective.tolist()):
                self.advance(row, free=row - 1)
                self.rebalance(row, weights[i], unknown[i], ReviewReason(reasons[i]))
        last = len(self.levels) - 1
        self.advance(last, free=last)

    def advance(self, row: int, *, free: int) -> None:
        """Compute levels up to ``row``, with forced reviews at rows up to ``free``."""
        while self.row < row:
            start = self.row
            ahead = slice(start + 1, row + 1)
            self.levels[ahead] = row_dots(self.reviewer.prices.price[ahead], self.units) / self.divisor
            drop = self._first_drop(start, free)
            if drop is None:
                self.row = row
            else:
                self.row = drop + 1
                weights, unknown = self.reviewer.weigh(np.array([self.row - self.lag]))
                self.rebalance(self.row, weights[0], unknown[0], ReviewReason.DROP)

    def _first_drop(self, start: int, free: int) -> int | None:
        """Return the first row from ``start`` on whose drop forces a review at a row up to ``free``."""
        if self.threshold is None or start >= free:
            return None
        change = self.levels[start:free] / self.levels[start - 1 : free - 1] - 1.0
        drops = change <= self.threshold
        return start + int(drops.argmax()) if drops.any() else None

    def rebalance(self, row: int, weights: Floats, unknown: Flags, reason: ReviewReason) -> None:
        """Turn ``weights`` (k,) into units at the close of ``row``; keep the units if nothing is eligible."""
        if unknown.any():
            self.unknown_caps.append((row, np.flatnonzero(unknown)))
        column = np.flatnonzero(weights)
        if not len(column):
            if reason is ReviewReason.BASE:
                raise NothingEligible("No name of the universe can be weighed on the base date.")
            self.skipped.append(row)
            return
        weight = weights[column]
        value = float(self.levels[row]) * self.divisor
        units = weight / self.reviewer.prices.price[row, column] * value
        self.units = np.zeros(len(self.units))
        self.units[column] = units
        self.holdings.append(Holding(effective=row, reason=reason, column=column, weight=weight, units=units))
