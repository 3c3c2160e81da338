"""Rule files: documents as TOML 1.0, exact both ways."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.index.rules.document import Document
from waardhaven.domain.index.rules.meanings import MEANINGS
from waardhaven.domain.index.rules.walking import NONE

LARGEST = 1_000_000
"""Characters of a rule file at most."""
BARE = re.compile(r"[A-Za-z0-9_-]+")
LEFT_OUT = frozenset({"benchmark", "schedule.on", "constraints.group_caps.group"})
"""Fields that are left out where they are not set; numbers that are not set are written "none"."""
HEAD = (
    "# Rules of an index. Fractions are of 1: 0.05 means 5 %. A field that is left out has its default.",
    '# The text "none" switches a number off.',
    "",
)


class InvalidRuleFile(Invalid):
    """Text that is no rule file: not TOML, or too large."""


def read_rule_file(text: str) -> Document:
    """Return the document in a rule file; raise InvalidRuleFile with the line where it is not TOML."""
    if len(text) > LARGEST:
        raise _invalid(f"must have at most {LARGEST} characters")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _invalid(f"must be TOML 1.0: {error}") from None
    except (RecursionError, ValueError):
        raise _invalid(
            "must be TOML 1.0 that is not nested without end, with numbers of a sane length"
        ) from None


def write_rule_file(document: Mapping[str, Any]) -> str:
    """Return the document as TOML, a comment with its meaning before every field.

    Whatever ``read_document`` made can be written; reading it gives an equal document.
    """
    return "\n".join([*HEAD, *_table(document, (), ())]).strip() + "\n"


def _invalid(rule: str) -> InvalidRuleFile:
    return InvalidRuleFile("The rule file can not be read.", errors=[FieldError(field="rules", rule=rule)])


def _table(values: Mapping[str, Any], path: tuple[str, ...], meaning: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of a table: plain values first, then tables within it, then lists of tables.

    ``path`` is what headers say, ``meaning`` the path under which comments are found.
    """
    nested = {name: one for name, one in values.items() if isinstance(one, Mapping) or _is_tables(one)}
    for name, value in values.items():
        told = ".".join((*meaning, name))
        if name not in nested and not (value is None and told in LEFT_OUT):
            yield from _comment(told)
            yield f"{_key(name)} = {_value(value)}"
    for name, value in nested.items():
        yield from _nested(value, (*path, name), (*meaning, name))


def _nested(value: Any, path: tuple[str, ...], meaning: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of a table within a table, or of a list of tables."""
    header = ".".join(_key(one) for one in path)
    yield ""
    yield from _comment(".".join(meaning))
    for each in [value] if isinstance(value, Mapping) else value:
        yield f"[{header}]" if isinstance(value, Mapping) else f"[[{header}]]"
        yield from _table(each, path, meaning)


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _comment(path: str) -> Iterator[str]:
    if path in MEANINGS:
        yield f"# {MEANINGS[path]}"


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else _quoted(name)


def _value(value: Any) -> str:
    if value is None:
        return _quoted(NONE)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return value.isoformat() if isinstance(value, date) else repr(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
