"""Windows of levels and what is measured in them."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from waardhaven.application.answers import check_range, clip
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.index.definition import Variant
from waardhaven.domain.index.trials import Trials
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.market.currency import CARRIED_DAYS
from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.comparison import Levels, period_ends
from waardhaven.domain.metrics.measuring import Measures, measure
from waardhaven.domain.metrics.periods import PERIODS_PER_YEAR, periods_per_year
from waardhaven.domain.metrics.sample import Sample, from_levels, per_period
from waardhaven.domain.metrics.uncertainty import Resampling, Uncertainty, uncertainty, with_trials
from waardhaven.domain.types import Days, Floats


class InvalidWindow(Invalid):
    """A window in which an index has nothing to measure, or that is told twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskOrder:
    """What to measure of the index ``slug``.

    ``start`` and ``end`` None: all official days; ``sessions``: the returns of the last so many of them up to
    ``end``, in place of ``start``. ``benchmark``, ``currency`` and ``variant`` None: those of the definition.
    ``risk_free_rate``: annual. ``confidence``: of VaR and expected shortfall. ``interval``: how to resample
    for intervals, drawn from ``seed``; None: without.
    """

    slug: str
    start: date | None = None
    end: date | None = None
    sessions: int | None = None
    frequency: Frequency = Frequency.DAILY
    benchmark: str | None = None
    currency: str | None = None
    variant: Variant | None = None
    risk_free_rate: float = 0.0
    confidence: float = 0.95
    as_of: datetime | None = None
    interval: Resampling | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Levels on the days of a window; ``benchmark`` None: there is none."""

    days: Days
    index: Levels
    benchmark: Levels | None
    trials: Trials
    order: RiskOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The sample that was measured, its metrics, and their intervals where they were asked for."""

    days: Days
    base: np.datetime64
    periods_per_year: float
    measures: Measures
    drawn: Uncertainty | None


def window_days(levels: Levels, order: RiskOrder) -> Days:
    """Return the official days from the first to the last known level of the window; raise InvalidWindow."""
    check_range(order.start, order.end)
    if order.sessions is not None and order.start is not None:
        raise _invalid("sessions", "must be left out where start is given")
    known = levels.known().day
    inside = levels.day[clip(levels.day, order.start, order.end)]
    if order.sessions is not None:
        inside = inside[-order.sessions - 1 :]
    measurable = np.flatnonzero(np.isin(inside, known))
    if len(measurable) < 2:
        there = f"known levels reach from {known[0]} to {known[-1]}" if len(known) else "no level is known"
        field = "end" if order.start is None and order.end is not None else "start"
        raise _invalid(field, f"must leave at least two levels; {there}")
    return inside[measurable[0] : measurable[-1] + 1]


def _invalid(field: str, rule: str) -> InvalidWindow:
    return InvalidWindow(
        "There is nothing to measure in this window.", errors=[FieldError(field=field, rule=rule)]
    )


def measured(window: Window) -> Found:
    """Measure a window; the same window and seed have the same intervals."""
    order, metrics = window.order, tuple(METRICS.values())
    days = _ends(window)
    sample = _sample(window, days)
    drawn = None
    if order.interval is not None:
        drawn = uncertainty(sample, metrics, np.random.default_rng(order.seed), order.interval)
    return Found(
        days=days[1:],
        base=days[0],
        periods_per_year=sample.periods_per_year,
        measures=measure(sample, metrics),
        drawn=drawn,
    )


def _ends(window: Window) -> Days:
    """Return the base and the last day of every period."""
    frequency = window.order.frequency
    return window.days if frequency is Frequency.DAILY else period_ends(window.days, frequency)


def _sample(window: Window, days: Days) -> Sample:
    order, daily = window.order, window.order.frequency is Frequency.DAILY
    sessions = periods_per_year(window.days)
    year = sessions if daily else PERIODS_PER_YEAR[order.frequency]
    carried, other = 0 if daily else CARRIED_DAYS, window.benchmark
    sample = Sample(
        returns=_returns(window.index, days, carried),
        benchmark=None if other is None else _returns(other, days, carried),
        periods_per_year=year,
        risk_free=np.full((1, 1), per_period(order.risk_free_rate, year)),
        days=days[1:],
        base=days[0],
        confidence=order.confidence,
    )
    tried = window.trials
    return with_trials(sample, tried.per_period(sessions / year), count=max(tried.count, 1))


def _returns(levels: Levels, days: Days, carried: int) -> Floats:
    return from_levels(levels.at(days, max_days=carried)[:, None])
