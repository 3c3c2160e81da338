"""What became of money put into an index: units bought at closes, less fees, in closed form.

A unit is one index, at the level times the rate of exchange of the day. A payment of F buys F x (1 - entry
fee) / price units at the close of its day. The management fee takes units away evenly over calendar days:
of one unit (1 - fee)^(days / 365) is left after so many days. So the units on a day are the cumulative sum
of units bought, each divided by what was left of the first unit then, times what is left of it now.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.market.calendar import Frequency, period
from waardhaven.domain.metrics.cash_flows import DAYS_PER_YEAR, MoneyWeighted, money_weighted_return
from waardhaven.domain.trading.money import LARGEST_AMOUNT
from waardhaven.domain.types import Days, Floats, Rows, as_date

BOUNDS: Final = {
    "amount": (0.01, float(LARGEST_AMOUNT)),
    "contribution": (0.0, float(LARGEST_AMOUNT)),
    "management_fee": (0.0, 0.5),
    "entry_fee": (0.0, 0.5),
}
"""Lowest and highest value of each number of a plan."""


class InvalidPlan(Invalid):
    """A plan of payments and fees outside its bounds."""


class UnpricedPurchase(Invalid):
    """A payment on a day on which the price is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvestmentPlan:
    """Payments and fees.

    ``amount`` is paid at the first session; ``contribution`` at the first session of every later period of
    ``frequency`` (None: never). ``management_fee``: fraction a year, accrued over calendar days / 365.
    ``entry_fee``: fraction of each payment. Raises InvalidPlan for a number outside of BOUNDS.
    """

    amount: float
    contribution: float = 0.0
    frequency: Frequency | None = None
    management_fee: float = 0.0
    entry_fee: float = 0.0

    def __post_init__(self) -> None:
        """Check every bound; NaN is outside of all."""
        broken = [
            FieldError(field=name, rule=f"must be from {low:.15g} to {high:.15g}; the nearest is {near:.15g}")
            for name, (low, high) in BOUNDS.items()
            if not low <= (value := getattr(self, name)) <= high
            for near in [high if value > high else low]
        ]
        if broken:
            raise InvalidPlan("The plan can not be carried out.", errors=broken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Investment:
    """Money over time, valued in float64: ``value``, ``invested`` (cumulative) and ``units``, each (n,).

    ``value`` is NaN where the price is not known. ``paid``: positions of the days with a payment, ``payment``
    what was paid. ``entry_fees``, ``management_fees``: money taken; the latter as it accrued, valued at the
    closes that are known. ``time_weighted``: return of the period, fraction, after fees; NaN when the last
    value is not known.
    """

    day: Days
    value: Floats
    invested: Floats
    units: Floats
    paid: Rows
    payment: Floats
    entry_fees: float
    management_fees: float
    time_weighted: float

    @property
    def money_weighted(self) -> MoneyWeighted:
        """The annual rate at which the payments grew to the last value."""
        days = np.append(self.day[self.paid], self.day[-1])
        return money_weighted_return(days, np.append(-self.payment, self.value[-1]))


def invest(day: Days, price: Floats, plan: InvestmentPlan) -> Investment:
    """Return what becomes of ``plan`` at the closes ``price`` (n,) of the sessions ``day`` (n,), n >= 1.

    ``price``: money for one index, above zero, NaN unknown. Payments happen at the close of their day, so
    the first value is the first payment less its fee. The time-weighted return links the periods between
    payments; a payment counts in full while its entry fee is lost at once. Without contributions it is the
    value over the amount, less 1. Raises UnpricedPurchase.
    """
    paid = payment_rows(day, plan)
    if np.isnan(price[paid]).any():
        raise _unpriced(day, price, paid)
    payment = np.where(np.arange(len(paid)) == 0, plan.amount, plan.contribution)
    net = payment * (1.0 - plan.entry_fee)
    years = (day - day[0]).astype(np.float64) / DAYS_PER_YEAR
    left = (1.0 - plan.management_fee) ** years
    bought = np.zeros(len(day))
    bought[paid] = net / (price[paid] * left[paid])
    units = np.add.accumulate(bought) * left
    value = units * price
    flow = np.zeros(len(day))
    flow[paid] = payment
    return Investment(
        day=day,
        value=value,
        invested=np.add.accumulate(flow),
        units=units,
        paid=paid,
        payment=payment,
        entry_fees=float((payment * plan.entry_fee).sum()),
        management_fees=_accrued(units, left, price),
        time_weighted=_time_weighted(price * left, value[paid], payment, net),
    )


def payment_rows(day: Days, plan: InvestmentPlan) -> Rows:
    """Return the positions of the days (n,) on which something is paid, the first one always."""
    if plan.frequency is None or plan.contribution == 0.0:
        return np.zeros(1, dtype=np.intp)
    periods = period(day, plan.frequency)
    return np.flatnonzero(np.diff(periods, prepend=periods[0] - 1))


def _accrued(units: Floats, left: Floats, price: Floats) -> float:
    """Return the units that the fee took between closes that are known, times the later close, in sum."""
    known = ~np.isnan(price)
    held, share = units[known][:-1], left[known]
    taken = held * (1.0 - share[1:] / share[:-1]) * price[known][1:]
    return float(taken.sum())


def _time_weighted(growth: Floats, after: Floats, payment: Floats, net: Floats) -> float:
    """Link the growth of one unit with what each payment lost on the way in.

    ``after``: values right after the payments, so ``after`` - ``net`` is what there was before.
    """
    kept = after / (after - net + payment)
    return float(growth[-1] / growth[0] * np.multiply.reduce(kept) - 1.0)


def _unpriced(day: Days, price: Floats, paid: Rows) -> UnpricedPurchase:
    missing = int(paid[np.isnan(price[paid])][0])
    later = np.flatnonzero(~np.isnan(price[missing:]))
    field = "start_date" if missing == 0 else "contribution_frequency"
    nearest = f"; the nearest day with one is {as_date(day[missing + later[0]])}" if len(later) else ""
    return UnpricedPurchase(
        f"There is no price on {as_date(day[missing])}, on which something would be paid.",
        errors=[FieldError(field=field, rule=f"must pay on days with a known rate of exchange{nearest}")],
    )
