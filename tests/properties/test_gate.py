"""What the gate found once it finds for ever: a later bar changes no earlier finding."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waardhaven.domain.market.gate import FindingColumns, gaps, off_sessions, outliers, stale, volumes
from waardhaven.domain.market.prices import PriceColumns

DAYS = np.datetime64("2020-01-01", "D") + np.arange(120)
SESSIONS = DAYS[np.arange(120) % 7 < 5]
CHECKS: dict[str, Callable[[PriceColumns, np.ndarray], FindingColumns]] = {
    "gaps": lambda bars, _: gaps(bars, SESSIONS),
    "off_sessions": lambda bars, _: off_sessions(bars, SESSIONS),
    "stale": lambda bars, _: stale(bars),
    "outliers": outliers,
    "volumes": lambda bars, _: volumes(bars, times=3),
}


def market(seed: int) -> tuple[PriceColumns, np.ndarray]:
    """Three series with runs, jumps, holes and unknown volumes."""
    rng = np.random.default_rng(seed)
    parts = []
    for series in range(3):
        day = np.sort(rng.choice(DAYS, size=rng.integers(60, 120), replace=False))
        move = rng.choice([0.0, 0.001, -0.001, 0.2, -0.3], p=[0.7, 0.13, 0.13, 0.02, 0.02], size=len(day))
        volume = rng.choice([np.nan, 0.0, 10.0, 11.0, 90.0], p=[0.25, 0.25, 0.2, 0.2, 0.1], size=len(day))
        parts.append((np.full(len(day), series), day, 50 * np.exp(np.cumsum(move)), volume))
    series, day, close, volume = (np.concatenate(one) for one in zip(*parts, strict=True))
    unknown = np.full(len(day), np.nan)
    bars = PriceColumns(
        series=series, day=day, open=unknown, high=unknown, low=unknown, close=close, volume=volume
    )
    return bars, rng.choice([1.0, 1.0, 1.0, 0.5], size=len(day))


def cut(bars: PriceColumns, rows: np.ndarray) -> PriceColumns:
    return PriceColumns(**{name: getattr(bars, name)[rows] for name in PriceColumns.__slots__})


def rows_of(found: FindingColumns) -> list[tuple[int, str, str]]:
    return list(zip(found.series.tolist(), found.day.astype(str).tolist(), found.detail, strict=True))


@pytest.mark.parametrize("name", CHECKS)
@given(seed=st.integers(0, 10_000), keep=st.integers(1, 119))
def test_a_later_bar_changes_no_earlier_finding(name: str, seed: int, keep: int) -> None:
    bars, move = market(seed)
    early = bars.day <= DAYS[keep]
    then = CHECKS[name](cut(bars, early), move[early])
    now = CHECKS[name](bars, move)
    last = {one: bars.day[early & (bars.series == one)].max(initial=DAYS[0]) for one in range(3)}
    still = [one for one in rows_of(now) if np.datetime64(one[1]) <= last[one[0]]]
    assert rows_of(then) == still


@pytest.mark.parametrize("name", CHECKS)
def test_the_made_up_market_has_something_to_find(name: str) -> None:
    assert sum(len(CHECKS[name](*market(seed))) for seed in range(20)) > 20


@pytest.mark.parametrize("name", CHECKS)
@given(seed=st.integers(0, 10_000))
def test_another_series_changes_no_finding(name: str, seed: int) -> None:
    bars, move = market(seed)
    alone = bars.series == 1
    found = [one for one in rows_of(CHECKS[name](bars, move)) if one[0] == 1]
    assert rows_of(CHECKS[name](cut(bars, alone), move[alone])) == found
