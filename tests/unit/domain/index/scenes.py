"""Signals of one review for tests of strategies."""

import numpy as np

from waardhaven.domain.index.definition import StrategySpec
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.index.strategies import prepare
from waardhaven.domain.index.strategies.signals import Signals

ROWS = 80


def signals(
    returns: np.ndarray,
    *,
    eligible: list[bool] | None = None,
    caps: list[float] | None = None,
    prices: list[float] | None = None,
    limits: Limits | None = None,
) -> Signals:
    """Return the signals of one review whose selection session is the last row of ``returns``."""
    columns = returns.shape[1]
    return Signals(
        assets=np.arange(1, columns + 1),
        eligible=np.array([eligible or [True] * columns]),
        price=np.array([prices or [10.0] * columns]),
        market_cap=np.array([caps or [1.0] * columns]),
        returns=returns,
        rows=np.array([len(returns) - 1]),
        limits=limits or Limits.free(columns),
    )


def returns(*columns: float) -> np.ndarray:
    """Return rows of alternating + and - moves around each column's drift."""
    sign = np.where(np.arange(ROWS) % 2, 1.0, -1.0)[:, None]
    return np.array(columns) + 0.001 * sign


def weights(name: str, given: Signals, **params: object) -> list[float]:
    if name == "fixed":
        params = {"weights": {"1": 0.5, "2": 0.25, "3": 0.25}} | params
    return prepare(StrategySpec(name=name, params=params)).weigh(given)[0].tolist()


def noise(columns: int, *, seed: int = 3) -> np.ndarray:
    """Return random returns that share a market."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0005, 0.01, (ROWS, 1))
    return market + rng.normal(0.0, 0.01, (ROWS, columns)) * np.linspace(0.5, 2.0, columns)
