"""Matrices that are used, refused, repaired, factored."""

import numpy as np
import pytest

from waardhaven.domain.quant.monte_carlo.correlation import combined, examined, factor, nearest_correlation
from waardhaven.domain.quant.monte_carlo.market import Market
from waardhaven.domain.quant.monte_carlo.refusals import UnusableSimulation

INDEFINITE = np.array([[1.0, 0.9, 0.7], [0.9, 1.0, 0.3], [0.7, 0.3, 1.0]])
HIGHAM = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])


def rule(matrix: object, *, repair: bool = False) -> str:
    with pytest.raises(UnusableSimulation) as refused:
        examined(np.array(matrix, dtype=float), "sigma", repair=repair)
    (error,) = refused.value.errors
    assert error.field == "sigma"
    return error.rule


def test_a_good_matrix_comes_back_as_it_is_without_a_note():
    matrix = np.array([[0.04, 0.01], [0.01, 0.09]])
    found, notes = examined(matrix, "sigma", repair=True)
    np.testing.assert_array_equal(found, matrix)
    assert notes == ()


def test_an_indefinite_matrix_is_refused_with_its_smallest_eigenvalue_and_what_to_do():
    smallest = np.linalg.eigvalsh(INDEFINITE)[0]
    told = rule(INDEFINITE)
    assert f"{smallest:.6g}" in told
    assert "nearest" in told


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        ([[1.0, 0.0]], "square"),
        ([1.0], "square"),
        (np.zeros((0, 0)), "square"),
        ([[np.nan]], "finite"),
        ([[1.0, 0.2], [0.3, 1.0]], "symmetric"),
        ([[-1.0, 0.0], [0.0, 1.0]], "negative"),
    ],
)
def test_what_is_no_covariance_is_refused(matrix: object, words: str):
    assert words in rule(matrix, repair=True)


def test_asked_to_repair_it_takes_the_nearest_correlation_keeps_variances_and_says_so():
    deviation = np.array([0.2, 0.3, 0.1])
    found, (note,) = examined(INDEFINITE * np.outer(deviation, deviation), "sigma", repair=True)
    np.testing.assert_allclose(found.diagonal(), deviation**2, rtol=1e-14)
    assert np.linalg.eigvalsh(found)[0] > -1e-12
    assert "sigma" in note
    assert "nearest" in note


def test_repair_leaves_an_asset_without_variance_alone():
    matrix = np.zeros((4, 4))
    matrix[:3, :3] = INDEFINITE
    found, _ = examined(matrix, "sigma", repair=True)
    np.testing.assert_array_equal(found[3], np.zeros(4))
    assert np.linalg.eigvalsh(found)[0] > -1e-12


def test_the_nearest_correlation_is_that_of_higham():
    """N. Higham, IMA Journal of Numerical Analysis 22 (2002), section 4: 0.7607, 0.1573, distance 0.5278."""
    found = nearest_correlation(HIGHAM)
    assert found[0, 1] == pytest.approx(0.7607, abs=5e-5)
    assert found[0, 2] == pytest.approx(0.1573, abs=5e-5)
    assert np.linalg.norm(found - HIGHAM) == pytest.approx(0.5278, abs=5e-5)
    np.testing.assert_array_equal(found.diagonal(), np.ones(3))


def test_the_projections_end_even_where_they_have_not_settled(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("waardhaven.domain.quant.monte_carlo.correlation.ROUNDS", 1)
    found = nearest_correlation(HIGHAM)
    assert np.linalg.eigvalsh(found)[0] > -1e-12
    np.testing.assert_array_equal(found.diagonal(), np.ones(3))


@pytest.mark.parametrize("rank", [0, 1, 3, 5])
def test_the_factor_of_a_matrix_of_any_rank_gives_it_back(rank: int):
    root = np.random.default_rng(rank).normal(size=(5, rank))
    matrix = root @ root.T
    lower = factor(matrix)
    np.testing.assert_allclose(lower @ lower.T, matrix, atol=1e-9)
    np.testing.assert_array_equal(lower, np.tril(lower))


def test_products_do_not_depend_on_how_many_columns_are_computed_together():
    rng = np.random.default_rng(1)
    lower, draws = np.tril(rng.normal(size=(31, 31))), rng.normal(size=(31, 1000))
    whole = combined(lower, draws, np.empty((31, 1000)))
    for first in range(0, 1000, 300):
        part = np.ascontiguousarray(draws[:, first : first + 300])
        np.testing.assert_array_equal(
            combined(lower, part, np.empty(part.shape)), whole[:, first : first + 300]
        )


def test_a_market_says_what_was_repaired():
    made = Market(spot=[1.0] * 3, volatility=[0.2] * 3, rate=0.0, correlation=INDEFINITE, repair=True)
    assert len(made.repairs) == 1
    with pytest.raises(UnusableSimulation, match="can not"):
        Market(spot=[1.0] * 3, volatility=[0.2] * 3, rate=0.0, correlation=INDEFINITE)
