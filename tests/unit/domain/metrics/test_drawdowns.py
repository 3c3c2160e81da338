import numpy as np
import pytest

from waardhaven.domain.metrics.drawdown import drawdown_table
from waardhaven.domain.metrics.drawdowns import OPEN, day_of
from waardhaven.domain.metrics.sample import Sample


def by_hand(returns: np.ndarray) -> list[tuple[float, int, int, int]]:
    """Depth, peak, valley and recovery of each drawdown, day by day."""
    found, wealth, peak, peak_row, low, valley = [], 1.0, 1.0, -1, 0.0, -1
    for row, one in enumerate(returns):
        wealth *= 1.0 + (0.0 if np.isnan(one) else one)
        if wealth / peak - 1.0 >= 0.0:
            if low < 0.0:
                found.append((low, peak_row, valley, row))
            peak, peak_row, low = max(wealth, peak), row, 0.0
        elif wealth / peak - 1.0 < low:
            low, valley = wealth / peak - 1.0, row
    return found + ([(low, peak_row, valley, OPEN)] if low < 0.0 else [])


@pytest.mark.parametrize("seed", range(20))
def test_the_table_of_a_panel_is_that_of_a_walk_through_each_series(seed: int):
    rng = np.random.default_rng(seed)
    returns = rng.choice([-0.1, -0.05, 0.0, 0.05, 0.2], (40, 5))
    returns[rng.random(returns.shape) < 0.1] = np.nan
    table = drawdown_table(Sample(returns=returns, periods_per_year=12.0))
    found = list(
        zip(
            table.series.tolist(),
            table.peak.tolist(),
            table.valley.tolist(),
            table.recovery.tolist(),
            strict=True,
        )
    )
    walked = [(place, *one) for place in range(5) for one in by_hand(returns[:, place])]
    assert found == [(place, peak, valley, end) for place, _, peak, valley, end in walked]
    assert table.depth == pytest.approx([one[1] for one in walked], rel=1e-12)


def test_the_deepest_come_first_for_each_series():
    returns = np.array([[-0.1, 0.1], [0.2, -0.3], [-0.3, 0.9], [0.5, -0.3], [-0.1, 0.9]])
    table = drawdown_table(Sample(returns=returns, periods_per_year=12.0)).deepest(2)
    assert table.series.tolist() == [0, 0, 1, 1]
    assert table.depth == pytest.approx([-0.3, -0.1, -0.3, -0.3], rel=1e-12)
    assert table.peak.tolist() == [1, -1, 0, 2]
    assert len(table) == 4


def test_there_is_none_without_a_fall_without_a_day_or_without_a_series():
    for returns in (np.full((5, 2), 0.01), np.zeros((0, 2)), np.zeros((5, 0))):
        table = drawdown_table(Sample(returns=returns, periods_per_year=12.0))
        assert len(table) == len(table.length) == len(table.deepest(3)) == 0


def test_a_ruined_series_has_none_and_leaves_those_of_others():
    returns = np.array([[-0.5, -0.1], [-1.5, 0.2], [0.1, 0.0]])
    assert drawdown_table(Sample(returns=returns, periods_per_year=12.0)).series.tolist() == [1]


def test_an_open_drawdown_is_as_long_as_the_series_is_known():
    returns = np.array([[0.1], [-0.2], [np.nan], [-0.1], [np.nan], [np.nan]])
    table = drawdown_table(Sample(returns=returns, periods_per_year=12.0))
    assert table.length.tolist() == [3]
    assert table.valley.tolist() == [3]


def test_the_day_of_a_peak_may_be_the_base():
    days = np.array(["2024-01-02", "2024-01-03"], dtype="datetime64[D]")
    found = day_of(np.array([-1, 1]), days, np.datetime64("2023-12-29"))
    assert found.astype(str).tolist() == ["2023-12-29", "2024-01-03"]
