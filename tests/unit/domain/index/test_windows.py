import statistics

import numpy as np
import pytest

from waardhaven.domain.index.windows import (
    normalised,
    row_blocks,
    row_dots,
    row_sums,
    trailing,
    trailing_moments,
)

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("columns", [1, 2, 7, 8, 9, 64, 129, 1000])
def test_a_row_has_the_same_sum_alone_and_among_many(columns: int) -> None:
    matrix = RNG.normal(size=(33, columns))
    together = row_sums(matrix)
    assert all(row_sums(matrix[i : i + 1])[0] == together[i] for i in range(33))
    assert np.array_equal(row_sums(np.asfortranarray(matrix)), together)
    assert np.array_equal(row_sums(matrix[4:6]), together[4:6])


def test_columns_of_zeros_change_no_bit_of_a_sum() -> None:
    matrix = RNG.normal(size=(50, 37))
    wider = np.insert(matrix, RNG.integers(0, 37, 400), 0.0, axis=1)
    assert np.array_equal(row_sums(matrix), row_sums(wider))


def test_dots_equal_a_sum_of_products_from_left_to_right() -> None:
    matrix, vector = RNG.normal(size=(4, 11)), RNG.normal(size=11)
    expected = []
    for row in matrix.tolist():
        total = 0.0
        for value, factor in zip(row, vector.tolist(), strict=True):
            total += value * factor
        expected.append(total)
    assert row_dots(matrix, vector).tolist() == expected


def test_weights_are_scaled_to_one_and_empty_rows_stay_empty() -> None:
    assert normalised(np.array([[1.0, 3.0], [0.0, 0.0]])).tolist() == [[0.25, 0.75], [0.0, 0.0]]


@pytest.mark.parametrize("window", [1, 2, 3, 20, 31, 32, 60])
def test_trailing_sums_cover_each_run_once(window: int) -> None:
    values = RNG.integers(0, 9, (70, 3)).astype(np.float64)
    expected = np.lib.stride_tricks.sliding_window_view(values, window, axis=0).sum(axis=-1)
    assert np.array_equal(trailing(np.add, values, window), expected)


@pytest.mark.parametrize("rows", [0, 1, 19])
def test_a_window_longer_than_the_data_has_no_runs(rows: int) -> None:
    assert trailing(np.add, np.ones((rows, 2)), 20).shape == (0, 2)


def test_trailing_runs_do_not_depend_on_where_the_data_begin() -> None:
    values = RNG.normal(size=(200, 5))
    assert np.array_equal(trailing(np.add, values, 60)[90:], trailing(np.add, values[90:], 60))


@pytest.mark.parametrize("window", [1, 2, 7, 60, 126, 252])
@pytest.mark.parametrize("spacing", [1, 5, 21, 200])
def test_wanted_runs_equal_those_of_every_row_bit_for_bit(window: int, spacing: int) -> None:
    values = RNG.normal(1.0, 0.02, (700, 3))
    rows = np.arange(0, 700 - window + 1, spacing)
    assert np.array_equal(
        trailing(np.multiply, values, window, rows), trailing(np.multiply, values, window)[rows]
    )
    every, some = (
        trailing_moments(values, max(window, 2)),
        trailing_moments(values, max(window, 2), rows[:-1]),
    )
    assert all(np.array_equal(a[rows[:-1]], b) for a, b in zip(every, some, strict=True))


def test_moments_are_the_mean_and_the_sample_variance() -> None:
    values = RNG.normal(0.001, 0.02, (61, 2))
    mean, variance = trailing_moments(values, 60)
    for i in range(2):
        run = values[i : i + 60, 1].tolist()
        assert mean[i, 1] == pytest.approx(statistics.fmean(run), rel=1e-13)
        assert variance[i, 1] == pytest.approx(statistics.variance(run), rel=1e-12)


@pytest.mark.parametrize("constant", [0.0, 0.01, -0.3, 1e-9])
def test_returns_without_variation_have_exactly_no_variance(constant: float) -> None:
    jitter = np.where(np.arange(60) % 2, 1e-17, 0.0)[:, None]
    assert trailing_moments(np.full((60, 1), constant) + jitter, 60)[1].tolist() == [[0.0]]


def test_a_missing_value_makes_every_run_that_holds_it_unknown() -> None:
    values = np.ones((10, 1))
    values[4] = np.nan
    assert np.flatnonzero(np.isnan(trailing(np.add, values, 3))).tolist() == [2, 3, 4]
    assert np.isnan(trailing_moments(values, 3)[1][2:5]).all()


def test_blocks_cover_all_rows_in_order_and_stay_short() -> None:
    rows = np.sort(RNG.choice(10_000, 500, replace=False))
    blocks = row_blocks(rows, 10, cells=2000)
    assert np.concatenate([rows[block] for block in blocks]).tolist() == rows.tolist()
    assert max(np.ptp(rows[block]) for block in blocks) < 200
    assert row_blocks(rows[:0], 10) == []
