"""What metrics are computed from: returns and what belongs beside them, aligned by day."""

from dataclasses import dataclass, field, replace

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.types import Days, Flags, Floats


class UnusableSample(Invalid):
    """Returns and what stands beside them do not fit together, or hold what no return can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Simple returns of one or many series with what some metrics need on top.

    Returns are fractions per period (0.01 is one per cent), never levels and never per cent; which of them
    a caller has is stated by the caller, not guessed. Rows are periods in order of time and the same for
    everything here: alignment by date comes before (``align``). NaN is a hole: a return that is not known.
    A hole is skipped by every metric, for its own series alone; what needs a benchmark also skips the days
    on which the benchmark is not known. Infinite values are refused.
    """

    returns: Floats
    """(day, series), fractions per period; NaN is a hole."""
    periods_per_year: float
    """252 daily, 52 weekly, 12 monthly, 4 quarterly, 365 round the clock: stated, never assumed."""
    benchmark: Floats | None = None
    """(day, 1) or (day, series), fractions per period; NaN is a hole."""
    risk_free: Floats = field(default_factory=lambda: np.zeros((1, 1)))
    """(day, 1) or (day, series), the rate of each *period* (see ``per_period``); (1, 1): every day."""
    days: Days | None = None
    """(day,), the last day of each period; increasing."""
    base: np.datetime64 | None = None
    """The day before the first return, on which the first level stands."""
    target: float = 0.0
    """Return per period below which downside deviation, Sortino and Kappa see a shortfall."""
    threshold: float = 0.0
    """Return per period that parts gains from losses in Omega."""
    confidence: float = 0.95
    """Level of VaR, ES and conditional drawdown; in (0.5, 1)."""
    kappa_order: float = 3.0
    """Order of the lower partial moment of Kappa; above 0."""
    hurdle: float = 0.0
    """Sharpe ratio *per period* that the probabilistic Sharpe ratio compares with."""
    trials: int | None = None
    """How many variants were tried before this one was chosen (deflated Sharpe ratio)."""
    trial_variance: float | None = None
    """Variance of the Sharpe ratios *per period* of those variants."""
    annualise_short: bool = False
    """Compound less than a year to a year too; otherwise such annual returns are unknown."""

    def only(self, column: int) -> "Sample":
        """Return the sample of one series, with what stands beside it."""
        one = slice(column, column + 1)
        beside = self.benchmark
        return replace(
            self,
            returns=self.returns[:, one],
            benchmark=beside if beside is None or beside.shape[1] == 1 else beside[:, one],
            risk_free=self.risk_free if self.risk_free.shape[1] == 1 else self.risk_free[:, one],
        )

    def __post_init__(self) -> None:
        if self.returns.ndim == 2 and self.risk_free.shape == (1, 1):
            object.__setattr__(self, "risk_free", np.broadcast_to(self.risk_free, (len(self.returns), 1)))
        broken = [FieldError(field=name, rule=rule) for name, rule in self._broken()]
        if broken:
            told = "; ".join(f"{one.field}: {one.rule}" for one in broken)
            raise UnusableSample(f"These returns can not be measured: {told}.", errors=broken)

    def _broken(self) -> list[tuple[str, str]]:
        if self.returns.ndim != 2:
            return [("returns", "must be (day, series)")]
        rows, shape = len(self.returns), self.returns.shape
        allowed = {(rows, 1), shape}
        benchmark, days = self.benchmark, self.days
        rules = (
            ("returns", "must not be infinite", not _has_infinite(self.returns)),
            (
                "benchmark",
                "must be (day, 1) or (day, series)",
                benchmark is None or benchmark.shape in allowed,
            ),
            ("benchmark", "must not be infinite", benchmark is None or not _has_infinite(benchmark)),
            ("risk_free", "must be (day, 1) or (day, series)", self.risk_free.shape in allowed),
            ("risk_free", "must be known on every day", bool(np.isfinite(self.risk_free).all())),
            ("days", "must be (day,)", days is None or days.shape == (rows,)),
            ("days", "must increase", days is None or bool((days[1:] > days[:-1]).all())),
            ("base", "must lie before the first day", self._base_comes_first()),
            *self._settings(),
        )
        return [(name, rule) for name, rule, kept in rules if not kept]

    def _base_comes_first(self) -> bool:
        if self.base is None or self.days is None or not len(self.days):
            return True
        return bool(self.base < self.days[0])

    def _settings(self) -> tuple[tuple[str, str, bool], ...]:
        variance = self.trial_variance
        return (
            ("periods_per_year", "must be above 0", 0.0 < self.periods_per_year < np.inf),
            ("confidence", "must lie between 0.5 and 1", 0.5 < self.confidence < 1.0),
            ("kappa_order", "must be above 0", 0.0 < self.kappa_order < np.inf),
            ("target", "must be a number", bool(np.isfinite(self.target))),
            ("threshold", "must be a number", bool(np.isfinite(self.threshold))),
            ("hurdle", "must be a number", bool(np.isfinite(self.hurdle))),
            ("trials", "must be at least 1", self.trials is None or self.trials >= 1),
            ("trial_variance", "must be 0 or more", variance is None or 0.0 <= variance < np.inf),
        )


def _has_infinite(values: Floats) -> bool:
    """Return whether there is an infinite value; one pass where there is none and no hole."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum()):
            return False
    return bool(np.isinf(values).any())


def per_period(annual_rate: float, periods_per_year: float) -> float:
    """Return the rate of one period that compounds to ``annual_rate`` (a fraction, above -1) over a year."""
    if not -1.0 < annual_rate < np.inf:
        rule = FieldError(field="risk_free_rate", rule="must be above -1")
        raise UnusableSample(f"An annual rate of {annual_rate} is no rate.", errors=[rule])
    return float((1.0 + annual_rate) ** (1.0 / periods_per_year) - 1.0)


def from_levels(levels: Floats) -> Floats:
    """Return the simple returns (day - 1, series) of levels (day, series), the first row being the base.

    Unknown where a level or the one before is NaN, and where the level before is not above 0.
    """
    before = np.where(levels[:-1] > 0.0, levels[:-1], np.nan)
    returns: Floats = levels[1:] / before - 1.0
    return returns


def align(days: Days, known: Days, values: Floats) -> Floats:
    """Return (day, series) ``values`` of the increasing days ``known`` on ``days``; NaN on days without."""
    if not len(known):
        return np.full((len(days), values.shape[1]), np.nan)
    rows = np.minimum(np.searchsorted(known, days), len(known) - 1)
    aligned: Floats = np.where((known[rows] == days)[:, None], values[rows], np.nan)
    return aligned


def look_like_per_cent(returns: Floats) -> Flags:
    """Return for each series whether half of its moves are above 20 %: perhaps per cent, so warn of it."""
    sizes = np.sort(np.abs(returns), axis=0)  # NaN comes last
    count = np.isfinite(sizes).sum(axis=0)
    if not len(sizes):
        return np.zeros(returns.shape[1], dtype=bool)
    middle = np.take_along_axis(sizes, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    large: Flags = (count > 0) & (middle > 0.2)
    return large
