"""What a caller may ask about the risk of series it sends, and the sample that makes of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.metric import Metric
from waardhaven.domain.metrics.periods import ALL_DAYS, PERIODS_PER_YEAR, TRADING_DAYS, periods_per_year
from waardhaven.domain.metrics.sample import Sample, from_levels, look_like_per_cent, per_period
from waardhaven.domain.metrics.uncertainty import Resampling
from waardhaven.domain.types import Days, Floats

MOST_SERIES: Final = 500
MOST_VALUES: Final = 3_000_000
MOST_DRAWN: Final = 20
"""Series whose intervals one call may ask for: each is measured on every draw."""
MOST_REDRAWN: Final = 100_000_000
"""Values of all draws of all series of one call."""
LARGEST: Final = 1e15
LONGEST_NAME: Final = 200
LEAST_DRAWS: Final = 100


class UnusableQuestion(Invalid):
    """What was sent can not be measured; every broken rule is named."""


class Kind(StrEnum):
    """What the values are; stated by the caller, never guessed."""

    RETURNS = "returns"
    LEVELS = "levels"


class Calendar(StrEnum):
    """How often there is a value, for those who do not send dates."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"
    CONTINUOUS = "continuous"
    """Every day of the year, as in markets that never close."""


YEAR: Final = {str(one): count for one, count in PERIODS_PER_YEAR.items()} | {
    "daily": TRADING_DAYS,
    "continuous": ALL_DAYS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskQuestion:
    """Series and how to measure them.

    ``values`` (day, series) of ``kind``, NaN unknown; ``benchmark`` (day,) of the same kind. ``dates`` (day,)
    increase. ``risk_free_rate`` is annual, ``risk_free_series`` (day,) per period; at most one of them. How
    many periods a year has is stated, or told by ``calendar``, or by the distance of the dates. ``metrics``
    empty: all. ``target`` and ``threshold`` are per period. ``interval`` None: no intervals.
    """

    names: tuple[str, ...]
    values: Floats
    kind: Kind
    dates: Days | None = None
    benchmark: Floats | None = None
    risk_free_rate: float | None = None
    risk_free_series: Floats | None = None
    periods_per_year: float | None = None
    calendar: Calendar | None = None
    metrics: tuple[str, ...] = ()
    confidence: float = 0.95
    target: float = 0.0
    threshold: float = 0.0
    kappa_order: float = 3.0
    trials: int | None = None
    trial_variance: float | None = None
    annualise_short: bool = False
    interval: Resampling | None = None
    seed: int = 0

    @property
    def chosen(self) -> tuple[Metric, ...]:
        """The metrics asked for."""
        return tuple(METRICS[name] for name in self.metrics or METRICS)

    def checked(self) -> "RiskQuestion":
        """Return self, or raise UnusableQuestion naming every broken rule."""
        errors = [FieldError(field=field, rule=rule) for field, rule in self._broken()]
        if errors:
            raise UnusableQuestion("The series can not be measured.", errors=errors)
        return self

    def _broken(self) -> Iterator[tuple[str, str]]:
        rules = (*self._sizes(), *self._settings(), *self._columns())
        yield from ((field, rule) for field, rule, broken in rules if broken)

    def _sizes(self) -> Iterator[tuple[str, str, bool]]:
        (rows, series), kind = self.values.shape, str(self.kind)
        levels = self.kind is Kind.LEVELS
        yield kind, f"must be 1 to {MOST_SERIES} series, not {series}", not 1 <= series <= MOST_SERIES
        too_many = self.values.size > MOST_VALUES
        yield kind, f"must be at most {MOST_VALUES} values, not {self.values.size}", too_many
        yield kind, "must have a name of its own for each series", len(set(self.names)) < series
        long = max(map(len, self.names), default=0)
        yield kind, f"must have names of at most {LONGEST_NAME} characters, not {long}", long > LONGEST_NAME
        yield kind, f"must be from -{LARGEST:g} to {LARGEST:g}", _is_beyond(self.values)
        yield kind, "must not be empty", not rows
        yield kind, "must be at least two: a return lies between two levels", levels and rows == 1
        yield kind, "must not be below 0", levels and bool((self.values < 0.0).any())

    def _settings(self) -> Iterator[tuple[str, str, bool]]:
        series, unknown = self.values.shape[1], sorted(set(self.metrics) - set(METRICS))
        named = f"must be names of the catalogue, not {', '.join(unknown[:10])}"
        yield "metrics", named, bool(unknown)
        drawn = f"must be asked for at most {MOST_DRAWN} series at once, not {series}"
        yield "interval", drawn, self.interval is not None and series > MOST_DRAWN
        yield "interval.draws", *self._redrawn()
        both = self.risk_free_rate is not None and self.risk_free_series is not None
        yield "risk_free_series", "must be left out where risk_free_rate is given", both
        untold = self.dates is None and self.calendar is None and self.periods_per_year is None
        yield "periods_per_year", "must be given, or calendar, or dates that tell it", untold

    def _redrawn(self) -> tuple[str, bool]:
        """Return how many draws there may be, and whether there are more."""
        size, draws = self.values.size, 0 if self.interval is None else self.interval.draws
        most = MOST_REDRAWN // max(1, size)
        if most < LEAST_DRAWS:
            return f"must be of at most {MOST_REDRAWN // LEAST_DRAWS} values, not {size}", draws > 0
        return f"must be at most {most} for {size} values, not {draws}", draws > most

    def _columns(self) -> Iterator[tuple[str, str, bool]]:
        rows, dates = len(self.values), self.dates
        beside = {"dates": dates, "benchmark": self.benchmark, "risk_free_series": self.risk_free_series}
        for field, column in beside.items():
            count = rows if column is None else len(column)
            yield field, f"must have one value for each of the {rows} rows, not {count}", count != rows
        falls = dates is not None and not (dates[1:] > dates[:-1]).all()
        yield "dates", "must increase", falls


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The sample of a question; ``told_by`` says where the number of periods a year comes from."""

    sample: Sample
    told_by: str
    warnings: tuple[str, ...]


def sample_of(question: RiskQuestion) -> Asked:
    """Return the returns of the series with what stands beside them; raise UnusableSample.

    Levels lose their first row, which is the base. Dated returns begin the day before the first of them.
    """
    levels = question.kind is Kind.LEVELS
    year, told_by = _year(question)
    values = from_levels(question.values) if levels else question.values
    days = None if question.dates is None else question.dates[int(levels) :]
    sample = Sample(
        returns=values,
        periods_per_year=year,
        benchmark=_benchmark(question, levels=levels),
        risk_free=_risk_free(question, year, levels=levels),
        days=days,
        base=None if question.dates is None else question.dates[0] - (0 if levels else 1),
        target=question.target,
        threshold=question.threshold,
        confidence=question.confidence,
        kappa_order=question.kappa_order,
        trials=question.trials,
        trial_variance=question.trial_variance,
        annualise_short=question.annualise_short,
    )
    return Asked(sample=sample, told_by=told_by, warnings=_warnings(question, values))


def _is_beyond(values: Floats) -> bool:
    return bool((values > LARGEST).any() or (values < -LARGEST).any())


def _year(question: RiskQuestion) -> tuple[float, str]:
    if question.periods_per_year is not None:
        return question.periods_per_year, "stated"
    if question.calendar is not None:
        return YEAR[question.calendar], "calendar"
    return periods_per_year(question.dates if question.dates is not None else np.empty(0, "M8[D]")), "dates"


def _benchmark(question: RiskQuestion, *, levels: bool) -> Floats | None:
    if question.benchmark is None:
        return None
    column = question.benchmark[:, None]
    return from_levels(column) if levels else column


def _risk_free(question: RiskQuestion, year: float, *, levels: bool) -> Floats:
    if question.risk_free_series is not None:
        return question.risk_free_series[int(levels) :, None]
    return np.full((1, 1), per_period(question.risk_free_rate or 0.0, year))


def _warnings(question: RiskQuestion, returns: Floats) -> tuple[str, ...]:
    suspects = [name for name, one in zip(question.names, look_like_per_cent(returns), strict=True) if one]
    if not suspects:
        return ()
    listed = ", ".join(suspects[:10])
    return (f"Half of the moves of {listed} are above 20 %: returns are fractions, 0.01 is one per cent.",)
