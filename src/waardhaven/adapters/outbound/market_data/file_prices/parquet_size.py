"""How much a Parquet file unpacks to, found before any of it is unpacked.

The footer may say less than is true, so the header of every page that would be read is looked at: the
decoder makes as much room as those say, and refuses pages that hold more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from waardhaven.adapters.outbound.market_data.file_prices.thrift_compact import CompactReader, MalformedThrift

MAGIC = b"PAR1"
MOST_PAGES = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetSize:
    """``rows`` of the file; ``chunks``: for each column of values, where its pages lie."""

    rows: int
    chunks: Mapping[str, Sequence["_Chunk"]]

    def unpacked(self, content: bytes, columns: Sequence[str]) -> int:
        """Return the bytes that reading ``columns`` makes room for; raise MalformedThrift.

        So it does for pages that do not lie where the file says, and for more values than rows.
        """
        size = pages = 0
        for name in columns:
            values = 0
            for page in chain.from_iterable(_pages(content, chunk) for chunk in self.chunks.get(name, ())):
                size += page.size
                values += page.values
                pages += 1
                if pages > MOST_PAGES or values > self.rows:
                    raise MalformedThrift("too many pages or values")
        return size


@dataclass(frozen=True, slots=True)
class _Chunk:
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class _Page:
    size: int
    values: int


def read_size(content: bytes) -> ParquetSize:
    """Read the footer; raise MalformedThrift."""
    length = int.from_bytes(content[-8:-4], "little")
    if content[-4:] != MAGIC or not 0 < length <= len(content) - 12:
        raise MalformedThrift("no footer")
    footer = CompactReader(memoryview(content)[-8 - length : -8]).struct()
    groups = [_fields(group) for group in _items(footer.get(4))]
    rows = max(_whole(footer.get(3)), sum(_whole(group.get(3)) for group in groups))
    chunks: dict[str, list[_Chunk]] = {}
    for group in groups:
        for column in _items(group.get(1)):
            name, chunk = _chunk(_fields(_fields(column).get(3)))
            chunks.setdefault(name, []).append(chunk)
    return ParquetSize(rows=rows, chunks=chunks)


def _chunk(column: Mapping[int, object]) -> tuple[str, _Chunk]:
    """Return a column's path and place: the dictionary, if there is one, lies first."""
    path = ".".join(one.decode(errors="replace") for one in _items(column.get(3)) if isinstance(one, bytes))
    start = _whole(column.get(9))
    if 11 in column:
        start = min(start, _whole(column.get(11)) or start)
    return path, _Chunk(start, _whole(column.get(7)))


def _pages(content: bytes, chunk: _Chunk) -> Iterator[_Page]:
    """Yield what the header of each page says of its size and values."""
    end = chunk.start + chunk.size
    if end > len(content):
        raise MalformedThrift("pages beyond the end")
    reader = CompactReader(memoryview(content)[:end], at=chunk.start)
    while reader.at < end:
        header = reader.struct()
        data = _fields(header.get(5) or header.get(8) or {})
        yield _Page(_whole(header.get(2)), _whole(data.get(1, 0)))
        reader.at += _whole(header.get(3))
    if reader.at != end:
        raise MalformedThrift("pages that overlap")


def _fields(value: object) -> Mapping[int, object]:
    if not isinstance(value, dict):
        raise MalformedThrift("no structure")
    return value


def _items(value: object) -> list[object]:
    if not isinstance(value, list):
        raise MalformedThrift("no list")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise MalformedThrift("no number")
    return value
