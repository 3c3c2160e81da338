import numpy as np
import pytest

from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.market.resampling import resampled

NAN = float("nan")


def bars() -> PriceColumns:
    """Two series over a change of week, month and year; 2023-12-29 is a Friday."""
    days = ["2023-12-28", "2023-12-29", "2024-01-02", "2024-01-03"]
    return PriceColumns(
        series=np.array([1, 1, 1, 1, 2]),
        day=np.array([*days, "2024-01-03"], dtype="datetime64[D]"),
        open=np.array([10.0, 11.0, 12.0, 13.0, NAN]),
        high=np.array([15.0, 14.0, 16.0, NAN, 9.0]),
        low=np.array([9.0, 8.0, 11.0, 12.0, 7.0]),
        close=np.array([11.0, 12.0, 13.0, 14.0, 8.0]),
        volume=np.array([1.0, 2.0, NAN, 4.0, 5.0]),
    )


def test_daily_bars_stay_what_they_are():
    given = bars()
    assert resampled(given, Frequency.DAILY) is given


@pytest.mark.parametrize(
    "frequency", [Frequency.WEEKLY, Frequency.MONTHLY, Frequency.QUARTERLY, Frequency.YEARLY]
)
def test_period_has_first_open_last_close_extremes_and_whole_volume(frequency: Frequency):
    found = resampled(bars(), frequency)
    assert found.series.tolist() == [1, 1, 2]
    assert found.day.astype(str).tolist() == ["2023-12-29", "2024-01-03", "2024-01-03"]
    np.testing.assert_array_equal(found.open, [10.0, 12.0, NAN])
    np.testing.assert_array_equal(found.high, [15.0, NAN, 9.0])
    np.testing.assert_array_equal(found.low, [8.0, 11.0, 7.0])
    np.testing.assert_array_equal(found.close, [12.0, 14.0, 8.0])
    np.testing.assert_array_equal(found.volume, [3.0, NAN, 5.0])
    found.checked()


def test_nothing_stays_nothing():
    none = PriceColumns(**{name: getattr(bars(), name)[:0] for name in PriceColumns.__slots__})
    assert len(resampled(none, Frequency.WEEKLY)) == 0
