"""Closed forms written anew for the tests, and short ways to ask for a price or a portfolio."""

from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np

from waardhaven.domain.quant.monte_carlo import portfolio, portfolio_result, pricing
from waardhaven.domain.quant.monte_carlo.market import Market
from waardhaven.domain.quant.monte_carlo.models import GeometricBrownian, Model
from waardhaven.domain.quant.monte_carlo.payoff import Kind, Payoff
from waardhaven.domain.quant.monte_carlo.returns_law import AnnualMoments, Convention

N = NormalDist().cdf
SIGN = {Kind.CALL: 1, Kind.PUT: -1}


def one_asset(spot: float = 100.0, volatility: float = 0.2, rate: float = 0.03, pays: float = 0.0) -> Market:
    return Market(spot=[spot], volatility=[volatility], rate=rate, dividend_yield=[pays])


def price(payoff: Payoff, market: Market | None = None, **changes: object) -> pricing.PricingResult:
    settings = {"maturity": 1.0, "steps": 1, "paths": 4096, "seed": 1, "sampling": "plain", "control": "none"}
    asked = {"payoff": payoff, "market": market or one_asset(), **settings, **changes}
    return pricing.simulated(pricing.PricingProblem(**asked))


def future(model: Model | None = None, **changes: object) -> portfolio_result.PortfolioResult:
    return portfolio_result.simulated(problem(model, **changes))


def problem(model: Model | None = None, **changes: object) -> portfolio.PortfolioProblem:
    known = model or GeometricBrownian(moments=moments())
    settings = {
        "weights": (0.6, 0.4),
        "capital": 1000.0,
        "steps": 24,
        "periods_per_year": 12.0,
        "paths": 2000,
        "seed": 4,
    }
    return portfolio.PortfolioProblem(**{"model": known, **settings, **changes})


def moments(convention: Convention = Convention.SIMPLE, **changes: object) -> AnnualMoments:
    given = {"mean": [0.08, 0.03], "covariance": [[0.04, 0.006], [0.006, 0.01]], **changes}
    return AnnualMoments(
        mean=np.array(given["mean"]), covariance=np.array(given["covariance"]), convention=convention
    )


def constant(*annual: float) -> GeometricBrownian:
    """Return a model without risk: simple returns of ``annual`` / f every period."""
    count = len(annual)
    return GeometricBrownian(moments=moments(mean=annual, covariance=np.zeros((count, count))))


def black_scholes(kind: Kind, s: float, k: float, t: float, r: float, q: float, v: float) -> float:
    sign, deviation = SIGN[kind], v * sqrt(t)
    up = (log(s / k) + (r - q) * t) / deviation + 0.5 * deviation
    return sign * (s * exp(-q * t) * N(sign * up) - k * exp(-r * t) * N(sign * (up - deviation)))


def digital(kind: Kind, s: float, k: float, t: float, r: float, q: float, v: float) -> float:
    low = (log(s / k) + (r - q - 0.5 * v * v) * t) / (v * sqrt(t))
    return exp(-r * t) * N(SIGN[kind] * low)


def bermudan(
    kind: Kind, s: float, k: float, t: float, r: float, q: float, v: float, dates: int, fine: int
) -> float:
    """Return the price of an option that may be exercised now and at ``dates`` equal dates.

    The mean of binomial trees (Cox, Ross and Rubinstein 1979) of ``fine`` and ``fine`` + 1 steps a date.
    """
    found = []
    for each in (fine, fine + 1):
        steps = dates * each
        up, discount = exp(v * sqrt(t / steps)), exp(-r * t / steps)
        likely = (exp((r - q) * t / steps) - 1 / up) / (up - 1 / up)
        worth = np.zeros(steps + 2)
        for step in range(steps, -1, -1):
            worth = discount * (likely * worth[1:] + (1 - likely) * worth[:-1])
            if step % each == 0:
                price = s * up ** (2.0 * np.arange(step + 1) - step)
                worth = np.maximum(worth, SIGN[kind] * (price - k))
        found.append(float(worth[0]))
    return sum(found) / 2


def geometric_asian(kind: Kind, s: float, k: float, t: float, r: float, q: float, v: float, n: int) -> float:
    """Return the price of the option on the geometric mean of n fixings (Kemna and Vorst 1990)."""
    times = np.arange(1, n + 1) * t / n
    mean = log(s) + (r - q - 0.5 * v * v) * times.mean()
    variance = v * v * np.minimum.outer(times, times).sum() / n**2
    forward = exp(mean + 0.5 * variance)
    return black_scholes(kind, forward * exp(-r * t), k, t, r, 0.0, sqrt(variance / t))


def exchange(s: tuple[float, float], q: tuple[float, float], v: float, t: float) -> float:
    """Return the price of max(S1 - S2, 0) (Margrabe 1978); v: volatility of S1 / S2."""
    first, second = s[0] * exp(-q[0] * t), s[1] * exp(-q[1] * t)
    up = log(first / second) / (v * sqrt(t)) + 0.5 * v * sqrt(t)
    return first * N(up) - second * N(up - v * sqrt(t))


def knock_in(
    kind: Kind, up: bool, s: float, k: float, h: float, t: float, r: float, b: float, v: float, rebate: float
) -> float:
    """Return the price of a knock-in option, rebate at maturity (Reiner & Rubinstein 1991, in Haug 2007)."""
    phi, eta = SIGN[kind], -1 if up else 1
    spread, mu = v * sqrt(t), (b - v * v / 2) / (v * v)
    shift, carry, discount = (1 + mu) * spread, exp((b - r) * t), exp(-r * t)

    def block(argument: float, eta_of: int, power: float) -> float:
        x = log(argument) / spread + shift
        scale = (h / s) ** power
        first = phi * s * carry * scale * (h / s) ** (2 if power else 0) * N(eta_of * x)
        return first - phi * k * discount * scale * N(eta_of * (x - spread))

    a, c2 = block(s / k, phi, 0.0), 2 * mu
    b_ = block(s / h, phi, 0.0)
    c = block(h * h / (s * k), eta, c2)
    d = block(h / s, eta, c2)
    x2, y2 = log(s / h) / spread + shift, log(h / s) / spread + shift
    e = rebate * discount * (N(eta * (x2 - spread)) - (h / s) ** c2 * N(eta * (y2 - spread)))
    is_above = k > h
    terms = {
        (Kind.CALL, False): c if is_above else a - b_ + d,
        (Kind.CALL, True): a if is_above else b_ - c + d,
        (Kind.PUT, False): b_ - c + d if is_above else a,
        (Kind.PUT, True): a - b_ + d if is_above else c,
    }
    return terms[kind, up] + e


def knock_out(
    kind: Kind, up: bool, s: float, k: float, h: float, t: float, r: float, b: float, v: float, rebate: float
) -> float:
    """Return the price of a knock-out option with its rebate at maturity: what the knock-in leaves."""
    both = black_scholes(kind, s, k, t, r, r - b, v) + rebate * exp(-r * t)
    return both - knock_in(kind, up, s, k, h, t, r, b, v, rebate)
