import numpy as np

from waardhaven.domain.quant.hierarchy import hierarchical_risk_parity


def test_one_name_gets_everything() -> None:
    assert hierarchical_risk_parity(np.array([[0.04]])).tolist() == [1.0]


def test_two_names_share_in_inverse_proportion_to_their_variances() -> None:
    found = hierarchical_risk_parity(np.array([[0.01, 0.01], [0.01, 0.04]]))
    np.testing.assert_allclose(found, [0.8, 0.2], rtol=1e-15)


def test_uncorrelated_names_are_weighed_by_inverse_variance() -> None:
    variance = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    found = hierarchical_risk_parity(np.diag(variance))
    np.testing.assert_allclose(found, 1 / variance / (1 / variance).sum(), rtol=1e-14)


def test_names_that_move_together_share_what_one_of_them_would_get() -> None:
    covariance = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
    found = hierarchical_risk_parity(covariance)
    assert found.sum() == 1.0
    assert found[1] > found[0]
    assert found[1] > found[2]


def test_units_do_not_matter() -> None:
    moves = np.random.default_rng(2).normal(size=(50, 7))
    covariance = np.cov(moves.T)
    pair = [hierarchical_risk_parity(covariance * factor) for factor in (1.0, 1e-6)]
    np.testing.assert_allclose(pair[0], pair[1], rtol=1e-12)
