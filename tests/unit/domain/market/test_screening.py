from typing import Any

import numpy as np
import pytest
from tests.factories import days

from waardhaven.domain.market.prices import MalformedPrices
from waardhaven.domain.market.quality import FindingKind
from waardhaven.domain.market.screening import Screened, screen

nan = np.nan
NAMES = ("open", "high", "low", "close", "volume")


def screened(*bars: tuple[Any, ...]) -> Screened:
    """Screen bars of (day in January 2024, open, high, low, close, volume)."""
    columns = np.array([bar[1:] for bar in bars], dtype=np.float64).reshape(len(bars), 5).T
    day = days(*(f"2024-01-{bar[0]:02d}" for bar in bars))
    return screen(day=day, **dict(zip(NAMES, columns, strict=True)))


def rows(found: Screened) -> list[tuple[int, ...]]:
    columns = [getattr(found, name).tolist() for name in NAMES]
    return [(day.astype(object).day, *values) for day, *values in zip(found.day, *columns, strict=True)]


def told(found: Screened) -> list[tuple[int, str, str]]:
    return [(one.day.day, str(one.kind), one.detail) for one in found.findings]


def test_clean_bars_pass_as_the_very_arrays_that_came() -> None:
    close = np.array([10.0, 10.5])
    unknown = np.full(2, nan)
    day = days("2024-01-02", "2024-01-03")
    found = screen(day=day, open=unknown, high=unknown, low=unknown, close=close, volume=unknown)
    assert found.close is close
    assert found.open is unknown
    assert found.findings == ()
    assert len(found) == 2


def test_no_bars_are_no_bars() -> None:
    assert (len(screened()), told(screened())) == (0, [])


def test_days_come_in_order() -> None:
    found = screened((3, 1, 1, 1, 1, 3), (2, 1, 1, 1, 1, 2))
    assert (rows(found), told(found)) == ([(2, 1, 1, 1, 1, 2), (3, 1, 1, 1, 1, 3)], [])


def test_rows_that_say_the_same_count_once_unknown_figures_too() -> None:
    found = screened((2, nan, 3, 1, 2, nan), (2, nan, 3, 1, 2, nan), (3, 2, 3, 1, 2, 5))
    assert len(found) == 2
    assert found.findings == ()


def test_a_day_with_rows_that_differ_is_left_out_with_every_value_told() -> None:
    found = screened((2, 2, 3, 1, 2, 5), (2, 2, 3, 1, 2.5, nan), (2, 2, 3, 1, 2, 5), (3, 2, 3, 1, 2, 5))
    assert rows(found) == [(3, 2, 3, 1, 2, 5)]
    assert told(found) == [(2, "contradiction", "close 2 or 2.5; volume 5 or unknown")]


def test_values_that_differ_in_the_last_bit_are_told_apart() -> None:
    found = screened((2, nan, nan, nan, 0.1 + 0.2, nan), (2, nan, nan, nan, 0.3, nan))
    assert told(found) == [(2, "contradiction", "close 0.30000000000000004 or 0.3")]


@pytest.mark.parametrize(("close", "said"), [(0.0, "0"), (-1.5, "-1.5"), (np.inf, "inf"), (nan, "unknown")])
def test_a_close_that_is_no_price_is_left_out_and_told(close: float, said: str) -> None:
    found = screened((2, 1, 1, 1, close, 1), (3, 1, 1, 1, 1, 1))
    assert rows(found) == [(3, 1, 1, 1, 1, 1)]
    assert told(found) == [(2, "non_positive", f"close {said}")]


def test_a_bad_close_does_not_take_a_good_row_of_its_day_with_it() -> None:
    found = screened((2, nan, nan, nan, 0, nan), (2, nan, nan, nan, -1, nan), (2, 1, 1, 1, 1, 1))
    assert rows(found) == [(2, 1, 1, 1, 1, 1)]
    assert told(found) == [(2, "non_positive", "close 0, close -1")]


@pytest.mark.parametrize(
    ("bar", "kept"),
    [
        ((9, 9.5, 8, 10), (9, nan, 8, 10)),
        ((11, 12, 10.5, 10), (11, 12, nan, 10)),
        ((13, 12, 9, 10), (nan, 12, 9, 10)),
        ((8, 12, 9, 10), (nan, 12, 9, 10)),
        ((0, 12, 9, 10), (nan, 12, 9, 10)),
        ((11, np.inf, -9, 10), (11, nan, nan, 10)),
        ((np.inf, nan, nan, 10), (nan, nan, nan, 10)),
    ],
)
def test_impossible_parts_become_unknown_and_the_figures_are_told(
    bar: tuple[float, ...], kept: tuple[float, ...]
) -> None:
    found = screened((2, *bar, 7))
    np.testing.assert_array_equal(rows(found), [(2, *kept, 7)])
    said = ", ".join(
        f"{name} {'unknown' if np.isnan(value) else f'{value:g}'}"
        for name, value in zip(NAMES, (*bar, 7), strict=True)
    )
    assert told(found) == [(2, "ohlc_order", said)]


@pytest.mark.parametrize("volume", [-1.0, np.inf, -np.inf])
def test_an_impossible_volume_becomes_unknown(volume: float) -> None:
    found = screened((2, nan, nan, nan, 10, volume))
    assert np.isnan(found.volume).all()
    said = f"open unknown, high unknown, low unknown, close 10, volume {volume:g}"
    assert told(found) == [(2, "ohlc_order", said)]


def test_findings_come_by_day_then_kind() -> None:
    found = screened((4, 1, 1, 1, 0, 1), (3, 9, 1, 1, 1, -1), (2, 1, 1, 1, 1, 1), (2, 1, 1, 1, 1, 2))
    kinds = [(one.day.day, one.kind) for one in found.findings]
    assert kinds == [
        (2, FindingKind.CONTRADICTION),
        (3, FindingKind.OHLC_ORDER),
        (4, FindingKind.NON_POSITIVE),
    ]


def test_columns_that_are_no_columns_of_bars_are_refused() -> None:
    one = np.ones(1)
    with pytest.raises(MalformedPrices):
        screen(day=days("2024-01-02"), open=one, high=one, low=one, close=np.ones(2), volume=one)
    with pytest.raises(MalformedPrices):
        screen(day=np.array(["NaT"], "datetime64[D]"), open=one, high=one, low=one, close=one, volume=one)
