"""The time-weighted return: what one unit of money earned, whatever was paid in or out on the way.

Periods between known values are linked: ``product of (value + paid out) / (value before + paid in) - 1``,
payments in at the start of their day and payments out at its end (CFA Institute, "Global Investment
Performance Standards (GIPS) for Firms", 2020: time-weighted returns that adjust for external cash flows; C.
Bacon, "Practical Portfolio Performance Measurement and Attribution", 2nd edition 2008, chapter 2, true
time-weighted return with its start-of-day and end-of-day assumptions). A portfolio that is never worth less
than nothing can not return less than -100 %, and returns more where anything is left or paid out.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.metrics.cash_flows import DAYS_PER_YEAR, CashFlows, Codes
from waardhaven.domain.types import Days, Floats, Ids, Rows


class UnusableValues(Invalid):
    """Values that are not columns of sets in order of time, or that do not belong to the cash flows."""


class NoReturn(StrEnum):
    """Why there is no time-weighted return."""

    UNKNOWN = "a payment or value is unknown"
    TOO_FEW = "there are fewer than two values"
    NOT_VALUED = "the value on the day of a payment is not known"
    BELOW_NOTHING = "the portfolio was worth less than nothing"
    FROM_NOTHING = "a value came from nothing: neither a value before nor a payment in"


NO_RETURN: Final = tuple(NoReturn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What portfolios were worth at the end of days, their payments included.

    ``value`` (n,), NaN unknown; ``day`` (n,) ``datetime64[D]``, increasing within a set; ``offset`` (s + 1,):
    set i has the rows from offset[i] up to offset[i + 1]. The first value of a set is where measuring begins:
    payments of its day are in it and do not count. Raises UnusableValues.
    """

    value: Floats
    day: Days
    offset: Ids

    def __post_init__(self) -> None:
        """Check that the columns fit."""
        offset, n = self.offset, len(self.value)
        fits = len(offset) >= 1 and offset[0] == 0 and offset[-1] == n and not (np.diff(offset) < 0).any()
        rules = {
            "days": (self.day.shape == (n,) and not np.isnat(self.day).any(), "must be known, one a value"),
            "offsets": (fits, f"must not decrease, begin with 0 and end with the number of values, {n}"),
        }
        broken = [FieldError(field=name, rule=rule) for name, (kept, rule) in rules.items() if not kept]
        if not broken and not self._increases():
            broken = [FieldError(field="days", rule="must increase within a set")]
        if broken:
            raise UnusableValues("The values can not be read.", errors=broken)

    def _increases(self) -> bool:
        of = self.set_of
        return bool(((self.day[1:] > self.day[:-1]) | (of[1:] != of[:-1])).all())

    @property
    def set_of(self) -> Rows:
        """The set of each value (n,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offset))

    def __len__(self) -> int:
        """Return the number of sets."""
        return len(self.offset) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWeighted:
    """One return a set, (s,).

    ``total``: fraction over the whole time, NaN without one. ``annual``: the same a year, geometric over
    calendar days / 365; NaN under a year. ``reason`` (s,) int8: why there is none, a position in NO_RETURN;
    -1 with one. ``growth`` (n,): 1 + return of the period that ends at each value, 1 at the first of a set
    and where nothing was invested; NaN where not known.
    """

    total: Floats
    annual: Floats
    reason: Codes
    growth: Floats


def time_weighted_returns(values: Values, flows: CashFlows) -> TimeWeighted:
    """Return the time-weighted return of each set of ``values`` with the payments of the same set.

    Payments are those of the investor, as for the money-weighted return: paid in below zero, paid out above.
    Those up to the day of the first value are in it, those after the last do not count; each between must
    fall on a day with a value. Raises UnusableValues.
    """
    if len(values) != len(flows):
        rule = FieldError(field="offsets", rule=f"must be of as many sets as the values, {len(values)}")
        raise UnusableValues("The values do not belong to the cash flows.", errors=[rule])
    paid_in, paid_out, unvalued = _paid(values, flows)
    first = np.zeros(len(values.value), dtype=np.bool_)
    first[values.offset[:-1][np.diff(values.offset) > 0]] = True
    base = np.where(first, values.value, np.roll(values.value, 1) + paid_in)
    reached = values.value + paid_out
    idle = first | ((base == 0.0) & (reached == 0.0))
    growth = np.divide(reached, base, out=np.full(len(base), np.nan), where=base > 0.0)
    growth[idle] = 1.0
    of, reason = values.set_of, np.full(len(values), -1, dtype=np.int8)
    for why, sets in (
        (NoReturn.FROM_NOTHING, of[(base == 0.0) & ~idle]),
        (NoReturn.BELOW_NOTHING, of[(values.value < 0.0) | (base < 0.0)]),
        (NoReturn.NOT_VALUED, unvalued),
        (NoReturn.UNKNOWN, of[~np.isfinite(reached + base)]),
        (NoReturn.TOO_FEW, np.flatnonzero(np.diff(values.offset) < 2)),
    ):
        reason[sets] = NO_RETURN.index(why)
    total = np.where(reason < 0, _linked(growth, values.offset) - 1.0, np.nan)
    return TimeWeighted(total=total, annual=_annual(values, total), reason=reason, growth=growth)


def _paid(values: Values, flows: CashFlows) -> tuple[Floats, Floats, Rows]:
    """Return what was paid in and out on the day of each value (n,), and sets with payments on other days."""
    row, of = values.day.astype("datetime64[D]").view(np.int64), values.set_of
    day, whose = flows.day.astype("datetime64[D]").view(np.int64), flows.set_of
    filled = np.flatnonzero(np.diff(values.offset))
    begin, end = np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=np.int64)
    begin[filled], end[filled] = row[values.offset[filled]], row[values.offset[filled + 1] - 1]
    counts = (day > begin[whose]) & (day <= end[whose])
    amount, day, whose = flows.amount[counts], day[counts], whose[counts]
    place = np.searchsorted(_keys(of, row), _keys(whose, day))
    found = row[place] == day
    paid_in, paid_out = np.zeros(len(row)), np.zeros(len(row))
    for total, side in ((paid_in, -amount), (paid_out, amount)):
        np.add.at(total, place[found], np.maximum(side, 0.0)[found])
    return paid_in, paid_out, whose[~found]


def _keys(of: Rows, day: Ids) -> Ids:
    """Return numbers that increase by set, then by day; days are some 2^40 at most."""
    keys: Ids = of.astype(np.int64) * (1 << 41) + day + (1 << 40)
    return keys


def _linked(growth: Floats, offset: Ids) -> Floats:
    """Return the product of each set; 1 for an empty one."""
    found, filled = np.ones(len(offset) - 1), np.diff(offset) > 0
    if filled.any():
        found[filled] = np.multiply.reduceat(growth, offset[:-1][filled])
    return found


def _annual(values: Values, total: Floats) -> Floats:
    """Return totals a year, NaN where the time is shorter than one."""
    known = np.flatnonzero(np.isfinite(total))
    time = values.day[values.offset[known + 1] - 1] - values.day[values.offset[known]]
    years = time.astype("timedelta64[D]").astype(np.int64) / DAYS_PER_YEAR
    annual = np.full(len(total), np.nan)
    grown = (1.0 + total[known]) ** (1.0 / years)
    annual[known] = np.where(years >= 1.0, grown - 1.0, np.nan)
    return annual
