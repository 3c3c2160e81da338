"""Parameters of strategies: described once on the dataclass, read from JSON against it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any

from waardhaven.domain.errors import FieldError


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter: ``type`` is ``integer``, ``number`` or ``sleeves``; bounds are inclusive."""

    name: str
    type: str
    default: object
    minimum: float | None
    maximum: float | None
    doc: str


def parameter(default: object, *, minimum: float, maximum: float, doc: str) -> Any:
    """Declare a parameter as a dataclass field, with its default, inclusive bounds and meaning."""
    bounds = {"default": default, "minimum": minimum, "maximum": maximum, "doc": doc}
    if isinstance(default, int | float):
        return field(default=default, metadata=bounds)
    return field(metadata=bounds)


def describe(params: type[Any]) -> tuple[Parameter, ...]:
    """List the parameters of a params dataclass in order of declaration."""
    kinds = {int: "integer", float: "number"}
    return tuple(
        Parameter(name=one.name, type=kinds.get(type(one.metadata["default"]), "sleeves"), **one.metadata)
        for one in fields(params)
    )


def unknown_names(params: type[Any], raw: Mapping[str, object], path: str) -> list[FieldError]:
    """List the names in ``raw`` that are no parameter."""
    known = {one.name for one in fields(params)}
    return [
        FieldError(field=f"{path}.{name}", rule="is not a parameter") for name in raw if name not in known
    ]


def number_rule(one: Parameter, value: object) -> str | None:
    """Return the rule that ``value`` breaks, None if it breaks none."""
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
