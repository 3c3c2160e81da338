"""The money-weighted return: the one annual rate at which dated payments are worth nothing in sum.

Actual/365 fixed from the earliest payment, as the XIRR of spreadsheets: sum(flow / (1 + r)^(days / 365)) =
0. Solved in ln(1 + r), in which the sum is one of exponentials: it has as many roots at most as the payments
change sign in order of time (Descartes' rule of signs, which holds for exponents of any kind: G. Polya and G.
Szego, "Problems and Theorems in Analysis II", part V, problem 77). With one change there is one rate at
most; with more the range is scanned.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

import numpy as np

from waardhaven.domain.types import Days, Floats

DAYS_PER_YEAR: Final = 365.0
LOWEST: Final = float(np.log(1e-7))
HIGHEST: Final = float(np.log(1e7))
"""Rates are looked for from -99.99999 % to 10^9 %; beyond, a rate a year says nothing."""
GRID: Final = 4001
"""Points of a scan; two rates closer than 0.8 % of each other may be taken for none."""
ROUNDING: Final = 5e-16


class NoRate(StrEnum):
    """Why there is no money-weighted return."""

    UNKNOWN_FLOW = "a payment or value is unknown"
    ONE_SIGN = "payments all go one way"
    ONE_DAY = "payments are all on one day"
    NO_ROOT = "no rate from -99.99999 % to 10^9 % makes the payments worth nothing in sum"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyWeighted:
    """An annual rate, a fraction; or None and the ``reason``. ``warning``: what to know about the rate."""

    rate: float | None
    reason: NoRate | None = None
    warning: str | None = None


def money_weighted_return(days: Days, flows: Floats) -> MoneyWeighted:
    """Return the rate of payments ``flows`` (n,) on ``days`` (n,), in any order.

    Paid in is below zero, received (and the value at the end) above. Of several rates the one nearest 0 is
    returned with a warning. NaN or an infinite payment: no rate.
    """
    if not np.isfinite(flows).all():
        return MoneyWeighted(rate=None, reason=NoRate.UNKNOWN_FLOW)
    if not ((flows > 0.0).any() and (flows < 0.0).any()):
        return MoneyWeighted(rate=None, reason=NoRate.ONE_SIGN)
    order = np.argsort(days, kind="stable")
    year = (days[order] - days[order[0]]).astype(np.float64) / DAYS_PER_YEAR
    if year[-1] == 0.0:
        return MoneyWeighted(rate=None, reason=NoRate.ONE_DAY)
    flow = flows[order] / np.abs(flows).max()
    roots = [_root(year, flow, low, high) for low, high in _brackets(year, flow)]
    if not roots:
        return MoneyWeighted(rate=None, reason=NoRate.NO_ROOT)
    nearest = min(roots, key=abs)
    warning = f"{len(roots)} rates solve these payments; this is the one nearest 0" if roots[1:] else None
    return MoneyWeighted(rate=float(np.expm1(nearest)), warning=warning)


def _brackets(year: Floats, flow: Floats) -> list[tuple[float, float]]:
    """Return stretches of ln(1 + r) with a change of sign; a rate on a point itself is a stretch of none."""
    signs = np.sign(flow[flow != 0.0])
    points = GRID if (np.diff(signs) != 0.0).sum() > 1 else 2
    grid = np.linspace(LOWEST, HIGHEST, points)
    at = [_worth(year, flow, float(one))[0] for one in grid]
    found = [(a, a) for a, worth in zip(grid.tolist(), at, strict=True) if worth == 0.0]
    for (a, worth), (b, after) in pairwise(zip(grid.tolist(), at, strict=True)):
        if worth * after < 0.0:
            found.append((a, b))
    return found


def _worth(year: Floats, flow: Floats, rate: float) -> tuple[float, float]:
    """Return the worth at a rate ln(1 + r), and its slope, both times one number that never overflows."""
    exponent = -rate * year
    part = flow * np.exp(exponent - exponent.max())
    return float(part.sum()), float(-(part * year).sum())


def _root(year: Floats, flow: Floats, low: float, high: float) -> float:
    """Return the rate between two of different sign.

    By Newton's method; by halving where that leaves them or does not halve the step before.
    """
    rising = _worth(year, flow, low)[0] < 0.0
    rate = 0.0 if low < 0.0 < high else 0.5 * (low + high)
    change = high - low
    while True:
        worth, slope = _worth(year, flow, rate)
        if worth == 0.0:
            return rate
        low, high = (rate, high) if (worth < 0.0) == rising else (low, rate)
        step = rate - worth / slope if slope else low
        is_good = low < step < high and abs(step - rate) <= 0.5 * change
        following = step if is_good else 0.5 * (low + high)
        change = abs(following - rate)
        rate = following
        if change <= ROUNDING * max(abs(rate), 1e-6):
            return rate
