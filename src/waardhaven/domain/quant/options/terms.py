"""What the formulas of a few options share, each computed once and only when asked for.

Notation of Haug (2007), chapter 1: with v = volatility sqrt(time) and b = rate - yield,
d1 = (ln(spot / strike) + b time) / v + v / 2 and d2 = d1 - v; phi is 1 for calls and -1 for puts.
"""

from functools import cached_property
from typing import Final

import numpy as np

from waardhaven.domain.quant.options.contracts import Options
from waardhaven.domain.types import Flags, Floats

FAR: Final = 40.0
"""A number of deviations at which the normal density and one of its tails are 0 in double precision."""
DENSITY: Final = 1.0 / np.sqrt(2.0 * np.pi)


class Terms:
    """Shared terms of options (n,), with limits where there is no time or no volatility.

    There d1 and d2 are beyond every number, with the sign of forward less strike, and divisors are 1: the
    density is then 0, so that each formula is its own limit. Forward equal to strike counts as above it.
    """

    def __init__(self, options: Options) -> None:
        self.spot, self.strike, self.cash = options.spot, options.strike, options.cash
        self.rate, self.dividend_yield = options.rate, options.dividend_yield
        deviation = options.volatility * np.sqrt(options.time)
        self.still: Flags | None = deviation == 0.0
        self.deviation, self.volatility, self.time = deviation, options.volatility, options.time
        self.maturity = options.time
        """Years to expiry as they are; ``time`` is 1 where they are 0."""
        if self.still.any():
            self.deviation = np.where(self.still, 1.0, deviation)
            self.volatility = np.where(self.still, 1.0, options.volatility)
            self.time = np.where(self.still, 1.0, options.time)
        else:
            self.still = None
        self.sign = np.where(options.is_call, 1.0, -1.0)

    @cached_property
    def carry(self) -> Floats:
        """Cost of carry b."""
        return self.rate - self.dividend_yield

    @cached_property
    def moneyness(self) -> Floats:
        """ln(forward / strike)."""
        found: Floats = np.log(self.spot / self.strike)
        found += self.carry * self.maturity
        return found

    @cached_property
    def d1(self) -> Floats:
        """Deviations by which the forward is above the strike, half of the variance added."""
        found: Floats = self.moneyness / self.deviation
        found += 0.5 * self.deviation
        return found if self.still is None else np.where(self.still, self._far, found)

    @cached_property
    def d2(self) -> Floats:
        """The same with half of the variance taken off."""
        found: Floats = self.d1 - self.deviation
        return found if self.still is None else np.where(self.still, self._far, found)

    @property
    def _far(self) -> Floats:
        return np.where(self.moneyness >= 0.0, FAR, -FAR)

    @cached_property
    def discount(self) -> Floats:
        """Value today of one unit of money at expiry."""
        found: Floats = np.exp(-self.rate * self.maturity)
        return found

    @cached_property
    def carried(self) -> Floats:
        """Units of the underlying that grow to one at expiry by their yield."""
        found: Floats = np.exp(-self.dividend_yield * self.maturity)
        return found

    @cached_property
    def spot_leg(self) -> Floats:
        """Value today of the underlying at expiry."""
        return self.spot * self.carried

    @cached_property
    def strike_leg(self) -> Floats:
        """Value today of the strike at expiry."""
        return self.strike * self.discount

    @cached_property
    def above(self) -> Floats:
        """N(phi d1): delta of a call on a forward, or its complement for a put."""
        from scipy.special import ndtr

        found: Floats = ndtr(self.sign * self.d1)
        return found

    @cached_property
    def exercised(self) -> Floats:
        """N(phi d2): probability of exercise."""
        from scipy.special import ndtr

        found: Floats = ndtr(self.sign * self.d2)
        return found

    @cached_property
    def peak(self) -> Floats:
        """Carried density e^(-q T) n(d1); times spot it is e^(-r T) n(d2) times strike."""
        found: Floats = np.exp(-0.5 * self.d1 * self.d1)
        found *= DENSITY
        found *= self.carried
        return found

    @cached_property
    def cash_peak(self) -> Floats:
        """Discounted density e^(-r T) n(d2)."""
        found: Floats = np.exp(-0.5 * self.d2 * self.d2)
        found *= DENSITY
        found *= self.discount
        return found

    @cached_property
    def root(self) -> Floats:
        """Square root of the years to expiry."""
        found: Floats = np.sqrt(self.time)
        return found

    @cached_property
    def drift1(self) -> Floats:
        """d(d1) / d(time) = b / v - d2 / (2 time)."""
        return self.carry / self.deviation - self.d2 / (2.0 * self.time)

    @cached_property
    def drift2(self) -> Floats:
        """d(d2) / d(time) = b / v - d1 / (2 time)."""
        return self.carry / self.deviation - self.d1 / (2.0 * self.time)

    @property
    def kink(self) -> Flags | None:
        """Where neither side of the strike is taken; None: nowhere."""
        return None if self.still is None else self.still & (self.moneyness == 0.0)
