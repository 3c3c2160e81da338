import numpy as np
import pytest

from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.periods import compounded_by, month_table, periods_per_year, resampled
from waardhaven.domain.metrics.sample import Sample, UnusableSample

DAYS = np.array(["2023-12-28", "2023-12-29", "2024-01-02", "2024-02-01", "2024-02-29"], dtype="datetime64[D]")
RETURNS = np.array([[0.1, 0.0], [0.1, np.nan], [np.nan, -0.2], [0.2, -1.5], [-0.1, 0.1]])


def test_returns_of_a_month_compound_and_holes_are_counted():
    found = compounded_by(DAYS, RETURNS, Frequency.MONTHLY)
    assert found.days.astype(str).tolist() == ["2023-12-29", "2024-01-02", "2024-02-29"]
    assert found.returns[:, 0] == pytest.approx([0.21, np.nan, 0.08], nan_ok=True)
    assert found.returns[:, 1] == pytest.approx([0.0, -0.2, np.nan], nan_ok=True)
    assert found.known.tolist() == [[2, 1], [0, 1], [2, 2]]
    assert found.rows.tolist() == [2, 1, 2]


@pytest.mark.parametrize(
    ("frequency", "ends"),
    [
        (Frequency.DAILY, DAYS.astype(str).tolist()),
        (Frequency.WEEKLY, ["2023-12-29", "2024-01-02", "2024-02-01", "2024-02-29"]),
        (Frequency.QUARTERLY, ["2023-12-29", "2024-02-29"]),
        (Frequency.YEARLY, ["2023-12-29", "2024-02-29"]),
    ],
)
def test_a_period_ends_with_its_last_day(frequency: Frequency, ends: list[str]):
    assert compounded_by(DAYS, RETURNS, frequency).days.astype(str).tolist() == ends


def test_no_days_have_no_periods():
    found = compounded_by(DAYS[:0], RETURNS[:0], Frequency.MONTHLY)
    assert (found.returns.shape, found.known.shape, found.rows.shape) == ((0, 2), (0, 2), (0,))


def test_a_sample_of_months_has_benchmark_and_rate_compounded_too():
    rate, days = np.full((5, 1), 0.01), np.datetime64("2023-12-27")
    sample = Sample(
        returns=RETURNS[:, :1],
        benchmark=2 * RETURNS[:, :1],
        risk_free=rate,
        periods_per_year=252.0,
        days=DAYS,
        base=days,
    )
    found = resampled(sample, Frequency.MONTHLY)
    assert found.periods_per_year == 12.0
    assert found.benchmark[:, 0] == pytest.approx([0.44, np.nan, 0.12], nan_ok=True)
    assert found.risk_free[:, 0] == pytest.approx([0.0201, 0.01, 0.0201])
    assert (found.base, found.days[-1]) == (days, DAYS[-1])
    total = METRICS["total_return"]
    assert total.compute(found) == pytest.approx(total.compute(sample), rel=1e-12)


def test_a_sample_without_benchmark_stays_without_and_a_daily_one_stays_as_it_is():
    sample = Sample(returns=RETURNS, periods_per_year=252.0, days=DAYS)
    assert resampled(sample, Frequency.YEARLY).benchmark is None
    assert resampled(sample, Frequency.DAILY) is sample


def test_returns_without_days_have_no_calendar():
    with pytest.raises(UnusableSample, match="without days"):
        resampled(Sample(returns=RETURNS, periods_per_year=252.0), Frequency.MONTHLY)


def test_a_month_table_has_a_row_for_each_year_with_days():
    table = month_table(DAYS, RETURNS[:, :1])
    assert table.years.tolist() == [2023, 2024]
    assert table.months[0, 11, 0] == pytest.approx(0.21)
    assert table.months[1, 1, 0] == pytest.approx(0.08)
    assert np.isfinite(table.months).sum() == 2
    assert table.whole[:, 0] == pytest.approx([0.21, 0.08])


def test_one_day_tells_no_frequency():
    with pytest.raises(UnusableSample, match="distance"):
        periods_per_year(DAYS[:1])
