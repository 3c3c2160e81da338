"""From a plain document to a definition: every broken rule is told at once."""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from datetime import date
from enum import Enum
from math import nan
from typing import Any, get_args, get_origin, get_type_hints

from waardhaven.domain.errors import FieldError
from waardhaven.domain.index.definition import Adjustment, IndexDefinition, SeriesPolicy, StrategySpec
from waardhaven.domain.index.rules.walking import NONE, Walk
from waardhaven.domain.index.validation import InvalidDefinition, validated

STAND_IN = IndexDefinition(
    slug="index",
    name="An index",
    base_date=date(2000, 1, 3),
    base_value=100.0,
    currency="USD",
    universe="universe",
    strategy=StrategySpec(name="equal_weight"),
    series=SeriesPolicy(source="source", adjustment=Adjustment.RAW),
)
"""What takes the place of fields that can not be read, so that the rules of all others are checked, too."""
MOST_ITEMS = 10_000
DEEPEST = 12
_BROKEN = object()


def read_document(document: Mapping[str, Any]) -> IndexDefinition:
    """Return the definition a document describes; fields it leaves out have their defaults.

    Days are dates or ISO texts, assets are our ids. Raises InvalidDefinition, which names every unknown
    field, every value of a wrong kind and every broken rule.
    """
    reader = _Reader()
    definition: IndexDefinition = reader.record(IndexDefinition, Walk().over(document), "", STAND_IN)
    errors = reader.errors
    try:
        definition = validated(definition)
    except InvalidDefinition as invalid:
        told = [error.field for error in errors]
        errors += [one for one in invalid.errors if not is_within(one.field, told)]
    if errors:
        raise InvalidDefinition("The index definition is not valid.", errors=errors)
    return definition


def is_within(path: str, told: Sequence[str]) -> bool:
    """Tell whether ``path`` lies in a field of ``told``, or is a list with an item among them."""
    return any(
        f"{path}.".startswith(f"{one}.")
        or (one.startswith(f"{path}.") and one[len(path) + 1 :].partition(".")[0].isdigit())
        for one in told
    )


@dataclass(slots=True)
class _Reader:
    """Reads values by the types of the definition's fields and collects what is wrong."""

    errors: list[FieldError] = field(default_factory=list)

    def record(self, kind: type[Any], value: object, path: str, stand_in: object) -> Any:
        """Return an instance of a dataclass, ``stand_in`` where nothing can be read."""
        if not isinstance(value, Mapping):
            return self._wrong(path, "must be an object", stand_in)
        prefix = f"{path}." if path else ""
        known, hints = {one.name: one for one in fields(kind)}, get_type_hints(kind)
        self.errors += [
            FieldError(field=f"{prefix}{name}", rule="is not known here")
            for name in value
            if name not in known
        ]
        return kind(
            **{
                name: self._field(one, hints[name], value.get(name, _BROKEN), f"{prefix}{name}", stand_in)
                for name, one in known.items()
            }
        )

    def _field(self, one: Field[Any], kind: Any, value: object, path: str, stand_in: object) -> Any:
        if value is _BROKEN and (one.default is not MISSING or one.default_factory is not MISSING):
            return _default(one)
        other = getattr(stand_in, one.name, _default(one))
        return (
            self._wrong(path, "is required", other)
            if value is _BROKEN
            else self._value(kind, value, path, other)
        )

    def _value(self, kind: Any, value: object, path: str, stand_in: object) -> Any:
        if isinstance(kind, types.UnionType):
            (kind,) = (one for one in get_args(kind) if one is not type(None))
            if value is None or (value == NONE and kind in {int, float}):
                return None
        if get_origin(kind) is tuple:
            return self._items(get_args(kind)[0], value, path)
        if get_origin(kind) is dict:
            return self._params(value, path)
        if is_dataclass(kind):
            return self.record(kind, value, path, stand_in)  # type: ignore[arg-type]
        read = _choice(kind, value) if issubclass(kind, Enum) else SCALARS[kind](value)
        return self._wrong(path, RULES.get(kind) or _options(kind), stand_in) if read is _BROKEN else read

    def _items(self, kind: Any, value: object, path: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) > MOST_ITEMS:
            self._wrong(path, f"must be a list of at most {MOST_ITEMS}", None)
            return ()
        before = len(self.errors)
        found = tuple(self._value(kind, one, f"{path}.{i}", None) for i, one in enumerate(value))
        return found if len(self.errors) == before else ()

    def _params(self, value: object, path: str) -> dict[str, object]:
        if not isinstance(value, Mapping) or not _is_plain(value, 0):
            self._wrong(path, "must be an object of numbers, texts, lists and objects", None)
            return {}
        return dict(value)

    def _wrong(self, path: str, rule: str, stand_in: Any) -> Any:
        self.errors.append(FieldError(field=path, rule=rule))
        return stand_in


def _default(one: Field[Any]) -> Any:
    """Return the default of a field, a harmless value of its kind where it has none."""
    if one.default_factory is not MISSING:
        return one.default_factory()
    return nan if one.default is MISSING else one.default


def _text(value: object) -> object:
    fine = isinstance(value, str) and all(
        char in "\n\t" or (char >= " " and char != "\x7f" and not "\ud800" <= char <= "\udfff")
        for char in value
    )
    return value if fine else _BROKEN


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _BROKEN
    try:
        return float(value)
    except OverflowError:
        return _BROKEN


def _whole(value: object) -> object:
    return value if isinstance(value, int) and not isinstance(value, bool) else _BROKEN


def _day(value: object) -> object:
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else _BROKEN
    except ValueError:
        return _BROKEN


SCALARS: dict[type, Callable[[object], object]] = {str: _text, float: _number, int: _whole, date: _day}
RULES: dict[type, str] = {
    str: "must be a text without control characters",
    float: "must be a number",
    int: "must be a whole number",
    date: "must be a day such as 2024-05-31",
}


def _choice(kind: type[Enum], value: object) -> object:
    return next((one for one in kind if type(value) in {str, kind} and one.value == value), _BROKEN)


def _options(kind: type[Enum]) -> str:
    return f"must be one of {', '.join(str(one) for one in kind)}"


def _is_plain(value: object, depth: int) -> bool:
    """Tell whether a value is what JSON knows, not nested too deep; strings without control characters."""
    if depth > DEEPEST:
        return False
    if isinstance(value, Mapping):
        return all(_text(name) is not _BROKEN and _is_plain(one, depth + 1) for name, one in value.items())
    if isinstance(value, list | tuple):
        return all(_is_plain(one, depth + 1) for one in value)
    if isinstance(value, str):
        return _text(value) is not _BROKEN
    return value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**63)
