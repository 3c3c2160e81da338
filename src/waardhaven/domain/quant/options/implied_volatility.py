"""Volatility at which the formula gives a stated price, for many European calls and puts at once."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from waardhaven.domain.errors import FieldError
from waardhaven.domain.quant.options.contracts import Bound, Codes, Options, Reason, UnusableOptions
from waardhaven.domain.quant.options.models import BLACK_SCHOLES_MERTON, Model
from waardhaven.domain.quant.options.normalised_black import SMALLEST, inverse
from waardhaven.domain.quant.options.valuation import chunks
from waardhaven.domain.types import Floats

ROUNDING: Final = 4.0 * float(np.finfo(np.float64).eps)
PRICES: Final = Bound(low=0.0, high=1e16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Implied:
    """Volatilities (n,), NaN beside a reason; ``lowest`` and ``highest``: bounds of the price (n,)."""

    volatility: Floats
    reasons: Codes
    lowest: Floats
    highest: Floats


def implied_volatility(options: Options, price: Floats, model: Model = BLACK_SCHOLES_MERTON) -> Implied:
    """Return the volatilities at which vanilla options are worth ``price`` (n,) or (1,); NaN unknown.

    ``volatility`` of the options is not read. The in-the-money option is turned into its counterpart by
    put-call parity, which holds for prices too, so that intrinsic value takes no digits of the rest. Put in
    again, a volatility gives the price within 1e-13 of spot and strike legs. There is none, with a reason,
    at or below intrinsic value, at or above the upper bound, without time, and where the rounding of the
    price is all that it holds of time value. Raise UnusableOptions for prices out of ``PRICES``.
    """
    prices = np.broadcast_to(checked_prices(np.asarray(price, dtype=np.float64)), (len(options),))
    volatility = np.full(len(options), np.nan)
    reasons = np.zeros(len(options), dtype=np.int8)
    lowest, highest = np.empty(len(options)), np.empty(len(options))
    priced = model.priced(options)
    for rows in chunks(len(options)):
        one = priced.rows(rows)
        legs = one.spot * np.exp(-one.dividend_yield * one.time), one.strike * np.exp(-one.rate * one.time)
        lowest[rows] = np.maximum(np.where(one.is_call, legs[0] - legs[1], legs[1] - legs[0]), 0.0)
        highest[rows] = np.where(one.is_call, *legs)
        reasons[rows] = _reasons(one, prices[rows], lowest[rows], highest[rows], np.minimum(*legs))
        volatility[rows] = _solved(one, prices[rows], lowest[rows], highest[rows], reasons[rows])
    return Implied(volatility=volatility, reasons=reasons, lowest=lowest, highest=highest)


def checked_prices(price: Floats) -> Floats:
    """Return prices () or (n,), NaN unknown; raise UnusableOptions for the first out of ``PRICES``."""
    broken = PRICES.broken(price)
    if broken.any():
        field = f"price.{int(np.argmax(broken))}" if price.ndim else "price"
        errors = [FieldError(field=field, rule=PRICES.rule)]
        raise UnusableOptions("The options have no implied volatility.", errors=errors)
    return price


def _reasons(options: Options, price: Floats, lowest: Floats, highest: Floats, most: Floats) -> Codes:
    """Return why there is no volatility (n,); ``most``: the largest time value there is."""
    extra, lacking = price - lowest, highest - price
    rounding = np.where(lowest > 0.0, ROUNDING * highest, 0.0)
    rules = (
        (Reason.UNKNOWN_INPUT, ~(options.known & np.isfinite(price))),
        (Reason.NO_TIME, options.time == 0.0),
        (Reason.BELOW_INTRINSIC, extra < -rounding),
        (Reason.UNRESOLVED, (extra <= rounding) | (extra <= SMALLEST * most)),
        (Reason.ABOVE_BOUND, lacking <= 0.0),
        (Reason.NEAR_BOUND, lacking <= ROUNDING * highest),
    )
    found: Codes = np.select(
        [where for _, where in rules], [np.int8(one.code) for one, _ in rules], np.int8(0)
    )
    return found


def _solved(options: Options, price: Floats, lowest: Floats, highest: Floats, reasons: Codes) -> Floats:
    found = np.full(len(price), np.nan)
    able = reasons == 0
    if not able.any():
        return found
    if not able.all():
        options, price, lowest, highest = options.rows(able), price[able], lowest[able], highest[able]
    log_ratio = np.log(options.spot / options.strike) + (options.rate - options.dividend_yield) * options.time
    unit = np.sqrt(options.spot * options.strike) * np.exp(
        -0.5 * (options.rate + options.dividend_yield) * options.time
    )
    total = inverse(np.abs(log_ratio), (price - lowest) / unit, (highest - price) / unit)
    found[able] = total / np.sqrt(options.time)
    return found
