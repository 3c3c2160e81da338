"""The Ledoit-Wolf estimator against its definition and an independent library."""

import numpy as np
import pytest

from waardhaven.domain.quant.covariance import ledoit_wolf, sample


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
