from dataclasses import replace

import numpy as np
import pytest
from tests.factories import days

from waardhaven.domain.market.prices import MalformedPrices, PriceColumns

nan = np.nan
BARS = PriceColumns(
    series=np.array([1, 1, 2]),
    day=days("2024-01-02", "2024-01-03", "2024-01-02"),
    open=np.array([9.0, nan, 5.0]),
    high=np.array([11.0, nan, 6.0]),
    low=np.array([8.0, nan, 4.0]),
    close=np.array([10.0, 10.5, 5.0]),
    volume=np.array([0.0, nan, 7.0]),
)


def test_bars_with_unknown_parts_are_accepted() -> None:
    assert BARS.checked() is BARS
    assert len(BARS) == 3


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("close", nan, "close"),
        ("close", 0.0, "close"),
        ("close", np.inf, "close"),
        ("high", 9.0, "high"),
        ("low", 10.5, "low"),
        ("volume", -1.0, "volume"),
        ("day", np.datetime64("NaT", "D"), "day"),
        ("day", np.datetime64("2024-01-03"), "series,day"),
    ],
)
def test_a_bar_no_market_could_print_is_named(field: str, value: object, named: str) -> None:
    column = getattr(BARS, field).copy()
    column[0] = value
    with pytest.raises(MalformedPrices) as caught:
        replace(BARS, **{field: column}).checked()
    assert named in [error.field for error in caught.value.errors]


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(MalformedPrices, match="length"):
        replace(BARS, close=BARS.close[:2]).checked()


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [("open", 0.0, "open"), ("open", np.inf, "open"), ("high", np.inf, "high"), ("volume", np.inf, "volume")],
)
def test_unknown_parts_excuse_no_impossible_ones(field: str, value: float, named: str) -> None:
    bar = replace(BARS, **{field: np.array([value, nan, nan])})
    with pytest.raises(MalformedPrices) as error:
        bar.checked()
    assert [one.field for one in error.value.errors] == [named]


def test_high_below_the_close_is_refused_though_the_low_is_unknown() -> None:
    bar = replace(BARS, high=np.array([9.5, nan, 6.0]), low=np.array([nan, nan, 4.0]))
    with pytest.raises(MalformedPrices) as error:
        bar.checked()
    assert [one.field for one in error.value.errors] == ["high"]
