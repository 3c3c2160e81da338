"""The level chain: units are held between reviews, and each review spends the level at its close.

``level = sum(price x fx x units) / divisor`` (S&P DJI, *Index Mathematics Methodology*, "Index
Calculations" and "Divisor Adjustments"): a review happens after the close, so the level of its
effective day uses the units held into it. New units are ``weight / price x (level x divisor)``: fully
invested in fractional units, so the divisor does not move at a review. What companies do changes units
or divisor at the close before the ex-date (see treatments), so the level does not move either.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from waardhaven.domain.errors import Invalid
from waardhaven.domain.index.acting import Step, stepped
from waardhaven.domain.index.composition import ReviewReason
from waardhaven.domain.index.events import Event, EventRows
from waardhaven.domain.index.family import Family
from waardhaven.domain.index.forcing import first_drift, first_drop
from waardhaven.domain.index.rebalancing import ReviewPlan
from waardhaven.domain.index.review import Review, Reviewer
from waardhaven.domain.index.total_return import Points
from waardhaven.domain.index.treatments import Position, drifted, settle
from waardhaven.domain.index.windows import normalised, row_blocks, row_dots, row_sums
from waardhaven.domain.types import Floats, Rows

DIVISOR = 1.0
"""Divisor of a new index: its units are worth its level."""
TOGETHER = 1 << 16
"""Cells of prices whose reviews are weighed together by a rule that looks at the selection day alone."""
WINDOWED = 1 << 14
"""The same for a rule that looks back: what it computes on the way stays in the cache of a core."""

TRADES = 64
"""Reviews whose turnover is computed together."""


class NothingEligible(Invalid):
    """No name of the universe can be weighed on the base date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A composition as the engine keeps it: columns (m,) of the names held.

    In force from the close of row ``effective`` on; ``since`` is the first row whose level uses it: the
    ex-date itself for an action, the row after for a review.
    """

    effective: int
    since: int
    reason: ReviewReason
    column: Rows
    weight: Floats
    units: Floats
    divisor: float


class Trade(NamedTuple):
    """What a review at ``row`` changed: ``units`` (k,) held into it, ``weights`` (k,) held from it on."""

    row: int
    units: Floats
    weights: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRules:
    """What carries an index from session to session.

    ``lag``: sessions from selection to effect. ``threshold``: session return at or below which a review
    follows at the next session, ``band``: drift of a weight that does the same; None: never.
    ``cost_rate``: fraction of the traded value that a review costs. ``kept`` (k,): share of a distribution
    left after withholding, None where the net variant is not computed.
    """

    family: Family
    lag: int
    threshold: float | None
    band: float | None
    cost_rate: float
    kept: Floats | None


@dataclass(slots=True, kw_only=True)
class LevelChain:
    """Carries an index forward over the session axis; the only mutable object of a build.

    ``levels`` (n,): known up to ``row``, NaN before the start. ``position``: held after the close of
    ``row``. ``target`` (k,): weights of the last review, 0 where a name had none. ``points``: dividend
    points by row. ``turnover`` and ``cost`` (n,): of the review at a row, the sum of absolute changes of
    weight and the fraction of the level that trading took; 0 elsewhere. ``ignored``: (row, column) of
    actions whose terms are not known.
    """

    reviewer: Reviewer
    rules: ChainRules
    levels: Floats
    position: Position
    target: Floats
    row: int
    points: Points
    turnover: Floats = field(init=False)
    cost: Floats = field(init=False)
    holdings: list[Holding] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    unknown_caps: list[tuple[int, Rows]] = field(default_factory=list)
    ignored: list[tuple[int, int]] = field(default_factory=list)
    _trades: list[Trade] = field(default_factory=list)
    _next: int = 0
    _forces: bool = field(init=False)
    _pays: bool = field(init=False)

    def __post_init__(self) -> None:
        """Begin without costs, and see what can never happen in this build."""
        self.turnover, self.cost = np.zeros(len(self.levels)), np.zeros(len(self.levels))
        self._forces = self.rules.threshold is not None or self.rules.band is not None
        self._pays = len(self.reviewer.paying.events) > 0

    def run(self, plan: ReviewPlan) -> None:
        """Carry the index through every review of ``plan`` and on to the last session."""
        self._next = int(np.searchsorted(self._acting.row, self.row, side="right"))
        columns = len(self.position.units)
        lookback = self.reviewer.strategy.lookback
        cells = max(WINDOWED, 4 * lookback * columns) if lookback else TOGETHER
        for block in row_blocks(plan.effective, columns, cells=cells):
            effective = plan.effective[block]
            reviews = self.reviewer.weigh(effective - self.rules.lag, effective)
            reasons = plan.reason[block].tolist()
            for i, row in enumerate(effective.tolist()):
                self.advance(row, free=row - 1)
                self.rebalance(reviews.at(i), ReviewReason(reasons[i]))
        last = len(self.levels) - 1
        self.advance(last, free=last)
        self._turn_over()

    def advance(self, row: int, *, free: int) -> None:
        """Compute levels up to ``row``, with forced reviews at rows up to ``free``."""
        while self.row < row:
            begun = self._act(self.row + 1)
            self._carry(self.row + 1 if begun else min(row, self._next_row() - 1), free)
            self._settle(begun)

    @property
    def _acting(self) -> EventRows:
        return self.reviewer.acting.events

    def _next_row(self) -> int:
        return int(self._acting.row[self._next]) if self._next < len(self._acting) else len(self.levels)

    def _act(self, row: int) -> list[Event]:
        """Treat the actions of ``row`` on names that are held; return them."""
        if self._next_row() != row:
            return []
        steps = self.steps(row)
        self._next += len(self._acting.on(row))
        self.ignored += [(row, step.event.column) for step in steps if not step.stated]
        begun = [step.event for step in steps if step.stated]
        if begun:
            self.position = steps[-1].after
            self._record(row, since=row)
        return begun

    def steps(self, row: int, held: Position | None = None) -> list[Step]:
        """Return what the actions of ``row`` do to what is ``held`` into it (None: the present position)."""
        places = self._acting.on(row)
        return stepped(
            [(self._acting.at(place), float(self.reviewer.acting.cash[place])) for place in places],
            self.rules.family,
            self.position if held is None else held,
            self._price(row - 1),
            self._price(row),
        )

    def _settle(self, begun: list[Event]) -> None:
        """Do what remains to be done at the close of the ex-date of actions."""
        for event in begun:
            before = self.position
            self.position = settle(event, self.rules.family, before, self._price(self.row))
            if self.position is not before:
                self._record(self.row, since=self.row + 1)

    def _carry(self, stop: int, free: int) -> None:
        """Compute levels up to ``stop`` with the position held; end earlier with a forced review."""
        start = self.row
        ahead = slice(start + 1, stop + 1)
        self.levels[ahead] = (
            row_dots(self.reviewer.prices.price[ahead], self.position.units) / self.position.divisor
        )
        forced = self._forced(start, min(free, stop)) if self._forces else None
        self.row = stop if forced is None else forced[0] + 1
        if self._pays:
            self._pay(start)
        if forced is not None:
            effective = np.array([self.row])
            review = self.reviewer.weigh(effective - self.rules.lag, effective).at(0)
            self.rebalance(review, forced[1])

    def _forced(self, start: int, end: int) -> tuple[int, ReviewReason] | None:
        """Return the first row in [``start``, ``end``) that makes a review follow, and why."""
        drop = first_drop(self.levels, start, end, self.rules.threshold)
        drift = first_drift(
            self.reviewer.prices.price, self.position.units, self.target, start, end, self.rules.band
        )
        found = [(drop, ReviewReason.DROP), (drift, ReviewReason.DRIFT)]
        known = [(row, why) for row, why in found if row is not None]
        return min(known, key=lambda one: one[0], default=None)

    def _pay(self, start: int) -> None:
        """Add up the distributions on what was held into the rows after ``start``, up to ``row``."""
        paid = self.reviewer.paying
        some = slice(*np.searchsorted(paid.events.row, [start + 1, self.row + 1]).tolist())
        row, column = paid.events.row[some], paid.events.column[some]
        points = paid.cash[some] * self.position.units[column] / self.position.divisor
        np.add.at(self.points.gross, row, points)
        if self.rules.kept is not None:
            np.add.at(self.points.net, row, points * self.rules.kept[column])

    def rebalance(self, review: Review, reason: ReviewReason) -> None:
        """Turn weights into units at the close of ``row``; keep the units if nothing is eligible."""
        if self.reviewer.needs_caps and review.unknown.any():
            self.unknown_caps.append((self.row, np.flatnonzero(review.unknown)))
        weights = self.reviewer.constrained(review, self.position.units)
        column = weights.nonzero()[0]
        if not len(column):
            if reason is ReviewReason.BASE:
                raise NothingEligible("No name of the universe can be weighed on the base date.")
            self.skipped.append(self.row)
            return
        if reason is not ReviewReason.BASE:
            self._trade(Trade(row=self.row, units=self.position.units, weights=weights))
        price, weight = self._price(self.row), weights[column]
        units = np.zeros(len(weights))
        units[column] = weight / price[column] * (float(self.levels[self.row]) * self.position.divisor)
        self.position = Position(units=units, divisor=self.position.divisor)
        self.target = weights
        self.holdings.append(
            Holding(
                effective=self.row,
                since=self.row + 1,
                reason=reason,
                column=column,
                weight=weight,
                units=units[column],
                divisor=self.position.divisor,
            )
        )

    def _trade(self, trade: Trade) -> None:
        """Note what a review changes, and take its cost off the level."""
        self._trades.append(trade)
        if self.rules.cost_rate > 0.0 or len(self._trades) == TRADES:
            self._turn_over()
        self.cost[self.row] = self.rules.cost_rate * self.turnover[self.row]
        self.levels[self.row] *= 1.0 - self.cost[self.row]

    def _turn_over(self) -> None:
        """Compute the turnover of the trades noted, together."""
        if self._trades:
            rows, units, weights = (np.array(column) for column in zip(*self._trades, strict=True))
            held = normalised(units * self.reviewer.prices.price[rows])
            self.turnover[rows] = row_sums(np.abs(weights - held))
            self._trades.clear()

    def _record(self, row: int, *, since: int) -> None:
        """Note the composition that actions made; its weights are those at the close of ``row``."""
        column = np.flatnonzero(self.position.units)
        weight = drifted(self.position.units, self._price(row))
        self.holdings.append(
            Holding(
                effective=row,
                since=since,
                reason=ReviewReason.ACTION,
                column=column,
                weight=weight[column],
                units=self.position.units[column],
                divisor=self.position.divisor,
            )
        )

    def _price(self, row: int) -> Floats:
        price: Floats = self.reviewer.prices.price[row]
        return price
