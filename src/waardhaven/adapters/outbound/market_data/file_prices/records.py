"""The records of a CSV text: where each ends, on which physical line it starts, how many fields it has.

Found by arrays over the bytes, a block at a time, so that line numbers stay right with quoted line
ends and nothing is parsed before its size is known.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from waardhaven.application.ports.price_files import UnreadableFile
from waardhaven.domain.types import Ids

BLOCK = 1 << 22
NEWLINE, QUOTE = ord("\n"), ord('"')
DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 1 << 20
LONGEST_HEADER = 1 << 18
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Parallel arrays (n,). ``end``: position behind the record and its line end; ``line``: from 1."""

    end: Ids
    line: Ids
    fields: Ids
    quoted: bool

    @classmethod
    def of(cls, text: bytes, delimiter: str, *, cut: bool = False) -> Self:
        """Split ``text``; raise UnreadableFile when its quotation marks do not pair.

        ``cut``: the text goes on elsewhere, so a last record without its end is left out.
        """
        data = np.frombuffer(text, dtype=np.uint8)
        scan = _Scan(data, ord(delimiter))
        for start in range(0, len(data), BLOCK):
            scan.block(start, min(start + BLOCK, len(data)))
        return cls(**scan.records(cut=cut), quoted=scan.quotes > 0)


class _Scan:
    """What is carried from block to block: quotes, delimiters and line ends so far."""

    def __init__(self, data: Bytes, delimiter: int) -> None:
        self._data, self._delimiter = data, delimiter
        self.quotes = self._delimiters = self._newlines = 0
        self._ends: list[Ids] = []
        self._fields: list[Ids] = []
        self._lines: list[Ids] = []

    def block(self, start: int, stop: int) -> None:
        data = self._data[start:stop]
        newline, delimiter = data == NEWLINE, data == self._delimiter
        lines = newline
        if (quote := data == QUOTE).any() or self.quotes % 2:
            inside = np.cumsum(quote, dtype=np.uint8) + np.uint8(self.quotes % 2) & 1 != 0
            self._check_quotes(start, quote, inside)
            newline, delimiter = newline & ~inside, delimiter & ~inside
        ends = np.flatnonzero(newline)
        self._ends.append(ends + start + 1)
        self._fields.append(np.cumsum(delimiter, dtype=np.int64)[ends] + self._delimiters)
        self._lines.append(np.cumsum(lines, dtype=np.int64)[ends] + self._newlines)
        self.quotes += int(quote.sum())
        self._delimiters += int(delimiter.sum())
        self._newlines += int(lines.sum())

    def _check_quotes(self, start: int, quote: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_]) -> None:
        """Refuse a mark that opens behind, or closes before, anything but a delimiter or a line end."""
        at = np.flatnonzero(quote)
        opens = inside[at]
        beside = np.where(opens, at + start - 1, at + start + 1)
        outside = (beside < 0) | (beside >= len(self._data))
        byte = self._data[np.where(outside, 0, beside)]
        bad = ~outside & (byte != self._delimiter) & (byte != NEWLINE) & (byte != QUOTE)
        if bad.any():
            line = 1 + self._newlines + int((self._data[start : start + at[bad.argmax()]] == NEWLINE).sum())
            raise UnreadableFile(f"Line {line} has a quotation mark in the middle of a field.")

    def records(self, *, cut: bool) -> dict[str, Ids]:
        """Return ends, first lines and numbers of fields; the last record needs no line end."""
        if self.quotes % 2 and not cut:
            raise UnreadableFile("A quotation mark is opened and never closed.")
        ends, fields, lines = (_joined(one) for one in (self._ends, self._fields, self._lines))
        if not cut and len(self._data) > (ends[-1] if len(ends) else 0):
            ends = np.append(ends, len(self._data))
            fields, lines = np.append(fields, self._delimiters), np.append(lines, self._newlines + 1)
        first = np.concatenate([[1], lines[:-1] + 1])[: len(ends)]
        return {"end": ends, "line": first, "fields": np.diff(fields, prepend=0) + 1}


def _joined(parts: list[Ids]) -> Ids:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def find_delimiter(text: bytes) -> str:
    """Return what splits the first records into most alike numbers of fields; raise UnreadableFile."""
    sample, cut = text[:SAMPLE], len(text) > SAMPLE
    shares: dict[str, float] = {}
    broken: list[UnreadableFile] = []
    for one in sorted(DELIMITERS, key=lambda one: -sample.count(one.encode())):
        try:
            shares[one] = _alike(Records.of(sample, one, cut=cut).fields)
        except UnreadableFile as error:
            broken.append(error)
    best = [one for one, share in shares.items() if share and share == max(shares.values())]
    if not best and broken:
        raise broken[0]
    if not best:
        raise UnreadableFile("No delimiter splits the first line. Name the delimiter: , ; | or a tab.")
    if len(best) > 1:
        names = " and ".join(repr(one) for one in best)
        raise UnreadableFile(f"The lines can be split by {names} alike. Name the delimiter.")
    return best[0]


def _alike(fields: Ids) -> float:
    """Return the share of records with as many fields as the first; 0 when that has one alone."""
    if not len(fields) or fields[0] < 2:
        return 0.0
    return float((fields == fields[0]).mean())
