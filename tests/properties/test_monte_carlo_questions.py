"""Whatever is asked of a simulation is answered with numbers, or refused with the field and its rule."""

from dataclasses import asdict
from math import isfinite
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.application.quant.simulations import CALL, MIXED, SOURCES

from waardhaven.application.quant.monte_carlo_views import MonteCarloView
from waardhaven.application.quant.run_monte_carlo import answered, seeded
from waardhaven.application.questions.monte_carlo import MonteCarloQuestion
from waardhaven.application.questions.reading import read_question
from waardhaven.domain.errors import FieldError, Invalid

ODD = st.sampled_from([0, 1, -1, 0.5, 1e300, -1e-300, 10**9, None, "x", [], [0.1], [0.1, 0.2], True])
FAR = st.floats(-1e12, 1e12) | st.floats(0.0, 2.0) | st.integers(0, 2_000)
MATRIX = st.sampled_from([[[1.0, 0.0], [0.0, 1.0]], [[1.0], [1.0]], [[0.04, 9.0], [9.0, 0.04]], [[]], []])
PART = st.dictionaries(
    st.sampled_from(["type", "strike_price", "barrier", "weights", "amount", "growth", "first", "cash"]),
    ODD | FAR,
)
VALUE = ODD | FAR | MATRIX | PART | PART.map(lambda one: [one]) | st.lists(FAR, max_size=3)
NAMES = sorted({*MonteCarloQuestion.__struct_fields__} - {"symbols", "simulations"})


def outcome(raw: dict[str, Any]) -> MonteCarloView | tuple[FieldError, ...]:
    try:
        return answered(seeded(read_question(MonteCarloQuestion, raw)), None)
    except Invalid as refused:
        return refused.errors


def is_finite(value: object) -> bool:
    if isinstance(value, dict):
        return all(is_finite(one) for one in value.values())
    if isinstance(value, list | tuple):
        return all(is_finite(one) for one in value)
    return not isinstance(value, float) or isfinite(value)


@settings(max_examples=300, deadline=None)
@given(
    base=st.sampled_from([MIXED, CALL, *SOURCES.values(), {}]),
    changes=st.dictionaries(st.sampled_from(NAMES), VALUE, max_size=3),
)
def test_every_question_is_answered_with_numbers_or_told_what_is_wrong(
    base: dict[str, Any], changes: dict[str, Any]
) -> None:
    found = outcome({**base, **changes, "simulations": 128})
    if isinstance(found, tuple):
        assert found
        assert all(one.field and one.rule for one in found)
    else:
        assert is_finite(asdict(found))
