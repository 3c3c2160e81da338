"""Every rate at which sets of payments are worth nothing in sum, found by halving stretches of rates.

Over a stretch of x = ln(1 + r) the slope of ``g = ln P - ln N`` (see ``internal_rate``) lies between bounds
that the mean times at its ends give. Where the bounds have one sign, there is one root or none; where both
lines from the ends can not reach zero, there is none; every other stretch is halved. So no root is missed
but of two that lie closer than about FINEST, which count as one where they are also a root to rounding.
"""

from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Final, Self

import numpy as np

from waardhaven.domain.metrics.internal_rate import HIGHEST, LOWEST, Payments, QuickRoots, runs
from waardhaven.domain.types import Flags, Floats, Rows

FINEST: Final = 1e-7
"""Width times the years of a set below which a stretch is not halved."""
TOUCHING: Final = 1e-12
"""Worth in proportion to all that is paid below which a rate balances the payments."""
MOST: Final = 512
"""Undecided stretches of one set at which halving stops."""
WORK: Final = 1 << 28
"""Payments times stretches of one set at which halving stops."""
CELLS: Final = 1 << 20
"""Payments looked at together."""
SAME: Final = 4.0 * FINEST
"""Roots whose distance times the years of a set is no more are one."""
LAST: Final = 1e-9
"""A step times the years of a set after which the next would be lost in rounding."""
TURNS: Final = 100
"""Halvings from the widest stretch to the last bit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """For each set (s,): ``nearest`` x = ln(1 + r), that of the rate nearest 0, NaN without one.

    ``count``: different rates found. ``open``: halving stopped early, so there may be others.
    """

    nearest: Floats
    count: Rows
    open: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    """Where g is at ``x`` (m,) of the sets ``of`` (m,): its ``value`` and the mean times it falls with."""

    of: Rows
    x: Floats
    value: Floats
    gain: Floats
    loss: Floats

    def of_those(self, some: Rows | Flags | slice) -> Self:
        return type(self)(
            of=self.of[some],
            x=self.x[some],
            value=self.value[some],
            gain=self.gain[some],
            loss=self.loss[some],
        )

    def and_also(self, other: Self) -> Self:
        return type(self)(
            of=np.concatenate([self.of, other.of]),
            x=np.concatenate([self.x, other.x]),
            value=np.concatenate([self.value, other.value]),
            gain=np.concatenate([self.gain, other.gain]),
            loss=np.concatenate([self.loss, other.loss]),
        )


def every_root(payments: Payments, known: QuickRoots) -> Roots:
    """Return every root from LOWEST to HIGHEST: those known, and those on the sides that are open.

    No two payments of a set may be on one day.
    """
    with np.errstate(all="ignore"):
        low, high, is_open = _stretches(payments, *_unknown(payments, known))
        changes = (low.value > 0.0) != (high.value > 0.0)
        crossing = _crossings(payments, low.of_those(changes), high.of_those(changes))
        middle = 0.5 * (low.x + high.x)[~changes]
        touching = _lines(payments, low.of[~changes], middle)
        flat = np.abs(np.tanh(0.5 * touching.value)) <= TOUCHING
    sure = np.flatnonzero(np.isfinite(known.root))
    of = np.concatenate([sure, low.of[changes], touching.of[flat]])
    return _counted(payments, of, np.concatenate([known.root[sure], crossing, middle[flat]]), is_open)


def _unknown(payments: Payments, known: QuickRoots) -> tuple[_Lines, _Lines]:
    """Return the ends of the stretches below and above what is known."""
    beside = 0.5 * SAME / payments.span
    low, high = (np.where(np.isnan(known.root), 0.0, known.root + side) for side in (-beside, beside))
    below, above = (np.flatnonzero(side) for side in (known.below, known.above))
    of = np.concatenate([below, above])
    bottom = np.concatenate([np.full(len(below), LOWEST), high[above]])
    top = np.concatenate([low[below], np.full(len(above), HIGHEST)])
    return _lines(payments, of, np.minimum(bottom, top)), _lines(payments, of, top)


def _stretches(payments: Payments, low: _Lines, high: _Lines) -> tuple[_Lines, _Lines, Flags]:
    """Return stretches with one root each, or too fine to halve; and the sets (s,) with too many of them."""
    span, most = payments.span, np.clip(WORK // payments.size, 8, MOST)
    is_open = np.zeros(len(span), dtype=np.bool_)
    kept = [(low.of_those(slice(0)), high.of_those(slice(0)))]
    while len(low.of):
        has_one, has_none = _decided(low, high)
        is_open |= np.bincount(low.of[~(has_one | has_none)], minlength=len(most)) > most
        fine = (high.x - low.x) * span[low.of] <= FINEST
        final = has_one | (~has_none & (fine | is_open[low.of]))
        kept.append((low.of_those(final), high.of_those(final)))
        rest = ~(final | has_none)
        low, high = low.of_those(rest), high.of_those(rest)
        middle = _lines(payments, low.of, _middle(span[low.of], low.x, high.x))
        low, high = low.and_also(middle), middle.and_also(high)
    lows, highs = zip(*kept, strict=True)
    return reduce(_Lines.and_also, lows), reduce(_Lines.and_also, highs), is_open


def _decided(low: _Lines, high: _Lines) -> tuple[Flags, Flags]:
    """Tell stretches with exactly one root, and those with none."""
    falling, rising = high.loss - low.gain, low.loss - high.gain
    monotone = (falling >= 0.0) | (rising <= 0.0)
    changes = (low.value > 0.0) != (high.value > 0.0)
    above = low.value > 0.0
    down, up = np.where(above, falling, -rising), np.where(above, rising, -falling)
    a, b = np.abs(low.value), np.abs(high.value)
    nearest = (up * a - down * b + down * up * (high.x - low.x)) / (up - down)
    least = np.where(monotone, np.minimum(a, b), nearest)
    return monotone & changes, ~changes & (least > 0.1 * TOUCHING)


def _middle(span: Floats, low: Floats, high: Floats) -> Floats:
    """Halve on a scale that is even near x = 0 and logarithmic beyond one over the years of a set."""
    half = 0.5 * (np.arcsinh(low * span) + np.arcsinh(high * span))
    return np.clip(np.sinh(half) / span, low, high)


def _lines(payments: Payments, of: Rows, x: Floats) -> _Lines:
    """Return g and its mean times at ``x`` (m,) of sets ``of`` (m,), a bounded number of payments at once."""
    batch = np.add.accumulate(payments.size[of]) // CELLS
    cuts = [0, *(np.flatnonzero(np.diff(batch)) + 1).tolist(), len(of)]
    parts = [_evaluated(payments, of[a:b], x[a:b]) for a, b in pairwise(cuts) if b > a]
    value, gain, loss = np.concatenate([np.empty((3, 0)), *parts], axis=1)
    return _Lines(of=of, x=x, value=value, gain=gain, loss=loss)


def _evaluated(payments: Payments, of: Rows, x: Floats) -> Floats:
    """Return g, the mean time received and the mean time paid in, (3, m).

    Worths are taken from the payment of their sign that weighs most, so that nothing overflows and no sum
    is zero.
    """
    sides = np.concatenate([of, of + len(payments.start) - 1])
    rate = np.concatenate([x, x])
    first, end = payments.begin[sides], payments.begin[sides + 1]
    size = end - first
    begin, place = np.add.accumulate(size) - size, runs(first, size)
    base = payments.when[np.where(rate >= 0.0, first, end - 1)]
    years = payments.when[place] - np.repeat(base, size)
    worth = payments.worth[place] * np.exp(np.repeat(-rate, size) * years)
    total = np.add.reduceat(worth, begin)
    mean = base + np.add.reduceat(worth * years, begin) / total
    level = np.log(total) - rate * base
    half = len(of)
    return np.stack([level[:half] - level[half:], mean[:half], mean[half:]])


def _crossings(payments: Payments, low: _Lines, high: _Lines) -> Floats:
    """Return the root (m,) in each stretch at whose ends g has different signs.

    By Newton's method; by halving where that leaves the stretch or does not halve the step before.
    """
    span = payments.span[low.of]
    least, most, rising = low.x.copy(), high.x.copy(), high.value > 0.0
    root = least + (most - least) * low.value / (low.value - high.value)
    root = np.where((least <= root) & (root <= most), root, 0.5 * (least + most))
    change, rest = most - least, np.arange(len(root))
    for _ in range(TURNS):
        at = root[rest]
        here = _lines(payments, low.of[rest], at)
        is_low = (here.value > 0.0) != rising[rest]
        least[rest[is_low]], most[rest[~is_low]] = at[is_low], at[~is_low]
        step = at - here.value / (here.loss - here.gain)
        near = np.abs(step - at) * span[rest] <= LAST
        inside = (least[rest] <= step) & (step <= most[rest])
        is_good = near | (inside & (np.abs(step - at) <= 0.5 * change[rest]))
        root[rest] = np.where(is_good, step, 0.5 * (least + most)[rest])
        change[rest] = np.abs(root[rest] - at)
        rest = rest[~near]
        if not len(rest):
            break
    return root


def _counted(payments: Payments, of: Rows, x: Floats, is_open: Flags) -> Roots:
    """Return the root of each set whose rate is nearest 0; those that differ by rounding count once."""
    order = np.lexsort((x, of))
    of, x = of[order], x[order]
    apart = np.diff(x, prepend=-np.inf) * payments.span[of] > SAME
    new = apart | (np.diff(of, prepend=-1) != 0)
    of, x = of[new], x[new]
    count = np.bincount(of, minlength=len(payments.size))
    order = np.lexsort((np.abs(np.expm1(x)), of))
    of, x = of[order], x[order]
    nearest = np.full(len(payments.size), np.nan)
    first = np.diff(of, prepend=-1) != 0
    nearest[of[first]] = x[first]
    return Roots(nearest=nearest, count=count, open=is_open)
