"""What the decoder says, in words a caller can act on."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from waardhaven.application.rule_texts import told


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(Struct):
    draws: Annotated[int, Meta(ge=100)] = 100


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Annotated[float, Meta(ge=0.01)], 0, ("", "must be >= 0.01")),
        (Annotated[int, Meta(lt=5)] | None, 5, ("", "must be <= 4")),
        (Annotated[str, Meta(max_length=2)], "abc", ("", "must be of length <= 2")),
        (Annotated[int, Meta(multiple_of=2)], 3, ("", "must be a multiple of 2")),
        (Annotated[str, Meta(pattern="^a$")], "b", ("", "must match '^a$'")),
        (list[float | None], [1, "x"], (".1", "must be a number or null, not a text")),
        (dict[str, list[int]], {"a": [1, "x"]}, ("", "must be a whole number, not a text")),
        (list[float] | dict[str, float], 5, ("", "must be an object or a list, not a whole number")),
        (Inner | None, {"draws": 1}, (".draws", "must be >= 100")),
        (Literal["b", "a"] | None, "c", ("", "must be one of a, b")),
        (Colour, "green", ("", "must be one of blue, red")),
        (date, "2024-13-01", ("", "must be a date, YYYY-MM-DD")),
        (datetime, "noon", ("", "must be a time with its offset, RFC 3339")),
    ],
)
def test_a_broken_rule_is_told_with_its_place(kind: Any, value: Any, expected: tuple[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, kind, strict=False)
    assert told(str(caught.value), kind) == expected


@pytest.mark.parametrize("message", ["Invalid enum value 'x'", "Something else is wrong."])
def test_what_is_not_recognised_is_told_as_it_is(message: str) -> None:
    assert told(message) == ("", message)


def test_a_number_too_large_for_a_double_is_told_in_words() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(b"[1.0, 1e400]", type=list[float])
    assert told(str(caught.value)) == (".1", "must be a number of double precision")
