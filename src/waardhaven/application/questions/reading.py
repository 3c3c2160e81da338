"""From JSON's own types to a question."""

from collections.abc import Mapping
from typing import TypeVar

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


def as_json(found: object) -> dict[str, object]:
    """Return a question, or a view of dataclasses, as JSON's own types, every field written out."""
    plain: dict[str, object] = msgspec.to_builtins(found)
    return plain
