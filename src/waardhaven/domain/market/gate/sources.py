"""What two statements of the same thing say: two sources, two adjustments, and rates that end."""

import numpy as np

from waardhaven.domain.market.calendar import as_of
from waardhaven.domain.market.currency import RateColumns, major
from waardhaven.domain.market.gate.columns import FindingColumns, first_rows
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.market.quality import FindingKind
from waardhaven.domain.types import Days, Floats, Ids

DISAGREEMENT = 0.005
TICK = 0.01
RETURN_DIFFERENCE = 0.001
MOST_DAYS = 5
ROUNDING = 1e-9
"""Relative: a difference of one tick may come out as a little more."""


def cross_sources(
    bars: PriceColumns, same: Ids, *, tolerance: float = DISAGREEMENT, tick: float = TICK
) -> FindingColumns:
    """Find closes that differ from those of another series of the same thing on that day.

    ``same`` (n,): equal for bars of series that should agree (one asset, adjustment and quote unit). Each is
    compared with the lowest series that has a bar on the day, and found on itself when it is off by more
    than ``tolerance`` of that close and by more than ``tick``.
    """
    first_rows(bars)
    order = np.lexsort((bars.series, bars.day, same))
    group, day = same[order], bars.day[order]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (np.diff(group) != 0) | (np.diff(day).astype(np.int64) != 0)
    lead = np.empty(len(order), dtype=np.intp)
    lead[order] = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
    theirs = bars.close[lead]
    off = np.abs(bars.close - theirs)

    def said(at: int) -> str:
        return f"close {bars.close[at]:.10g}, series {bars.series[lead[at]]} says {theirs[at]:.10g}"

    rows = np.flatnonzero((off > tolerance * theirs) & (off > tick + ROUNDING * theirs))
    return FindingColumns.at(FindingKind.CROSS_SOURCE, bars.series, bars.day, rows, said)


def adjustments(
    series: Ids, day: Days, ours: Floats, theirs: Floats, *, tolerance: float = RETURN_DIFFERENCE
) -> FindingColumns:
    """Find days on which the returns we adjusted (n,) and those of a provider's series (n,) differ.

    Simple returns as fractions on the same rows; NaN on either side is no judgement.
    """
    rows = np.flatnonzero(np.abs(ours - theirs) > tolerance)
    return FindingColumns.at(
        FindingKind.ADJUSTMENT,
        series,
        day,
        rows,
        lambda row: f"return {ours[row]:.5f} as we adjust it, {theirs[row]:.5f} as the provider does",
    )


def fx_holes(
    rates: RateColumns, unit: str, at: Days, *, series: int, most_days: int = MOST_DAYS
) -> FindingColumns:
    """Find where ``unit`` has had no rate for more than ``most_days`` days, on the increasing days ``at``.

    Found once a hole, on the first of ``at`` in it, and on the first of all when no rate is known by then.
    ``series`` is the one whose prices need the rate. The base of the rates never lacks one.
    """
    currency = major(unit)[0]
    known = rates.day[rates.code == rates.quote.index(currency)] if currency in rates.quote else rates.day[:0]
    row = as_of(known, at)
    last = np.append(known, np.datetime64("NaT"))[row]
    late = np.isnat(last) | (at - last > np.timedelta64(most_days, "D"))
    if currency == rates.base:
        late[:] = False
    begins = late & np.concatenate([[True], ~late[:-1] | (row[1:] != row[:-1])])[: len(at)]

    def said(place: int) -> str:
        return f"no rate of {currency} {'yet' if np.isnat(last[place]) else f'since {last[place]}'}"

    rows = np.flatnonzero(begins)
    ids = np.full(len(at), series, dtype=np.int64)
    return FindingColumns.at(FindingKind.FX_HOLE, ids, at, rows, said)
