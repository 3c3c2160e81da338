"""European digital options in closed form: cash-or-nothing and asset-or-nothing, figure by figure (n,).

Reiner & Rubinstein (1991), "Unscrambling the binary code", *Risk* 4; Haug (2007), chapter 4. A call pays
when the underlying ends at or above the strike, a put when it ends below. A vanilla option is
phi (asset - strike x cash): every derivative here is that of one of its two parts.
"""

from waardhaven.domain.quant.options.terms import Terms
from waardhaven.domain.types import Floats


def _cash_mass(at: Terms) -> Floats:
    """Return phi A e^(-rT) n(d2) / (S v): d(price) / d(spot) of a cash-or-nothing option."""
    return at.sign * at.cash * at.cash_peak / (at.spot * at.deviation)


def cash_price(at: Terms) -> Floats:
    """Return A e^(-rT) N(phi d2), A the cash."""
    return at.cash * at.discount * at.exercised


def cash_gamma(at: Terms) -> Floats:
    """Return -delta d1 / (S v)."""
    return -_cash_mass(at) * at.d1 / (at.spot * at.deviation)


def cash_vega(at: Terms) -> Floats:
    """Return -phi A e^(-rT) n(d2) d1 / sigma."""
    return -at.sign * at.cash * at.cash_peak * at.d1 / at.volatility


def cash_theta(at: Terms) -> Floats:
    """Return r price - phi A e^(-rT) n(d2) (b / v - d1 / (2T))."""
    return at.rate * cash_price(at) - at.sign * at.cash * at.cash_peak * at.drift2


def cash_rho(at: Terms) -> Floats:
    """Return -T price + phi A e^(-rT) n(d2) T / v."""
    return -at.maturity * cash_price(at) - cash_phi(at)


def cash_phi(at: Terms) -> Floats:
    """Return -phi A e^(-rT) n(d2) T / v."""
    return -at.sign * at.cash * at.cash_peak * at.time / at.deviation


def cash_vanna(at: Terms) -> Floats:
    """Return delta (d1 d2 - 1) / sigma."""
    return _cash_mass(at) * (at.d1 * at.d2 - 1.0) / at.volatility


def cash_volga(at: Terms) -> Floats:
    """Return -phi A e^(-rT) n(d2) (d1^2 d2 - d1 - d2) / sigma^2."""
    bend = at.d1 * at.d1 * at.d2 - at.d1 - at.d2
    return -at.sign * at.cash * at.cash_peak * bend / (at.volatility * at.volatility)


def cash_charm(at: Terms) -> Floats:
    """Return delta (r + d2 (b / v - d1 / (2T)) + 1 / (2T))."""
    return _cash_mass(at) * (at.rate + at.d2 * at.drift2 + 0.5 / at.time)


def cash_speed(at: Terms) -> Floats:
    """Return -(gamma d1 + delta (1 / v - d1) / S) / (S v)."""
    inner = cash_gamma(at) * at.d1 + _cash_mass(at) * (1.0 / at.deviation - at.d1) / at.spot
    return -inner / (at.spot * at.deviation)


def cash_colour(at: Terms) -> Floats:
    """Return gamma (r + d2 d2' + 1 / T) + delta d1' / (S v), a dash being d / d(time)."""
    grown = at.rate + at.d2 * at.drift2 + 1.0 / at.time
    return cash_gamma(at) * grown + _cash_mass(at) * at.drift1 / (at.spot * at.deviation)


def cash_zomma(at: Terms) -> Floats:
    """Return gamma (d1 d2 - 2) / sigma + delta d2 / (sigma S v)."""
    moved = _cash_mass(at) * at.d2 / (at.spot * at.deviation)
    return (cash_gamma(at) * (at.d1 * at.d2 - 2.0) + moved) / at.volatility


def _asset_mass(at: Terms) -> Floats:
    """Return phi e^(-qT) n(d1): what a change of d1 adds to the price over S."""
    return at.sign * at.peak


def asset_price(at: Terms) -> Floats:
    """Return S e^(-qT) N(phi d1)."""
    return at.spot_leg * at.above


def asset_delta(at: Terms) -> Floats:
    """Return e^(-qT) N(phi d1) + phi e^(-qT) n(d1) / v."""
    return at.carried * at.above + _asset_mass(at) / at.deviation


def _asset_bend(at: Terms) -> Floats:
    """Return phi e^(-qT) n(d1) / (S v^2)."""
    return _asset_mass(at) / (at.spot * at.deviation * at.deviation)


def asset_gamma(at: Terms) -> Floats:
    """Return -phi e^(-qT) n(d1) d2 / (S v^2)."""
    return -_asset_bend(at) * at.d2


def asset_vega(at: Terms) -> Floats:
    """Return -phi S e^(-qT) n(d1) d2 / sigma."""
    return -at.spot * _asset_mass(at) * at.d2 / at.volatility


def asset_theta(at: Terms) -> Floats:
    """Return q price - phi S e^(-qT) n(d1) (b / v - d2 / (2T))."""
    return at.dividend_yield * asset_price(at) - at.spot * _asset_mass(at) * at.drift1


def asset_rho(at: Terms) -> Floats:
    """Return phi S e^(-qT) n(d1) T / v."""
    return at.spot * _asset_mass(at) * at.time / at.deviation


def asset_phi(at: Terms) -> Floats:
    """Return -T price - phi S e^(-qT) n(d1) T / v."""
    return -at.maturity * asset_price(at) - asset_rho(at)


def asset_vanna(at: Terms) -> Floats:
    """Return phi e^(-qT) n(d1) ((d1 d2 - 1) / v - d2) / sigma."""
    return _asset_mass(at) * ((at.d1 * at.d2 - 1.0) / at.deviation - at.d2) / at.volatility


def asset_volga(at: Terms) -> Floats:
    """Return -phi S e^(-qT) n(d1) (d1 d2^2 - d1 - d2) / sigma^2."""
    bend = at.d1 * at.d2 * at.d2 - at.d1 - at.d2
    return -at.spot * _asset_mass(at) * bend / (at.volatility * at.volatility)


def asset_charm(at: Terms) -> Floats:
    """Return q delta - phi e^(-qT) n(d1) (d1' - (d1 d1' + 1 / (2T)) / v), a dash being d / d(time)."""
    turned = (at.d1 * at.drift1 + 0.5 / at.time) / at.deviation
    return at.dividend_yield * asset_delta(at) - _asset_mass(at) * (at.drift1 - turned)


def asset_speed(at: Terms) -> Floats:
    """Return phi e^(-qT) n(d1) (d2 (d1 / v + 1) - 1 / v) / (S v)^2."""
    return _asset_bend(at) * (at.d2 * (at.d1 / at.deviation + 1.0) - 1.0 / at.deviation) / at.spot


def asset_colour(at: Terms) -> Floats:
    """Return gamma (q + d1 d1' + 1 / T) + phi e^(-qT) n(d1) d2' / (S v^2), a dash being d / d(time)."""
    grown = at.dividend_yield + at.d1 * at.drift1 + 1.0 / at.time
    return asset_gamma(at) * grown + _asset_bend(at) * at.drift2


def asset_zomma(at: Terms) -> Floats:
    """Return (gamma (d1 d2 - 2) + phi e^(-qT) n(d1) d1 / (S v^2)) / sigma."""
    return (asset_gamma(at) * (at.d1 * at.d2 - 2.0) + _asset_bend(at) * at.d1) / at.volatility


CASH = {
    "price": cash_price,
    "delta": _cash_mass,
    "gamma": cash_gamma,
    "vega": cash_vega,
    "theta": cash_theta,
    "rho": cash_rho,
    "phi": cash_phi,
    "vanna": cash_vanna,
    "volga": cash_volga,
    "charm": cash_charm,
    "speed": cash_speed,
    "colour": cash_colour,
    "zomma": cash_zomma,
}
ASSET = {
    "price": asset_price,
    "delta": asset_delta,
    "gamma": asset_gamma,
    "vega": asset_vega,
    "theta": asset_theta,
    "rho": asset_rho,
    "phi": asset_phi,
    "vanna": asset_vanna,
    "volga": asset_volga,
    "charm": asset_charm,
    "speed": asset_speed,
    "colour": asset_colour,
    "zomma": asset_zomma,
}
