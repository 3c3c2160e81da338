"""Rules that a request broke, in words: the decoder's messages say them in the terms of its types."""

import re
from enum import Enum
from typing import Any, Final, Literal, get_args, get_origin

PLACE: Final = re.compile(r" - at `\$(?P<path>[^`]*)`$")
STEP: Final = re.compile(r"\[(\d+)\]")
ANY: Final = "[...]"
"""How the decoder writes the value of a key that it does not name."""
BOUND: Final = re.compile(r"Expected `[^`]+` (?:that's )?(?P<bound>(?:>=|<=|>|<|of length|a multiple of) .+)")
PATTERN: Final = re.compile(r"Expected `str` matching regex (?P<pattern>.+)", re.DOTALL)
TYPE: Final = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`")
NAMES: Final = {
    "float": "a number",
    "int": "a whole number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "date": "a date, YYYY-MM-DD",
    "datetime": "a time with its offset, RFC 3339",
}
OTHERS: Final = {"Number out of range": "must be a number of double precision"}


def told(message: str, kind: Any = None) -> tuple[str, str]:
    """Return where in the value a rule was broken, as ``.draws`` or ``.3``, empty at its top, and the rule.

    ``kind`` is the type of the value, which names the choices there are.
    """
    place = PLACE.search(message)
    path = "" if place is None else STEP.sub(r".\1", place["path"].partition(ANY)[0])
    return path, _rule(PLACE.sub("", message), kind)


def _rule(text: str, kind: Any) -> str:
    if found := BOUND.fullmatch(text):
        return f"must be {found['bound']}"
    if found := PATTERN.fullmatch(text):
        return f"must match {found['pattern']}"
    if found := TYPE.fullmatch(text):
        wanted = " or ".join(NAMES.get(one, one) for one in found["wanted"].split(" | "))
        return f"must be {wanted}, not {NAMES.get(found['got'], found['got'])}"
    if text.startswith("Invalid enum value") and (choices := sorted(set(_choices(kind)))):
        return f"must be one of {', '.join(choices)}"
    if text.startswith("Invalid RFC3339 encoded "):
        return f"must be {NAMES[text.rpartition(' ')[2]]}"
    return OTHERS.get(text, text)


def _choices(kind: Any) -> list[str]:
    """Return the literals and the values of enumerations within a type."""
    if get_origin(kind) is Literal:
        return [str(one) for one in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(one.value) for one in kind]
    return [choice for one in get_args(kind) for choice in _choices(one)]
