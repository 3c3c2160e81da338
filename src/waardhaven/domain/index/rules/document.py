"""From a definition to a plain document, and a document with a part of it changed."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from waardhaven.domain.index.definition import IndexDefinition

Document = dict[str, Any]
PARTS = ("series", "schedule", "guards", "constraints")
"""Objects of a definition of which a part may be given alone."""
ABSENT = "(absent)"
"""Stands in comparisons for a parameter that one side has not."""


def to_document(definition: IndexDefinition) -> Document:
    """Return the rules as objects, lists, texts, numbers, days and None, every field of them."""
    found: Document = _plain(definition)
    return found


def merged(stored: Mapping[str, Any], changes: Mapping[str, Any]) -> Document:
    """Return ``stored`` with what ``changes`` gives: objects are merged, lists and texts replaced.

    Parameters of a strategy are merged by name while the strategy keeps its name; another strategy begins
    with its own defaults.
    """
    found = {**stored, **changes}
    for part in PARTS:
        found[part] = _over(stored.get(part), changes, part)
    timing = changes.get("schedule")
    if isinstance(timing, Mapping):
        found["schedule"] = {**found["schedule"], "on": _over(stored["schedule"].get("on"), timing, "on")}
    if isinstance(changes.get("strategy"), Mapping):
        found["strategy"] = _strategy(stored["strategy"], changes["strategy"])
    return found


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return (field, old, new) for every leaf that differs, by dotted path; lists are leaves."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    return [
        (path, before.get(path, ABSENT), after.get(path, ABSENT))
        for path in [*before, *(path for path in after if path not in before)]
        if not same(before.get(path, ABSENT), after.get(path, ABSENT))
    ]


def same(one: object, other: object) -> bool:
    """Whether two plain values are equal; a list equals a tuple of the same items."""
    return bool(_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, str) else value


def _over(stored: object, changes: Mapping[str, Any], part: str) -> Any:
    given = changes.get(part, stored)
    both = isinstance(stored, Mapping) and isinstance(given, Mapping)
    return {**stored, **given} if both else given  # type: ignore[dict-item]


def _strategy(stored: Mapping[str, Any], given: Mapping[str, Any]) -> Document:
    if given.get("name", stored["name"]) != stored["name"]:
        return {"params": {}, **given}
    return {**stored, **given, "params": _over(stored["params"], given, "params")}


def _leaves(value: Mapping[str, Any], path: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, one in value.items():
        if isinstance(one, Mapping) and one:
            found += _leaves(one, f"{path}{name}.")
        else:
            found.append((f"{path}{name}", one))
    return found
