"""Shrinkage estimators against their definitions, independent libraries and examples worked by hand."""

import numpy as np
import pytest

from waardhaven.domain.quant.covariance import (
    ledoit_wolf,
    ledoit_wolf_constant_correlation,
    oracle_approximating,
    sample,
)


def by_definition(returns: np.ndarray) -> np.ndarray:
    """Return the estimator of Ledoit & Wolf (2004) computed norm by norm, one matrix for each session."""
    count, names = returns.shape
    moves = returns - returns.mean(axis=0)
    covariance = sum(np.outer(x, x) for x in moves) / count
    target = np.trace(covariance) / names * np.eye(names)
    distance = ((covariance - target) ** 2).sum() / names
    error = sum(((np.outer(x, x) - covariance) ** 2).sum() / names for x in moves) / count**2
    share = min(error, distance) / distance
    return share * target + (1 - share) * covariance


@pytest.mark.parametrize(("sessions", "names"), [(250, 5), (12, 5), (12, 30), (2, 3)])
def test_ledoit_wolf_equals_its_definition(sessions: int, names: int) -> None:
    rng = np.random.default_rng(sessions * names)
    returns = 0.01 * rng.normal(size=(sessions, names)) @ rng.normal(size=(names, names))
    found = ledoit_wolf(returns, half_life=1.0)
    np.testing.assert_allclose(found, by_definition(returns), rtol=1e-10, atol=1e-18)


def test_ledoit_wolf_shrinks_as_much_as_scikit_learn() -> None:
    """scikit-learn 1.x, ``sklearn.covariance.ledoit_wolf``, shrinkage of the same 12 x 5 returns."""
    returns = np.random.default_rng(3).normal(size=(12, 5)) @ np.diag([1.0, 2.0, 3.0, 4.0, 5.0])
    found, raw = ledoit_wolf(returns, half_life=1.0), sample(returns, half_life=1.0) * 11 / 12
    assert 1.0 - found[0, 1] / raw[0, 1] == pytest.approx(0.6911474446461395, rel=1e-12)


def oracle_by_definition(returns: np.ndarray, *, correction: bool = True) -> tuple[float, np.ndarray]:
    """Return the share and the estimate of Chen, Wiesel, Eldar & Hero (2010), equation 23, from matrices."""
    count, names = returns.shape
    moves = returns - returns.mean(axis=0)
    covariance = sum(np.outer(x, x) for x in moves) / count
    square, total = np.trace(covariance @ covariance), np.trace(covariance)
    few = 2 / names if correction else 0.0
    share = ((1 - few) * square + total**2) / ((count + 1 - few) * (square - total**2 / names))
    share = min(share, 1.0)
    return share, (1 - share) * covariance + share * total / names * np.eye(names)


@pytest.mark.parametrize(("sessions", "names"), [(250, 5), (12, 5), (12, 30), (2, 3), (60, 2)])
def test_oracle_approximating_equals_its_definition(sessions: int, names: int) -> None:
    rng = np.random.default_rng(sessions * names)
    returns = 0.01 * rng.normal(size=(sessions, names)) @ rng.normal(size=(names, names))
    found = oracle_approximating(returns)
    np.testing.assert_allclose(found, oracle_by_definition(returns)[1], rtol=1e-10, atol=1e-18)


def test_oracle_approximating_of_an_example_worked_by_hand() -> None:
    """Two names, T = 40, S = diag(2, 1/2): tr S = 5/2, tr S^2 = 17/4, share (25/4) / (40 * 9/8) = 5/36."""
    returns = np.tile([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]], (10, 1))
    np.testing.assert_allclose(oracle_approximating(returns), np.diag([91 / 48, 29 / 48]), rtol=1e-14)


def test_oracle_approximating_differs_from_scikit_learn_by_the_correction_for_few_names() -> None:
    """scikit-learn 1.9, ``sklearn.covariance.oas``, leaves out 2/k and so shrinks the same 12 x 5 by more."""
    returns = np.random.default_rng(3).normal(size=(12, 5)) @ np.diag([1.0, 2.0, 3.0, 4.0, 5.0])
    assert oracle_by_definition(returns, correction=False)[0] == pytest.approx(0.4853667080362499, rel=1e-12)
    found, raw = oracle_approximating(returns), sample(returns) * 11 / 12
    assert 1.0 - found[0, 1] / raw[0, 1] == pytest.approx(oracle_by_definition(returns)[0], rel=1e-12)


def honey_by_definition(returns: np.ndarray, *, ddof: int = 0) -> tuple[float, np.ndarray]:
    """Return the share and the estimate of Ledoit & Wolf (2004), JPM 30(4), appendix B, sum by sum."""
    count, names = returns.shape
    y = returns - returns.mean(axis=0)
    s = y.T @ y / (count - ddof)
    pairs = [(i, j) for i in range(names) for j in range(names) if i != j]
    mean = sum(s[i, j] / np.sqrt(s[i, i] * s[j, j]) for i, j in pairs) / len(pairs)
    target = np.diag(np.diag(s))
    for i, j in pairs:
        target[i, j] = mean * np.sqrt(s[i, i] * s[j, j])

    def shared(i: int, j: int) -> float:
        return float(np.mean((y[:, i] ** 2 - s[i, i]) * (y[:, i] * y[:, j] - s[i, j])))

    own = [float(np.mean((y[:, i] ** 2 - s[i, i]) ** 2)) for i in range(names)]
    pi = sum(own) + sum(float(np.mean((y[:, i] * y[:, j] - s[i, j]) ** 2)) for i, j in pairs)
    rho = sum(own) + sum(
        mean / 2 * (np.sqrt(s[j, j] / s[i, i]) * shared(i, j) + np.sqrt(s[i, i] / s[j, j]) * shared(j, i))
        for i, j in pairs
    )
    share = max(0.0, min((pi - rho) / ((target - s) ** 2).sum() / count, 1.0))
    return share, share * target + (1 - share) * s


@pytest.mark.parametrize(("sessions", "names"), [(250, 5), (60, 8), (12, 20), (20, 3)])
def test_shrinkage_towards_equal_correlations_equals_its_definition(sessions: int, names: int) -> None:
    rng = np.random.default_rng(sessions * names)
    sides = np.where(np.arange(names) % 2 == 0, 1.0, -0.5)
    returns = 0.01 * (rng.normal(size=(sessions, names)) + rng.normal(size=(sessions, 1)) * sides)
    share, exact = honey_by_definition(returns)
    assert 0.0 < share < 1.0
    np.testing.assert_allclose(ledoit_wolf_constant_correlation(returns), exact, rtol=1e-10, atol=1e-18)


def test_shrinkage_towards_equal_correlations_of_an_example_worked_by_hand() -> None:
    """T = 24, variances 1, covariances 1/2, 0, 1/2: mean 1/3, pi = 5, rho = 0, gamma = 1/3, share 15 / 24."""
    first = [1, 1, 1, 1, -1, -1, -1, -1]
    second = [1, 1, 1, -1, 1, -1, -1, -1]
    third = [1, 1, -1, -1, 1, 1, -1, -1]
    returns = np.tile(np.array([first, second, third], dtype=np.float64).T, (3, 1))
    exact = [[1, 19 / 48, 5 / 24], [19 / 48, 1, 19 / 48], [5 / 24, 19 / 48, 1]]
    np.testing.assert_allclose(ledoit_wolf_constant_correlation(returns), exact, rtol=1e-14)


def test_the_definition_gives_the_share_of_pyportfolioopt_with_its_divisor() -> None:
    """PyPortfolioOpt, ``ledoit_wolf("constant_correlation")``, of the same returns; it divides S by T - 1."""
    returns = np.random.default_rng(17).normal(size=(12, 5)) * 0.01
    returns = returns + np.random.default_rng(7).normal(size=(12, 1)) * 0.01
    assert honey_by_definition(returns, ddof=1)[0] == pytest.approx(0.9582694828249071, rel=1e-12)
