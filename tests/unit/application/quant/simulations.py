"""Questions about simulations, short to ask, and a stored past."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from waardhaven.application.quant.monte_carlo_views import MonteCarloView
from waardhaven.application.quant.read_returns import StoredReturns
from waardhaven.application.quant.run_monte_carlo import answered, chunks, finished, run
from waardhaven.application.questions.monte_carlo import MonteCarloQuestion
from waardhaven.application.questions.reading import read_question
from waardhaven.domain.quant.monte_carlo.refusals import UnusableSimulation

MIXED = {
    "expected_returns": [0.06, 0.03],
    "volatilities": [0.18, 0.07],
    "correlation": [[1.0, 0.2], [0.2, 1.0]],
    "weights": [0.6, 0.4],
    "initial_value": 1000.0,
    "periods_per_year": 12,
    "seed": 42,
}
CALL = {
    "kind": "derivative",
    "payoff": {"strike_price": 100.0},
    "spot_price": 100.0,
    "volatility": 0.2,
    "risk_free_rate": 0.03,
    "time_to_expiry": 1.0,
    "seed": 42,
}
PAST = np.random.default_rng(5).normal([0.01, 0.004], [0.04, 0.02], (120, 2))
PAID = {
    "european": {},
    "digital": {"cash": 10.0},
    "arithmetic_asian": {},
    "geometric_asian": {},
    "barrier": {
        "barrier": 120.0,
        "direction": "up",
        "effect": "out",
        "rebate": 1.0,
        "monitoring": "continuous",
    },
    "basket": {"weights": [1.0]},
    "american": {"option_type": "put", "degree": 3, "pilot": 2048},
}
SOURCES = {
    "moments": MIXED,
    "covariance": MIXED
    | {"volatilities": None, "correlation": None, "covariance": [[0.0324, 0.00252], [0.00252, 0.0049]]},
    "returns": {"returns": PAST.tolist(), "periods_per_year": 12, "weights": [0.6, 0.4], "seed": 42},
}
STORED = StoredReturns(
    names=("AAA", "BBB"),
    days=np.arange(120).astype("datetime64[D]"),
    values=PAST,
    periods_per_year=12.0,
    first=date(2014, 1, 31),
    last=date(2024, 1, 31),
    frequency="monthly",
    currency=None,
    sources=(),
    left_out=3,
    notes=("Each in its own currency.",),
)


def asking(raw: dict[str, Any] = MIXED, **changes: Any) -> MonteCarloQuestion:
    """Return a question; a change to None takes the field away."""
    whole = {name: value for name, value in {**raw, **changes}.items() if value is not None}
    return read_question(MonteCarloQuestion, whole)


def answer(raw: dict[str, Any] = MIXED, read: StoredReturns | None = None, **changes: Any) -> MonteCarloView:
    return answered(asking(raw, **changes), read)


def in_pieces(question: MonteCarloQuestion, order: list[int]) -> MonteCarloView:
    plan = chunks(question, None)
    return finished(plan, [run(plan, chunk) for chunk in order])


def broken(raw: dict[str, Any], **changes: Any) -> dict[str, str]:
    with pytest.raises(UnusableSimulation) as refused:
        answer(raw, **changes)
    return {one.field: one.rule for one in refused.value.errors}
