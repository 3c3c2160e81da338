"""American calls and puts with a continuous yield, and what early exercise adds to the European price.

The premium of a put is the interest earned on the strike less the dividends lost, wherever it is exercised
(Kim 1990, *Review of Financial Studies* 3; Jamshidian 1992; Carr, Jarrow & Myneni 1992). A call is the put
with spot and strike, and rate and yield, exchanged (McDonald & Schroder 1998, *Journal of Computational
Finance* 1).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from waardhaven.domain.quant.options.collocation import Quadrature, Scheme, scheme
from waardhaven.domain.quant.options.contracts import Codes, Options, Reason
from waardhaven.domain.quant.options.exercise_boundary import Puts, boundary, read, squared
from waardhaven.domain.quant.options.terms import DENSITY, Terms
from waardhaven.domain.quant.options.vanilla import delta, gamma, price
from waardhaven.domain.types import Flags, Floats, Rows

USUAL: Final = (12, 24, 10, 96)
FINE: Final = (24, 48, 20, 160)
"""Nodes, points of their integrals, rounds, and points of the price."""
USUAL_YEARS, USUAL_RATE, LOW_RATE = 3.0, 0.1, 0.01
"""Time and rates (either sign) up to which the usual scheme is taken, and a rate below which a put that earns
by a yield below 0 has a boundary that falls far."""
CHUNK: Final = 512
VOLATILITIES: Final = (0.005, 3.0)
LONGEST: Final = 30.0
FURTHEST: Final = 100.0
"""Volatility, years, and deviations that the forward drifts away, |rate - yield| sqrt(time) / volatility, for
which the error of the method is stated."""
ERROR: Final = 2e-6
"""Largest error of a price beside a finer scheme, as a share of the strike (of the spot, for calls)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """American options, row by row (n,): ``price``, ``delta``, ``gamma``, NaN beside a reason.

    ``early``: exercised now. ``european``: never worth exercising early, so that European formulas hold.
    """

    price: Floats
    delta: Floats
    gamma: Floats
    early: Flags
    european: Flags
    reasons: Codes


def american(options: Options) -> Exercise:
    """Return American calls and puts; ``dividend_yield`` is that of the model.

    Early exercise never pays for a put with rate <= 0 and yield >= rate, or with rate = 0 and yield = 0, and
    for a call with the two exchanged; between two boundaries (yield < rate < 0 of a put) it pays, but the
    method does not hold: DOUBLE_BOUNDARY. Without time the payoff is paid; without volatility it is paid at
    the best time. Beyond ``VOLATILITIES``, ``LONGEST`` and ``FURTHEST``: OUTSIDE_METHOD.
    """
    low, high = VOLATILITIES
    drift = np.abs(options.rate - options.dividend_yield) * np.sqrt(options.time)
    far = (options.time > LONGEST) | (drift > FURTHEST * options.volatility)
    out = (options.volatility < low) | (options.volatility > high) | far
    found = solved(options, needs_fine(options))
    outside = out & ~found.european & (options.volatility > 0.0) & (found.reasons == 0)
    if not outside.any():
        return found
    return replace(
        found,
        price=np.where(outside, np.nan, found.price),
        delta=np.where(outside, np.nan, found.delta),
        gamma=np.where(outside, np.nan, found.gamma),
        early=found.early & ~outside,
        reasons=np.where(outside, np.int8(Reason.OUTSIDE_METHOD.code), found.reasons),
    )


def needs_fine(options: Options) -> Flags:
    """Return which options need the fine scheme: long ones, high rates, and boundaries that fall far."""
    earned, paid = _rates(options)
    high = np.maximum(np.abs(earned), np.abs(paid)) > USUAL_RATE
    return high | (options.time > USUAL_YEARS) | ((earned < LOW_RATE) & (paid < 0.0))


def solved(options: Options, fine: Flags) -> Exercise:
    """Return what ``american`` does, by stated schemes, whatever bounds say."""
    size = len(options)
    found = {name: np.full(size, np.nan) for name in ("price", "delta", "gamma")}
    early = np.zeros(size, dtype=np.bool_)
    earned, paid = _rates(options)
    known = options.known & np.isfinite(options.volatility)
    european = known & (((earned <= 0.0) & (paid >= earned)) | (options.time == 0.0))
    certain = known & ~european & (options.volatility == 0.0)
    double = known & ~european & ~certain & (earned < 0.0)
    able = known & ~european & ~certain & ~double
    _take(found, european, _european(options.rows(european)))
    found["price"][certain] = _certain(options.rows(certain))
    for kind, chosen in ((USUAL, able & ~fine), (FINE, able & fine)):
        for rows in _batches(chosen):
            figures, early[rows] = _exercised(options.rows(rows), scheme(*kind))
            _take(found, rows, figures)
    reasons = np.zeros(size, dtype=np.int8)
    reasons[~known] = Reason.UNKNOWN_INPUT.code
    reasons[double] = Reason.DOUBLE_BOUNDARY.code
    return Exercise(**found, early=early, european=european, reasons=reasons)


def _rates(options: Options) -> tuple[Floats, Floats]:
    """Return what exercise earns and gives up, a year: rate and yield of a put, the other way of a call."""
    rate, paid = options.rate, options.dividend_yield
    return np.where(options.is_call, paid, rate), np.where(options.is_call, rate, paid)


def _batches(chosen: Flags) -> Iterator[Rows]:
    rows = np.flatnonzero(chosen)
    for at in range(0, len(rows), CHUNK):
        yield rows[at : at + CHUNK]


def _take(found: dict[str, Floats], rows: Rows | Flags, figures: tuple[Floats, ...]) -> None:
    for column, figure in zip(found.values(), figures, strict=True):
        column[rows] = figure


def _european(options: Options) -> tuple[Floats, Floats, Floats]:
    terms = Terms(options)
    kink = terms.kink
    figures = price(terms), delta(terms), gamma(terms)
    if kink is None:
        return figures
    return figures[0], np.where(kink, np.nan, figures[1]), np.where(kink, np.nan, figures[2])


def _certain(options: Options) -> Floats:
    """Return the price without volatility: the payoff at the best time.

    That is now, expiry, or the time between at which spot and strike are carried at the same cost.
    """
    rate, paid = options.rate, options.dividend_yield
    sign = np.where(options.is_call, 1.0, -1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.log(rate * options.strike / (paid * options.spot)) / (rate - paid)
    between = np.where((level > 0.0) & (level < options.time), level, 0.0)
    best = np.zeros(len(options))
    for time in (np.zeros(len(options)), between, options.time):
        held = options.spot * np.exp(-paid * time) - options.strike * np.exp(-rate * time)
        np.maximum(best, sign * held, out=best)
    return best


def _exercised(options: Options, rules: Scheme) -> tuple[tuple[Floats, Floats, Floats], Flags]:
    """Return price, delta and gamma of options with one boundary, and which are exercised now."""
    call = options.is_call
    puts = Puts(
        spot=np.where(call, options.strike, options.spot),
        strike=np.where(call, options.spot, options.strike),
        time=options.time,
        volatility=options.volatility,
        rate=np.where(call, options.dividend_yield, options.rate),
        dividend_yield=np.where(call, options.rate, options.dividend_yield),
    )
    (value, slope, bend), now = _puts(puts, rules)
    ratio = options.strike / options.spot
    return (
        value,
        np.where(call, value / options.spot - ratio * slope, slope),  # the price is homogeneous of degree one
        np.where(call, ratio * ratio * bend, bend),
    ), now


def _puts(puts: Puts, rules: Scheme) -> tuple[tuple[Floats, Floats, Floats], Flags]:
    """Return price, delta and gamma of puts, and which are at or below their boundary."""
    with np.errstate(under="ignore"):
        edge = boundary(puts, rules)
        now = np.log(puts.spot) <= edge[-1]
        spot = np.where(now, np.exp(edge[-1]), puts.spot)
        european = _european(_as_options(puts, spot))
        premium = _premium(puts, spot, edge, rules.premium)
    value, slope, bend = (one + more for one, more in zip(european, premium, strict=True))
    intrinsic = puts.strike - puts.spot
    return (
        np.where(now, intrinsic, np.maximum(np.maximum(value, intrinsic), european[0])),
        np.where(now, -1.0, slope),
        np.where(now, 0.0, bend),
    ), now


def _premium(puts: Puts, spot: Floats, edge: Floats, rule: Quadrature) -> tuple[Floats, Floats, Floats]:
    """Return the premium of early exercise and its first derivatives by spot, taken under the integral."""
    from scipy.special import ndtr

    top = puts.nearest
    span = np.sqrt(puts.time)
    passed = span * rule.passed
    deviation, time = puts.volatility * passed, passed * passed
    carry = puts.rate - puts.dividend_yield
    log_boundary = read(rule, squared(edge, top), top)
    above = (np.log(spot) - log_boundary + carry * time) / deviation
    first, second = above + 0.5 * deviation, above - 0.5 * deviation
    weight = span * rule.weight * passed
    interest = weight * puts.rate * puts.strike * np.exp(-puts.rate * time)
    dividends = weight * puts.dividend_yield * np.exp(-puts.dividend_yield * time)
    held, bell = ndtr(-first), DENSITY * np.exp(-0.5 * first * first)
    earned = interest * DENSITY * np.exp(-0.5 * second * second) / (spot * deviation)
    lost = dividends * bell / deviation
    value = interest * ndtr(-second) - spot * dividends * held
    slope = lost - earned - dividends * held
    bend = earned * (second / deviation + 1.0) / spot + (dividends * bell - lost * first) / (spot * deviation)
    return value.sum(axis=0), slope.sum(axis=0), bend.sum(axis=0)


def _as_options(puts: Puts, spot: Floats) -> Options:
    return Options(
        spot=spot,
        strike=puts.strike,
        time=puts.time,
        volatility=puts.volatility,
        rate=puts.rate,
        dividend_yield=puts.dividend_yield,
        is_call=np.zeros(len(spot), dtype=np.bool_),
        cash=np.ones(len(spot)),
    )
