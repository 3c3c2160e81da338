"""A small market, and questions about its portfolios."""

import math
from typing import Any

import numpy as np
import pytest

from waardhaven.application.quant.markowitz_views import MarkowitzView
from waardhaven.application.quant.optimise_portfolio import answered
from waardhaven.application.questions.markowitz import MarkowitzQuestion
from waardhaven.application.questions.reading import read_question
from waardhaven.domain.errors import Invalid

NAMES = ["bonds", "shares", "gold"]
EXPECTED = [0.03, 0.08, 0.05]
COVARIANCE = [[0.0025, 0.001, 0.0], [0.001, 0.04, 0.004], [0.0, 0.004, 0.0225]]
GIVEN: dict[str, Any] = {"names": NAMES, "expected_returns": EXPECTED, "covariance": COVARIANCE}
MOVES = np.random.default_rng(5).multivariate_normal(np.array(EXPECTED) / 52, np.array(COVARIANCE) / 52, 80)
SAMPLED: dict[str, Any] = {"names": NAMES, "returns": MOVES.tolist(), "periods_per_year": 52}
NEEDS: dict[str, Any] = {
    "target_return": {"target_return": 0.05},
    "target_risk": {"target_risk": 0.06},
    "risk_aversion": {"risk_aversion": 4.0},
    "risk_budgets": {"risk_budgets": {"bonds": 0.5, "shares": 0.3, "gold": 0.2}},
}


def asking(market: dict[str, Any] = GIVEN, **fields: Any) -> MarkowitzQuestion:
    return read_question(MarkowitzQuestion, {**market, **fields})


def answer(market: dict[str, Any] = GIVEN, **fields: Any) -> MarkowitzView:
    return answered(asking(market, **fields))


def broken(market: dict[str, Any] = GIVEN, error: type[Invalid] = Invalid, **fields: Any) -> dict[str, str]:
    with pytest.raises(error) as caught:
        answer(market, **fields)
    assert caught.value.message
    return {one.field: one.rule for one in caught.value.errors}


def finite(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    if isinstance(value, list):
        return all(map(finite, value))
    return not isinstance(value, float) or math.isfinite(value)
