"""Bars of longer periods, made of daily ones."""

import numpy as np

from waardhaven.domain.market.calendar import Frequency, period
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.types import Flags


def resampled(bars: PriceColumns, frequency: Frequency) -> PriceColumns:
    """Return one bar for each series and period with bars; rows are ordered by series, then day.

    ``day`` is the last one with a bar, ``close`` its close, ``open`` the open of the first. High, low and
    volume are over all bars of the period; where one of these is unknown the extreme of the others would be
    a guess, so it is unknown too. A period that is not over is made of what there is.
    """
    if frequency is Frequency.DAILY or not len(bars):
        return bars
    number = period(bars.day, frequency)
    new: Flags = np.r_[True, (np.diff(number) != 0) | (np.diff(bars.series) != 0)]
    first = np.flatnonzero(new)
    last = np.r_[first[1:], len(bars)] - 1
    return PriceColumns(
        series=bars.series[last],
        day=bars.day[last],
        open=bars.open[first],
        high=np.maximum.reduceat(bars.high, first),
        low=np.minimum.reduceat(bars.low, first),
        close=bars.close[last],
        volume=np.add.reduceat(bars.volume, first),
    )
