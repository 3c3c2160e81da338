"""Money paid into a portfolio and taken out, and the rate of return of it all."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from waardhaven.domain.quant.monte_carlo.refusals import AMOUNT, Rules, within
from waardhaven.domain.types import Floats

LOG_RATES: Final = 4.0
"""Annual rates are looked for from exp(-4) - 1 (-98 %) to exp(4) - 1 (5,360 %)."""
GRID: Final = 321
HALVINGS: Final = 60
CELLS: Final = 1 << 20
"""Present worths of a search that are in memory at once."""


class Timing(StrEnum):
    """When in its period a payment is made."""

    BEGIN = "begin"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Payments of ``amount`` (above 0 paid in, below 0 taken out) in periods first, first + every, … last.

    Periods count from 1; ``last`` left out is the last of all. Payments grow by ``growth`` a year from the
    first one on, compounded by the period. They buy and sell all assets in the proportions that are held.
    """

    amount: float
    every: int = 1
    first: int = 1
    last: int | None = None
    growth: float = 0.0
    timing: Timing = Timing.END

    def rules(self, field: str, steps: int) -> Rules:
        """Return the rules of its fields for a portfolio of ``steps`` periods."""
        last = steps if self.last is None else self.last
        return {
            f"{field}.amount": (within(self.amount, -AMOUNT, AMOUNT), f"must be within ±{AMOUNT:g}"),
            f"{field}.every": (self.every >= 1, "must be at least 1 period"),
            f"{field}.first": (1 <= self.first <= last, f"must be from 1 to {last}"),
            f"{field}.last": (last <= steps, f"must be at most {steps}, the last period"),
            f"{field}.growth": (within(self.growth, -0.99, 1.0), "must be from -0.99 to 1 a year"),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Payments by period (steps,): at its beginning and at its end; paid in above 0."""

    begin: Floats
    end: Floats

    @classmethod
    def of(cls, flows: Sequence[Flow], steps: int, periods_per_year: float) -> "Schedule":
        """Return the sum of all payments of each period; not finite where they grow beyond all numbers."""
        columns = {timing: np.zeros(steps) for timing in Timing}
        for one in flows:
            last = steps if one.last is None else one.last
            rows = np.arange(one.first, last + 1, one.every)
            with np.errstate(over="ignore", invalid="ignore"):
                grown = (1.0 + one.growth) ** ((rows - one.first) / periods_per_year)
                columns[one.timing][rows - 1] += one.amount * grown if one.amount else 0.0
        return cls(begin=columns[Timing.BEGIN], end=columns[Timing.END])

    @property
    def timed(self) -> Floats:
        """Payments at the times 0 to ``steps`` (steps + 1,)."""
        both: Floats = np.append(self.begin, 0.0) + np.append(0.0, self.end)
        return both

    def paid_in(self, capital: float) -> float:
        """Return capital and all payments in, without what is taken out."""
        return float(capital + np.maximum(self.begin, 0.0).sum() + np.maximum(self.end, 0.0).sum())


def internal_rate(capital: float, schedule: Schedule, worth: float, periods_per_year: float) -> float | None:
    """Return the annual rate at which all payments and the worth at the end are worth nothing today.

    None where no rate from -98 % to 5,360 % does. Where several do, the one nearest 0.
    """
    flow = -schedule.timed
    flow[0] -= capital
    flow[-1] += worth
    at = np.flatnonzero(flow)
    years, flow = at / periods_per_year, flow[at]
    rates = np.linspace(-LOG_RATES, LOG_RATES, GRID)
    width = max(CELLS // max(len(at), 1), 1)
    parts = [rates[first : first + width] for first in range(0, GRID, width)]
    values = np.concatenate([_worths(one, years, flow) for one in parts])
    crossed = np.flatnonzero((values[:-1] > 0.0) != (values[1:] > 0.0))
    if not len(crossed):
        return None
    row = crossed[int(np.argmin(np.abs(rates[crossed] + rates[crossed + 1])))]
    low, high, is_above = float(rates[row]), float(rates[row + 1]), bool(values[row] > 0.0)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        same = bool(_worths(np.array([middle]), years, flow)[0] > 0.0) == is_above
        low, high = (middle, high) if same else (low, middle)
    return float(np.expm1(0.5 * (low + high)))


def _worths(rates: Floats, years: Floats, flow: Floats) -> Floats:
    """Return what payments (n,) are worth at log rates (m,): today, or at the end where a rate is below 0.

    Either has the same sign, and neither has a number that is too large.
    """
    seen_from_end = np.minimum(rates, 0.0)[:, None] * years[-1]
    worths: Floats = (np.exp(seen_from_end - np.outer(rates, years)) * flow).sum(axis=1)
    return worths
