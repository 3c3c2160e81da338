"""Shapes that answers of every area have: series by column, pages, ranges and cursors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar
from uuid import UUID

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.types import Days

Column = np.ndarray[tuple[int], np.dtype[Any]]
T = TypeVar("T")
Sent = bytes | bytearray
"""What was sent, as it came."""
LARGEST_NUMBER = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesView:
    """One or many series as named columns of equal length; days are ``datetime64[D]``.

    ``head`` holds what describes the whole (name, currency, provenance …), JSON-ready.
    """

    columns: Mapping[str, Column]
    head: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A page of a list; ``next_cursor`` is None on the last one."""

    items: tuple[T, ...]
    next_cursor: str | None


class InvalidRange(Invalid):
    """A range that ends before it starts."""


class InvalidCursor(Invalid):
    """A cursor that was not given out by the list."""


def check_range(start: date | None, end: date | None) -> None:
    """Raise InvalidRange when the range ends before it starts."""
    if start is not None and end is not None and end < start:
        raise InvalidRange(
            f"The range ends ({end}) before it starts ({start}).",
            errors=[FieldError(field="end", rule="must not be before start")],
        )


def clip(days: Days, start: date | None, end: date | None) -> slice:
    """Return the positions of the increasing ``days`` inside the range, both ends included."""
    first = 0 if start is None else int(np.searchsorted(days, np.datetime64(start)))
    last = len(days) if end is None else int(np.searchsorted(days, np.datetime64(end), side="right"))
    return slice(first, last)


def foreign_cursor() -> InvalidCursor:
    """Return the error of a cursor that the list did not give out."""
    rule = FieldError(field="cursor", rule="must be a next_cursor of this list")
    return InvalidCursor("The cursor is not one this list gave out.", errors=[rule])


def cursor_uuid(cursor: str) -> UUID:
    """Return the id in a cursor; raise InvalidCursor."""
    try:
        return UUID(cursor)
    except ValueError:
        raise foreign_cursor() from None


def cursor_number(cursor: str | None) -> int | None:
    """Return the number in a cursor, None where there is none; raise InvalidCursor."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and 0 < int(cursor) <= LARGEST_NUMBER):
        raise foreign_cursor()
    return int(cursor)
