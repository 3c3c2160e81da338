import numpy as np
import pytest

from waardhaven.domain.quant.covariance import (
    ESTIMATORS,
    Estimator,
    diagnose,
    exponentially_weighted,
    ledoit_wolf,
    ledoit_wolf_constant_correlation,
    oracle_approximating,
    sample,
)

RNG_SEED = 11


def returns(sessions: int, names: int) -> np.ndarray:
    return np.random.default_rng(RNG_SEED).normal(0.0, 0.01, (sessions, names))


def test_the_sample_estimate_is_the_textbook_covariance() -> None:
    moves = returns(50, 4)
    np.testing.assert_allclose(sample(moves), np.cov(moves.T), rtol=1e-12)


def test_exponential_weights_halve_after_the_half_life() -> None:
    moves = np.zeros((11, 1))
    moves[0] = moves[10] = 0.1
    old, new = np.zeros((11, 1)), np.zeros((11, 1))
    old[0], new[10] = 0.1, 0.1
    parts = [exponentially_weighted(one, half_life=10.0)[0, 0] for one in (old, new)]
    assert parts[1] == pytest.approx(2 * parts[0], rel=1e-12)
    assert exponentially_weighted(moves, half_life=10.0)[0, 0] == pytest.approx(sum(parts), rel=1e-12)


def test_a_very_long_half_life_weighs_every_session_the_same() -> None:
    moves = returns(40, 3)
    found = exponentially_weighted(moves, half_life=1e12)
    np.testing.assert_allclose(found, moves.T @ moves / 40, rtol=1e-9)


def test_ledoit_wolf_of_fewer_sessions_than_names_is_positive_definite() -> None:
    assert np.linalg.eigvalsh(ledoit_wolf(returns(5, 20)))[0] > 0.0


def test_ledoit_wolf_keeps_a_sample_that_is_its_own_target() -> None:
    moves = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert ledoit_wolf(moves).tolist() == np.eye(2).tolist()


@pytest.mark.parametrize("estimate", [oracle_approximating, ledoit_wolf_constant_correlation])
def test_the_other_shrunk_estimates_of_fewer_sessions_than_names_are_positive_definite(
    estimate: Estimator,
) -> None:
    assert np.linalg.eigvalsh(estimate(returns(5, 20), half_life=1.0))[0] > 0.0


def test_oracle_approximating_keeps_a_sample_that_is_its_own_target() -> None:
    moves = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert oracle_approximating(moves).tolist() == np.eye(2).tolist()


def test_equal_correlations_are_kept_as_they_are() -> None:
    moves = returns(40, 2)
    np.testing.assert_array_equal(ledoit_wolf_constant_correlation(moves), _by_periods(moves))


def _by_periods(moves: np.ndarray) -> np.ndarray:
    centred = moves - moves.mean(axis=0)
    return centred.T @ centred / len(moves)


@pytest.mark.parametrize("still", [0.0, 0.0001])
def test_a_name_that_does_not_move_has_no_part_in_the_mean_correlation(still: float) -> None:
    moves = returns(40, 4) + returns(40, 1)
    wider = np.insert(moves, 2, still, axis=1)
    found = ledoit_wolf_constant_correlation(wider)
    kept = np.array([0, 1, 3, 4])
    np.testing.assert_allclose(found[np.ix_(kept, kept)], ledoit_wolf_constant_correlation(moves), rtol=1e-13)
    assert np.abs(found[2]).max() <= 1e-18
    alone = wider[:, [0, 2]]
    np.testing.assert_allclose(
        ledoit_wolf_constant_correlation(alone), _by_periods(alone), rtol=1e-14, atol=1e-18
    )


def test_shrinking_towards_equal_correlations_keeps_variances() -> None:
    moves = returns(30, 6)
    np.testing.assert_allclose(
        ledoit_wolf_constant_correlation(moves).diagonal(), _by_periods(moves).diagonal(), rtol=1e-14
    )


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("shape", [(60, 3), (6, 12), (2, 1)])
def test_every_estimate_is_symmetric_and_has_no_negative_eigenvalue(
    name: str, shape: tuple[int, int]
) -> None:
    found = ESTIMATORS[name](returns(*shape), half_life=10.0)
    assert (found == found.T).all()
    assert np.linalg.eigvalsh(found)[0] >= -1e-15 * found.trace()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimate_scales_with_the_square_of_returns(name: str) -> None:
    moves = returns(30, 4)
    pair = [ESTIMATORS[name](moves * factor, half_life=10.0) for factor in (1.0, 4.0)]
    np.testing.assert_allclose(pair[1], 16.0 * pair[0], rtol=1e-13)


def test_a_sound_estimate_is_called_usable() -> None:
    moves = returns(60, 3)
    found = diagnose(moves, sample(moves))
    assert (found.reliable, found.verdict) == (True, "Reliable.")
    assert (found.observations, found.names, found.per_name, found.holes) == (60, 3, 20.0, (0, 0, 0))
    spectrum = np.linalg.eigvalsh(sample(moves))
    assert found.smallest_eigenvalue == spectrum[0]
    assert found.condition == spectrum[-1] / spectrum[0]


def test_fewer_sessions_than_names_are_called_singular() -> None:
    moves = returns(5, 10)
    found = diagnose(moves, sample(moves))
    assert not found.reliable
    assert found.condition == float("inf")
    assert "singular (5 sessions for 10 names)" in found.verdict


def test_holes_are_counted_by_column() -> None:
    moves = returns(20, 3)
    broken = moves.copy()
    broken[3:5, 1] = np.nan
    found = diagnose(broken, sample(moves))
    assert found.holes == (0, 2, 0)
    assert found.verdict == "Not reliable: 1 names have holes in their returns."


def test_a_negative_eigenvalue_is_named() -> None:
    found = diagnose(returns(20, 2), np.array([[1.0, 2.0], [2.0, 1.0]]))
    assert not found.reliable
    assert "not positive semi-definite (-1)" in found.verdict


def test_an_estimate_that_is_not_finite_has_no_condition() -> None:
    found = diagnose(returns(20, 2), np.array([[np.nan, 0.0], [0.0, 1.0]]))
    assert "not finite" in found.verdict
    assert np.isnan(found.condition)
    assert np.isnan(found.smallest_eigenvalue)


def test_asymmetry_and_a_bad_condition_are_named() -> None:
    lopsided = np.array([[1.0, 0.1], [0.2, 1.0]])
    assert "not symmetric" in diagnose(returns(20, 2), lopsided).verdict
    assert "condition number is 1e+11" in diagnose(returns(20, 2), np.diag([1.0, 1e-11])).verdict
