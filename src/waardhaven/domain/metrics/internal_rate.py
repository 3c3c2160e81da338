"""Rates at which dated payments are worth nothing in sum, many sets of payments at once.

With x = ln(1 + r) the worth of a set is a sum of exponentials, P(x) - N(x): what is received and what is
paid in, both falling in x and above zero. A root of ``g = ln P - ln N`` is a rate. The slope of g is ``D_N -
D_P``, the mean times of payment weighted by present worth, which both fall in x (their derivatives are minus
the variances of time): so g is nearly a straight line, a few steps of Halley's method end at a root, and
slopes at the ends of a stretch bound the slope between them.

A root x is proved to be the only one by the balance. S(t) is the present worth at x of payments up to t,
A(t) its integral from 0, B(t) that from t to the end T. By parts, the worth at another rate, x + y, is both
``y (A(T) e^-yT + y int A e^-yt dt)`` and ``y (B(0) - y int B e^-yt dt)``. If A never leaves the range from
0 to A(T), the first has no root above y = 0 and the second none below. (It holds in particular where S keeps
one sign, the investment that is never overdrawn: D. Teichroew, A. Robichek and M. Montalbano, "An Analysis of
Criteria for Investment and Financing Decisions under Certainty", Management Science 12 (1965).) Where that
proves nothing, the range is searched for every root (``root_search``).
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from waardhaven.domain.types import Flags, Floats, Rows

LOWEST: Final = float(np.log(1e-7))
HIGHEST: Final = float(np.log(1e7))
"""Rates are looked for from -99.99999 % to 10^9 %; beyond, a rate a year says nothing."""
STEPS: Final = 8
"""Steps of Halley's method; sets that need more are searched."""
ENOUGH: Final = 0.98
"""Share of the sets that end the steps for all."""
SETTLED: Final = 1e-3
"""A step of Halley's method times the years of a set; the next one would be of the order of its cube."""
CLOSE: Final = 1e-9
"""The last step, of Newton's method; the next one would be of the order of its square."""
FAINT: Final = 1e-12
"""Share of a set's worth below which its first or last payment may be lost in the rounding of sums."""
STEEPEST: Final = 300.0
"""Largest exponent of the quick way: e^300 is far from overflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payments:
    """Sets of payments, each in order of time, at least one of each sign in every set.

    ``amount`` (n,), the largest of each set about 1 in size; ``year`` (n,) since the first payment of its
    set; ``start`` (s + 1,): where sets begin. The same told apart by sign, for sums of positive terms:
    ``worth`` (n,) and ``when`` (n,), what sets receive before what they pay in, with ``begin`` (2 s + 1,).
    """

    amount: Floats
    year: Floats
    start: Rows
    worth: Floats
    when: Floats
    begin: Rows

    @classmethod
    def of(cls, amount: Floats, year: Floats, start: Rows) -> Self:
        """Tell payments above zero from those below."""
        above = amount > 0.0
        gain, loss = np.flatnonzero(above), np.flatnonzero(~above)
        order = np.concatenate([gain, loss])
        return cls(
            amount=amount,
            year=year,
            start=start,
            worth=np.abs(amount)[order],
            when=year[order],
            begin=np.concatenate(
                [np.searchsorted(gain, start[:-1]), np.searchsorted(loss, start) + len(gain)]
            ),
        )

    @property
    def size(self) -> Rows:
        """Payments of each set (s,)."""
        return np.diff(self.start)

    @property
    def span(self) -> Floats:
        """Years from the first payment of each set to its last, (s,)."""
        return self.year[self.start[1:] - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickRoots:
    """One ``root`` x = ln(1 + r) for each set (s,), NaN where none was found from LOWEST to HIGHEST.

    ``below``, ``above`` (s,): there may be other roots on that side of it.
    """

    root: Floats
    below: Flags
    above: Flags

    @classmethod
    def nothing(cls, sets: int) -> Self:
        """Return as many sets of which nothing is known."""
        unknown = np.ones(sets, dtype=np.bool_)
        return cls(root=np.full(sets, np.nan), below=unknown, above=unknown.copy())

    def put(self, at: slice | Rows, other: Self) -> None:
        """Take over what is known about the sets ``at``."""
        self.root[at], self.below[at], self.above[at] = other.root, other.below, other.above

    def those(self, sets: Rows) -> Self:
        """Return what is known about some sets."""
        return type(self)(root=self.root[sets], below=self.below[sets], above=self.above[sets])


def quick_roots(payments: Payments) -> QuickRoots:
    """Descend to a root of each set, and prove what can be proved about it."""
    with np.errstate(all="ignore"):
        return _proved(payments, _descend(payments))


def _descend(payments: Payments) -> Floats:
    """Return where Halley's method from x = 0 gets to, (s,)."""
    span, begin = payments.span, payments.begin
    sets, count = len(span), np.diff(begin)
    bound = np.minimum(HIGHEST, STEEPEST / span)
    at, now = np.zeros(sets), payments.worth
    for step in range(STEPS):
        if step:
            now = np.repeat(np.concatenate([-at, -at]), count)
            now *= payments.when
            np.exp(now, out=now)
            now *= payments.worth
        change = _halley(now, payments.when, begin[:-1], sets)
        after = np.clip(at - change, -bound, bound)
        at = np.where(np.isfinite(after), after, 0.0)
        if np.count_nonzero(np.abs(change) * span <= SETTLED) >= ENOUGH * sets:
            break
    return at


def _halley(worth: Floats, year: Floats, begin: Rows, sets: int) -> Floats:
    """Return the step of Halley's method for g, from present worths: gains first, then losses."""
    total = np.add.reduceat(worth, begin)
    timed = worth * year
    mean = np.add.reduceat(timed, begin) / total
    timed *= year
    variance = np.add.reduceat(timed, begin) / total - mean * mean
    value = np.log(total[:sets] / total[sets:])
    slope = mean[sets:] - mean[:sets]
    bend = variance[:sets] - variance[sets:]
    step: Floats = 2.0 * value * slope / (2.0 * slope * slope - value * bend)
    return step


def _proved(payments: Payments, at: Floats) -> QuickRoots:
    """Take one more step, now over payments in order of time, and look at the balances.

    Running sums go through all sets: each ends at 0 and is no larger than 1, so that it is no burden on the
    precision of the next.
    """
    first, last = payments.start[:-1], payments.start[1:] - 1
    year, span = payments.year, payments.span
    worth = np.exp(np.repeat(-at, payments.size) * year) * payments.amount
    left = np.add.reduceat(worth, first)
    step = left / np.add.reduceat(worth * year, first)
    root = at + step
    is_root = (np.abs(step) * span <= CLOSE) & (root >= LOWEST) & (root <= HIGHEST)
    scale = np.where(is_root, 1.0 / np.add.reduceat(np.abs(worth), first), 0.0)
    opens, closes = (np.abs(worth[end]) * scale >= FAINT for end in (first, last))
    worth[last] -= left
    worth *= np.repeat(scale, payments.size)
    balance = np.add.accumulate(worth)
    area = np.empty_like(balance)
    np.multiply(balance[:-1], np.diff(year), out=area[:-1])
    area[last] = 0.0
    whole = np.add.reduceat(area, first)
    area[last] = -whole
    grown = np.add.accumulate(area)
    grown[last - 1] = grown[last] = 0.0
    least, most = np.minimum.reduceat(grown, first), np.maximum.reduceat(grown, first)
    up = whole > 0.0
    is_known = is_root & (whole != 0.0)
    low, high = np.where(up, least, -most), np.where(up, most - whole, whole - least)
    return QuickRoots(
        root=np.where(is_root, root, np.nan),
        below=~(is_known & closes & (high <= 0.0)),
        above=~(is_known & opens & (low >= 0.0)),
    )


def runs(first: Rows, size: Rows) -> Rows:
    """Return positions first[i], first[i] + 1 …, size[i] of them, one run after the other."""
    begin = np.add.accumulate(size) - size
    return np.arange(int(size.sum())) + np.repeat(first - begin, size)
