"""Parameters of strategies: described once on the dataclass, read from JSON against it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any

from waardhaven.domain.errors import FieldError

KINDS = {int: "integer", float: "number", tuple: "sleeves"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter: what it means and what it may be.

    ``type``: ``integer``, ``number``, ``boolean``, ``choice`` (one of ``options``), ``weights`` (an object
    of asset id as text to weight), ``strategy`` ({name, params} of another strategy) or ``sleeves`` (a list
    of {strategy, weight, params}). Bounds are inclusive. ``optional``: null is allowed.
    """

    name: str
    type: str
    default: object
    minimum: float | None
    maximum: float | None
    doc: str
    options: tuple[str, ...] = ()
    optional: bool = False


def parameter(default: object, *, minimum: float, maximum: float, doc: str) -> Any:
    """Declare a number, a whole number or sleeves: default, inclusive bounds and meaning.

    A default of the dataclass itself exists for numbers alone; the registry binds sleeves.
    """
    kind = KINDS[type(default)]
    described = {"type": kind, "default": default, "minimum": minimum, "maximum": maximum, "doc": doc}
    return field(metadata=described) if kind == "sleeves" else field(default=default, metadata=described)


def optional(default: float | None, *, minimum: float, maximum: float, doc: str) -> Any:
    """Declare a number that may be null."""
    bounds = {"minimum": minimum, "maximum": maximum, "optional": True}
    return field(default=default, metadata={"type": "number", "default": default, "doc": doc, **bounds})


def choice(default: str, *, options: tuple[str, ...], doc: str) -> Any:
    """Declare one of a few names."""
    return field(default=default, metadata=_unbounded("choice", default, doc) | {"options": options})


def boolean(*, default: bool, doc: str) -> Any:
    """Declare a yes or no."""
    return field(default=default, metadata=_unbounded("boolean", default, doc))


def weights(*, doc: str) -> Any:
    """Declare an object of asset id as text to weight; required, bound as pairs in order of id."""
    described = {"type": "weights", "default": {}, "minimum": 0.0, "maximum": 1.0, "doc": doc}
    return field(metadata=described)


def another_strategy(default: Mapping[str, object], *, doc: str) -> Any:
    """Declare another strategy as {name, params}; the registry binds it."""
    return field(metadata=_unbounded("strategy", default, doc))


def _unbounded(kind: str, default: object, doc: str) -> dict[str, object]:
    return {"type": kind, "default": default, "minimum": None, "maximum": None, "doc": doc}


def describe(params: type[Any]) -> tuple[Parameter, ...]:
    """List the parameters of a params dataclass in order of declaration."""
    return tuple(Parameter(name=one.name, **one.metadata) for one in fields(params))


def unknown_names(params: type[Any], raw: Mapping[str, object], path: str) -> list[FieldError]:
    """List the names in ``raw`` that are no parameter."""
    known = {one.name for one in fields(params)}
    return [
        FieldError(field=f"{path}.{name}", rule="is not a parameter") for name in raw if name not in known
    ]


def broken_rule(one: Parameter, value: object) -> str | None:
    """Return the rule that a number, a boolean or a choice breaks, None if it breaks none."""
    if value is None and one.optional:
        return None
    if one.type == "choice":
        return None if value in one.options else f"must be one of {', '.join(one.options)}"
    if one.type == "boolean":
        return None if isinstance(value, bool) else "must be true or false"
    return _number_rule(one, value)


def _number_rule(one: Parameter, value: object) -> str | None:
    whole = one.type == "integer"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return "must be a whole number" if whole else "must be a number"
    if not isfinite(value):
        return "must be finite"
    if one.minimum is not None and value < one.minimum:
        return f"must be at least {one.minimum:g}"
    if one.maximum is not None and value > one.maximum:
        return f"must be at most {one.maximum:g}"
    return None
