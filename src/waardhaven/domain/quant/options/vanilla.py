"""European calls and puts in closed form: each function maps shared terms to one figure (n,).

Haug (2007), chapters 1 and 2, with the generalised cost of carry; units in ``greeks.py``.
"""

from waardhaven.domain.quant.options.terms import Terms
from waardhaven.domain.types import Floats


def price(at: Terms) -> Floats:
    """Return phi (S e^(-qT) N(phi d1) - K e^(-rT) N(phi d2)), never below 0."""
    found = at.spot_leg * at.above
    found -= at.strike_leg * at.exercised
    found *= at.sign
    found.clip(0.0, None, out=found)
    return found


def delta(at: Terms) -> Floats:
    """Return phi e^(-qT) N(phi d1)."""
    return at.sign * at.carried * at.above


def gamma(at: Terms) -> Floats:
    """Return e^(-qT) n(d1) / (S v)."""
    return at.peak / (at.spot * at.deviation)


def vega(at: Terms) -> Floats:
    """Return S e^(-qT) n(d1) sqrt(T)."""
    return at.spot * at.peak * at.root


def theta(at: Terms) -> Floats:
    """Return -S e^(-qT) n(d1) sigma / (2 sqrt(T)) + phi (q S e^(-qT) N(phi d1) - r K e^(-rT) N(phi d2))."""
    held = at.dividend_yield * at.spot_leg * at.above - at.rate * at.strike_leg * at.exercised
    return at.sign * held - at.spot * at.peak * at.volatility / (2.0 * at.root)


def rho(at: Terms) -> Floats:
    """Return phi K T e^(-rT) N(phi d2)."""
    return at.sign * at.maturity * at.strike_leg * at.exercised


def phi(at: Terms) -> Floats:
    """Return -phi S T e^(-qT) N(phi d1)."""
    return -at.sign * at.maturity * at.spot_leg * at.above


def vanna(at: Terms) -> Floats:
    """Return -e^(-qT) n(d1) d2 / sigma."""
    return -at.peak * at.d2 / at.volatility


def volga(at: Terms) -> Floats:
    """Return vega d1 d2 / sigma."""
    return vega(at) * at.d1 * at.d2 / at.volatility


def charm(at: Terms) -> Floats:
    """Return phi q e^(-qT) N(phi d1) - e^(-qT) n(d1) (b / v - d2 / (2T))."""
    return at.dividend_yield * delta(at) - at.peak * at.drift1


def speed(at: Terms) -> Floats:
    """Return -gamma (1 + d1 / v) / S."""
    return -gamma(at) * (1.0 + at.d1 / at.deviation) / at.spot


def colour(at: Terms) -> Floats:
    """Return gamma (q + d1 (b / v - d2 / (2T)) + 1 / (2T))."""
    return gamma(at) * (at.dividend_yield + at.d1 * at.drift1 + 0.5 / at.time)


def zomma(at: Terms) -> Floats:
    """Return gamma (d1 d2 - 1) / sigma."""
    return gamma(at) * (at.d1 * at.d2 - 1.0) / at.volatility


FORMULAS = {
    "price": price,
    "delta": delta,
    "gamma": gamma,
    "vega": vega,
    "theta": theta,
    "rho": rho,
    "phi": phi,
    "vanna": vanna,
    "volga": volga,
    "charm": charm,
    "speed": speed,
    "colour": colour,
    "zomma": zomma,
}
