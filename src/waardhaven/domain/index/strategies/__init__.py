"""The registry of weighting strategies; one file each, listed here."""

from collections.abc import Iterable
from typing import Any

from waardhaven.domain.errors import Invalid
from waardhaven.domain.index.definition import StrategySpec
from waardhaven.domain.index.strategies import (
    blend,
    equal_risk,
    equal_weight,
    fixed,
    hierarchical_risk_parity,
    inverse_volatility,
    market_cap,
    maximum_diversification,
    maximum_sharpe,
    minimum_variance,
    momentum,
    price,
    volatility_target,
)
from waardhaven.domain.index.strategies.binding import InvalidStrategy, bound
from waardhaven.domain.index.strategies.strategy import BoundStrategy, Strategy

__all__ = ["STRATEGIES", "InvalidStrategy", "by_name", "prepare"]

STRATEGIES: tuple[Strategy[Any], ...] = (
    equal_weight.STRATEGY,
    fixed.STRATEGY,
    market_cap.STRATEGY,
    price.STRATEGY,
    momentum.STRATEGY,
    inverse_volatility.STRATEGY,
    equal_risk.STRATEGY,
    minimum_variance.STRATEGY,
    maximum_sharpe.STRATEGY,
    maximum_diversification.STRATEGY,
    hierarchical_risk_parity.STRATEGY,
    volatility_target.STRATEGY,
    blend.STRATEGY,
)


def by_name(strategies: Iterable[Strategy[Any]]) -> dict[str, Strategy[Any]]:
    """Return the strategies by name; raise Invalid if two share one."""
    found: dict[str, Strategy[Any]] = {}
    for strategy in strategies:
        if strategy.name in found:
            raise Invalid(f"Two strategies are called {strategy.name!r}.")
        found[strategy.name] = strategy
    return found


_BY_NAME = by_name(STRATEGIES)


def prepare(spec: StrategySpec, *, path: str = "strategy") -> BoundStrategy:
    """Bind a spec to the registry, or raise InvalidStrategy naming every bad field under ``path``."""
    return bound(spec, _BY_NAME, path)
