"""How far a metric can be trusted: an interval from resampled returns, and whether it differs from zero.

Returns, benchmark and risk-free rate are drawn anew together, in blocks (see ``resampling``), and the metric
itself is computed on every draw. Intervals are those of B. Efron and R. Tibshirani, "An Introduction to the
Bootstrap", 1993, chapters 13 and 14. For ratios of dependent returns see O. Ledoit and M. Wolf, "Robust
Performance Hypothesis Testing with the Sharpe Ratio", Journal of Empirical Finance 15 (2008).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import NormalDist
from types import MappingProxyType
from typing import Final

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.metrics.measuring import measure
from waardhaven.domain.metrics.metric import Metric, Reason
from waardhaven.domain.metrics.sample import Sample
from waardhaven.domain.resampling import block_length as automatic_length
from waardhaven.domain.resampling import stationary_rows
from waardhaven.domain.types import Floats, Rows

LEAST: Final = 20
"""Known returns below which resampling tells nothing."""
UNKNOWN_DRAWS: Final = 0.05
"""Share of draws without a value above which those with one are no fair picture."""
NORMAL: Final = NormalDist()


class UnusableTrial(Invalid):
    """What is not one series with sensible settings, or Sharpe ratios of no trials."""


class IntervalMethod(StrEnum):
    """How draws become an interval."""

    PERCENTILE = "percentile"
    """Quantiles of the draws."""
    BASIC = "basic"
    """The value less the quantiles of what draws differ from it by."""
    BIAS_CORRECTED = "bias_corrected"
    """Quantiles moved by twice the bias of the median draw, in normal scores (BC, without acceleration)."""


class Verdict(StrEnum):
    """What the interval says about zero."""

    ABOVE = "above_zero"
    BELOW = "below_zero"
    NOT_TOLD = "cannot_be_told_from_zero"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """How to resample: ``draws``, confidence ``level`` of the interval, its ``method``.

    ``block_length``: mean length of a block in rows; None: automatic.
    """

    draws: int = 1000
    level: float = 0.95
    method: IntervalMethod = IntervalMethod.PERCENTILE
    block_length: float | None = None

    def __post_init__(self) -> None:
        """Check the bounds."""
        rules = {
            "draws": (self.draws >= 100, "must be at least 100"),
            "level": (0.5 <= self.level < 1.0, "must be from 0.5 to below 1"),
        }
        broken = [FieldError(field=name, rule=rule) for name, (is_kept, rule) in rules.items() if not is_kept]
        if broken:
            raise UnusableTrial("Uncertainty can not be measured like this.", errors=broken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertainty:
    """Values of metrics (m,) with their intervals.

    ``low`` and ``high`` NaN where there is no interval; then ``verdict`` is UNKNOWN and ``reason`` says why.
    ``known`` (m,): share of draws with a value. ``block_length``: mean rows of a block as it was used.
    """

    metrics: tuple[Metric, ...]
    value: Floats
    low: Floats
    high: Floats
    verdict: tuple[Verdict, ...]
    reason: tuple[Reason | None, ...]
    known: Floats
    block_length: float
    how: Resampling


def uncertainty(
    sample: Sample, metrics: Sequence[Metric], rng: "np.random.Generator", how: Resampling | None = None
) -> Uncertainty:
    """Measure one series and resample it.

    Rows without a known return are left out first; what was on both sides of them becomes neighbours. The
    automatic length of blocks is the longest of those for the returns, for their squares (risk depends on
    the past where returns do not) and for the benchmark. The same state of ``rng`` gives the same interval.
    There is none for fewer than LEAST returns, nor where more than UNKNOWN_DRAWS of draws have no value.
    Raises UnusableTrial unless the sample has one series.
    """
    if sample.returns.shape[1] != 1:
        rule = FieldError(field="returns", rule="must be one series")
        raise UnusableTrial("Uncertainty can not be measured like this.", errors=[rule])
    how = how or Resampling()
    measured = measure(sample, metrics)
    known = _rows(sample, np.flatnonzero(~np.isnan(sample.returns[:, 0])))
    length = how.block_length or _length(known)
    value, unknown = measured.values[:, 0], np.full(len(metrics), np.nan)
    reason = [one[0] for one in measured.reasons]
    if len(known.returns) < LEAST:
        low = high = share = unknown
        reason = [one or Reason.TOO_FEW for one in reason]
    else:
        draws = _drawn(known, metrics, rng, how.draws, length)
        share = np.isfinite(draws).mean(axis=1)
        low, high = _intervals(value, draws, how)
    return Uncertainty(
        metrics=tuple(metrics),
        value=value,
        low=low,
        high=high,
        verdict=tuple(_verdict(*ends) for ends in zip(low.tolist(), high.tolist(), strict=True)),
        reason=tuple(
            one or (Reason.UNDEFINED if np.isnan(end) else None) for one, end in zip(reason, low, strict=True)
        ),
        known=share,
        block_length=length,
        how=how,
    )


def with_trials(sample: Sample, ratios: Floats, *, count: int | None = None) -> Sample:
    """Return the sample with what the deflated Sharpe ratio needs to know about the variants tried.

    ``ratios`` (n,): Sharpe ratios *per period* of all variants, the chosen one among them. Their number
    counts every one as a trial of its own, which is severe where they resemble each other; their variance is
    the sample's (D. Bailey and M. Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio
    Management 40 (2014)). ``count``: how many were tried, where the ratios of some are not known; with
    fewer than two known ratios of several variants their variance, and so the metric, is unknown. Raises
    UnusableTrial without any trial, where a ratio is not a number, or where there are more than ``count``.
    """
    tried = len(ratios) if count is None else count
    if tried < max(len(ratios), 1) or not np.isfinite(ratios).all():
        rule = FieldError(field="trials", rule="must be one or more, their known Sharpe ratios numbers")
        raise UnusableTrial("Trials can not be counted.", errors=[rule])
    if tried == 1:
        return replace(sample, trials=1, trial_variance=0.0)
    variance = float(ratios.var(ddof=1)) if len(ratios) > 1 else None
    return replace(sample, trials=tried, trial_variance=variance)


def _rows(sample: Sample, rows: Rows) -> Sample:
    """Return some rows of a sample of one series, or draws (day, draw) of rows as its series.

    Draws keep the days of the sample: only what happened on them is drawn.
    """
    is_draw, benchmark, rate = rows.ndim == 2, sample.benchmark, sample.risk_free[:, 0]
    some = rows if is_draw else rows[:, None]
    is_one_rate = len(rate) > 0 and bool((rate == rate[0]).all())
    return replace(
        sample,
        returns=sample.returns[:, 0][some],
        benchmark=None if benchmark is None else benchmark[:, 0][some],
        risk_free=np.full((1, 1), rate[0]) if is_one_rate else rate[some],
        days=sample.days if is_draw or sample.days is None else sample.days[rows],
    )


def _length(sample: Sample) -> float:
    returns = sample.returns[:, 0]
    series = [returns, (returns - returns.mean()) ** 2] if len(returns) else []
    if sample.benchmark is not None:
        theirs = sample.benchmark[:, 0]
        series.append(theirs[~np.isnan(theirs)])
    return max([1.0, *(automatic_length(one) for one in series if len(one))])


def _drawn(
    sample: Sample, metrics: Sequence[Metric], rng: "np.random.Generator", draws: int, length: float
) -> Floats:
    """Return the metrics of every draw (m, draws)."""
    blocks = stationary_rows(rng, days=len(sample.returns), draws=draws, block_length=length)
    return np.concatenate([measure(_rows(sample, rows), metrics).values for rows in blocks], axis=1)


def _intervals(value: Floats, draws: Floats, how: Resampling) -> tuple[Floats, Floats]:
    ends = np.full((2, len(value)), np.nan)
    tails = (0.5 * (1.0 - how.level), 0.5 * (1.0 + how.level))
    for row, (one, drawn) in enumerate(zip(value, draws, strict=True)):
        known = drawn[np.isfinite(drawn)]
        if np.isfinite(one) and len(known) >= (1.0 - UNKNOWN_DRAWS) * len(drawn):
            ends[:, row] = INTERVALS[how.method](float(one), known, tails)
    return ends[0], ends[1]


def _percentile(_: float, draws: Floats, tails: tuple[float, float]) -> Floats:
    return np.quantile(draws, tails)


def _basic(value: float, draws: Floats, tails: tuple[float, float]) -> Floats:
    return 2.0 * value - np.quantile(draws, tails)[::-1]


def _bias_corrected(value: float, draws: Floats, tails: tuple[float, float]) -> Floats:
    below = ((draws < value).mean() + (draws <= value).mean()) / 2.0
    margin = 0.5 / len(draws)
    bias = NORMAL.inv_cdf(float(np.clip(below, margin, 1.0 - margin)))
    return np.quantile(draws, [NORMAL.cdf(2.0 * bias + NORMAL.inv_cdf(tail)) for tail in tails])


INTERVALS: Final[Mapping[IntervalMethod, Callable[[float, Floats, tuple[float, float]], Floats]]] = (
    MappingProxyType(
        {
            IntervalMethod.PERCENTILE: _percentile,
            IntervalMethod.BASIC: _basic,
            IntervalMethod.BIAS_CORRECTED: _bias_corrected,
        }
    )
)


def _verdict(low: float, high: float) -> Verdict:
    if np.isnan(low):
        return Verdict.UNKNOWN
    if low > 0.0:
        return Verdict.ABOVE
    return Verdict.BELOW if high < 0.0 else Verdict.NOT_TOLD
