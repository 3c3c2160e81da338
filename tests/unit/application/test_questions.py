"""Questions are read from JSON once, and told where they are broken."""

from typing import Annotated

import pytest
from msgspec import Meta

from waardhaven.application.questions.question import Question
from waardhaven.application.questions.reading import (
    UnusableQuestion,
    as_json,
    read_question,
)


class Part(Question):
    size: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.5


class Whole(Question):
    parts: Annotated[tuple[Part, ...], Meta(max_length=2)] = ()
    name: str = "it"


def test_what_is_silent_has_its_default_and_is_written_out():
    found = read_question(Whole, {"parts": [{}]})
    assert found == Whole(parts=(Part(size=0.5),))
    assert as_json(found) == {"parts": ({"size": 0.5},), "name": "it"}
    assert read_question(Whole, as_json(found)) == found
    assert read_question(Whole, {"parts": [{"size": 1}]}).parts[0].size == 1.0


@pytest.mark.parametrize(
    ("raw", "field", "rule"),
    [
        ({"parts": [{"size": 0.1}, {"size": 1.5}]}, "params.parts.1.size", "must be <= 1.0"),
        ({"parts": [{}, {}, {}]}, "params.parts", "must be of length <= 2"),
        ({"name": 5}, "params.name", "must be a text, not a whole number"),
        ({"nam": "x"}, "params", "Object contains unknown field `nam`"),
    ],
)
def test_a_broken_rule_is_told_with_its_field(raw: dict[str, object], field: str, rule: str):
    with pytest.raises(UnusableQuestion) as refused:
        read_question(Whole, raw, within="params")
    assert [(one.field, one.rule) for one in refused.value.errors] == [(field, rule)]
