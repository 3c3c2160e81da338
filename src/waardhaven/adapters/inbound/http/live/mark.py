"""Where in both sources a listener is: the id of every message."""

import re
from dataclasses import dataclass
from typing import Final, Self

from waardhaven.domain.errors import FieldError, Invalid

UNKNOWN: Final = ""
"""Cursor of progress while nobody could say how far it is."""
FORM: Final = re.compile(r"(\d{1,18})\.(?:(\d{1,18}-\d{1,18})|-)", re.ASCII)


class InvalidEventId(Invalid):
    """The id to resume from is none that this service gave."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest event and the newest update of progress a listener was told of, or could have been."""

    position: int
    cursor: str

    @classmethod
    def parse(cls, text: str, *, field: str) -> Self:
        """Read ``<position>.<cursor>``; raise InvalidEventId."""
        found = FORM.fullmatch(text)
        if found is None:
            rule = "must be an id of this stream such as 1042.1717430400000-0"
            raise InvalidEventId(
                "The id to resume from is not valid.", errors=[FieldError(field=field, rule=rule)]
            )
        return cls(int(found[1]), found[2] or UNKNOWN)

    def __str__(self) -> str:
        """Write the mark as ``parse`` reads it."""
        return f"{self.position}.{self.cursor or '-'}"

    def has(self, other: "Mark") -> bool:
        """Tell whether this mark is nowhere behind another."""
        if self.position < other.position:
            return False
        return self.cursor == other.cursor or order(self.cursor) >= order(other.cursor)

    def joined(self, other: "Mark") -> "Mark":
        """Return the further of both in either source."""
        if other.has(self):
            return other
        cursor = max(self.cursor, other.cursor, key=order)
        return Mark(max(self.position, other.position), cursor)


def order(cursor: str) -> tuple[int, int]:
    """Return what cursors are compared by; unknown comes before every other."""
    if not cursor:
        return (-1, -1)
    head, _, tail = cursor.partition("-")
    return (int(head), int(tail or 0))
