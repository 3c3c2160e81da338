"""Published figures of estimators of volatility, each with its source.

What the papers on ranges state are moments of a Brownian motion that is seen all the time: the mean of their
estimators, with a drift and without, and how much less they vary than the squared return (their efficiency).
They are held to days of 64 steps whose highest and lowest points between the steps are drawn too.
"""

from math import log

import numpy as np
import pytest

from waardhaven.domain.quant.volatility import (
    VOLATILITY_ESTIMATORS,
    Bars,
    estimate,
    garman_klass,
    parkinson,
    rogers_satchell,
    yang_zhang,
)

DAYS, STEPS, SIGMA = 60_000, 64, 0.02
ZETA_3 = 1.2020569031595942


def days(*, drift: float = 0.0, night: float = 0.0) -> Bars:
    """Days of Brownian motion, variance SIGMA^2 and ``drift`` a day, after nights of variance ``night``."""
    random = np.random.default_rng(1980)
    step = SIGMA / np.sqrt(STEPS)
    top, bottom, now = (np.zeros(DAYS) for _ in range(3))
    for _ in range(STEPS):
        move = random.normal(drift / STEPS, step, DAYS)
        extremes = [
            np.sqrt(move**2 - 2.0 * step**2 * np.log(1.0 - random.random(DAYS))) for _ in range(2)
        ]  # of a bridge over the step
        top = np.maximum(top, now + (move + extremes[0]) / 2.0)
        bottom = np.minimum(bottom, now + (move - extremes[1]) / 2.0)
        now += move
    nights = random.normal(0.0, np.sqrt(night), DAYS)
    opens = np.cumsum(nights + now) - now
    opens -= opens.mean()
    return Bars(
        open=np.exp(opens), high=np.exp(opens + top), low=np.exp(opens + bottom), close=np.exp(opens + now)
    )


@pytest.fixture(scope="module")
def still() -> Bars:
    return days()


@pytest.fixture(scope="module")
def rising() -> Bars:
    return days(drift=SIGMA)


def each(of, bars: Bars) -> np.ndarray:
    """Return the estimate of every single day."""
    columns = (bars.open, bars.high, bars.low, bars.close)
    rows = zip(*(one[:20_000, None] for one in columns), strict=True)
    return np.array([of(Bars(open=o, high=h, low=low, close=c)) for o, h, low, c in rows])


def test_closes_of_twenty_days_of_hull():
    """Hull, *Options, Futures, and Other Derivatives*, 10th ed. (2018), table 15.1: 19.3 % a year."""
    closes = [20.0, 20.1, 19.9, 20.0, 20.5, 20.25, 20.9, 20.9, 20.9, 20.75, 20.75]
    closes += [21.0, 21.1, 20.9, 20.9, 21.25, 21.4, 21.4, 21.25, 21.75, 22.0]
    found = estimate(
        Bars(close=np.array(closes)),
        estimator=VOLATILITY_ESTIMATORS["close_to_close"],
        window=20,
        periods_per_year=252.0,
    )
    assert found.volatility / np.sqrt(252.0) == pytest.approx(0.01216, abs=5e-6)
    assert found.volatility == pytest.approx(0.193, abs=5e-4)


@pytest.mark.parametrize("of", [parkinson, garman_klass, rogers_satchell])
def test_estimators_of_ranges_have_the_variance_for_their_mean_without_drift(of, still: Bars):
    """Parkinson (1980), Garman & Klass (1980), Rogers & Satchell (1991)."""
    assert of(still) == pytest.approx(SIGMA**2, rel=0.012)


@pytest.mark.parametrize(
    ("of", "variance"),
    [(parkinson, 9.0 * ZETA_3 / (4.0 * log(2.0)) ** 2 - 1.0), (garman_klass, 0.27), (rogers_satchell, 0.331)],
)
def test_estimators_of_ranges_vary_as_little_as_their_papers_say(of, variance: float, still: Bars):
    """Parkinson (1980): 0.407, by his fourth moment of ranges; Garman & Klass 0.27; Rogers & Satchell 0.331.

    In units of SIGMA^4, of one day; a squared return has 2.
    """
    assert each(of, still).var() / SIGMA**4 == pytest.approx(variance, rel=0.05)


def test_a_drift_moves_what_is_made_for_none_and_leaves_rogers_and_satchell_alone(rising: Bars):
    """Rogers & Satchell (1991): unbiased whatever the drift; here one of a deviation a day."""
    assert rogers_satchell(rising) == pytest.approx(SIGMA**2, rel=0.012)
    assert parkinson(rising) > 1.3 * SIGMA**2
    assert garman_klass(rising) > 1.1 * SIGMA**2


def test_yang_and_zhang_count_nights_and_are_unbiased_with_a_drift():
    """Yang & Zhang (2000): unbiased with drift and opening jumps, here four ninths of the day's variance."""
    night = SIGMA**2 * 4.0 / 9.0
    assert yang_zhang(days(drift=SIGMA / 2.0, night=night)) == pytest.approx(SIGMA**2 + night, rel=0.012)
