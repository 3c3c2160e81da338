"""Whatever is asked for, the answer is finite and keeps its limits, or a rule is named."""

import json
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from waardhaven.application.quant.optimise_portfolio import answered
from waardhaven.application.questions.markowitz import MarkowitzQuestion
from waardhaven.application.questions.reading import read_question
from waardhaven.domain.errors import Invalid
from waardhaven.domain.quant.covariance import ESTIMATORS
from waardhaven.domain.quant.markowitz.objectives import OBJECTIVES

NEEDS = {
    "target_return": ("target_return", st.floats(-0.1, 0.3)),
    "target_risk": ("target_risk", st.floats(0.0, 0.5)),
    "risk_aversion": ("risk_aversion", st.floats(0.01, 100.0)),
    "minimum_cvar": ("confidence", st.floats(0.5, 0.999)),
}
WEIGHT = st.sampled_from([-1.0, -0.1, 0.0, 0.1, 0.3, 0.5, 1.0, 2.0])


@st.composite
def markets(draw: Any) -> dict[str, Any]:
    """Draw returns of a few names, some of them alike or still."""
    count, seed = draw(st.integers(1, 5)), draw(st.integers(0, 10_000))
    periods = draw(st.sampled_from([2, 3, 6, 40]))
    moves = np.round(np.random.default_rng(seed).normal(0.001, 0.02, (periods, count)), 4)
    if draw(st.booleans()):
        moves[:, 0] = draw(st.sampled_from([0.0, 0.001]))
    if draw(st.booleans()):
        moves[:, -1] = moves[:, 0]
    return {"returns": moves.tolist(), "periods_per_year": draw(st.sampled_from([12, 252]))}


@st.composite
def limits(draw: Any, names: list[str]) -> dict[str, Any]:
    """Draw limits that may contradict each other."""
    one, found = st.sampled_from(names), {}
    found["min_weight"] = draw(st.sampled_from([0.0, 0.0, -0.5, 0.2]))
    found["max_weight"] = draw(st.sampled_from([1.0, 1.0, 0.4, 2.0]))
    if draw(st.booleans()):
        found["groups"] = [{"members": [draw(one)], "least": draw(WEIGHT), "most": draw(WEIGHT)}]
    if draw(st.booleans()):
        found["current_weights"] = {draw(one): draw(WEIGHT)}
        found["turnover"] = draw(st.sampled_from([0.0, 0.2, 1.0, 3.0]))
    if draw(st.booleans()):
        found["most_names"] = draw(st.integers(1, len(names)))
    return found


@st.composite
def questions(draw: Any) -> dict[str, Any]:
    """Draw a market, how its moments are estimated, an objective, limits and views."""
    asked = draw(markets())
    names = [str(one + 1) for one in range(len(asked["returns"][0]))]
    objective = draw(st.sampled_from(list(OBJECTIVES)))
    asked |= draw(limits(names)) | {
        "objective": objective,
        "covariance_method": draw(st.sampled_from(list(ESTIMATORS))),
        "expected_return_method": draw(st.sampled_from(["mean", "bayes_stein", "exponentially_weighted"])),
        "repair": draw(st.booleans()),
        "risk_free_rate": draw(st.sampled_from([-0.02, 0.0, 0.02])),
        "frontier": draw(st.sampled_from([0, 0, 3])) if "most_names" not in asked else 0,
    }
    if objective in NEEDS:
        field, values = NEEDS[objective]
        asked[field] = draw(values)
    even = dict.fromkeys(names, 1.0 / len(names))
    if objective == "risk_budgets":
        asked["risk_budgets"] = even
    if objective != "minimum_cvar" and draw(st.booleans()):
        view = {"weights": {draw(st.sampled_from(names)): 1.0}, "expected": draw(st.floats(-0.5, 0.5))}
        asked |= {"market_weights": even, "views": [view], "expected_return_method": "mean"}
    return asked


def kept(question: MarkowitzQuestion, weights: dict[str, float]) -> None:
    """Assert that weights keep the limits of a question."""
    room = 1e-9
    assert abs(sum(weights.values()) - question.budget) < room
    assert all(question.min_weight - room <= one <= question.max_weight + room for one in weights.values())
    for group in question.groups:
        held = sum(weights[name] for name in group.members)
        assert (-np.inf if group.least is None else group.least) - room <= held
        assert held <= (np.inf if group.most is None else group.most) + room
    if question.turnover is not None:
        now = question.current_weights or {}
        assert sum(abs(one - now.get(name, 0.0)) for name, one in weights.items()) <= question.turnover + room
    if question.most_names is not None:
        assert sum(abs(one) > room for one in weights.values()) <= question.most_names


@settings(max_examples=300, deadline=None)
@given(asked=questions())
def test_any_question_is_answered_within_its_limits_or_refused(asked: dict[str, Any]) -> None:
    question = read_question(MarkowitzQuestion, asked)
    try:
        found = answered(question)
    except Invalid:
        return
    json.dumps(msgspec.to_builtins(found), allow_nan=False)
    kept(question, dict(found.weights))
    if found.frontier is not None:
        for row in found.frontier.points.weights:
            kept(question, dict(zip(found.names, row, strict=True)))
