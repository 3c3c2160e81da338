"""What each name added to the return of an index, by period, adding up to that return.

Between two closes the units stand still, so a name adds ``units x (price - price before) / divisor`` index
points (S&P DJI, *Index Mathematics Methodology*, "Index Calculations"). Points add up over names and over
days to the change of the level; over the level at which a period begins they are contributions that add up
to its return. Nothing is smoothed: points are money that one index gained, so a later day counts with what
the index had grown to by then (the forward compounding of GRAP, "Synthese des modeles d'attribution de
performance", Paris 1997). D. Carino, "Combining Attribution Effects over Time", Journal of Performance
Measurement 3 (1999), spreads compounding evenly over days instead, by logarithms: its contributions add up
too, but change for every day past when a day is added, and are nobody's money.

In a total return variant the points of a day count times (variant level / price level) of the day before,
as distributions are reinvested across the index; they are a line of their own, as are costs of reviews.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.types import Flags, Floats, Ids, Rows


class UnusableHistory(Invalid):
    """Levels, prices and compositions that do not fit together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Dated figures of names (e,): ``row``, ``column`` and ``value``."""

    row: Rows = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    column: Rows = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    value: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Compositions:
    """What an index held, one composition after the other.

    Per composition (r,): ``since``, not decreasing: the first row whose level was computed with it (the row
    after a review or a settlement at a close, the ex-date of an action; of several the last counts, and those
    before are what was held at the close before); ``acted``: companies made it before the session;
    ``divisor``; ``offset`` (r + 1,) into the names (m,): ``column`` of the prices and ``units``.
    """

    since: Rows
    acted: Flags
    divisor: Floats
    offset: Ids
    column: Rows
    units: Floats

    def names(self, composition: int) -> tuple[Rows, Floats]:
        """Return the columns (j,) of a composition and their units over the divisor."""
        some = slice(int(self.offset[composition]), int(self.offset[composition + 1]))
        return self.column[some], self.units[some] / self.divisor[composition]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What contributions are computed from, on rows (n,), n >= 2, in order of time.

    ``level``: price levels; ``price`` (n, k) in index currency, known where a name is held; ``held`` from row
    1 or earlier on. ``ex_price``: prices of the row before as they are after an action with that ex-date; an
    action without one moves the name by all that its worth changes. ``distributed``: regular distributions
    in index currency a unit, by ex-date, after withholding for a net variant. ``variant``: total return
    levels (n,), None for the price index; without it distributions earn nothing. Raises UnusableHistory.
    """

    level: Floats
    price: Floats
    held: Compositions
    ex_price: Points = field(default_factory=Points)
    distributed: Points = field(default_factory=Points)
    variant: Floats | None = None

    def __post_init__(self) -> None:
        """Check that shapes fit and that levels are known."""
        n, known = len(self.level), self.counted
        rules = {
            "level": (n >= 2, "must have two rows or more"),
            "price": (self.price.ndim == 2 and len(self.price) == n, "must have a row for every level"),
            "variant": (known.shape == (n,), "must have a row for every level"),
            "held": (
                len(self.held.since) > 0 and self.held.since[0] <= 1,
                "must begin with row 1 or earlier",
            ),
        }
        broken = [FieldError(field=name, rule=rule) for name, (kept, rule) in rules.items() if not kept]
        if not broken and not (np.isfinite(self.level + known) & (self.level > 0.0) & (known > 0.0)).all():
            broken = [FieldError(field="level", rule="must be known and above zero")]
        if broken:
            raise UnusableHistory("Contributions can not be computed.", errors=broken)

    @property
    def counted(self) -> Floats:
        """The levels (n,) whose return is taken apart."""
        return self.level if self.variant is None else self.variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributions:
    """Returns of periods (p,) taken apart; everything is a fraction of the level at which a period begins.

    By period and name (p, k): ``price``, from moves of prices; ``action``, worth that companies moved from
    one name to another, in sum nothing; ``distribution``. By period (p,): ``cost``, of reviews;
    ``correction``, levels that prices and compositions as they are known here do not make, otherwise
    rounding. They add up to ``total``, the return. ``opening`` (p,): the level at which a period begins.
    """

    price: Floats
    action: Floats
    distribution: Floats
    cost: Floats
    correction: Floats
    total: Floats
    opening: Floats

    @property
    def by_name(self) -> Floats:
        """All that a name added, (p, k)."""
        return self.price + self.action + self.distribution

    @property
    def explained(self) -> Floats:
        """What the parts add up to, (p,)."""
        found: Floats = self.by_name.sum(axis=1) + self.cost + self.correction
        return found

    def grouped(self, group: Rows, groups: int) -> Self:
        """Return the same of groups in place of names; ``group`` (k,) of 0 to groups - 1."""
        return replace(
            self,
            price=_summed(self.price, group, groups),
            action=_summed(self.action, group, groups),
            distribution=_summed(self.distribution, group, groups),
        )

    def linked(self) -> Self:
        """Return all periods as one: points of each add up, over the first level."""
        share = self.opening / self.opening[0]
        parts = (self.price, self.action, self.distribution, self.cost, self.correction, self.total)
        price, action, distribution, cost, correction, total = (
            np.einsum("p,p...->...", share, part)[None] for part in parts
        )
        return type(self)(
            price=price,
            action=action,
            distribution=distribution,
            cost=cost,
            correction=correction,
            total=total,
            opening=self.opening[:1],
        )


def _summed(values: Floats, group: Rows, groups: int) -> Floats:
    """Return sums (p, groups) of names (p, k); a group without names has 0."""
    order = np.argsort(group, kind="stable")
    present, starts = np.unique(group[order], return_index=True)
    found = np.zeros((len(values), groups))
    found[:, present] = np.add.reduceat(values[:, order], starts, axis=1)
    return found


def contributions(history: History, periods: Ids) -> Contributions:
    """Take the return of each period apart.

    ``periods`` (n,), not decreasing: the period of each row; a period begins at the close before its first
    row, that of row 0 with row 0. Raises UnusableHistory where a name held has no price.
    """
    rank = np.add.accumulate(np.diff(periods[1:], prepend=periods[1:2]) != 0)
    first = np.flatnonzero(np.diff(rank, prepend=-1))
    work = _Work.of(history, np.concatenate([np.zeros(1, dtype=np.intp), rank]))
    for composition, start, stop in _stretches(history, work.period):
        work.take(composition, start, stop)
    opening, level = history.counted[first], np.diff(history.level)
    closing = history.counted[np.append(first[1:], len(rank))]
    late = np.diff(history.counted) - work.factor[1:] * (level + work.points[1:])
    return Contributions(
        price=work.price / opening[:, None],
        action=work.action / opening[:, None],
        distribution=work.distribution / opening[:, None],
        cost=np.add.reduceat(work.cost[1:] * work.factor[1:], first) / opening,
        correction=np.add.reduceat(work.correction[1:] * work.factor[1:] + late, first) / opening,
        total=(closing - opening) / opening,
        opening=opening,
    )


def _stretches(history: History, period: Rows) -> Iterator[tuple[int, int, int]]:
    """Yield compositions with the rows from and to which their units stand still within a period."""
    since, rows = history.held.since, len(history.level)
    starts = np.concatenate([since, history.ex_price.row, np.flatnonzero(np.diff(period)) + 1, [1, rows]])
    cuts = np.unique(starts[(starts >= 1) & (starts <= rows)])
    held = np.searchsorted(since, cuts, side="right") - 1
    for composition, start, stop in zip(held[:-1], cuts[:-1], cuts[1:], strict=True):
        yield int(composition), int(start) - 1, int(stop) - 1


@dataclass(slots=True, kw_only=True)
class _Work:
    """Sums as they grow: index points by period and name (p, k), and by row (n,) before ``factor``.

    ``factor``: points of what is counted for one of the price index on a row; ``period``: of each row;
    ``points``: distributions of each row.
    """

    history: History
    period: Rows
    factor: Floats
    price: Floats
    action: Floats
    distribution: Floats
    cost: Floats
    correction: Floats
    points: Floats

    @classmethod
    def of(cls, history: History, period: Rows) -> Self:
        """Begin with nothing."""
        rows, names = history.price.shape
        by_name = np.zeros((3, int(period[-1]) + 1, names))
        by_row = np.zeros((3, rows))
        factor = np.roll(history.counted / history.level, 1)
        return cls(
            history=history,
            period=period,
            factor=factor,
            price=by_name[0],
            action=by_name[1],
            distribution=by_name[2],
            cost=by_row[0],
            correction=by_row[1],
            points=by_row[2],
        )

    def take(self, composition: int, start: int, stop: int) -> None:
        """Add what was earned from the close of ``start`` to that of ``stop`` with one composition."""
        history, held = self.history, self.history.held
        period, after = self.period[stop], slice(start + 1, stop + 1)
        column, units = held.names(composition)
        worth = self._worth(slice(start, stop + 1), column, units)
        base = self._base(composition, start, column, units, worth[0])
        moves = np.diff(worth, axis=0, prepend=0.0)[1:]
        moves[0] = worth[1] - base
        self.price[period, column] += self.factor[after] @ moves
        total = worth.sum(axis=1)
        left = history.level[after] - total[1:]
        reviewed = np.isin(np.arange(start + 1, stop + 1) + 1, held.since[~held.acted])
        self.cost[after] += np.where(reviewed, left, 0.0)
        self.correction[after] += np.where(reviewed, 0.0, left)
        self.correction[start + 2 : stop + 1] += total[1:-1] - history.level[start + 1 : stop]
        if history.variant is not None:
            self._distribute(column, units, after)

    def _worth(self, rows: slice, column: Rows, units: Floats) -> Floats:
        """Return index points (rows, j); the first row may be unknown, before a name was held."""
        worth: Floats = self.history.price[rows][:, column] * units
        if not np.isfinite(worth[1:]).all():
            rule = FieldError(field="price", rule="must be known where a name is held")
            raise UnusableHistory("Contributions can not be computed.", errors=[rule])
        return worth

    def _base(self, composition: int, start: int, column: Rows, units: Floats, worth: Floats) -> Floats:
        """Return points (j,) with which names begin after the close of ``start``.

        What is not earned is noted: what actions moved between names, and what the level before was not.
        """
        history, held = self.history, self.history.held
        base = np.nan_to_num(worth)
        known = np.flatnonzero(history.ex_price.row == start + 1)
        by_action = held.since[composition] == start + 1 and bool(held.acted[composition])
        before = np.zeros(history.price.shape[1])
        if by_action and composition > 0:
            old, old_units = held.names(composition - 1)
            before[old] = history.price[start, old] * old_units
        else:
            before[column] = base
        if by_action or len(known):
            place = np.full(len(before), -1)
            place[column] = np.arange(len(column))
            at = place[history.ex_price.column[known]]
            base[at[at >= 0]] = (history.ex_price.value[known] * units[at])[at >= 0]
            moved = -before
            moved[column] += base
            self.action[self.period[start + 1]] += self.factor[start + 1] * moved
        self.correction[start + 1] += before.sum() - history.level[start]
        return base

    def _distribute(self, column: Rows, units: Floats, rows: slice) -> None:
        paid = self.history.distributed
        some = np.flatnonzero((paid.row >= rows.start) & (paid.row < rows.stop))
        held = np.zeros(self.history.price.shape[1])
        held[column] = units
        points = paid.value[some] * held[paid.column[some]]
        np.add.at(self.points, paid.row[some], points)
        period = self.period[paid.row[some]]
        np.add.at(self.distribution, (period, paid.column[some]), points * self.factor[paid.row[some]])
