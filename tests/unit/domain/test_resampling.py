"""Rows drawn anew in blocks: what a seed decides, what blocks look like, how long they should be."""

import numpy as np
import pytest

from waardhaven.domain.resampling import InvalidResampling, block_length, stationary_rows


def rows(seed: int = 5, *, days: int = 200, draws: int = 60, length: float = 10.0, cells: int = 1 << 20):
    made = stationary_rows(
        np.random.default_rng(seed), days=days, draws=draws, block_length=length, cells=cells
    )
    return np.concatenate(list(made), axis=1)


def autoregressive(phi: float, n: int, seed: int = 3) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=n)
    values = np.empty(n)
    values[0] = noise[0]
    for i in range(1, n):
        values[i] = phi * values[i - 1] + noise[i]
    return values


def test_the_same_seed_draws_the_same_rows():
    np.testing.assert_array_equal(rows(5), rows(5))
    assert (rows(5) != rows(6)).any()


@pytest.mark.parametrize("cells", [1, 200, 450, 1 << 20])
def test_the_size_of_blocks_of_draws_changes_nothing(cells: int):
    np.testing.assert_array_equal(rows(cells=cells), rows())


def test_more_draws_begin_with_the_same_draws():
    np.testing.assert_array_equal(rows(draws=60)[:, :7], rows(draws=7))


def test_memory_is_bounded_by_the_cells_asked_for():
    made = stationary_rows(np.random.default_rng(1), days=100, draws=50, block_length=3.0, cells=1000)
    assert [one.shape for one in made] == [(100, 10)] * 5


def test_a_block_goes_on_to_the_next_row_and_from_the_last_to_the_first():
    found = rows(days=50, draws=400, length=12.0)
    assert found.min() == 0
    assert found.max() == 49
    goes_on = (found[1:] - found[:-1]) % 50 == 1
    assert goes_on.mean() == pytest.approx(1 - 1 / 12 * 49 / 50, abs=0.01)
    assert ((found[:-1] == 49) & (found[1:] == 0)).any()


def test_every_row_is_drawn_alike_wherever_in_a_draw():
    found = rows(days=20, draws=20_000, length=5.0)
    for place in (0, 7, 19):
        share = np.bincount(found[place], minlength=20) / found.shape[1]
        assert np.abs(share - 0.05).max() < 0.01


def test_blocks_of_one_row_are_drawn_one_by_one():
    found = rows(days=30, draws=5000, length=1.0)
    assert ((found[1:] - found[:-1]) % 30 == 1).mean() == pytest.approx(1 / 30, abs=0.003)


def test_totals_of_draws_differ_as_sums_of_the_series_do():
    """Resampling is with replacement: a permutation would end everywhere at the same total."""
    values = np.random.default_rng(8).normal(0.0, 0.01, 400)
    totals = values[rows(days=400, draws=4000, length=1.0)].sum(axis=0)
    assert totals.std() == pytest.approx(np.sqrt(400) * values.std(), rel=0.05)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"days": 0}, "days"),
        ({"draws": 0}, "draws"),
        ({"length": 0.5}, "block_length"),
        ({"length": np.nan}, "block_length"),
        ({"length": np.inf}, "block_length"),
    ],
)
def test_draws_that_can_not_be_are_refused(changes: dict[str, float], field: str):
    with pytest.raises(InvalidResampling) as refused:
        rows(**changes)
    assert [one.field for one in refused.value.errors] == [field]


@pytest.mark.parametrize("values", [np.empty(0), np.ones(1), np.arange(3.0), np.full(500, 0.01)])
def test_a_series_too_short_or_without_movement_has_blocks_of_one(values: np.ndarray):
    assert block_length(values) == 1.0


def test_what_does_not_depend_on_its_past_has_short_blocks():
    assert block_length(np.random.default_rng(2).normal(size=2000)) < 3.0


def test_the_more_a_series_depends_on_its_past_the_longer_are_its_blocks():
    lengths = [block_length(autoregressive(phi, 4000)) for phi in (0.1, 0.3, 0.6, 0.9)]
    assert lengths == sorted(lengths)


def test_an_autoregression_has_nearly_the_block_length_that_theory_gives():
    """With R(k) = phi^|k| / (1 - phi^2): G = 2 phi / ((1 - phi^2) (1 - phi)^2), D = 2 / (1 - phi)^4.

    So (2 G^2 / D)^(1/3) = (2 phi / (1 - phi^2))^(2/3), times n^(1/3).
    """
    phi, n = 0.6, 50_000
    theory = (2 * phi / (1 - phi**2)) ** (2 / 3) * n ** (1 / 3)
    found = np.median([block_length(autoregressive(phi, n, seed)) for seed in range(5)])
    assert found == pytest.approx(theory, rel=0.1)


@pytest.mark.parametrize(("gap", "length"), [(2, 5.745327726622899), (5, 12.589707032469779)])
def test_the_length_is_that_of_another_implementation(gap: int, length: float):
    """Computed with optimal_block_length of the Python package arch 8.0.0, column "stationary"."""
    walk = np.cumsum(np.sin(np.arange(1, 601) ** 2 * 0.37))
    assert block_length(walk[gap:] - walk[:-gap]) == pytest.approx(length, rel=1e-9)


def test_no_block_is_longer_than_three_roots_of_the_days_nor_a_third_of_them():
    """A swing of one period: what is far apart cancels, so theory would have longer blocks still."""
    for days, longest in ((30, 10.0), (400, 60.0)):
        swing = np.sin(2 * np.pi * np.arange(days) / 12)
        assert block_length(swing) == longest


def test_scale_and_level_of_a_series_change_nothing():
    values = autoregressive(0.5, 1000)
    assert block_length(7.0 + 0.001 * values) == pytest.approx(block_length(values), rel=1e-9)


def test_draws_may_be_shorter_or_longer_than_the_past():
    made = [
        np.concatenate(
            list(
                stationary_rows(
                    np.random.default_rng(2), days=30, draws=50, block_length=6.0, length=length, cells=400
                )
            ),
            axis=1,
        )
        for length in (7, 30, 400)
    ]
    assert [one.shape for one in made] == [(7, 50), (30, 50), (400, 50)]
    assert all(one.min() >= 0 and one.max() < 30 for one in made)
    goes_on = (np.diff(made[2], axis=0) % 30 == 1).mean()
    assert goes_on == pytest.approx(5 / 6 + 1 / 180, abs=0.01)


def test_a_draw_as_long_as_the_past_is_the_usual_one():
    made = stationary_rows(np.random.default_rng(5), days=200, draws=60, block_length=10.0, length=200)
    np.testing.assert_array_equal(np.concatenate(list(made), axis=1), rows(5))


def test_a_draw_of_no_rows_is_refused():
    with pytest.raises(InvalidResampling) as refused:
        list(stationary_rows(np.random.default_rng(1), days=5, draws=2, block_length=1.0, length=0))
    assert [one.field for one in refused.value.errors] == ["length"]
