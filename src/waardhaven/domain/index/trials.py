"""Which rules were tried for an index before the ones it has: what the deflated Sharpe ratio must know."""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Final

import numpy as np

from waardhaven.domain.index.definition import IndexDefinition, RestatementPolicy
from waardhaven.domain.types import Floats

LEAST_RETURNS: Final = 252
"""Session returns below which a Sharpe ratio says more of its window than of the rules."""
LABELS: Final = {
    "slug": "",
    "name": "",
    "description": "",
    "base_value": 100.0,
    "decimals": 6,
    "benchmark": None,
    "restatement": RestatementPolicy.LEAVE,
    "restatement_threshold": 0.0,
}
"""Parts of a definition that no return depends on: rules that differ in these alone are one variant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """How many variants of an index were tried; ``ratios`` (n,): their Sharpe ratios, of those that have one.

    Each is the ratio of one session: mean over sample deviation of returns, without a risk-free rate.
    """

    count: int
    ratios: Floats

    def per_period(self, sessions: float) -> Floats:
        """Return the ratios of periods of so many sessions, as of returns that do not depend on the past."""
        return self.ratios * sqrt(sessions)


def variant(definition: IndexDefinition) -> IndexDefinition:
    """Return the rules alone, equal for definitions that lead to the same returns."""
    return replace(definition, **LABELS)  # type: ignore[arg-type]


def session_ratio(level: Floats) -> float:
    """Return the Sharpe ratio of one session of levels (n,) above 0.

    NaN for fewer than LEAST_RETURNS returns, and where all are the same.
    """
    if len(level) <= LEAST_RETURNS:
        return float("nan")
    moves = level[1:] / level[:-1] - 1.0
    spread = float(np.std(moves, ddof=1))
    return float(moves.mean()) / spread if spread > 0.0 else float("nan")
