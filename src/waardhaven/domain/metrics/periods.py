"""Returns of longer periods by calendar, and how many periods make a year."""

from dataclasses import dataclass, replace

import numpy as np

from waardhaven.domain.errors import FieldError
from waardhaven.domain.market.calendar import Frequency, period
from waardhaven.domain.metrics.sample import Sample, UnusableSample
from waardhaven.domain.types import Days, Floats, Ids

PERIODS_PER_YEAR = {
    Frequency.WEEKLY: 52.0,
    Frequency.MONTHLY: 12.0,
    Frequency.QUARTERLY: 4.0,
    Frequency.YEARLY: 1.0,
}
TRADING_DAYS, ALL_DAYS = 252.0, 365.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodReturns:
    """Compounded returns (period, series); a period at either end is made of what there is."""

    days: Days
    """(period,) the last day with a row in each period."""
    returns: Floats
    """NaN where no day of the period is known."""
    known: Ids
    """(period, series) days that are known."""
    rows: Ids
    """(period,) days that there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthTable:
    """Returns by calendar year and month; NaN where nothing is known."""

    years: Ids
    """(year,)"""
    months: Floats
    """(year, 12, series)"""
    whole: Floats
    """(year, series), the months of a year compounded."""


def compounded_by(days: Days, returns: Floats, frequency: Frequency) -> PeriodReturns:
    """Return ``returns`` (day, series) compounded over calendar periods; holes are skipped and counted.

    Unknown where a return is below -100 %, after which nothing compounds.
    """
    number = period(days.astype("datetime64[D]"), frequency)
    first = np.flatnonzero(np.diff(number, prepend=number[:1] - 1))
    if not len(first):
        nothing = np.zeros((0, returns.shape[1]), dtype=np.int64)
        return PeriodReturns(days=days, returns=returns, known=nothing, rows=nothing[:, 0])
    known = np.isfinite(returns)
    steps = np.where(known, 1.0 + returns, 1.0)
    count = np.add.reduceat(known, first, axis=0, dtype=np.int64)
    grown = np.multiply.reduceat(steps, first, axis=0) - 1.0
    ruined = np.minimum.reduceat(steps, first, axis=0) < 0.0
    last = np.r_[first[1:], len(days)] - 1
    return PeriodReturns(
        days=days[last],
        returns=np.where((count > 0) & ~ruined, grown, np.nan),
        known=count,
        rows=np.diff(np.r_[first, len(days)]),
    )


def resampled(sample: Sample, frequency: Frequency) -> Sample:
    """Return a sample of longer periods, with benchmark and risk-free rate compounded the same way.

    ``target``, ``threshold`` and ``hurdle`` of the result are those given, now meant per longer period. A
    daily frequency is the sample itself. Raise UnusableSample for a sample without days.
    """
    if frequency is Frequency.DAILY:
        return sample
    days = sample.days
    if days is None:
        rule = FieldError(field="days", rule="must be given")
        raise UnusableSample("Returns without days have no calendar periods.", errors=[rule])
    own = compounded_by(days, sample.returns, frequency)
    theirs = sample.benchmark
    return replace(
        sample,
        returns=own.returns,
        benchmark=None if theirs is None else compounded_by(days, theirs, frequency).returns,
        risk_free=compounded_by(days, sample.risk_free, frequency).returns,
        days=own.days,
        periods_per_year=PERIODS_PER_YEAR[frequency],
    )


def month_table(days: Days, returns: Floats) -> MonthTable:
    """Return the returns (day, series) of every calendar month and year."""
    by_month = compounded_by(days, returns, Frequency.MONTHLY)
    by_year = compounded_by(days, returns, Frequency.YEARLY)
    month = by_month.days.astype("datetime64[M]").astype(np.int64)
    years = by_year.days.astype("datetime64[Y]").astype(np.int64) + 1970
    months = np.full((len(years), 12, returns.shape[1]), np.nan)
    months[np.searchsorted(years, month // 12 + 1970), month % 12] = by_month.returns
    return MonthTable(years=years, months=months, whole=by_year.returns)


def periods_per_year(days: Days) -> float:
    """Return how many periods a year has whose last days are ``days`` (day,), from their usual distance.

    1, 4, 12 or 52 by the median distance; 365 where more than a tenth of daily ones lie on a weekend, as in
    markets that never close, else 252. Raise UnusableSample for fewer than two days.
    """
    if len(days) < 2:
        rule = FieldError(field="days", rule="must be at least two")
        raise UnusableSample("One day tells no distance between days.", errors=[rule])
    axis = days.astype("datetime64[D]").astype(np.int64)
    usual = float(np.median(np.diff(axis)))
    for distance, count in ((300.0, 1.0), (80.0, 4.0), (27.0, 12.0), (5.0, 52.0)):
        if usual >= distance:
            return count
    weekend = np.mean((axis + 3) % 7 >= 5)  # 1970-01-01 was a Thursday
    return ALL_DAYS if weekend > 0.1 else TRADING_DAYS
