"""From JSON's own types to a question."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from waardhaven.application.questions.question import Question
from waardhaven.application.rule_texts import told
from waardhaven.domain.errors import FieldError, Invalid

Q = TypeVar("Q", bound=Question)


class UnusableQuestion(Invalid):
    """A question that breaks rules of its shape; ``errors`` name the fields."""


def read_question(kind: type[Q], raw: Mapping[str, object], *, within: str = "") -> Q:
    """Return the question that ``raw`` is; fields of an error are told ``within`` what holds it.

    Raise UnusableQuestion with the first rule that is broken.
    """
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        place, rule = told(str(error), kind)
        field = f"{within}{place}".lstrip(".")
        errors = [FieldError(field=field, rule=rule)]
        raise UnusableQuestion("The question breaks a rule.", errors=errors) from None


def decode_question(kind: type[Q], content: bytes | bytearray) -> Q:
    """Return the question that a JSON text is; raise UnusableQuestion."""
    try:
        raw: Any = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        errors = [FieldError(field="", rule=f"must be JSON: {error}")]
        raise UnusableQuestion("The question is not JSON.", errors=errors) from None
    return read_question(kind, raw)


def written(question: Question) -> dict[str, object]:
    """Return a question as JSON's own types, every field written out."""
    found: dict[str, object] = msgspec.to_builtins(question)
    return found


def as_json(view: object) -> dict[str, object]:
    """Return a view of dataclasses as JSON's own types."""
    found: dict[str, object] = msgspec.to_builtins(view)
    return found
