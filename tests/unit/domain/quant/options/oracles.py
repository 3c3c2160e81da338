"""Prices by other ways than the code under test takes: complex steps, trees, plain formulas."""

import numpy as np
from scipy.special import ndtr

EIGHT = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))


def leg_prices(s, k, t, v, r, q, sign):
    """Asset and cash legs of a European option; every argument may be complex."""
    deviation = v * np.sqrt(t)
    d1 = (np.log(s / k) + (r - q) * t) / deviation + deviation / 2
    return s * np.exp(-q * t) * ndtr(sign * d1), np.exp(-r * t) * ndtr(sign * (d1 - deviation))


def european(payoff, s, k, t, v, r, q, sign, cash=1.0):
    asset, money = leg_prices(s, k, t, v, r, q, sign)
    return {
        "vanilla": sign * (asset - k * money),
        "cash_or_nothing": cash * money,
        "asset_or_nothing": asset,
    }[payoff]


def slope(function, at, step=1e-30):
    """First derivative by a complex step: exact to rounding."""
    return np.imag(function(at + 1j * step)) / step


def difference(function, at, step):
    """First derivative by eight points: of order step ** 8."""
    return sum(w * (function(at + n * step) - function(at - n * step)) for n, w in EIGHT) / step


def tree(s, k, t, v, r, q, *, call, steps, every=1):
    """American option by a Cox-Ross-Rubinstein tree that may be exercised at ``every`` so many steps."""
    s, k, t, v, r, q = (np.atleast_1d(np.asarray(one, dtype=float))[:, None] for one in (s, k, t, v, r, q))
    sign = np.where(np.atleast_1d(call), 1.0, -1.0)[:, None]
    dt = t / steps
    up = np.exp(v * np.sqrt(dt))
    share = (np.exp((r - q) * dt) - 1 / up) / (up - 1 / up)
    discount = np.exp(-r * dt)
    value = np.maximum(sign * (s * up ** (2 * np.arange(steps + 1) - steps) - k), 0.0)
    for at in range(steps - 1, -1, -1):
        value = discount * (share * value[:, 1:] + (1 - share) * value[:, :-1])
        if at % every == 0:
            value = np.maximum(value, sign * (s * up ** (2 * np.arange(at + 1) - at) - k))
    return value[:, 0]


def smooth_tree(s, k, t, v, r, q, *, call, steps):
    """American option by the tree of Leisen & Reimer (1996), extrapolated from two odd sizes."""
    return 2 * _leisen_reimer(s, k, t, v, r, q, call, 2 * steps + 1) - _leisen_reimer(
        s, k, t, v, r, q, call, steps
    )


def _leisen_reimer(s, k, t, v, r, q, call, steps):
    s, k, t, v, r, q = (np.atleast_1d(np.asarray(one, dtype=float))[:, None] for one in (s, k, t, v, r, q))
    sign = np.where(np.atleast_1d(call), 1.0, -1.0)[:, None]
    d1 = (np.log(s / k) + (r - q + v * v / 2) * t) / (v * np.sqrt(t))

    def inverted(z):
        scaled = (z / (steps + 1 / 3 + 0.1 / (steps + 1))) ** 2 * (steps + 1 / 6)
        return 0.5 + np.sign(z) * 0.5 * np.sqrt(-np.expm1(-scaled))

    share, other = inverted(d1 - v * np.sqrt(t)), inverted(d1)
    growth, discount = np.exp((r - q) * t / steps), np.exp(-r * t / steps)
    up, down = growth * other / share, growth * (1 - other) / (1 - share)
    rises = np.arange(steps + 1)
    value = np.maximum(sign * (s * up**rises * down ** (steps - rises) - k), 0.0)
    for at in range(steps - 1, -1, -1):
        value = discount * (share * value[:, 1:] + (1 - share) * value[:, :-1])
        rises = np.arange(at + 1)
        value = np.maximum(value, sign * (s * up**rises * down ** (at - rises) - k))
    return value[:, 0]
