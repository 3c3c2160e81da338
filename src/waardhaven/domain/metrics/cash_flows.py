"""The money-weighted return: the one annual rate at which dated payments are worth nothing in sum.

Actual/365 fixed from the earliest payment, as the XIRR of spreadsheets: sum(flow / (1 + r)^(days / 365)) =
0. Many sets of payments in one call, on flat arrays. There may be no such rate, or several; see
``internal_rate`` for how a rate is found and proved to be the only one, ``root_search`` for the rest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import chain
from typing import Final, Self

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.metrics.internal_rate import Payments, QuickRoots, quick_roots, runs
from waardhaven.domain.metrics.root_search import every_root
from waardhaven.domain.types import Days, Flags, Floats, Ids, Rows

DAYS_PER_YEAR: Final = 365.0
SETS: Final = 1024
"""Sets worked on together at most."""
PAYMENTS: Final = 1 << 17
"""Payments of several sets worked on together at most; a larger set is worked on alone."""
EPOCH: Final = date(1970, 1, 1).toordinal()


class UnusableFlows(Invalid):
    """Cash flows that are not parallel columns of dated sets."""


class NoRate(StrEnum):
    """Why there is no money-weighted return."""

    UNKNOWN_FLOW = "a payment or value is unknown"
    ONE_SIGN = "payments all go one way"
    ONE_DAY = "payments are all on one day"
    CANCELLED = "payments cancel each other on every day: any rate would do"
    NO_ROOT = "no rate from -99.99999 % to 10^9 % makes the payments worth nothing in sum"


Codes = np.ndarray[tuple[int], np.dtype[np.int8]]
REASONS: Final = tuple(NoRate)
SEVERAL: Final = "{} rates solve these payments; this is the one nearest 0"
OPEN: Final = "the payments change direction too often for every rate to be found; there may be others"


@dataclass(frozen=True, slots=True, kw_only=True)
class CashFlows:
    """Dated payments of many sets.

    ``amount`` (n,): paid in below zero, received (and the value at the end) above; NaN unknown. ``day`` (n,)
    ``datetime64[D]``, in any order within a set. ``offset`` (s + 1,): set i has the rows from offset[i] up
    to offset[i + 1]. Raises UnusableFlows.
    """

    amount: Floats
    day: Days
    offset: Ids

    def __post_init__(self) -> None:
        """Check that the columns fit."""
        offset, n = self.offset, len(self.amount)
        rules = {
            "days": (self.day.shape == (n,), "must be as many as amounts"),
            "offsets": (
                len(offset) >= 1 and offset[0] == 0 and offset[-1] == n and not (np.diff(offset) < 0).any(),
                f"must not decrease, begin with 0 and end with the number of amounts, {n}",
            ),
        }
        broken = [FieldError(field=name, rule=rule) for name, (kept, rule) in rules.items() if not kept]
        if not broken and np.isnat(self.day).any():
            broken = [FieldError(field="days", rule="must all be known")]
        if broken:
            raise UnusableFlows("The cash flows can not be read.", errors=broken)

    @classmethod
    def of(cls, sets: Sequence[tuple[Sequence[date] | Days, Sequence[float] | Floats]]) -> Self:
        """Put sets of (dates, amounts) one after the other: lists, or arrays in all. Raises UnusableFlows."""
        sizes = [len(dates) for dates, _ in sets]
        if sizes != [len(amounts) for _, amounts in sets]:
            rule = FieldError(field="days", rule="must be as many as amounts in every set")
            raise UnusableFlows("The cash flows can not be read.", errors=[rule])
        return cls(
            amount=_amounts([amounts for _, amounts in sets], sum(sizes)),
            day=_days([dates for dates, _ in sets], sum(sizes)),
            offset=_starts(np.array(sizes, dtype=np.int64)),
        )

    @property
    def set_of(self) -> Rows:
        """The set of each payment (n,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offset))

    def __len__(self) -> int:
        """Return the number of sets."""
        return len(self.offset) - 1


def _amounts(columns: Sequence[Sequence[float] | Floats], count: int) -> Floats:
    if np.ndarray in set(map(type, columns)):
        return np.concatenate([np.asarray(one) for one in columns]).astype(np.float64, copy=False)
    return np.fromiter(chain.from_iterable(columns), dtype=np.float64, count=count)


def _days(columns: Sequence[Sequence[date] | Days], count: int) -> Days:
    if np.ndarray in set(map(type, columns)):
        return np.concatenate([np.asarray(one) for one in columns]).astype("datetime64[D]", copy=False)
    ordinals = map(date.toordinal, chain.from_iterable(columns))
    return (np.fromiter(ordinals, dtype=np.int64, count=count) - EPOCH).view("datetime64[D]")


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyWeighted:
    """An annual rate, a fraction; or None and the ``reason``. ``warning``: what to know about the rate."""

    rate: float | None
    reason: NoRate | None = None
    warning: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyWeightedColumns:
    """One annual rate a set, (s,).

    ``rate``: a fraction, NaN without one. ``reason`` (s,) int8: why, a position in REASONS; -1 with a rate.
    ``roots`` (s,): how many rates solve the payments. ``is_open`` (s,): there may be more than were found.
    """

    rate: Floats
    reason: Codes
    roots: Ids
    is_open: Flags

    def at(self, position: int) -> MoneyWeighted:
        """Return one set's rate."""
        code = int(self.reason[position])
        if code >= 0:
            return MoneyWeighted(rate=None, reason=REASONS[code])
        roots, is_open = int(self.roots[position]), bool(self.is_open[position])
        told = [SEVERAL.format(roots)] * (roots > 1) + [OPEN] * is_open
        return MoneyWeighted(rate=float(self.rate[position]), warning="; ".join(told) or None)


def money_weighted_return(days: Days, flows: Floats) -> MoneyWeighted:
    """Return the rate of payments ``flows`` (n,) on ``days`` (n,), in any order; see CashFlows."""
    offset = np.array([0, len(flows)], dtype=np.int64)
    return money_weighted_returns(CashFlows(amount=flows, day=days, offset=offset)).at(0)


def money_weighted_returns(flows: CashFlows) -> MoneyWeightedColumns:
    """Return the rate of each set; of several the one nearest 0.

    The payments at that rate, each in present worth, sum to 1e-12 of their sizes or less. A set with an
    unknown or infinite payment has no rate. Sets do not know each other.
    """
    quick = QuickRoots.nothing(len(flows))
    for some in _blocks(flows.offset):
        _descend(flows, some, quick)
    found = MoneyWeightedColumns(
        rate=np.expm1(quick.root),
        reason=np.full(len(flows), -1, dtype=np.int8),
        roots=np.ones(len(flows), dtype=np.int64),
        is_open=np.zeros(len(flows), dtype=np.bool_),
    )
    rest = np.flatnonzero(quick.below | quick.above)
    for some in _blocks(_starts(np.diff(flows.offset)[rest])):
        _search(flows, rest[some], quick, found)
    return found


def _blocks(offset: Ids) -> Iterator[slice]:
    """Cut sets into runs of at most SETS sets and about PAYMENTS payments."""
    first, sets = 0, len(offset) - 1
    while first < sets:
        full = int(np.searchsorted(offset, offset[first] + PAYMENTS, side="right")) - 1
        stop = min(max(full, first + 1), first + SETS, sets)
        yield slice(first, stop)
        first = stop


def _descend(flows: CashFlows, some: slice, quick: QuickRoots) -> None:
    """Fill in roots of the sets ``some`` that have payments of both signs."""
    offset = flows.offset[some.start : some.stop + 1]
    rows, start = slice(int(offset[0]), int(offset[-1])), offset - offset[0]
    amount, day, of = _ordered(flows.amount[rows], flows.day[rows], start)
    received = np.diff(np.searchsorted(np.flatnonzero(amount > 0.0), start))
    plain = (received > 0) & (received < np.diff(start))
    plain[of[~np.isfinite(amount)]] = False
    if not plain.all():
        kept = plain[of]
        amount, day, start = amount[kept], day[kept], _starts(np.diff(start)[plain])
    if len(amount):
        quick.put(some.start + np.flatnonzero(plain), quick_roots(_payments(amount, day, start)))


def _search(flows: CashFlows, sets: Rows, quick: QuickRoots, found: MoneyWeightedColumns) -> None:
    """Fill in what becomes of the sets at positions ``sets`` (k,)."""
    size = np.diff(flows.offset)[sets]
    rows = runs(flows.offset[sets], size)
    amount, day, of = _ordered(flows.amount[rows], flows.day[rows], _starts(size))
    is_known = np.bincount(of[~np.isfinite(amount)], minlength=len(sets)) == 0
    amount = np.where(is_known[of], amount, 0.0)
    net, on, whose = _netted(amount, day, of)
    left, received = (np.bincount(some, minlength=len(sets)) for some in (whose, whose[net > 0.0]))
    mixed = (received > 0) & (received < left)
    found.reason[sets], found.roots[sets] = _explained(amount, day, of, left), 0
    found.reason[sets[~is_known]] = REASONS.index(NoRate.UNKNOWN_FLOW)
    found.rate[sets[~mixed]] = np.nan
    kept, sets = mixed[whose], sets[mixed]
    if not len(sets):
        return
    searched = every_root(_payments(net[kept], on[kept], _starts(left[mixed])), quick.those(sets))
    found.rate[sets] = np.expm1(searched.nearest)
    found.roots[sets], found.is_open[sets] = searched.count, searched.open
    found.reason[sets] = np.where(searched.count == 0, REASONS.index(NoRate.NO_ROOT), -1)


def _payments(amount: Floats, day: Ids, start: Rows) -> Payments:
    """Return sets in order of time: years since the first payment, the largest of each set about 1.

    Amounts are multiplied by powers of two, which rounds nothing.
    """
    size = np.diff(start)
    exponent = np.frexp(np.maximum.reduceat(np.abs(amount), start[:-1]))[1]
    scale = np.ldexp(1.0, np.clip(-exponent, -1022, 1022))
    year = (day - np.repeat(day[start[:-1]], size)) / DAYS_PER_YEAR
    return Payments.of(amount * np.repeat(scale, size), year, start)


def _starts(sizes: Ids) -> Ids:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.add.accumulate(sizes)])


def _ordered(amount: Floats, day: Days, start: Ids) -> tuple[Floats, Ids, Rows]:
    """Return payments in order of time in each set, days as numbers, and the set of each."""
    number = day.astype("datetime64[D]", copy=False).view(np.int64)
    of = np.repeat(np.arange(len(start) - 1), np.diff(start))
    if ((number[1:] < number[:-1]) & (of[1:] == of[:-1])).any():
        order = np.lexsort((number, of))
        amount, number = amount[order], number[order]
    return amount, number, of


def _netted(amount: Floats, day: Ids, of: Rows) -> tuple[Floats, Ids, Rows]:
    """Return ordered payments, those of a day as one, without those of nothing."""
    new = np.ones(len(of), dtype=np.bool_)
    new[1:] = (day[1:] != day[:-1]) | (of[1:] != of[:-1])
    total = np.add.reduceat(amount, np.flatnonzero(new)) if len(of) else amount
    moved = total != 0.0
    return total[moved], day[new][moved], of[new][moved]


def _explained(amount: Floats, day: Ids, of: Rows, left: Ids) -> Codes:
    """Return why sets without two signs have no rate; ``left`` (s,): payments after netting."""
    sets, moved = len(left), amount != 0.0
    paid, received = (np.bincount(of[some], minlength=sets) > 0 for some in (amount < 0.0, amount > 0.0))
    first, last = np.full(sets, np.iinfo(np.int64).max), np.full(sets, np.iinfo(np.int64).min)
    np.minimum.at(first, of[moved], day[moved])
    np.maximum.at(last, of[moved], day[moved])
    both = paid & received
    why = np.full(sets, REASONS.index(NoRate.ONE_SIGN), dtype=np.int8)
    why[both & (left == 0)] = REASONS.index(NoRate.CANCELLED)
    why[both & (first == last)] = REASONS.index(NoRate.ONE_DAY)
    return why
