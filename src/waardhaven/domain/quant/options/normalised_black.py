"""Black's formula without units, and its inverse: total deviation from the value of an option.

P. Jäckel, "Let's be rational", *Wilmott* (2015). With a = |ln(forward / strike)| >= 0 and
s = volatility sqrt(time), the out-of-the-money option is worth, in units of sqrt(forward x strike),

    b(a, s) = e^(-a/2) N(-a/s + s/2) - e^(a/2) N(-a/s - s/2),

which grows from 0 to e^(-a/2). Below its inflection point s = sqrt(2 a) we solve 1 / ln b = 1 / ln value,
above it ln(e^(-a/2) - b) = ln(e^(-a/2) - value), each nearly a straight line there, by steps of fourth
order (Householder). Our starting points differ from Jäckel's; ``ROUNDS`` steps reach rounding from them.
"""

from typing import Final

import numpy as np

from waardhaven.domain.quant.options.terms import DENSITY
from waardhaven.domain.types import Flags, Floats

ROUNDS: Final = 10
SETTLED: Final = 1e-5
"""A relative step from which one of fourth order ends at rounding."""
SMALLEST: Final = 1e-290
"""Value below which too few digits are left in a double."""
ROOT2: Final = np.sqrt(2.0)
CLOSE: Final = 1e-8
"""Half of a deviation at which the difference of the two tails is their derivative, to rounding."""
FLAT: Final = 1e-16
"""Moneyness that counts as none beside 1."""


def inverse(moneyness: Floats, value: Floats, missing: Floats) -> Floats:
    """Return s > 0 with b(a, s) = ``value`` (n,), where a = ``moneyness`` >= 0.

    ``missing`` = e^(-a/2) - value, given apart as it decides the digits of s when it is small; both are above
    0. The value reprices to within rounding: a few 1e-16 of e^(-a/2).
    """
    turn = np.sqrt(2.0 * moneyness)
    low: Flags = value < _at_turn(moneyness, turn)
    found = np.empty_like(value)
    if low.any():
        found[low] = _below_turn(moneyness[low], value[low], turn[low])
    flat = ~low & (moneyness < FLAT)
    if flat.any():
        found[flat] = _without_moneyness(value[flat] + 0.5 * moneyness[flat])
    high = ~(low | flat)
    if high.any():
        found[high] = _above_turn(moneyness[high], missing[high], turn[high])
    return found


def _at_turn(moneyness: Floats, turn: Floats) -> Floats:
    """Return b at the inflection point, where its first argument of N is 0."""
    from scipy.special import ndtr

    found: Floats = 0.5 * np.exp(-0.5 * moneyness) - np.exp(0.5 * moneyness) * ndtr(-turn)
    return np.maximum(found, 0.0)


def _without_moneyness(value: Floats) -> Floats:
    """Return s with b(0, s) = erf(s / sqrt 8) = ``value``, small ones too, which have no digits beside 1."""
    from scipy.special import erfinv

    found: Floats = 2.0 * ROOT2 * erfinv(value)
    return found


def _below_turn(moneyness: Floats, value: Floats, turn: Floats) -> Floats:
    """Solve where b is small; it is written with erfcx, which neither overflows nor loses digits there."""
    from scipy.special import erfcx

    wanted, at_turn = np.log(value), np.log(_at_turn(moneyness, turn))
    found = turn * np.sqrt(at_turn / wanted)
    for _ in range(ROUNDS):
        h, t = moneyness / found, 0.5 * found
        bell = np.exp(-0.5 * (h * h + t * t))
        apart = 0.5 * (erfcx((h - t) / ROOT2) - erfcx((h + t) / ROOT2))
        tails = np.where(t < CLOSE, t * (2.0 * DENSITY - h * erfcx(h / ROOT2)), apart)
        logarithm, slope = np.log(bell * tails), DENSITY / tails
        newton = (wanted - logarithm) * logarithm / (wanted * slope)
        second, third = _bends(h, t, found)
        inverse_log = 1.0 / logarithm
        pull = 1.0 + 2.0 * inverse_log
        curve = second - slope * pull
        turned = third + slope * (
            2.0 * slope * (1.0 + 3.0 * inverse_log * (1.0 + inverse_log)) - 3.0 * second * pull
        )
        found, settled = _stepped(found, newton, curve, turned, 0.1 * found)
        if settled:
            break
    return np.minimum(found, turn)


def _above_turn(moneyness: Floats, missing: Floats, turn: Floats) -> Floats:
    """Solve where b is large, by what it lacks of its bound: a sum, so no digits are lost."""
    from scipy.special import ndtr, ndtri

    wanted, fade = np.log(missing), np.exp(-0.5 * moneyness)
    found = np.maximum(turn, -2.0 * ndtri(missing * fade / (1.0 + fade * fade)))
    for _ in range(ROUNDS):
        h, t = moneyness / found, 0.5 * found
        lacking = fade * ndtr(h - t) + ndtr(-h - t) / fade
        slope = -DENSITY * np.exp(-0.5 * (h * h + t * t)) / lacking
        newton = (wanted - np.log(lacking)) / slope
        second, third = _bends(h, t, found)
        curve, turned = second - slope, third + slope * (2.0 * slope - 3.0 * second)
        found, settled = _stepped(found, newton, curve, turned, turn)
        if settled:
            break
    return np.asarray(found)


def _bends(h: Floats, t: Floats, total: Floats) -> tuple[Floats, Floats]:
    """Return b'' / b' and b''' / b' (Jäckel 2015)."""
    second = h * h / total - 0.5 * t
    return second, second * second - 3.0 * (h / total) ** 2 - 0.25


def _stepped(at: Floats, newton: Floats, curve: Floats, turned: Floats, least: Floats) -> tuple[Floats, bool]:
    """Return the next point by Householder's step of fourth order, and whether all are at their ends.

    ``curve`` = f'' / f' and ``turned`` = f''' / f' of the function whose Newton step is ``newton``.
    """
    step = newton * (1.0 + 0.5 * curve * newton) / (1.0 + newton * (curve + turned * newton / 6.0))
    to = np.maximum(at + step, least)
    return to, bool((np.abs(to - at) <= SETTLED * to).all())
