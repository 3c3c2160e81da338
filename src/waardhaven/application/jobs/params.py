"""Parameters of jobs: declared once, on a dataclass or as a question of a model; read from JSON."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, TypeVar

from waardhaven.application.questions.question import Question
from waardhaven.application.questions.reading import as_json, read_question
from waardhaven.domain.errors import FieldError, Invalid

P = TypeVar("P")
TYPES = {"integer": int, "text": str, "choice": str}


class InvalidParams(Invalid):
    """Parameters of a job outside their rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One parameter. ``kind`` is ``integer``, ``text``, ``choice`` or ``day``; bounds are inclusive."""

    name: str
    kind: str
    default: object
    doc: str
    minimum: int | None = None
    maximum: int | None = None
    pattern: str | None = None
    options: tuple[str, ...] = ()


def integer(default: int, *, minimum: int, maximum: int, doc: str) -> Any:
    """Declare a whole number."""
    return _param("integer", default, doc, minimum=minimum, maximum=maximum)


def text(default: str, *, pattern: str, doc: str) -> Any:
    """Declare a text of one form."""
    return _param("text", default, doc, pattern=pattern)


def choice(default: str, *, options: tuple[str, ...], doc: str) -> Any:
    """Declare a text that is one of several."""
    return _param("choice", default, doc, options=options)


def day_or_none(*, doc: str) -> Any:
    """Declare a day that may be left out."""
    return _param("day", None, doc)


def describe(params: type[Any]) -> tuple[Param, ...]:
    """List the parameters of a dataclass in order of declaration."""
    return tuple(Param(name=one.name, default=one.default, **one.metadata) for one in fields(params))


def read_params(params: type[P], raw: Mapping[str, object]) -> P:
    """Return what ``raw`` says, defaults where it is silent; raise InvalidParams or UnusableQuestion."""
    if issubclass(params, Question):
        return read_question(params, raw, within="params")
    known = {one.name: one for one in describe(params)}
    errors = [
        FieldError(field=f"params.{name}", rule="is not a parameter of this job")
        for name in raw
        if name not in known
    ]
    values = {name: _value(known[name], raw[name], errors) for name in raw if name in known}
    if errors:
        raise InvalidParams("The parameters of the job are not valid.", errors=errors)
    return params(**values)


def write_params(params: object) -> dict[str, object]:
    """Return parameters as JSON's own types, every one written out."""
    if isinstance(params, Question):
        return as_json(params)
    found = {one.name: getattr(params, one.name) for one in fields(params)}  # type: ignore[arg-type]
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in found.items()}


def _param(kind: str, default: object, doc: str, **rules: object) -> Any:
    return field(default=default, metadata={"kind": kind, "doc": doc, **rules})


def _value(one: Param, value: object, errors: list[FieldError]) -> object:
    if one.kind == "day":
        value = None if value is None else _day(value)
        rule = None if value is not _NO_DAY else "must be a date such as 2024-05-31"
    else:
        rule = _rule(one, value)
    if rule is not None:
        errors.append(FieldError(field=f"params.{one.name}", rule=rule))
    return value


_NO_DAY = object()


def _day(value: object) -> object:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else _NO_DAY
    except ValueError:
        return _NO_DAY


def _rule(one: Param, value: object) -> str | None:
    """Return the rule that ``value`` breaks, None if it breaks none."""
    if isinstance(value, bool) or not isinstance(value, TYPES[one.kind]):
        return "must be a whole number" if one.kind == "integer" else "must be a text"
    if isinstance(value, int):
        if one.minimum is not None and value < one.minimum:
            return f"must be at least {one.minimum}"
        return f"must be at most {one.maximum}" if one.maximum is not None and value > one.maximum else None
    if one.options and value not in one.options:
        return f"must be one of {', '.join(one.options)}"
    matches = one.pattern is None or re.fullmatch(one.pattern, str(value))
    return None if matches else f"must have the form {one.pattern}"
