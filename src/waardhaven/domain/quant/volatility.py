"""Volatility of one series of prices: named estimators over a stated window.

Prices are of one currency unit and adjusted for splits (and distributions, where they should not count as
moves); returns are logarithmic. Every estimate is the square root of a variance per period times the periods
of a year.

Estimators of ranges read opens, highs and lows too. Those of Parkinson and of Rogers and Satchell and that of
Garman and Klass measure a period from its open to its close and know nothing of what happens between a close
and the next open; Yang and Zhang add that. All of them suppose that prices are seen all the time: few trades
a day make a range, and them, too small.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import log, sqrt
from types import MappingProxyType
from typing import Final

import numpy as np

from waardhaven.domain.errors import Invalid
from waardhaven.domain.types import Flags, Floats

DECAY: Final = 0.94
"""Of daily returns in RiskMetrics (*Technical Document*, 4th ed. 1996, section 5.3)."""


class UnusablePrices(Invalid):
    """Prices that tell no volatility: too few, unknown, or not above 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Prices (n,) of consecutive periods, all known and above 0; opens, highs and lows may be missing."""

    close: Floats
    open: Floats | None = None
    high: Floats | None = None
    low: Floats | None = None

    def last(self, count: int) -> "Bars":
        """Return the last periods."""
        kept = {"open": self.open, "high": self.high, "low": self.low}
        return Bars(
            close=self.close[-count:],
            **{name: None if one is None else one[-count:] for name, one in kept.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """Logarithms of a period's prices over its open (n,), and of the open over the close before (n - 1,)."""

    close: Floats
    high: Floats
    low: Floats
    overnight: Floats

    @property
    def width(self) -> Floats:
        """Logarithm of the high over the low (n,)."""
        return self.high - self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityEstimator:
    """An estimator of the registry: ``of`` maps bars to a variance per period.

    ``least``: bars it takes at least. ``before``: bars it reads before those of its window, whose closes the
    first return starts from. ``needs_ranges``: opens, highs and lows are read.
    """

    name: str
    title: str
    formula: str
    source: str
    of: Callable[[Bars], float]
    least: int = 3
    before: int = 1
    needs_ranges: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityEstimate:
    """A volatility a year, by which estimator, over how many periods of which a year has so many.

    ``bars``: how many were read, ``window`` and those before it.
    """

    volatility: float
    estimator: str
    window: int
    bars: int
    periods_per_year: float


def estimate(
    bars: Bars, *, estimator: VolatilityEstimator, window: int, periods_per_year: float
) -> VolatilityEstimate:
    """Return the volatility of the last ``window`` periods, of fewer where there are not so many.

    Prices that never move have a volatility of 0. Raise UnusablePrices for too few of them, for one that is
    unknown or not above 0, a high below or a low above open or close, or none where they are needed.
    """
    taken = bars.last(window + estimator.before)
    count = len(taken.close)
    if count < estimator.least:
        raise UnusablePrices(f"{estimator.title} takes at least {estimator.least} prices, not {count}.")
    columns = [one for one in (taken.close, taken.open, taken.high, taken.low) if one is not None]
    if not all((np.isfinite(one) & (one > 0.0)).all() for one in columns):
        raise UnusablePrices("Every price must be known and above 0.")
    return VolatilityEstimate(
        volatility=sqrt(estimator.of(taken) * periods_per_year),
        estimator=estimator.name,
        window=count - estimator.before,
        bars=count,
        periods_per_year=periods_per_year,
    )


def close_to_close(bars: Bars) -> float:
    """Return the sample variance (ddof 1) of logarithmic returns."""
    return float(np.diff(np.log(bars.close)).var(ddof=1))


def exponentially_weighted(bars: Bars) -> float:
    """Return the mean of squared returns with weights ``DECAY`` to the power of their age."""
    moves = np.diff(np.log(bars.close))
    weights = DECAY ** np.arange(len(moves))[::-1]
    return float((weights * moves * moves).sum() / weights.sum())


def consistent(*, open: Floats, high: Floats, low: Floats, close: Floats) -> Flags:  # noqa: A002 (the name of the price)
    """Return which periods (n,) have four prices above 0, the highest the high and the lowest the low."""
    columns = (open, high, low, close)
    known = np.logical_and.reduce([np.isfinite(one) & (one > 0.0) for one in columns])
    found: Flags = known & (high >= np.maximum(open, close)) & (low <= np.minimum(open, close))
    return found


def parkinson(bars: Bars) -> float:
    """Return the mean of ln(high / low)^2 / (4 ln 2): of a walk without drift."""
    return float((_ranges(bars).width ** 2).mean()) / (4.0 * log(2.0))


def garman_klass(bars: Bars) -> float:
    """Return the mean of ln(high / low)^2 / 2 - (2 ln 2 - 1) ln(close / open)^2: of a walk without drift.

    It is the paper's practical form, which leaves out the terms of its best one that hardly matter.
    """
    at = _ranges(bars)
    return float((0.5 * at.width**2 - (2.0 * log(2.0) - 1.0) * at.close**2).mean())


def rogers_satchell(bars: Bars) -> float:
    """Return the mean of ln(h/o) ln(h/c) + ln(l/o) ln(l/c): of a walk with any drift."""
    return _rogers_satchell(_ranges(bars))


def yang_zhang(bars: Bars) -> float:
    """Return overnight + k open-to-close + (1 - k) Rogers-Satchell variance, k = 0.34 / (1.34 + (n+1)/(n-1)).

    The first two are sample variances (ddof 1). The first bar gives its close alone: n is the number of the
    others.
    """
    every = _ranges(bars)
    at = replace(every, close=every.close[1:], high=every.high[1:], low=every.low[1:])
    count = len(at.close)
    share = 0.34 / (1.34 + (count + 1.0) / (count - 1.0))
    intraday = float(at.close.var(ddof=1))
    return float(at.overnight.var(ddof=1)) + share * intraday + (1.0 - share) * _rogers_satchell(at)


def _rogers_satchell(at: Ranges) -> float:
    return float((at.high * (at.high - at.close) + at.low * (at.low - at.close)).mean())


def _ranges(bars: Bars) -> Ranges:
    if bars.open is None or bars.high is None or bars.low is None:
        raise UnusablePrices("This estimator needs opens, highs and lows beside closes.")
    if not consistent(open=bars.open, high=bars.high, low=bars.low, close=bars.close).all():
        raise UnusablePrices("Every high must be the highest and every low the lowest price of its period.")
    return Ranges(
        close=np.log(bars.close / bars.open),
        high=np.log(bars.high / bars.open),
        low=np.log(bars.low / bars.open),
        overnight=np.log(bars.open[1:] / bars.close[:-1]),
    )


VOLATILITY_ESTIMATORS: Mapping[str, VolatilityEstimator] = MappingProxyType(
    {
        one.name: one
        for one in (
            VolatilityEstimator(
                name="close_to_close",
                title="Close to close",
                formula="deviation (ddof 1) of ln(close / close before) x sqrt(f)",
                source="Hull, Options, Futures, and Other Derivatives, 10th ed. (2018), chapter 15",
                of=close_to_close,
            ),
            VolatilityEstimator(
                name="exponentially_weighted",
                title="Exponentially weighted",
                formula="sqrt(weighted mean of squared ln(close / close before)) x sqrt(f), weights 0.94^age",
                source="RiskMetrics Technical Document, 4th ed. (1996), section 5.2",
                of=exponentially_weighted,
                least=2,
            ),
            VolatilityEstimator(
                name="parkinson",
                title="Parkinson",
                formula="sqrt(mean of ln(high / low)^2 / (4 ln 2)) x sqrt(f)",
                source="M. Parkinson, Journal of Business 53 (1980)",
                of=parkinson,
                least=1,
                before=0,
                needs_ranges=True,
            ),
            VolatilityEstimator(
                name="garman_klass",
                title="Garman-Klass",
                formula="sqrt(mean of ln(high / low)^2 / 2 - (2 ln 2 - 1) ln(close / open)^2) x sqrt(f)",
                source="M. Garman, M. Klass, Journal of Business 53 (1980)",
                of=garman_klass,
                least=1,
                before=0,
                needs_ranges=True,
            ),
            VolatilityEstimator(
                name="rogers_satchell",
                title="Rogers-Satchell",
                formula="sqrt(mean of ln(h/o) ln(h/c) + ln(l/o) ln(l/c)) x sqrt(f)",
                source="L. C. G. Rogers, S. E. Satchell, Annals of Applied Probability 1 (1991)",
                of=rogers_satchell,
                least=1,
                before=0,
                needs_ranges=True,
            ),
            VolatilityEstimator(
                name="yang_zhang",
                title="Yang-Zhang",
                formula="sqrt(overnight + k open-to-close + (1 - k) Rogers-Satchell variance) x sqrt(f)",
                source="D. Yang, Q. Zhang, Journal of Business 73 (2000)",
                of=yang_zhang,
                least=3,
                needs_ranges=True,
            ),
        )
    }
)
