"""The price below which an American put is exercised, as a function of the time that is left.

L. Andersen, M. Lake, D. Offengenden, "High-performance American option pricing", *Journal of Computational
Finance* 20 (2016): the boundary B solves a fixed-point equation, their system B, which
is the integral equation of Kim (1990) where the price meets the payoff:

    B(t) = K e^(-(r-q) t) N(t) / D(t),
    N = N(d-(t, B/K)) + r integral of e^(r u) N(d-(t-u, B(t)/B(u))) du,
    D = N(d+(t, B/K)) + q integral of e^(q u) N(d+(t-u, B(t)/B(u))) du.

H = ln(B / X)^2 with X = B(0+) = K min(1, r/q) is nearly a polynomial in sqrt(t) and is kept at Chebyshev
nodes. Each round is a step of the equation, mixed with the round before (Anderson 1965, depth one).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from waardhaven.domain.quant.options.collocation import Quadrature, Scheme
from waardhaven.domain.quant.options.terms import DENSITY
from waardhaven.domain.types import Floats

START_ROUNDS: Final = 10
LEAST_RATE: Final = 1e-4
"""Rate below which the starting points are those of this rate: a perpetual put needs one above 0."""
LARGEST_MIX: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Puts:
    """American puts (n,) that are worth exercising early below one boundary.

    All above 0 but ``dividend_yield``, and a rate of 0 where the yield is below 0.
    """

    spot: Floats
    strike: Floats
    time: Floats
    volatility: Floats
    rate: Floats
    dividend_yield: Floats

    @property
    def nearest(self) -> Floats:
        """Logarithm of X, the boundary just before expiry."""
        falls = self.dividend_yield > self.rate
        share = np.where(falls, self.rate, 1.0) / np.where(falls, self.dividend_yield, 1.0)
        return np.log(self.strike) + np.log(share)


def boundary(puts: Puts, scheme: Scheme) -> Floats:
    """Return ln B (nodes, n) at the times ``roots`` squared x time."""
    top = puts.nearest
    at = _start(puts, scheme, top)
    before: tuple[Floats, Floats] | None = None
    for _ in range(scheme.rounds):
        levels = squared(at, top)
        to = np.minimum(_round(puts, scheme, at, levels, top), top)
        miss = to - at
        at, before = np.minimum(_mixed(to, miss, before), top), (to, miss)
    return at


def squared(at: Floats, top: Floats) -> Floats:
    """Return H (nodes + 1, n), 0 at expiry first."""
    return np.concatenate([np.zeros((1, at.shape[1])), (at - top) ** 2])


def read(rule: Quadrature, levels: Floats, top: Floats) -> Floats:
    """Return ln B (points, n) at the times left of a quadrature."""
    inner = rule.interpolation @ levels
    np.maximum(inner, 0.0, out=inner)
    np.sqrt(inner, out=inner)
    return np.subtract(top, inner, out=inner)


def _round(puts: Puts, scheme: Scheme, at: Floats, levels: Floats, top: Floats) -> Floats:
    """Return what the right side of the equation makes of a boundary."""
    from scipy.special import ndtr

    rate, paid, found = puts.rate, puts.dividend_yield, np.empty_like(at)
    carry, log_strike = rate - paid, np.log(puts.strike)
    for node, (root, rule) in enumerate(zip(scheme.roots, scheme.steps, strict=True)):
        span = root * np.sqrt(puts.time)
        time, deviation = span * span, puts.volatility * span
        passed = span * rule.passed
        inner = puts.volatility * passed
        middle = (at[node] - read(rule, levels, top) + carry * passed * passed) / inner
        inner *= 0.5
        ahead = (span * rule.left) ** 2
        scale = span * rule.weight * passed
        over = (scale * np.exp(rate * ahead) * ndtr(middle - inner)).sum(axis=0)
        under = (scale * np.exp(paid * ahead) * ndtr(middle + inner)).sum(axis=0)
        first = (at[node] - log_strike + carry * time) / deviation
        upper = ndtr(first - 0.5 * deviation) + rate * over
        lower = ndtr(first + 0.5 * deviation) + paid * under
        solved = (upper > 0.0) & (lower > 0.0)
        ratio = np.where(solved, upper, 1.0) / np.where(solved, lower, 1.0)
        found[node] = np.where(
            solved, log_strike - carry * time + np.log(ratio), found[node - 1] if node else top
        )
    return found


def _mixed(to: Floats, miss: Floats, before: tuple[Floats, Floats] | None) -> Floats:
    """Return the point between the last two at which they would miss least, were the step linear."""
    if before is None:
        return to
    former, missed = before
    change = miss - missed
    size = (change * change).sum(axis=0)
    share = (miss * change).sum(axis=0) / np.where(size > 0.0, size, 1.0)
    mixed: Floats = to - np.clip(share, -LARGEST_MIX, LARGEST_MIX) * (to - former)
    return mixed


def _start(puts: Puts, scheme: Scheme, top: Floats) -> Floats:
    """Return a first boundary: that of Barone-Adesi & Whaley (1987), *Journal of Finance* 42, by Newton."""
    time = (scheme.roots**2)[:, None] * puts.time
    rate = np.maximum(puts.rate, LEAST_RATE)
    strike, highest = puts.strike, np.exp(top)
    variance = puts.volatility**2
    tilt = 2.0 * (rate - puts.dividend_yield) / variance - 1.0
    power = 0.5 * (-tilt - np.sqrt(tilt * tilt - 8.0 * rate / (variance * np.expm1(-rate * time))))
    forever = 0.5 * (-tilt - np.sqrt(tilt * tilt + 8.0 * rate / variance))
    lowest = np.minimum(strike * forever / (forever - 1.0), highest)
    spread = np.exp(-2.0 * puts.volatility * np.sqrt(time))
    at = lowest + (highest - lowest) * spread
    for _ in range(START_ROUNDS):
        to = at - _gap(puts, rate, time, power, at)
        at = np.clip(np.where(to > 0.0, to, 0.5 * at), 0.5 * lowest, highest)
    start: Floats = np.log(at)
    return start


def _gap(puts: Puts, rate: Floats, time: Floats, power: Floats, at: Floats) -> Floats:
    """Return Newton's step of K - B - p(B) + (1 - e^(-qT) N(-d1)) B / power = 0; 0 where that is flat."""
    from scipy.special import ndtr

    deviation = puts.volatility * np.sqrt(time)
    first = (np.log(at / puts.strike) + (rate - puts.dividend_yield) * time) / deviation + 0.5 * deviation
    carried = np.exp(-puts.dividend_yield * time)
    kept = carried * ndtr(-first)
    european = puts.strike * np.exp(-rate * time) * ndtr(deviation - first) - at * kept
    value = puts.strike - at - european + (1.0 - kept) * at / power
    bell = carried * DENSITY * np.exp(-0.5 * first * first)
    slope = -(1.0 - kept) + (1.0 - kept + bell / deviation) / power
    step: Floats = np.divide(value, slope, out=np.zeros_like(value), where=slope != 0.0)
    return step
