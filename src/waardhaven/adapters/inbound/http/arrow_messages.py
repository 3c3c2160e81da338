"""What an Arrow stream is made of, looked at before anything of it is unpacked.

A stream is a row of messages, each a FlatBuffers record that says how long its body is (Apache Arrow,
"Columnar Format", section "Serialization and Interprocess Communication"). Compressed buffers, and lengths
larger than what was sent, would have a reader make room for more than anybody uploaded; streams with either
are refused here.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MOST_MESSAGES: Final = 10_000
CONTINUATION: Final = 0xFFFFFFFF
SCHEMA, BATCH = 1, 3
"""Kinds of messages: the header of a stream, and rows of it."""
KIND, HEADER, BODY = 1, 2, 3
"""Fields of a Message."""
ROWS, NODES, BUFFERS, COMPRESSION = 0, 1, 2, 3
"""Fields of a RecordBatch."""


class UnusableStream(ValueError):
    """The bytes are no stream of plain record batches; the message is for people."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of FlatBuffers within ``raw``, at ``at``."""

    raw: memoryview
    at: int

    def field(self, number: int) -> int | None:
        """Return where a field stands, None where it has its default."""
        listing = self.at - _number("<i", self.raw, self.at)
        place = 4 + 2 * number
        if place >= _number("<H", self.raw, listing):
            return None
        offset = _number("<H", self.raw, listing + place)
        return self.at + offset if offset else None

    def number(self, number: int, form: str) -> int:
        """Return a number, 0 where it is left out."""
        place = self.field(number)
        return 0 if place is None else _number(form, self.raw, place)

    def table(self, number: int) -> "_Table":
        """Return the table a field refers to."""
        place = self.field(number)
        if place is None:
            raise UnusableStream("A message of the stream has no header.")
        return _Table(self.raw, place + _number("<I", self.raw, place))

    def pairs(self, number: int) -> Iterator[tuple[int, int]]:
        """Yield the members of a vector of two long numbers each."""
        place = self.field(number)
        if place is None:
            return
        start = place + _number("<I", self.raw, place)
        count = _number("<I", self.raw, start)
        pairs = self.raw[start + 4 : start + 4 + 16 * count]
        if len(pairs) != 16 * count:
            raise UnusableStream("A message of the stream is cut short.")
        yield from struct.iter_unpack("<qq", pairs)


def check_stream(content: bytes | bytearray, most_rows: int) -> None:
    """Raise UnusableStream unless the stream has at most ``most_rows`` rows and is as large as it says."""
    try:
        _check(memoryview(content), most_rows)
    except struct.error:
        raise UnusableStream("The body is no Arrow IPC stream, or it is cut short.") from None


def _check(content: memoryview, most_rows: int) -> None:
    rows = 0
    for number, (message, size) in enumerate(_messages(content)):
        kind = message.number(KIND, "<B")
        if kind != (BATCH if number else SCHEMA):
            raise UnusableStream("The stream holds more than a schema and record batches (no dictionaries).")
        if kind == BATCH:
            rows += _rows(message.table(HEADER), size)
        if rows > most_rows or number > MOST_MESSAGES:
            raise UnusableStream(f"At most {most_rows} rows in {MOST_MESSAGES} record batches are read.")


def _messages(content: memoryview) -> Iterator[tuple[_Table, int]]:
    """Yield every message with the size of its body."""
    at = 0
    while at < len(content):
        mark, size = struct.unpack_from("<II", content, at)
        if mark != CONTINUATION:
            raise UnusableStream("The body is no Arrow IPC stream.")
        if not size:
            return
        raw = content[at + 8 : at + 8 + size]
        message = _Table(raw, _number("<I", raw, 0))
        body = message.number(BODY, "<q")
        at += 8 + size + body
        if body < 0 or at > len(content):
            raise UnusableStream("The stream is cut short.")
        yield message, body


def _rows(batch: _Table, size: int) -> int:
    """Return the rows of a batch whose body is of ``size`` bytes."""
    if batch.field(COMPRESSION) is not None:
        raise UnusableStream("The buffers of the stream are compressed; send them as they are.")
    rows = batch.number(ROWS, "<q")
    if rows < 0 or any(length != rows for length, _ in batch.pairs(NODES)):
        raise UnusableStream("The columns of the stream are not of one length, or nested.")
    if any(min(at, length) < 0 or at + length > size for at, length in batch.pairs(BUFFERS)):
        raise UnusableStream("A buffer of the stream is larger than what was sent.")
    return rows


def _number(form: str, raw: memoryview, at: int) -> int:
    if at < 0:
        raise UnusableStream("A message of the stream refers to what is not there.")
    found: int = struct.unpack_from(form, raw, at)[0]
    return found
